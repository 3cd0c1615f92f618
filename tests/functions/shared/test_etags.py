"""An ETag changes with what is shown, and a write still knows the document in it."""

from functions.shared import etags


def test_what_is_shown_changes_the_etag_and_not_the_document_in_it() -> None:
    first, second = etags.showing("1.000000005", "a"), etags.showing("1.000000005", "b")
    assert first != second
    assert etags.of_document(first) == etags.of_document(second) == "1.000000005"


def test_a_plain_etag_and_none_stay_as_they_are() -> None:
    assert etags.of_document("1.000000005") == "1.000000005"
    assert etags.of_document(None) is None

"""Words are written and searched alike, whatever their case, accents or script."""

from hypothesis import given
from hypothesis import strategies as st

from functions.shared import words


def test_common_words_are_left_out_also_those_with_accents() -> None:
    assert words.significant("Das ist für Sie: the price for WHITENING") == ["price", "whitening"]


def test_accents_and_case_make_no_difference() -> None:
    assert words.significant("Müller STRASSE café") == words.significant("muller straße cafe")


def test_a_korean_syllable_stays_one_letter() -> None:
    assert words.significant("치과의사 예약") == ["치과의사"]
    assert words.folded("치과의사") == "치과의사"


def test_words_known_already_stay_and_there_are_at_most_sixty() -> None:
    known = [f"word{number}" for number in range(words.MOST)]
    assert words.significant("another", known) == known
    assert words.significant("another", known[:2]) == ["word0", "word1", "another"]


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert words.folded(words.folded(text)) == words.folded(text)


@given(st.text(max_size=200))
def test_every_word_found_in_a_text_finds_it(text: str) -> None:
    found = words.significant(text)
    for word in found:
        assert words.significant(word) == [word]

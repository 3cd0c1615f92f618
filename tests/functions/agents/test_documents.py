"""Documents give their text or a reason, and neither a bomb nor a broken file takes the instance along."""

import threading
from datetime import timedelta

import pytest

from functions.agents import documents, extraction
from functions.shared import clock
from functions.shared.errors import Invalid, TooLarge, Unavailable
from tests.functions.agents import files


def read(content: bytes, kind: documents.Kind) -> documents.Document:
    return documents.read(content, kind, clock.now() + timedelta(seconds=60))


def refusal(content: bytes, kind: documents.Kind) -> str:
    with pytest.raises(Invalid) as refused:
        read(content, kind)
    assert refused.value.detail
    return refused.value.code


def test_a_page_gives_its_main_text_as_markdown():
    page = read(files.PAGE.encode(), "html")
    assert page.title == "Smile — Prices"
    assert page.text == (
        "## Cleaning\n\nA cleaning costs 89 dollars & takes 45 minutes.\n\n- with polish\n- without pain\n\n"
        "| Size | Price |\n|---|---|\n| small | 120 |"
    )


def test_a_page_without_a_main_part_gives_everything_that_is_read():
    markup = files.PAGE.replace("<main>", "<div>").replace("</main>", "</div>")
    text = read(markup.encode(), "html").text
    assert "# Smile Dental" in text
    assert "imprint words" in text
    for unread in ("navigation", "script", "red", "hidden", "comment"):
        assert unread not in text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"<p>Caf\xe9", "Café"),
        ("<meta charset='iso-8859-1'><p>Müller".encode("latin-1"), "Müller"),
        ("<p>Müller".encode(), "Müller"),
        (b"\xef\xbb\xbf<p>Plain", "Plain"),
        (b"<nav>All that there is", "All that there is"),
        (b"<p>one<p>two<br>three", "one\n\ntwo\nthree"),
        (b"<li>a<li>b", "- a\n- b"),
        (b"<tr><td>loose</td></tr>", "| loose |\n|---|"),
        (b"<p>1 &lt; 2 <b>and</b>\n  more</p>", "1 < 2 and more"),
        (b"<script>x</script><p>after", "after"),
        (b"<![if !mso]><p>Office<![endif]><![CDATA[x]]>", "Office"),
        (b"<p>\xed\xa0\x80 half", "í \x80 half".replace("\x80", "€")),
    ],
)
def test_careless_pages_are_read_too(content: bytes, text: str):
    assert read(content, "html").text == text


def test_a_page_that_only_a_script_fills_is_refused():
    assert refusal(b"<div id=app></div><script>render()</script>", "html") == "html_without_text"


def test_a_pdf_gives_its_pages_and_its_title():
    document = read(files.pdf("A cleaning costs 89 dollars.", "Parking is behind the house.", title="Prices"), "pdf")
    assert document.title == "Prices"
    assert [page.strip() for page in document.text.split("\f")] == [
        "A cleaning costs 89 dollars.",
        "Parking is behind the house.",
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (files.scan(), "pdf_without_text"),
        (files.pdf("Some text on the page.", password="secret"), "pdf_encrypted"),
        (files.pdf("Some text on the page.", restricted=True), "pdf_encrypted"),
        (b"<html>no pdf", "not_pdf"),
        (b"", "not_pdf"),
        (b"%PDF-1.7\n%%EOF", "not_pdf"),
        (files.pdf("Some text on the page.")[:600], "not_pdf"),
        (files.raw_pdf(extraction.MAX_PAGES + 1), "pdf_too_many_pages"),
        (files.bomb(), "document_too_complex"),
    ],
    ids=["scan", "password", "restricted", "html", "empty", "hollow", "cut", "pages", "bomb"],
)
def test_a_pdf_that_cannot_become_knowledge_is_refused_with_the_reason(content: bytes, code: str):
    assert refusal(content, "pdf") == code


def test_more_text_than_an_item_takes_is_too_large():
    words = b"BT /F 9 Tf " + b"(some words of a long page, line after line) Tj T* " * 900 + b"ET"
    with pytest.raises(TooLarge) as refused:
        read(files.raw_pdf(40, words), "pdf")
    assert refused.value.code == "item_too_large"


@pytest.mark.parametrize(
    ("content", "kind"), [(files.endless(), "pdf"), (b"<!--" + b"<a " * 400_000, "html"), (b"<![" * 400_000, "html")]
)
def test_a_document_that_takes_for_ever_is_stopped(
    content: bytes, kind: documents.Kind, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(documents, "SECONDS", 1.5)
    began = clock.monotonic()
    # How far it comes in that time depends on the machine; each of these is a reason and none is an answer.
    with pytest.raises((Invalid, TooLarge)) as refused:
        read(content, kind)
    assert refused.value.code in ("document_too_complex", "html_without_text", "item_too_large")
    assert clock.monotonic() - began < 30


def test_while_one_document_is_read_another_waits_or_is_told(monkeypatch: pytest.MonkeyPatch):
    began, end = threading.Event(), threading.Event()

    def slow(content: bytes, kind: str, seconds: float) -> dict[str, str]:
        began.set()
        end.wait(20)
        return {"title": "", "text": "slow"}

    monkeypatch.setattr(documents, "_asked", slow)
    first = threading.Thread(target=read, args=(b"", "html"))
    first.start()
    try:
        assert began.wait(20)
        with pytest.raises(Unavailable) as busy:
            documents.read(b"", "html", clock.now())
        assert busy.value.code == "documents_busy"
    finally:
        end.set()
        first.join()

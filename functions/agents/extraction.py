"""Gets the text out of an HTML page or a PDF; runs as a program in a process of its own (documents.py starts it).

What comes from outside may be built to take all memory and time there is, and neither can be taken back from a thread;
from a process both can. It imports nothing of ours, so it starts quickly. Standard input is the document, standard
output one JSON object: `{"title": …, "text": …}` or `{"refused": code}`.
"""

import io
import json
import re
import sys
from html.parser import HTMLParser
from typing import Any

MAX_PAGES = 500
MAX_CHARACTERS = 1_000_000
"""No item holds more bytes, so nothing is read beyond so many characters."""
MEMORY_BYTES = 256 * 1024 * 1024
CPU_SECONDS = 20
STREAM_BYTES = 20_000_000
"""The most that a stream of a PDF may unpack to; a page full of text has some ten thousand bytes."""
LETTERS_A_PAGE = 8
"""Fewer on a page means that it is a picture; fewer on average, that all are."""
PAGE_BREAK = "\f"

_UNREAD = frozenset(
    (
        "script", "style", "noscript", "template", "nav", "svg", "math", "iframe", "object", "canvas", "audio", "video",
        "select", "button", "textarea", "datalist", "dialog",
    )
)  # fmt: skip
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
_BLOCKS = frozenset(
    (
        "address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt", "figcaption",
        "figure", "footer", "form", "header", "hr", "main", "ol", "p", "pre", "section", "summary", "table", "ul",
    )
)  # fmt: skip
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)


class Refused(Exception):
    """The document cannot become knowledge; the code says why."""


class _Page(HTMLParser):
    """Collects a page's text as Markdown: headings, lists and tables stay, everything else is paragraphs."""

    def __init__(self, *, with_navigation: bool = False) -> None:
        super().__init__(convert_charrefs=True)
        self.title, self.all, self.main = "", [""], [""]
        self._unread = _UNREAD - {"nav"} if with_navigation else _UNREAD
        self._skipped: tuple[str, int] | None = None
        self._in_title = False
        self._in_main = 0
        self._cells: list[str] | None = None
        self._rows = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipped is not None:
            if tag == self._skipped[0]:
                self._skipped = (tag, self._skipped[1] + 1)
            return
        held = dict(attrs)
        hidden = "hidden" in held or held.get("aria-hidden") == "true" or held.get("role") == "navigation"
        if tag in self._unread or (hidden and tag not in _VOID):
            self._skipped = (tag, 1)
        elif tag == "title":
            self._in_title = True
        elif tag == "main" or held.get("role") == "main":
            self._in_main += tag == "main"
            self._put("\n\n")
        elif tag in _HEADINGS:
            self._put("\n\n" + "#" * int(tag[1]) + " ")
        elif tag == "li":
            self._put("\n- ")
        elif tag == "br":
            self._put("\n")
        elif tag == "tr":
            self._cells = []
        elif tag in ("td", "th") and self._cells is not None:
            self._cells.append("")
        elif tag in _BLOCKS:
            self._rows = 0 if tag == "table" else self._rows
            self._put("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if self._skipped is not None:
            if tag == self._skipped[0]:
                depth = self._skipped[1] - 1
                self._skipped = (tag, depth) if depth else None
            return
        if tag == "title":
            self._in_title = False
        elif tag == "tr" and self._cells is not None:
            cells, self._cells = [" ".join(cell.split()).replace("|", "/") for cell in self._cells], None
            if any(cells):
                self._put("\n| " + " | ".join(cells) + " |")
                self._rows += 1
                if self._rows == 1:
                    self._put("\n|" + "---|" * len(cells))
        elif tag in _HEADINGS or tag in _BLOCKS:
            self._put("\n\n")
            self._in_main -= tag == "main" and self._in_main > 0

    def handle_data(self, data: str) -> None:
        if self._in_title and not self._skipped:
            self.title += data
        elif self._skipped is None:
            self._put(re.sub(r"\s+", " ", data))

    def _put(self, text: str) -> None:
        if self._cells:
            self._cells[-1] += " " if text.isspace() else text
            return
        self.all.append(text)
        if self._in_main:
            self.main.append(text)


def html(content: bytes) -> tuple[str, str]:
    """Title and text of a page, without scripts, styles, navigation and hidden parts. Raises Refused."""
    # A marked section, as office programs write them, is a comment to browsers; the parser stumbles over it.
    markup = _decoded(content).replace("<![", "<!doctype ")
    for with_navigation in (False, True):
        page = _Page(with_navigation=with_navigation)
        page.feed(markup)
        page.close()
        for parts in (page.main, page.all):
            text = _tidy("".join(parts))
            if any(character.isalnum() for character in text):
                return " ".join(page.title.split()), text
    raise Refused("html_without_text")


def _decoded(content: bytes) -> str:
    named = _CHARSET.search(content[:4096])
    for encoding in (
        "utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "",
        named[1].decode() if named else "",
        "utf-8",
    ):
        try:
            if encoding:
                return content.decode(encoding)
        except (LookupError, UnicodeError):
            continue
    return content.decode("cp1252", errors="replace")


def _tidy(text: str) -> str:
    lines = [line.strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def pdf(content: bytes) -> tuple[str, str]:
    """Title and text of a PDF, a PAGE_BREAK between pages. Raises Refused."""
    import logging

    from pypdf import PdfReader, overwrite_configuration
    from pypdf.errors import LimitReachedError, PyPdfError

    logging.disable()  # What is odd in a stranger's file is no news of ours.
    limits: dict[str, Any] = dict.fromkeys(
        (
            "maximum_declared_stream_length", "array_based_stream_maximum_output_length", "lzw_maximum_output_length",
            "run_length_maximum_output_length", "zlib_maximum_output_length", "jbig2_maximum_output_length",
            "brotli_maximum_output_length",
        ),
        STREAM_BYTES,
    )  # fmt: skip
    # For this process, which reads one document and ends; no program of the system is called for pictures.
    overwrite_configuration(**limits, jbig2dec_binary=None, disable_legacy_handling=True)
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise Refused("pdf_encrypted")
        count = len(reader.pages)
        if count > MAX_PAGES:
            raise Refused("pdf_too_many_pages")
        pages: list[str] = []
        size = 0
        for page in reader.pages:
            pages.append(_tidy(page.extract_text().replace(PAGE_BREAK, "\n")))
            size += len(pages[-1])
            if size > MAX_CHARACTERS:
                raise Refused("item_too_large")
        title = str((reader.metadata.title if reader.metadata else None) or "")
    except LimitReachedError as error:
        raise Refused("document_too_complex") from error
    except PyPdfError as error:
        raise Refused("not_pdf") from error
    if sum(letters(page) for page in pages) < LETTERS_A_PAGE * max(1, count):
        raise Refused("pdf_without_text")
    return " ".join(title.split()), PAGE_BREAK.join(pages)


def letters(text: str) -> int:
    """How many letters and digits a text has; blanks and marks alone are what a scanner leaves."""
    return sum(character.isalnum() for character in text)


def main() -> None:
    """Read a document from standard input; the argument says what it is."""
    _bound()
    try:
        title, text = {"html": html, "pdf": pdf}[sys.argv[1]](sys.stdin.buffer.read())
        # Half characters and marks without a sign would be refused wherever the text goes.
        text = "".join(c for c in text if c.isprintable() or c in "\n\f\t").encode("utf-8", "ignore").decode()
        answer = {"title": "".join(c for c in title if c.isprintable()), "text": text}
    except Refused as refused:
        answer = {"refused": str(refused)}
    except (MemoryError, RecursionError):
        answer = {"refused": "document_too_complex"}
    except Exception as error:  # noqa: BLE001 - a library that stumbles over a stranger's file says so in many ways
        answer = {"refused": "not_readable", "reason": type(error).__name__}
    sys.stdout.write(json.dumps(answer))


def _bound() -> None:
    import resource

    for kind, most in ((resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_AS, MEMORY_BYTES)):
        try:
            resource.setrlimit(kind, (most, most))
        except (OSError, ValueError):  # Some systems know no such bound; the time that our parent gives still counts.
            continue


if __name__ == "__main__":
    main()

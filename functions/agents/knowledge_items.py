"""What an item of knowledge is: as it is sent, as it is shown, and as the passages are cut from it."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from functions.agents import chunking, documents, extraction
from functions.agents.chunking import Source
from functions.agents.models import Line
from functions.shared.errors import Invalid, Malformed, TooLarge
from functions.shared.http import Answer, Body, Query, Raw

MAX_ITEM_BYTES = 1_000_000
MOST_NAMED = 10
"""Pages that a warning names."""

FILES: dict[str, chunking.Kind] = {
    "application/pdf": "pdf",
    "text/html": "html",
    "text/markdown": "markdown",
    "text/plain": "text",
}
"""The content types of files that are read, with the kind of item that each becomes."""

_LANGUAGE = r"^([a-z]{2,3}(-[A-Za-z0-9]{2,8})?)?$"


class Pair(Body):
    """A question and its answer; they stay together when knowledge is cut."""

    question: str = Field(min_length=1, max_length=500)
    answer: str = Field(min_length=1, max_length=5000)


class NewItem(Body):
    """Something to know: `pairs` for kind `qa`, `text` for the others. `language` is a code such as `de`, or absent.

    Of kind `html` the main text is kept, as Markdown.
    """

    kind: Literal["qa", "text", "markdown", "html"]
    title: Line
    text: str | None = Field(default=None, min_length=1)
    pairs: list[Pair] | None = Field(default=None, min_length=1, max_length=1000)
    language: str = Field(default="", max_length=35, pattern=_LANGUAGE)

    @model_validator(mode="after")
    def _fits(self) -> "NewItem":
        if (self.kind == "qa") != (self.pairs is not None) or (self.kind == "qa") == (self.text is not None):
            raise ValueError("kind qa has pairs and no text, the other kinds have text and no pairs")
        if self.text is not None and not self.text.strip():
            raise ValueError("the text is empty")
        return self


class FileQuery(Query):
    """What a file does not say itself; without `title` the document's own counts."""

    title: str | None = Field(default=None, max_length=300)
    language: str = Field(default="", max_length=35, pattern=_LANGUAGE)


class ListedItem(Answer):
    """An item without its content. One that is not `embedded` is found by its words only."""

    id: str
    kind: chunking.Kind
    title: str
    language: str
    bytes: int
    passages: int
    embedded: bool
    created_at: datetime
    updated_at: datetime


class WrittenItem(ListedItem):
    """An item as it was stored; `warning` says what did not work, or was not found in the file."""

    warning: str | None


class Item(ListedItem):
    """An item with its content: of an HTML page the main text as Markdown, of a PDF the text of its pages, with a form
    feed between them."""

    text: str | None
    pairs: list[Pair] | None


def shown(data: dict[str, Any]) -> dict[str, Any]:
    """What a stored item's document says of it, as ListedItem has it."""
    names = ("kind", "title", "language", "bytes", "passages", "created_at", "updated_at")
    return {**{name: data[name] for name in names}, "embedded": bool(data.get("embedded"))}


def size(source: Source) -> int:
    """The bytes of an item's content."""
    return len(source.text.encode()) + sum(len(q.encode()) + len(a.encode()) for q, a in source.pairs)


def of_body(item: str, new: NewItem, deadline: datetime) -> Source:
    """The item that somebody wrote. Raises Invalid, TooLarge, Unavailable."""
    pairs = tuple((pair.question, pair.answer) for pair in new.pairs or ())
    text = new.text or ""
    if new.kind == "html":
        text = documents.read(text.encode(), "html", deadline).text
    return _bounded(Source(item, new.title, new.kind, text, pairs, new.language))


def of_file(item: str, file: Raw, query: FileQuery, deadline: datetime) -> Source:
    """The item that a file becomes. Raises Malformed, Invalid (with a code that says why), TooLarge, Unavailable."""
    kind = FILES[file.media_type]
    if kind == "pdf" or kind == "html":
        document = documents.read(file.content, kind, deadline)
        text, title = document.text, query.title or document.title[:300]
    else:
        try:
            text, title = file.content.decode("utf-8-sig"), query.title or ""
        except UnicodeError:
            raise Malformed("The file is not UTF-8.", code="not_text") from None
        if not text.strip():
            raise Invalid(errors=[{"pointer": "", "message": "The file is empty."}])
    try:
        title = TypeAdapter(Line).validate_python(title)
    except ValidationError:
        message = "Give the item a title; the document has none of its own."
        raise Invalid(errors=[{"pointer": "/title", "message": message}]) from None
    return _bounded(Source(item, title, kind, text, (), query.language))


def without_text(source: Source) -> str | None:
    """A warning that names a PDF's pages of which hardly anything was read: of others the agent would know nothing."""
    if source.kind != "pdf":
        return None
    pages = source.text.split(extraction.PAGE_BREAK)
    silent = [number for number, page in enumerate(pages, 1) if extraction.letters(page) < extraction.LETTERS_A_PAGE]
    if not silent:
        return None
    named = ", ".join(str(number) for number in silent[:MOST_NAMED])
    rest = f" and {len(silent) - MOST_NAMED} more" if len(silent) > MOST_NAMED else ""
    which = f"Page {named} of {len(pages)} holds" if len(silent) == 1 else f"Pages {named}{rest} of {len(pages)} hold"
    return f"{which} no text. If they are pictures, run text recognition (OCR) over the PDF and send it again."


def _bounded(source: Source) -> Source:
    if size(source) > MAX_ITEM_BYTES:
        raise TooLarge(f"An item has at most {MAX_ITEM_BYTES} bytes. Cut it in several.", code="item_too_large")
    return source

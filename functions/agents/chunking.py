"""Cuts what an agent knows into passages that answer one question each and are small enough to quote.

A question and its answer stay together; Markdown is cut at its headings, and each passage carries the path of headings
above it, since "60 euros" answers nothing without "Cleaning" over it; of a PDF it carries the number of its page. Long
stretches are cut between paragraphs, then between sentences; the rows of a table keep its head.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

MAX_CHARS = 900
_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")
_RULE = re.compile(r"^\s*\|?[\s:|-]+\|[\s:|-]*$")


Kind = Literal["qa", "text", "markdown", "html", "pdf"]


@dataclass(frozen=True, slots=True)
class Source:
    """One item of knowledge. `pairs` are (question, answer) for kind `qa`; the other kinds have `text`.

    The text of an HTML page is Markdown, that of a PDF has a form feed between its pages.
    """

    item_id: str
    title: str
    kind: Kind
    text: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One passage. `title` says where it stands, `text` is what may be quoted; `language` is a hint, or empty."""

    chunk_id: str
    item_id: str
    title: str
    text: str
    language: str = ""


def chunks(sources: Iterable[Source], max_chars: int = MAX_CHARS) -> list[Chunk]:
    """The passages of all items, in order; ids are the item's with a running number."""
    return [
        Chunk(f"{source.item_id}.{number}", source.item_id, title, text, source.language)
        for source in sources
        for number, (title, text) in enumerate(_passages(source, max_chars))
    ]


def _passages(source: Source, max_chars: int) -> Iterator[tuple[str, str]]:
    if source.kind == "qa":
        for question, answer in source.pairs:
            for piece in _pieces(answer, max_chars):
                yield " ".join(question.split()), piece
    elif source.kind in ("markdown", "html"):
        for path, body in _sections(source.text):
            title = " › ".join([source.title, *(part for part in path if part != source.title)])
            for piece in _pieces(body, max_chars):
                yield title, piece
    elif source.kind == "pdf":
        for number, page in enumerate(source.text.split("\f"), 1):
            for piece in _pieces(page, max_chars):
                yield f"{source.title} › {number}", piece
    else:
        for piece in _pieces(source.text, max_chars):
            yield source.title, piece


def _sections(text: str) -> Iterator[tuple[list[str], str]]:
    """Each stretch of Markdown with the headings above it, outermost first."""
    path: list[tuple[int, str]] = []
    body: list[str] = []
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        if heading is None:
            body.append(line)
            continue
        yield [title for _, title in path], "\n".join(body)
        body = []
        level = len(heading[1])
        path = [part for part in path if part[0] < level]
        path.append((level, " ".join(heading[2].split())))
    yield [title for _, title in path], "\n".join(body)


def _pieces(text: str, max_chars: int) -> Iterator[str]:
    """Paragraphs packed up to `max_chars`; what is longer alone is cut finer."""
    held = ""
    for paragraph in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        for part in _fitting(paragraph.strip(), max_chars):
            if held and len(held) + 2 + len(part) > max_chars:
                yield held
                held = ""
            held = f"{held}\n\n{part}" if held else part
    if held:
        yield held


def _fitting(paragraph: str, max_chars: int) -> Iterator[str]:
    if not paragraph:
        return
    if len(paragraph) <= max_chars:
        yield paragraph
        return
    lines = paragraph.splitlines()
    if len(lines) > 2 and _RULE.match(lines[1]) and "|" in lines[0]:
        head = f"{lines[0]}\n{lines[1]}\n"
        for group in _packed(lines[2:], max(1, max_chars - len(head)), "\n"):
            yield head + group
    elif len(lines) > 1:
        for group in _packed(lines, max_chars, "\n"):
            yield group
    else:
        yield from _packed(_SENTENCE.split(paragraph), max_chars, " ")


def _packed(parts: Iterable[str], max_chars: int, glue: str) -> Iterator[str]:
    held = ""
    for part in parts:
        while len(part) > max_chars:
            # No place is good here; after a space is better than inside a word.
            if held:
                yield held
                held = ""
            cut = part.rfind(" ", max_chars // 2, max_chars)
            cut = cut if cut > 0 else max_chars
            yield part[:cut].rstrip()
            part = part[cut:].lstrip()
        if held and len(held) + len(glue) + len(part) > max_chars:
            yield held
            held = ""
        held = f"{held}{glue}{part}" if held and part else held or part
    if held:
        yield held

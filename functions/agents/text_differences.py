"""What differs between two texts: line by line, within a line word by word, and cut down to what a person must see.

Both come from one comparison, so what the console shows and what the activity feed keeps never tell different things.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal

from functions.shared.http import Answer

_MOST = 500
"""Lines, or words of a line, that are compared one by one: beyond it they count as other ones, for comparing takes
time with the square of their number."""

_AHEAD = 20
"""How many lines further on the new form of a changed line is looked for."""

_ALIKE = 0.4
"""What two lines must share for one to be the other's new form; with less in common both are clearer whole."""

_NEAR = 30
"""Characters of what has not changed that an excerpt keeps on each side of what has."""

CUT = "…"
"""Stands in an excerpt where something is left out."""

# Chinese and Japanese are written without spaces: each of their signs stands for itself.
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+|\s+")

Kind = Literal["kept", "removed", "added"]
_Step = tuple[str, int, int, int, int]


class TextPiece(Answer):
    """A piece of a line; `changed` where the line's other form has something else or nothing."""

    text: str
    changed: bool


class TextLine(Answer):
    """One line in pieces, which together are the line. A line that has no other form is one changed piece."""

    kind: Kind
    pieces: list[TextPiece]

    @property
    def text(self) -> str:
        """The line as it stands in the text."""
        return "".join(piece.text for piece in self.pieces)


def of_text(text: str) -> list[str]:
    """The lines of a text; an empty text has none. Joined by line feeds they are the text again."""
    return text.split("\n") if text else []


def compared(old: Sequence[str], new: Sequence[str]) -> list[TextLine]:
    """The way from one list of lines to the other, removed lines before the added ones in their place.

    Kept and removed lines are `old`, kept and added ones are `new`, each in their order.
    """
    found: list[TextLine] = []
    for step, since, until, new_since, new_until in _steps(old, new):
        if step == "equal":
            found += [_whole("kept", line) for line in old[since:until]]
            continue
        removed, added = _reworded(old[since:until], new[new_since:new_until])
        found += removed + added
    return found


def excerpt(lines: Sequence[TextLine], side: Literal["removed", "added"], most: int) -> list[str]:
    """The lines of one side that differ, with a little of what stands around them, in at most `most` characters.

    What is left out is `CUT`. The two sides of a comparison may come out alike: ask, and take `where_they_part` then.
    """
    own = [line for line in lines if line.kind in ("kept", side)]
    found: list[str] = []
    room = most
    for line, near in zip(own, _beside_a_change(lines, side), strict=True):
        text = _shortened(line) if near else CUT
        if text == CUT and found[-1:] == [CUT]:
            continue
        # A line feed and the sign that more was to come find room behind each line that is whole.
        if len(text) + 2 > room:
            found.append(text[: room - 1] + CUT)
            break
        found.append(text)
        room -= len(text) + 1
    return found


def where_they_part(old: str, new: str, most: int) -> tuple[str, str]:
    """Both texts from shortly before the first difference on, at most `most` characters of each.

    They differ wherever the texts do: after the same beginning comes either another character, or an end of the text.
    """
    same = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    since = max(0, same - _NEAR)
    sign = CUT if since else ""
    room = most - 2 * len(CUT)

    def seen(text: str) -> str:
        return f"{sign}{text[since : since + room]}{CUT if len(text) > since + room else ''}"

    return seen(old), seen(new)


def _beside_a_change(lines: Sequence[TextLine], side: Kind) -> Iterator[bool]:
    """For each line of a side whether it is shown: it changed itself, or stands next to something that did."""
    for at, line in enumerate(lines):
        if line.kind in ("kept", side):
            yield any(one.kind != "kept" for one in lines[max(0, at - 1) : at + 2])


def _shortened(line: TextLine) -> str:
    """A line with its unchanged pieces cut to what stands beside a change; without any beside it to its two ends."""
    last = len(line.pieces) - 1
    return "".join(
        piece.text if piece.changed else _cut(piece.text, beginning=at > 0 or not last, end=at < last or not last)
        for at, piece in enumerate(line.pieces)
    )


def _cut(text: str, *, beginning: bool, end: bool) -> str:
    if len(text) <= 2 * _NEAR:
        return text
    return f"{text[:_NEAR] if beginning else ''}{CUT}{text[-_NEAR:] if end else ''}"


def _steps(old: Sequence[str], new: Sequence[str]) -> Iterator[_Step]:
    """As `SequenceMatcher.get_opcodes`, in a bounded time: equal beginnings and ends are found without it."""
    most = min(len(old), len(new))
    begin = next((at for at in range(most) if old[at] != new[at]), most)
    end = next((at for at in range(most - begin) if old[-1 - at] != new[-1 - at]), most - begin)
    if begin:
        yield "equal", 0, begin, 0, begin
    inner, new_inner = old[begin : len(old) - end], new[begin : len(new) - end]
    if max(len(inner), len(new_inner)) > _MOST:
        yield "replace", begin, begin + len(inner), begin, begin + len(new_inner)
    else:
        for step, a, b, c, d in SequenceMatcher(None, inner, new_inner).get_opcodes():
            yield step, begin + a, begin + b, begin + c, begin + d
    if end:
        yield "equal", len(old) - end, len(old), len(new) - end, len(new)


def _reworded(old: Sequence[str], new: Sequence[str]) -> tuple[list[TextLine], list[TextLine]]:
    """Lines in the place of others: where one is the other's new form, both show which words differ."""
    removed = [_whole("removed", line) for line in old]
    added = [_whole("added", line) for line in new]
    words = [_WORDS.findall(line) for line in new]
    counts = [Counter(line) for line in words]
    begin = 0
    for at, line in enumerate(old):
        own = _WORDS.findall(line)
        count = Counter(own)
        shares = [(_share(count, counts[to]), -to) for to in range(begin, min(len(new), begin + _AHEAD))]
        share, to = max(shares, default=(0.0, 0))
        if share < _ALIKE:
            continue
        was, became = _pieces(own, words[-to])
        removed[at], added[-to] = TextLine(kind="removed", pieces=was), TextLine(kind="added", pieces=became)
        begin = 1 - to
    return removed, added


def _share(one: Counter[str], other: Counter[str]) -> float:
    """Which part of their characters two lines have in common, as words: from 0 to 1."""
    both, all_of_both = (
        sum(len(word) * count for word, count in words.items()) for words in (one & other, one + other)
    )
    return 2 * both / all_of_both if all_of_both else 0.0


def _pieces(old: list[str], new: list[str]) -> tuple[list[TextPiece], list[TextPiece]]:
    was: list[TextPiece] = []
    became: list[TextPiece] = []
    steps = list(_steps(old, new))
    for at, (step, a, b, c, d) in enumerate(steps):
        # A space between two words that changed is no more the same than they are.
        lone = 0 < at < len(steps) - 1 and not "".join(old[a:b]).strip()
        same = step == "equal" and not lone
        _add(was, "".join(old[a:b]), not same)
        _add(became, "".join(new[c:d]), not same)
    return was, became


def _add(pieces: list[TextPiece], text: str, changed: bool) -> None:
    if not text:
        return
    # Two kept pieces stay two: between them the other form has something more.
    if changed and pieces and pieces[-1].changed:
        text = pieces.pop().text + text
    pieces.append(TextPiece(text=text, changed=changed))


def _whole(kind: Kind, text: str) -> TextLine:
    return TextLine(kind=kind, pieces=[TextPiece(text=text, changed=kind != "kept")])

"""Takes over a change into a file line by line, so that lines which did not change stay byte for byte as they were.

A library that reads and writes YAML also tidies: it joins folded lines and moves comments. What it would have tidied
without any change is known by writing the file back unchanged; so a change is what differs from that, and nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher


def merged(original: str, tidied: str, changed: str) -> str:
    """`original` with what differs between `tidied` (the same, written back) and `changed`.

    Where tidying has joined or cut the very lines that changed, those of `changed` count.
    """
    base = tidied.splitlines(keepends=True)
    mine, theirs = original.splitlines(keepends=True), changed.splitlines(keepends=True)
    places = _places(base, mine)
    result: list[str] = []
    at = 0
    for start, end, theirs_start, theirs_end in _hunks(base, theirs, places):
        begin = places[start][-1]
        result += mine[at:begin]
        result += theirs[theirs_start:theirs_end]
        at = max(begin, places[end][0])
    return "".join(result + mine[at:])


def _places(base: Sequence[str], mine: Sequence[str]) -> dict[int, list[int]]:
    """Where in `mine` a line of `base` begins, the earliest and the latest place; joined and cut lines have none."""
    # Lines that were only spaced anew are the same line.
    found: dict[int, list[int]] = {0: [0]}
    for start, mine_start, length in SequenceMatcher(
        None, _bare(base), _bare(mine), autojunk=False
    ).get_matching_blocks():
        for number in range(length + 1):
            found.setdefault(start + number, []).append(mine_start + number)
    return found


def _hunks(
    base: Sequence[str], theirs: Sequence[str], places: Mapping[int, list[int]]
) -> Iterator[tuple[int, int, int, int]]:
    """Stretches of `base` and of `theirs` that differ, widened to lines that have a place."""
    last: tuple[int, int, int, int] | None = None
    for tag, start, end, other, other_end in SequenceMatcher(None, base, theirs, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        while start not in places:
            start, other = start - 1, other - 1
        while end not in places:
            end, other_end = end + 1, other_end + 1
        if last is not None and start < last[1]:
            last = (last[0], max(end, last[1]), last[2], max(other_end, last[3]))
            continue
        if last is not None:
            yield last
        last = (start, end, other, other_end)
    if last is not None:
        yield last


def _bare(lines: Sequence[str]) -> list[str]:
    return ["".join(line.split()) for line in lines]

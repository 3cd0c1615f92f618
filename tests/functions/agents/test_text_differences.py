"""Two texts side by side: nothing is lost, what changed is marked by the word, and it stays quick whatever comes."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.agents import text_differences
from functions.agents.text_differences import TextLine, compared, excerpt, of_text, where_they_part

LINES = st.lists(
    st.sampled_from(["", "a", "b", "a b", "a c", "We are open on Monday", "We are open on Friday", "営業時間"])
)
TEXTS = st.text(alphabet="ab \n…é", max_size=60) | LINES.map("\n".join)


def marked(lines: list[TextLine]) -> list[str]:
    """Each line with its sign, and what changed within it in brackets."""
    sign = {"kept": " ", "removed": "-", "added": "+"}
    return [
        sign[line.kind] + "".join(f"[{one.text}]" if one.changed else one.text for one in line.pieces) for line in lines
    ]


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_off_a_comparison(old: str, new: str) -> None:
    lines = compared(of_text(old), of_text(new))
    assert "\n".join(line.text for line in lines if line.kind != "added") == old
    assert "\n".join(line.text for line in lines if line.kind != "removed") == new
    assert all(line.kind == "kept" for line in lines) is (old == new)
    for line in lines:
        assert line.kind != "kept" or not any(piece.changed for piece in line.pieces)


def test_of_a_long_paragraph_only_the_words_that_changed_are_marked() -> None:
    before = "We are a family practice. " * 6 + "We open at nine on Monday. " + "Please call before you come. " * 6
    after = before.replace("nine on Monday", "ten on Friday")
    removed, added = compared([before.strip()], [after.strip()])
    assert (removed.kind, [one.text for one in removed.pieces if one.changed]) == ("removed", ["nine", "Monday."])
    assert (added.kind, [one.text for one in added.pieces if one.changed]) == ("added", ["ten", "Friday."])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "a", ["+[a]"]),
        ("a", "", ["-[a]"]),
        ("a\nb\nc", "a\nc", [" a", "-[b]", " c"]),
        # A line finds its new form behind one that came in between; two that have nothing in common stay whole.
        (
            "Tell the price.\nBe kind.",
            "Say hello first.\nTell the price in euros.\nBe kind.",
            ["-Tell the [price.]", "+[Say hello first.]", "+Tell the [price in euros.]", " Be kind."],
        ),
        ("Be kind.", "Greet everybody.", ["-[Be kind.]", "+[Greet everybody.]"]),
        # Words beside one another that changed are one piece.
        ("from nine to six daily", "from ten until six daily", ["-from [nine to] six daily", "+from [ten until] six daily"]),
        # Without spaces each sign counts.
        ("営業時間は九時です", "営業時間は十時です", ["-営業時間は[九]時です", "+営業時間は[十]時です"]),
    ],
)  # fmt: skip
def test_lines_and_words_are_compared_as_people_read_them(old: str, new: str, expected: list[str]) -> None:
    assert marked(compared(of_text(old), of_text(new))) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n" * 5999, "a" + "\n" * 5998),
        ("a\n" * 3000, "b\n" * 3000),
        ("a b " * 1500, "b a " * 1500),
        ("\n".join(str(n) for n in range(1400)), "\n".join(str(n) for n in reversed(range(1400)))),
    ],
)
def test_the_longest_texts_are_compared_in_a_moment(old: str, new: str) -> None:
    begin = time.process_time()
    compared(of_text(old), of_text(new))
    assert time.process_time() - begin < 3


@given(TEXTS, TEXTS, st.integers(40, 90))
def test_an_excerpt_keeps_to_its_size_and_texts_part_where_they_differ(old: str, new: str, most: int) -> None:
    lines = compared(of_text(old), of_text(new))
    for side in ("removed", "added"):
        assert len("\n".join(excerpt(lines, side, most))) <= most  # type: ignore[arg-type]
    sides = where_they_part(old, new, most)
    assert max(map(len, sides)) <= most
    assert (sides[0] == sides[1]) is (old == new)


def test_an_excerpt_shows_every_place_that_changed_with_what_stands_around_it() -> None:
    kept = [f"Rule {number} is as it was." for number in range(20)]
    new = [*kept[:5], "Rule 5 is another.", *kept[6:15], *kept[16:]]
    lines = compared(kept, new)
    gap = text_differences.CUT
    assert excerpt(lines, "removed", 400) == [gap, *kept[4:7], gap, *kept[14:17], gap]
    assert excerpt(lines, "added", 400)[2] == "Rule 5 is another."
    assert excerpt(lines, "added", 40) == [gap, kept[4], "Rule 5 is anothe…"]

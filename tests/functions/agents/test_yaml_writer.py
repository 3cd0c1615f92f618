"""A file says exactly what the definition says, and a change leaves the rest of it as somebody wrote it."""

from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.agents import definitions, yaml_reader, yaml_writer
from functions.agents.models import Definition
from functions.shared.errors import Invalid

FILE = """# The agent of the practice
name: Ava  # short for Avaleen
industry: dental
languages: [en, no]   # in this order
goals:
# the most important first
- make appointments   # by telephone
- 'answer questions'
- calm people down
model:
    # cheap and quick
    provider: "offline"
    id: offline-extractive
notice: no
instructions: >-
    A long text
    over two lines.
# end
"""
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs",))
    | st.sampled_from("\n:#-'\"|> \t&*!%@`{}[]\u2028\x85\x00\x07"),
    max_size=60,
)
LINE = TEXT.filter(lambda text: text.strip())
WORDS = st.sampled_from(
    ["no", "Yes", "null", "~", "1", "1.5", "12:30", "2026-01-01", "0x1", "=", "<<", "on", "- a", "a: b"]
)


def of(text: str) -> Definition:
    return definitions.formed(yaml_reader.read(text.encode()).values)


@settings(max_examples=80, deadline=None)
@given(LINE, TEXT, st.lists(LINE | WORDS, max_size=4), TEXT | WORDS, st.none() | st.floats(0, 2))
def test_what_is_written_is_read_back(name, instructions, goals, contact, temperature):
    definition = definitions.formed(
        {
            "name": name,
            "instructions": instructions,
            "goals": goals,
            "business": {"contact": contact},
            "model": {"provider": "p", "id": "m", "temperature": temperature},
        }
    )
    assert of(yaml_writer.fresh(definition)) == definition


def test_older_readers_of_yaml_read_the_same():
    words = ["no", "yes", "on", "12:30", "2026-01-01", "1e3", "0x10", "~", "1_000", "NULL", "off", "y"]
    definition = definitions.formed({"name": "no", "goals": words, "model": {"provider": "p", "id": "1.5"}})
    read = pyyaml.safe_load(yaml_writer.fresh(definition))
    assert (read["name"], read["goals"], read["model"]["id"]) == ("no", words, "1.5")


def test_a_change_keeps_comments_order_quotes_and_indents():
    before = of(FILE)
    values = definitions.stored(before)
    after = definitions.formed(
        {**values, "name": "Bea", "goals": ["make appointments", "no"], "business": {"name": "Smile"}, "tone": "calm"}
    )
    text = yaml_writer.changed(FILE, before, after)
    assert of(text) == after
    kept = [
        line for line in FILE.splitlines() if line not in ("name: Ava  # short for Avaleen", "- 'answer questions'")
    ]
    kept.remove("- calm people down")
    kept = kept[: kept.index("instructions: >-")]
    assert [line for line in text.splitlines() if line in kept] == kept
    assert "name: Bea  # short for Avaleen" in text
    assert "# end" in text


def test_a_change_and_its_undoing_say_the_same_as_before():
    before = of(FILE)
    after = definitions.formed({**definitions.stored(before), "name": "Bea"})
    assert yaml_writer.changed(yaml_writer.changed(FILE, before, after), after, before) == FILE


def test_hours_and_a_fallback_come_and_go_and_leave_the_rest_as_it_was():
    before = of(FILE)
    values = definitions.stored(before)
    hours = {"time_zone": "Europe/Berlin", "monday": ["09:00-12:30", "18:00-02:00"]}
    fallback = {"provider": "vertexai", "id": "gemini-3.5-flash-lite"}
    after = definitions.formed(
        {**values, "business": {"hours": hours}, "model": {**values["model"], "fallback": fallback}}
    )
    text = yaml_writer.changed(FILE, before, after)
    assert of(text) == after
    assert "    # cheap and quick\n" in text
    assert "# the most important first" in text
    assert pyyaml.safe_load(text)["business"]["hours"]["monday"] == ["09:00-12:30", "18:00-02:00"]
    longer = definitions.formed(
        definitions.merged(definitions.stored(after), {"business": {"hours": {"friday": ["00:00-24:00"]}}})
    )
    assert of(yaml_writer.changed(text, after, longer)) == longer
    assert of(yaml_writer.changed(text, after, before)) == before


def test_no_change_changes_no_byte():
    assert yaml_writer.changed(FILE, of(FILE), of(FILE)) == FILE


@settings(max_examples=50, deadline=None)
@given(LINE, st.lists(LINE | WORDS, max_size=5), TEXT, st.sampled_from(["en", "no", "de-CH"]))
def test_whatever_changes_the_file_says_the_new_definition(name, goals, notice, language):
    before = of(FILE)
    after = definitions.formed(
        {**definitions.stored(before), "name": name, "goals": goals, "notice": notice, "languages": [language]}
    )
    assert of(yaml_writer.changed(FILE, before, after)) == after


STYLED = """# Eine Empfangskraft: Praxis Müller
name:    "Ava"      # two names were tried
industry:  dental
languages: [ en,   de ]
tone: 'calm'

goals:
    - make appointments          # by telephone

    # between two goals
    - >-
      answer questions
      about prices
must_do: [  ]
business: { name: "Smile",   contact: '555' }
model:
        provider: offline
        id:   offline-extractive
instructions: |
    Line one

    # no comment, a line of the text
    Line three
hand_off:
  enabled: true
greeting: "Hello,
  how are you?"
# the end"""
SCALARS = st.sampled_from(["name", "tone", "notice", "instructions", "greeting", "away_message", "industry"])


def block_of(text: str, key: str) -> tuple[list[str], list[str]]:
    """The lines before and behind what belongs to a key of the file, as bytes would show them."""
    lines = text.splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{key}:"))
    end = start + 1
    while end < len(lines) and (lines[end].startswith(" ") or lines[end].strip() == ""):
        end += 1
    return lines[:start], lines[end:]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "Bea"),
        ("industry", "legal"),
        ("tone", "warm"),
        ("languages", ["fr"]),
        ("goals", ["make appointments", "smile"]),
        ("must_do", ["smile"]),
        ("business", {"name": "Grin", "contact": "555"}),
        ("instructions", "Something\nelse"),
        ("greeting", "Hi!"),
        ("hand_off", {"enabled": False}),
    ],
)
@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_an_edit_changes_the_lines_of_its_own_field_only(key: str, value: Any, windows: bool, mark: str):
    file = mark + (STYLED.replace("\n", "\r\n") if windows else STYLED)
    before = of(file)
    after = definitions.formed(definitions.merged(definitions.stored(before), {key: value}))
    text = yaml_writer.changed(file, before, after)
    assert of(text) == after
    if key == "name":
        return  # the line of the mark
    assert block_of(text, key) == block_of(file, key)


@pytest.mark.parametrize("file", [FILE, STYLED])
@settings(max_examples=60, deadline=None)
@given(SCALARS, LINE | WORDS)
def test_an_edit_of_any_field_leaves_every_line_of_the_others(file: str, key: str, value: str):
    before = of(file)
    if key in ("tone", "industry"):
        value = "formal"
    try:
        after = definitions.formed({**definitions.stored(before), key: value})
    except Invalid:
        return
    text = yaml_writer.changed(file, before, after)
    assert of(text) == after
    own = {line for line in file.splitlines() if line.startswith(f"{key}:")}
    inside = False
    for line in file.splitlines():
        inside = line.startswith(f"{key}:") or (inside and (line.startswith(" ") or not line.strip()))
        assert inside or line in own or line in text.splitlines(), line


def test_a_file_with_a_byte_order_mark_comes_back_with_it():
    file = "\ufeff" + FILE
    assert yaml_reader.read(file.encode()).text == file
    assert of(file) == of(FILE)

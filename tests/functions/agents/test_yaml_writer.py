"""A file says exactly what the definition says, and a change leaves the rest of it as somebody wrote it."""

import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.agents import definitions, yaml_reader, yaml_writer
from functions.agents.models import Definition

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

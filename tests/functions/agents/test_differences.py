"""What differs between two definitions: whole for who compares versions, short and never the same for the audit log."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from functions.agents import definitions, differences
from functions.agents.differences import TOLD_CHARACTERS, FieldChange
from functions.agents.hours import DAYS
from functions.agents.models import Definition

BASE = {"name": "Mia", "model": {"provider": "offline", "id": "offline-extractive"}}

MOST_TOLD = 20_000
"""Characters that before and after of an entry have together, at most."""

PROSE = st.text(alphabet=st.sampled_from('ab \n…"é営'), min_size=1, max_size=12).flatmap(
    lambda part: st.integers(1, 500).map(lambda times: part * times)
)
"""Repetitive and long, so that much is cut and the cut places resemble each other."""


def texts(most: int, least: int = 0) -> st.SearchStrategy[str]:
    """A text of a field that takes so many characters; alike in all but a few places, as edited ones are."""
    edited = st.tuples(PROSE, st.integers(0, most), st.sampled_from(["", "x", "…", "\n"])).map(
        lambda drawn: (drawn[0][: drawn[1]] + drawn[2] + drawn[0][drawn[1] :])[:most]
    )
    return edited.filter(lambda text: len(text) >= least) | st.just("a" * max(least, most))


RULES = st.lists(texts(300, 1).map(str.strip).filter(bool), max_size=30)
SPANS = st.lists(st.sampled_from(["09:00-12:00", "13:00-18:30", "22:00-02:00"]), max_size=6)
HOURS = st.none() | st.fixed_dictionaries(
    {"time_zone": st.sampled_from(["UTC", "Europe/Berlin"]), **dict.fromkeys(DAYS, SPANS)}
)
MODELS = st.fixed_dictionaries(
    {
        "provider": st.just("offline"),
        "id": st.sampled_from(["one", "two"]),
        "temperature": st.none() | st.sampled_from([0.1, 0.2]),
        "fallback": st.none() | st.fixed_dictionaries({"provider": st.just("x"), "id": st.sampled_from(["a", "b"])}),
    }
)
DEFINITIONS = st.fixed_dictionaries(
    {"name": st.sampled_from(["Mia", "Max"]), "model": MODELS},
    optional={
        "business": st.fixed_dictionaries({"description": texts(2000), "contact": texts(500), "hours": HOURS}),
        "goals": RULES,
        "must_do": RULES,
        "must_not_do": RULES,
        "notice": texts(1000),
        "instructions": texts(6000),
        "greeting": texts(600, 1),
        "languages": st.lists(st.sampled_from(["en", "de", "fr"]), min_size=1, max_size=20),
        "hand_off": st.fixed_dictionaries({"enabled": st.booleans(), "triggers": RULES, "message": texts(600, 1)}),
        "leads": st.fixed_dictionaries({"enabled": st.booleans(), "triggers": RULES}),
    },
).map(definitions.formed)


def formed(**fields: Any) -> Definition:
    return definitions.formed({**BASE, **fields})


def changed(before: Definition, after: Definition) -> dict[str, FieldChange]:
    return {one.field: one for section in differences.between(before, after) for one in section.changes}


def told(before: Definition, after: Definition) -> tuple[dict[str, Any], dict[str, Any]]:
    return differences.told(differences.between(before, after))


def size(side: dict[str, Any]) -> int:
    return sum(len("".join(value) if isinstance(value, list) else str(value)) for value in side.values())


def test_every_field_belongs_to_a_page_and_is_compared() -> None:
    names = {name for names in differences.SECTIONS.values() for name in names}
    assert names == set(Definition.model_fields) - {"schema_version"}


def test_differences_name_section_and_field() -> None:
    before = formed(goals=["a", "b"])
    after = formed(goals=["b", "c"], business={"name": "Smile"}, tone="calm")
    found = {s.section: {c.field: c for c in s.changes} for s in differences.between(before, after)}
    assert list(found) == ["identity", "behaviour"]
    assert found["identity"]["business.name"].after == "Smile"
    assert (found["behaviour"]["goals"].added, found["behaviour"]["goals"].removed) == (["c"], ["a"])
    assert differences.between(after, after) == []


def test_an_item_that_stands_there_twice_is_counted_twice() -> None:
    goals = changed(formed(goals=["a", "a", "b"]), formed(goals=["b", "a", "c"]))["goals"]
    assert (goals.removed, goals.added) == (["a"], ["c"])


def test_texts_differ_line_by_line_and_hours_in_words_by_the_day() -> None:
    week = {"time_zone": "Europe/Berlin", "monday": ["09:00-12:00", "13:00-17:00"]}
    before = formed(instructions="Be kind.\nTell prices.", business={"hours": week})
    after = formed(instructions="Be kind.\nTell no prices.", business={"hours": {**week, "tuesday": ["10:00-12:00"]}})
    found = changed(before, after)
    lines = found["instructions"].lines
    assert lines is not None
    assert [(one.kind, one.text) for one in lines] == [
        ("kept", "Be kind."),
        ("removed", "Tell prices."),
        ("added", "Tell no prices."),
    ]
    days = found["business.hours"].lines
    assert days is not None
    assert [(one.kind, one.text) for one in days][:3] == [
        ("kept", "Monday 09:00-12:00, 13:00-17:00"),
        ("removed", "Tuesday closed"),
        ("added", "Tuesday 10:00-12:00"),
    ]
    without = changed(formed(), before)["business.hours"]
    assert without.lines is not None
    assert [one.text for one in without.lines if one.kind != "added"] == ["At any time"]
    assert without.lines[-1].text == "Time zone Europe/Berlin"


def test_the_model_that_stands_in_is_named_in_words() -> None:
    other = {"provider": "openai", "id": "gpt"}
    found = changed(formed(), formed(model={**BASE["model"], "fallback": other}))["model.fallback"]  # type: ignore[dict-item]
    assert found.lines is not None
    assert [one.text for one in found.lines] == ["No model stands in", "openai/gpt"]


def test_a_rule_far_down_and_a_word_far_behind_are_in_the_entry() -> None:
    rules = [f"Rule {number}: {'always do what is asked, kindly and at once, ' * 5}" for number in range(20)]
    text = "Be kind and brief. " * 200
    before = formed(must_do=rules, instructions=text)
    turned = rules[15].replace("at once", "tomorrow", 1)
    after = formed(must_do=[*rules[:15], turned, *rules[16:]], instructions=f"{text[:3000]}NEVER {text[3000:]}")
    was, now = told(before, after)
    assert ("tomorrow" in str(was["must_do"]), "tomorrow" in str(now["must_do"])) == (False, True)
    assert "Rule 15" in str(was["must_do"])
    assert ("NEVER" in was["instructions"], "NEVER" in now["instructions"]) == (False, True)
    assert len(now["instructions"]) < 100
    assert now["must_do"][0] == "…"


def test_short_values_are_told_whole() -> None:
    was, now = told(formed(goals=["a"], tone="warm"), formed(goals=["a", "b"], tone="calm", leads={"enabled": True}))
    assert was == {"tone": "warm", "goals": ["a"], "leads.enabled": False}
    assert now == {"tone": "calm", "goals": ["a", "b"], "leads.enabled": True}


@given(DEFINITIONS, DEFINITIONS)
def test_each_field_that_changed_differs_in_the_entry_and_the_entry_stays_small(
    before: Definition, after: Definition
) -> None:
    fields = changed(before, after)
    was, now = told(before, after)
    assert was.keys() == now.keys() == fields.keys()
    assert bool(fields) is (before != after)
    for field in fields:
        assert was[field] != now[field], field
        for value in (was[field], now[field]):
            assert size({"": value}) <= TOLD_CHARACTERS
    assert size(was) + size(now) <= MOST_TOLD


@given(DEFINITIONS, st.data())
def test_a_single_edit_wherever_it_is_can_be_seen_in_the_entry(before: Definition, data: st.DataObject) -> None:
    """Of texts that differ in one place only, most of which is cut."""
    text, rules = before.instructions, list(before.must_do)
    at = data.draw(st.integers(0, len(text)))
    values = {**definitions.stored(before), "instructions": (text[:at] + "x" + text[at:])[:6000]}
    if rules:
        rule = data.draw(st.integers(0, len(rules) - 1))
        values["must_do"] = [*rules[:rule], *rules[rule + 1 :]]
    after = definitions.formed(values)
    was, now = told(before, after)
    assert all(was[field] != now[field] for field in changed(before, after))


def test_the_largest_entry_has_its_size() -> None:
    """Every text and list as long as it may be, and other ones."""

    def whole(sign: str) -> Definition:
        def rules(most: int = 30) -> list[str]:
            return [f"{number} {sign * 290}" for number in range(most)]

        spans = ["09:00-12:00"] * (6 if sign == "a" else 5)
        return formed(
            name=sign * 80,
            notice=sign * 1000,
            instructions=sign * 6000,
            greeting=sign * 600,
            away_message=sign * 600,
            goals=rules(),
            must_do=rules(),
            must_not_do=rules(),
            sample_questions=rules(8),
            business={
                "name": sign * 120,
                "description": sign * 2000,
                "contact": sign * 500,
                "opening_hours": sign * 500,
                "hours": {"time_zone": "UTC", **dict.fromkeys(DAYS, spans)},
            },
            hand_off={"triggers": rules(), "message": sign * 600, "away_message": sign * 600},
            leads={"triggers": rules(), "message": sign * 600},
        )

    was, now = told(whole("a"), whole("b"))
    assert MOST_TOLD / 2 < size(was) + size(now) <= MOST_TOLD

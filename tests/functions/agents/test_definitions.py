"""Answers become definitions by fixed rules: merge patch, industry defaults, one strict check."""

import pytest

from functions.agents import definitions
from functions.agents.models import Definition, Part
from functions.shared import clock
from functions.shared.errors import Invalid

BASE = {"name": "Mia", "model": {"provider": "offline", "id": "offline-extractive"}}


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_patches_merge_as_rfc_7396_shows(target, patch, result):
    assert definitions.merged(target, patch) == result


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"model": {"provider": "offline", "id": "nothing"}}, "/model/id", "unknown_model"),
        ({"model": {"provider": "vertexai", "id": "gemini-2.5-pro"}}, "/model/id", "unknown_model"),
        ({"model": {"provider": "openai", "id": "unpriced"}}, "/model/id", "unknown_model"),
        ({"model": {**BASE["model"], "thinking": "high"}}, "/model/thinking", "invalid"),
        ({"industry": "alchemy"}, "/industry", "invalid"),
        ({"name": "x" * 1_000_000}, "/name", "invalid"),
        ({"nmae": "typo"}, "/nmae", "invalid"),
        ({"business": {"nmae": "typo"}}, "/business/nmae", "invalid"),
        ({"goals": ["fine", 5]}, "/goals/1", "invalid"),
        ({"knowledge": {"passages": "4"}}, "/knowledge/passages", "invalid"),
        ({"model": {**BASE["model"], "temperature": 3}}, "/model/temperature", "invalid"),
        ({"model": {**BASE["model"], "fallback": BASE["model"]}}, "/model/fallback/id", "invalid"),
        (
            {"model": {**BASE["model"], "fallback": {"provider": "vertexai", "id": "gemini-2.5-pro"}}},
            "/model/fallback/id",
            "unknown_model",
        ),
        (
            {"model": {**BASE["model"], "fallback": {"provider": "openai", "id": "unpriced"}}},
            "/model/fallback/id",
            "unknown_model",
        ),
        ({"model": {**BASE["model"], "fallback": {"provider": "openai"}}}, "/model/fallback/id", "invalid"),
        ({"business": {"hours": {}}}, "/business/hours/time_zone", "invalid"),
        ({"business": {"hours": {"time_zone": "Mars"}}}, "/business/hours/time_zone", "invalid"),
        ({"business": {"hours": {"time_zone": "UTC", "monday": ["9-5"]}}}, "/business/hours/monday/0", "invalid"),
    ],
)
def test_a_fault_is_named_by_its_place(changes, pointer, code):
    with pytest.raises(Invalid) as caught:
        definitions.checked({**BASE, **changes}, clock.now())
    assert caught.value.code == code
    assert [error["pointer"] for error in caught.value.errors] == [pointer]
    assert len(str(caught.value.errors)) < 500


def test_infinite_numbers_are_refused():
    with pytest.raises(Invalid):
        definitions.formed({**BASE, "model": {**BASE["model"], "temperature": float("inf")}})


def test_the_wizards_answers_have_the_definitions_fields():
    assert set(definitions.Answers.model_fields) == set(Definition.model_fields)
    parts = [f.annotation for f in Definition.model_fields.values() if isinstance(f.annotation, type)]
    assert any(issubclass(part, Part) for part in parts)
    given = definitions.Answers.model_validate_json('{"model": {"id": "x"}, "tone": null}').given()
    assert given == {"model": {"id": "x"}, "tone": None}


def test_an_optional_part_is_patched_field_by_field_and_taken_away_by_null():
    hours = {"time_zone": "Europe/Berlin", "monday": ["09:00-17:00"]}
    before = definitions.formed({**BASE, "business": {"name": "Smile", "hours": hours}})
    patch = definitions.Answers.model_validate_json(
        '{"business": {"hours": {"monday": [], "friday": ["10:00-12:00"]}}}'
    )
    after = definitions.formed(definitions.merged(definitions.stored(before), patch.given()))
    assert after.business.hours is not None
    assert (after.business.hours.time_zone, after.business.hours.friday) == ("Europe/Berlin", ("10:00-12:00",))
    assert after.business.hours.monday == ()
    without = definitions.Answers.model_validate_json('{"business": {"hours": null}}').given()
    assert definitions.formed(definitions.merged(definitions.stored(after), without)).business.hours is None

"""The rule of resolved conversations, and that its words come from the same numbers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.analytics.definitions import DEFINITIONS
from functions.shared.contracts import ConversationRead, TurnRead
from functions.shared.resolution import RULE, Resolution

SAID = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = SAID + RULE.quiet


def conversation(**fields: Any) -> ConversationRead:
    return ConversationRead.model_validate(
        {"agent_id": "a1", "channel": "widget", "created_at": SAID, "updated_at": SAID, **fields}
    )


def turn(**fields: Any) -> TurnRead:
    known = {"seq": 1, "message_id": "m", "message": "?", "answer": "!", "outcome": "completed"}
    return TurnRead.model_validate({**known, "occurred_at": SAID, "completed_at": SAID, **fields})


OFFERED = {"actions": ["hand_off"]}
DONE = {"hand_off": {"state": "done"}}


@pytest.mark.parametrize(
    ("home", "last", "resolved"),
    [
        ({}, {}, True),
        ({"channel": "api"}, {}, True),
        ({"channel": "playground"}, {}, False),
        ({"channel": "check"}, {}, False),
        ({}, {"outcome": "interrupted"}, False),
        ({}, {"outcome": "failed"}, False),
        ({}, {"feedback": "down"}, False),
        ({}, {"feedback": "up"}, True),
        ({}, OFFERED, False),
        ({}, {"actions": ["collect_lead"]}, True),
        (DONE, OFFERED, True),
        ({"hand_off": {"state": "waiting"}}, {}, False),
        ({"hand_off": {"state": "taken"}, "rating": 5}, {}, False),
        ({"rating": 4}, {"feedback": "down"}, True),
        ({"rating": 5}, {"outcome": "failed"}, True),
        ({"rating": 3}, {}, True),
        ({"rating": 3}, {"feedback": "down"}, False),
        ({"rating": 2}, {"feedback": "up"}, False),
        ({"rating": 1, **DONE}, {}, False),
    ],
)
def test_who_has_to_return_to_a_conversation_has_not_had_it_resolved(
    home: dict[str, Any], last: dict[str, Any], resolved: bool
) -> None:
    assert RULE.holds(conversation(**home), turn(**last), LATER) is resolved


def test_nothing_is_resolved_before_it_was_quiet_for_long_enough() -> None:
    assert not RULE.holds(conversation(), turn(), LATER - timedelta(microseconds=1))
    assert not RULE.holds(conversation(rating=5), None, LATER)
    assert Resolution(quiet=timedelta(hours=2)).holds(conversation(), turn(), SAID + timedelta(hours=2))


def test_the_words_are_those_of_the_numbers() -> None:
    text = Resolution(quiet=timedelta(hours=7), content=5, discontent=1, channels=("widget",)).text
    assert "for 7 hours" in text
    assert "5 stars or more" in text
    assert "1 or fewer" in text
    assert "channels widget" in text


def test_the_rule_that_is_applied_is_the_definition_that_is_shown() -> None:
    (shown,) = (one.definition for one in DEFINITIONS if one.name == "resolved")
    assert RULE.text in shown
    assert f"for {RULE.quiet // timedelta(hours=1)} hours" in shown


def test_a_change_makes_the_next_sweep_look_again_unless_it_will_anyway() -> None:
    assert RULE.again({}, SAID) == {("quiet_at",): SAID}
    assert RULE.again({"quiet_at": LATER}, SAID) == {}
    assert RULE.again({"resolved": True}, SAID) == {}

"""What a turn does to its conversation, pure: one turn at a time, a pace by the hour, a memory of bounded size."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.agents import conversations
from functions.agents.models import Ask
from functions.shared.errors import Conflict, NotFound, TooMany

NOW = datetime(2026, 11, 25, 12, 59, 30, tzinfo=UTC)
ASK = Ask(
    turn_id="t1",
    agent_id="a1",
    channel="widget",
    message="Hi",
    conversation_id="c1",
    may_open=True,
    owner="visitor:ws:s",
    asked_at=NOW,
)
LATER = NOW + timedelta(seconds=1)


def held_up(running: dict[str, datetime] | None) -> Conflict | None:
    """By what a turn is held up in a conversation where these run."""
    try:
        conversations.check_free({"running": running}, ASK, NOW)
    except Conflict as problem:
        return problem
    return None


@pytest.mark.parametrize(
    ("running", "code"),
    [
        ({"t1": LATER}, "turn_in_progress"),
        ({"t2": LATER}, "conversation_busy"),
        ({"t3": NOW, "t1": LATER}, "turn_in_progress"),
    ],
)
def test_a_running_turn_makes_the_others_wait(running: dict[str, datetime], code: str) -> None:
    problem = held_up(running)
    assert problem is not None
    assert (problem.code, problem.headers["Retry-After"]) == (code, "1")


@pytest.mark.parametrize("running", [None, {}, {"t2": NOW}, {"t1": NOW - timedelta(days=1)}])
def test_a_turn_whose_hold_has_ended_holds_up_nobody(running: dict[str, datetime] | None) -> None:
    assert held_up(running) is None


def test_a_conversation_belongs_to_who_opened_it_and_to_its_agent() -> None:
    mine = {"owner": "visitor:ws:s", "agent_id": "a1"}
    conversations.check_owner(mine, True, ASK)
    conversations.check_owner({}, False, ASK)
    for data in ({**mine, "owner": "visitor:ws:other"}, {**mine, "agent_id": "a2"}, {}):
        with pytest.raises(NotFound):
            conversations.check_owner(data, True, ASK)
    with pytest.raises(NotFound):
        conversations.check_owner({}, False, ASK.model_copy(update={"may_open": False}))


def test_the_pace_counts_by_the_hour_and_says_how_long_to_wait() -> None:
    once = conversations.pace({}, 2, NOW)
    twice = conversations.pace({"pace": once}, 2, NOW)
    assert twice == {"hour": "2026-11-25T12", "turns": 2}
    with pytest.raises(TooMany) as raised:
        conversations.pace({"pace": twice}, 2, NOW)
    assert (raised.value.code, raised.value.headers) == ("pace", {"Retry-After": "30"})
    assert conversations.pace({"pace": twice}, 2, NOW + timedelta(seconds=30))["turns"] == 1


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(lambda text: text * 300)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=8))
def test_the_memory_is_the_latest_exchanges_in_order_and_bounded(said: list[tuple[str, str]]) -> None:
    history: list[dict[str, Any]] = []
    for message, answer in said:
        history = conversations.remembered(history, message, answer)
        size = sum(len(exchange[side].encode()) for exchange in history for side in ("message", "answer"))
        assert size <= conversations.HISTORY_BYTES
    answered = [{"message": message, "answer": answer} for message, answer in said if answer.strip()]
    assert history == answered[len(answered) - len(history) :]


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=12), st.integers(0, 20_000))
def test_the_history_is_cut_at_the_oldest_end_between_turns_and_no_more_than_needed(
    said: list[tuple[str, str]], budget: int
) -> None:
    history = [{"message": message, "answer": answer} for message, answer in said]
    kept = conversations.recalled(history, budget)
    cut = len(history) - len(kept)
    # Whole exchanges, the latest ones, in their order.
    assert kept == history[cut:]
    assert sum(map(conversations.tokens_of, kept)) <= budget
    # The next older one would not have fitted.
    assert cut == 0 or sum(map(conversations.tokens_of, history[cut - 1 :])) > budget
    assert conversations.recalled(kept, budget) == kept


@given(st.integers(0, 10**7), st.integers(0, 10**6))
def test_the_budget_leaves_room_for_the_rest_of_the_prompt(context: int, beside: int) -> None:
    budget = conversations.history_budget(context, beside)
    assert 0 <= budget <= conversations.HISTORY_TOKENS
    assert budget == 0 or beside + 2 * budget <= context


def test_what_is_said_is_kept_for_the_workspaces_days() -> None:
    assert conversations.kept_until(NOW, None) is None
    assert conversations.kept_until(NOW, 30) == NOW + timedelta(days=30)


def test_a_blank_answer_is_not_remembered() -> None:
    assert conversations.remembered([], "Hi", " \n") == []


def test_a_title_is_one_short_line() -> None:
    assert conversations.title(" When\n are  you open? ") == "When are you open?"
    assert conversations.title("x" * 81) == "x" * 79 + "…"

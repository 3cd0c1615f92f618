"""How much room a turn has: caps, trial and shares in their order, and what credit counts for at which moment."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from functions.shared import clock
from functions.shared.errors import CapReached, TooMany
from functions.shared.metering.limits import Hold, Spend, refusal, room

START = datetime(2026, 11, 30, 23, 50, tzinfo=UTC)
LIFE = timedelta(seconds=180)


def test_what_is_spent_gives_402_and_what_is_held_gives_503() -> None:
    ask = Hold("t2", "a1", False, 60, START, START + LIFE, {})
    other = Hold("t1", "a1", False, 60, START, START + LIFE, {})
    spent = refusal(Spend(cap=100, spent=50), ask, START)
    held = refusal(Spend(cap=100, holds={"t1": other}), ask, START)
    dead = refusal(Spend(cap=100, holds={"t1": other}), ask, START + LIFE)
    assert isinstance(spent, CapReached)
    assert held is not None
    assert held.code == "cap_busy"
    assert dead is None


def test_a_trial_is_all_there_is_whatever_the_unpaid_plan_includes() -> None:
    row = {"event_id": "t", "type": "turn", "occurred_at": "2026-11-30T23:50:00.000000Z"}
    ask = Hold("t", "a1", False, 10, START, START + LIFE, row)
    assert refusal(Spend(trial=100, allowance=50, spent=90), ask, START) is None
    assert isinstance(refusal(Spend(trial=100, allowance=50, spent=91), ask, START), CapReached)
    assert refusal(Spend(cap=100, allowance=50, spent=140), ask, START) is None
    assert isinstance(refusal(Spend(cap=100, allowance=50, spent=141), ask, START), CapReached)
    assert isinstance(refusal(Spend(cap=1, trial=100, spent=0), ask, START), CapReached)


def test_an_agent_cap_and_the_visitors_share_are_tested_after_the_cap() -> None:
    ask = Hold("t2", "a1", True, 60, START, START + LIFE, {})
    agent = refusal(Spend(cap=10000, agent_caps={"a1": 59}), ask, START)
    share = refusal(Spend(cap=10000, visitor_hours={ask.hour: 950}), ask, START)
    assert isinstance(agent, CapReached)
    assert isinstance(share, TooMany)
    assert share.headers["Retry-After"] == "600"
    assert refusal(Spend(cap=10000, spent=5000), ask, START) is None
    day = refusal(Spend(cap=10000, visitor_days={ask.day: 2450}), ask, START)
    assert isinstance(day, TooMany)
    assert (day.code, day.headers["Retry-After"]) == ("visitor_share", "600")
    assert refusal(Spend(cap=10000, visitor_days={ask.day: 2440}), ask, START) is None


def test_credit_and_trial_make_no_room_in_a_month_that_is_over() -> None:
    spend = Spend(cap=100, allowance=7, credit=50, spent=60, over=True)
    assert room(spend, "a1", START) == 97
    assert room(spend.afterwards(), "a1", START) == 47
    assert room(Spend(trial=100, spent=60).afterwards(), "a1", START) == 0
    assert room(Spend().afterwards(), "a1", START) is None


def test_room_that_is_below_the_cap_is_kept() -> None:
    """Where a begun package may come on top at the month's end, the allowance is below zero."""
    now = START
    spend = Spend(cap=100, allowance=-30, spent=60)
    ask = Hold("t", "agt_1", False, 10, now, now + LIFE, {})
    assert refusal(spend, ask, now) is None
    over = Hold("t", "agt_1", False, 11, now, now + LIFE, {})
    assert isinstance(refusal(spend, over, now), CapReached)
    assert room(spend, "agt_1", now) == 10


@given(
    st.dictionaries(st.integers(-50, 50), st.integers(1, 1000), max_size=5),
    st.integers(0, 1000),
    st.integers(0, 6000),
    st.integers(-60, 60),
)
def test_credit_that_ended_or_is_set_apart_makes_no_room(
    ends: dict[int, int], lasting: int, apart: int, minutes: int
) -> None:
    now = START + timedelta(minutes=minutes)
    spend = Spend(
        cap=0,
        credit=sum(ends.values()) + lasting,
        credit_ends={clock.to_text(START + timedelta(minutes=end)): nanos for end, nanos in ends.items()},
        credit_apart=apart,
    )
    ended = sum(nanos for end, nanos in ends.items() if end <= minutes)
    # What has ended may pay none of what is set apart: how much of it is held for that only the close knows.
    assert spend.credit_at(now) == max(0, spend.credit - ended - apart) == room(spend, "agt_1", now)

"""The algorithm of holds on a real Firestore: two hundred turns at once, a cap that is met exactly, crashes."""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared import clock, contracts, events, firestore, metering
from functions.shared.contracts import BillingRead
from functions.shared.errors import CapReached, Unavailable
from functions.shared.identity import WorkspaceId
from functions.shared.metering import Hold, spend
from tests.cloud import Cloud

LIFE = timedelta(seconds=180)
DOLLAR = 1_000_000_000


def row_of(workspace: WorkspaceId, turn: str, now: Any) -> dict[str, Any]:
    return {
        "event_id": turn,
        "type": "turn",
        "workspace_id": str(workspace),
        "agent_id": "a1",
        "conversation_id": f"c{turn}",
        "occurred_at": clock.to_text(now),
    }


def a_hold(workspace: WorkspaceId, turn: str, amount: int, now: Any = None) -> Hold:
    moment = now or clock.now()
    return Hold(turn, "a1", False, amount, moment, moment + LIFE, row_of(workspace, turn, moment))


def finished(hold: Hold, charge: int) -> dict[str, Any]:
    usage = dict.fromkeys(contracts.BUCKETS, 1)
    money = {"cost_nanos": charge, "charge_nanos": charge}
    return {
        **hold.row,
        "outcome": "completed",
        "estimated": False,
        **usage,
        **money,
        "recorded_at": clock.to_text(clock.now()),
    }


def take(workspace: WorkspaceId, hold: Hold, now: Any = None) -> None:
    path = metering.spend_path(workspace, hold.occurred_at)
    moment = now or clock.now()

    def work(batch: firestore.Batch, found: list[firestore.Snapshot]) -> None:
        metering.reserve(batch, workspace, found[0], metering.terms_of(workspace, found[0]), hold, moment)

    firestore.compete([path], firestore.get_all([path]), work)


def capped(cloud: Cloud, cap: int) -> WorkspaceId:
    workspace = cloud.workspace()
    terms = BillingRead(cap_nanos=cap, paid_once=True)
    batch = firestore.Batch()
    batch.create(contracts.path(workspace, "billing", "account"), terms.model_dump())
    batch.commit()
    return workspace


def test_two_hundred_turns_at_once_spend_exactly_what_the_cap_allows(cloud: Cloud) -> None:
    workspace = capped(cloud, 100 * 50)
    answers: list[str] = []
    lock = threading.Lock()

    def one(number: int) -> None:
        hold = a_hold(workspace, f"t{number}", 50)
        while True:
            try:
                take(workspace, hold)
            except CapReached:
                outcome = "refused"
            except Unavailable:
                continue
            else:
                event = metering.settle(workspace, hold, finished(hold, 50), lambda batch: None, now=clock.now())
                assert event.row["charge_nanos"] == 50
                outcome = "answered"
            break
        with lock:
            answers.append(outcome)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(one, range(200)))
    now = metering.current(workspace, clock.now())
    assert answers.count("answered") == 100
    assert answers.count("refused") == 100
    assert now.spent_nanos == 5000
    assert now.holds == {}
    assert events.count_of_days(workspace, *[clock.day_of(clock.now())] * 2) == 100


def test_a_settlement_that_is_repeated_changes_nothing_more(cloud: Cloud) -> None:
    workspace = capped(cloud, 1000)
    hold = a_hold(workspace, "t1", 50)
    take(workspace, hold)
    row = finished(hold, 20)
    first = metering.settle(workspace, hold, row, lambda batch: None, now=clock.now())
    second = metering.settle(workspace, hold, row, lambda batch: None, now=clock.now())
    assert first.row == second.row
    assert metering.current(workspace, clock.now()).spent_nanos == 20


def test_a_turn_whose_process_died_becomes_an_event_that_charges_nothing(cloud: Cloud) -> None:
    workspace = capped(cloud, 60)
    past = clock.now() - LIFE - timedelta(seconds=1)
    take(workspace, a_hold(workspace, "dead", 50, past), past)
    take(workspace, a_hold(workspace, "next", 50))
    swept = events.read(workspace, "dead")
    assert swept is not None
    assert swept.row["outcome"] == "abandoned"
    assert swept.row["charge_nanos"] == 0
    assert swept.row["input_tokens"] is None
    assert set(metering.current(workspace, clock.now()).holds) == {"next"}


def test_a_settlement_after_its_sweep_keeps_usage_and_text_and_charges_nothing(cloud: Cloud) -> None:
    workspace = capped(cloud, 1000)
    past = clock.now() - LIFE - timedelta(seconds=1)
    hold = a_hold(workspace, "late", 50, past)
    take(workspace, hold, past)
    assert metering.sweep(workspace, clock.month_of(past), clock.now()) == 0
    assert [one.id for one in events.page_of_pending(workspace, 2, None)] == ["late"]
    text = contracts.path(workspace, "conversations", "c", "turns", "late")
    event = metering.settle(
        workspace, hold, finished(hold, 20), lambda batch: batch.create(text, {"answer": "kept"}), now=clock.now()
    )
    assert event.row["type"] == "correction"
    assert event.row["corrects"] == "late"
    assert event.row["charge_nanos"] == 0
    assert event.row["output_tokens"] == 1
    assert firestore.get(text).data == {"answer": "kept"}
    assert events.page_of_pending(workspace, 2, None) == []


def test_a_settlement_near_its_hold_s_end_charges_while_the_hold_lives(cloud: Cloud) -> None:
    workspace = capped(cloud, 1000)
    almost = clock.now() - LIFE + timedelta(seconds=20)
    hold = a_hold(workspace, "close", 50, almost)
    take(workspace, hold, almost)
    event = metering.settle(workspace, hold, finished(hold, 20), lambda batch: None, now=clock.now())
    again = metering.settle(
        workspace,
        hold,
        finished(hold, 20) | {"recorded_at": event.row["recorded_at"]},
        lambda batch: None,
        now=clock.now(),
    )
    assert event.row["charge_nanos"] == 20
    assert again.row == event.row
    assert metering.current(workspace, clock.now()).spent_nanos == 20


def test_the_text_of_an_erased_conversation_does_not_come_back(cloud: Cloud) -> None:
    workspace = capped(cloud, 1000)
    hold = a_hold(workspace, "t1", 50)
    take(workspace, hold)
    erased = contracts.path(workspace, "conversations", "gone")
    metering.settle(
        workspace, hold, finished(hold, 20), lambda batch: batch.update(erased, {("x",): 1}), now=clock.now()
    )
    assert not firestore.get(erased).exists
    assert metering.current(workspace, clock.now()).spent_nanos == 20


def test_a_workspace_that_never_paid_has_what_is_left_of_its_trial(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    batch = firestore.Batch()
    batch.create(contracts.path(workspace, "spend", "2000-01"), {"spent_nanos": 4_000_000_000})
    batch.commit()
    assert spend.opening(workspace, clock.month_of(clock.now()))["trial_nanos"] == 1_000_000_000


def test_what_earlier_months_hold_is_not_left_of_the_trial_until_they_settle_for_less(cloud: Cloud) -> None:
    """A turn of November holds all of the trial when December begins; it settles for one dollar of five."""
    end = datetime(2026, 12, 1, tzinfo=UTC)
    workspace = cloud.workspace(created_at=end - timedelta(days=3))
    hold = a_hold(workspace, "november", 5 * DOLLAR, end - timedelta(minutes=1))
    take(workspace, hold, hold.occurred_at)
    with pytest.raises(CapReached):
        take(workspace, a_hold(workspace, "december", 1, end), end)
    assert metering.current(workspace, end).trial_nanos == 0
    # That refusal opened nothing; what opens the month counts the hold, too.
    write_home(workspace, end)
    assert metering.current(workspace, end).trial_nanos == 0
    metering.settle(workspace, hold, finished(hold, DOLLAR), lambda batch: None, now=end)
    metering.set_apart(workspace, end + timedelta(minutes=10))
    for amount in (3, 1):
        rest = a_hold(workspace, f"december{amount}", amount * DOLLAR, end)
        take(workspace, rest, end)
        metering.settle(workspace, rest, finished(rest, amount * DOLLAR), lambda batch: None, now=end)
    with pytest.raises(CapReached):
        take(workspace, a_hold(workspace, "more", 1, end), end)


def write_home(workspace: WorkspaceId, now: datetime) -> None:
    """As a suspension does: it opens the month."""
    batch = firestore.Batch()
    home = firestore.get(contracts.workspace_path(workspace)).data
    metering.write_standing(batch, workspace, home, firestore.get(metering.spend_path(workspace, now)))
    batch.commit()


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["hold", "hold", "settle", "die", "night", "standing"]),
            st.integers(1, 5 * 10**9),
            st.sampled_from([0, 1, 20, 60, 200, 86400 * 31]),
        ),
        max_size=20,
    )
)
def test_the_trial_is_never_passed_whatever_runs_over_the_ends_of_months(
    cloud: Cloud, steps: list[tuple[str, int, int]]
) -> None:
    now = datetime(2026, 11, 30, 23, 59, 30, tzinfo=UTC)
    workspace = cloud.workspace(created_at=now - timedelta(days=1))
    running: list[Hold] = []
    for number, (what, amount, seconds) in enumerate(steps):
        match what:
            case "hold":
                # Some come a little after the moment at which they began.
                hold = a_hold(workspace, f"t{number}", amount, now - timedelta(seconds=amount % 3))
                with contextlib.suppress(CapReached, Unavailable):
                    take(workspace, hold, now)
                    running.append(hold)
            case "settle" | "die" if running:
                hold = running.pop(amount % len(running))
                if what == "settle":
                    with time_at(now):
                        row = finished(hold, hold.amount - amount % 2)
                        metering.settle(workspace, hold, row, lambda batch: None, now=now)
            case "standing":
                write_home(workspace, now)
            case _:
                for month in (clock.month_of(now - timedelta(days=25)), clock.month_of(now)):
                    metering.sweep(workspace, month, now)
                metering.set_apart(workspace, now)
        now += timedelta(seconds=seconds)
        months = firestore.find(firestore.Query(contracts.path(workspace, "spend")))
        assert sum(one.data["spent_nanos"] for one in months) <= 5 * DOLLAR


@contextlib.contextmanager
def time_at(now: datetime) -> Iterator[None]:
    """The clock that a settlement near its hold's end reads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: now)
        yield

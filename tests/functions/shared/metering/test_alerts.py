"""A refused turn makes no event that anybody counts: its refusal tells, once, and costs nothing more afterwards."""

from datetime import timedelta
from typing import Any

import pytest

from functions.shared import clock, contracts, firestore, logs, metering
from functions.shared.contracts import BillingRead
from functions.shared.errors import CapReached, Problem, TooMany, Unavailable
from functions.shared.identity import WorkspaceId
from functions.shared.metering import Hold, alerts
from functions.shared.metering.spend import opening
from tests.cloud import Cloud

NOW = clock.start_of_day("2026-11-26") + timedelta(hours=12)
DOLLAR = 10**9


@pytest.fixture(autouse=True)
def fresh() -> None:
    """As an instance that has just started."""
    alerts._told.clear()


def limited(cloud: Cloud, spend: dict[str, Any], **terms: Any) -> WorkspaceId:
    """A workspace with these terms, whose month has begun."""
    workspace = cloud.workspace()
    account = BillingRead(paid_once=True, **terms)
    batch = firestore.Batch()
    batch.create(contracts.path(workspace, "billing", "account"), account.model_dump())
    batch.create(metering.spend_path(workspace, NOW), {**opening(workspace, "2026-11", account), **spend})
    batch.commit()
    return workspace


def ask(workspace: WorkspaceId, amount: int, now: Any = NOW, **fields: Any) -> Problem | None:
    row = {"event_id": "t", "type": "turn", "occurred_at": clock.to_text(now)}
    hold = Hold(
        **{"turn": "t", "agent": "agt_1", "visitor": True, **fields},
        amount=amount,
        occurred_at=now,
        expires_at=now + timedelta(seconds=180),
        row=row,
    )
    found = firestore.get(metering.spend_path(workspace, now))
    document = metering.terms_of(workspace, found)
    try:
        metering.reserve(firestore.Batch(), workspace, found, document, hold, now)
    except Problem as problem:
        metering.record_refusal(workspace, found.id, document, hold, now)
        return problem
    return None


def told(workspace: WorkspaceId) -> list[tuple[Any, ...]]:
    """What was announced, the oldest first."""
    found = firestore.find(firestore.Query(contracts.path(workspace, "events")))
    rows = sorted((one.data["row"] for one in found), key=lambda row: row["occurred_at"])
    assert all(row["type"] == "cap.alert" for row in rows)
    names = ("refused", "share_percent", "spent", "cap", "agent_id")
    return [tuple(row["facts"][name] for name in names) for row in rows]


def activity(workspace: WorkspaceId) -> list[str]:
    found = [one.data for one in firestore.find(firestore.Query(contracts.path(workspace, "activity")))]
    assert {(one["action"], one["actor"], one["kind"]) for one in found} <= {("cap.alerted", "system", "budget")}
    return [one["name"] for one in sorted(found, key=lambda one: one["at"])]


def test_visitors_beyond_their_hour_are_told_of_once_an_hour(cloud: Cloud) -> None:
    spend = {"spent_nanos": 9 * DOLLAR // 10, "visitor_hours": {"26T12": 9 * DOLLAR // 10}}
    workspace = limited(cloud, spend, cap_nanos=10 * DOLLAR)
    for _ in range(3):
        problem = ask(workspace, DOLLAR // 5)
        assert isinstance(problem, TooMany)
        assert problem.code == "visitor_share"
        alerts._told.clear()  # Another instance refuses the next one.
    assert ask(workspace, DOLLAR // 5, visitor=False) is None
    assert told(workspace) == [("hour", 10, "0.90", "10.00", None)]
    later = NOW + timedelta(hours=1)
    batch = firestore.Batch()
    batch.update(metering.spend_path(workspace, NOW), {("visitor_hours", "26T13"): DOLLAR})
    batch.commit()
    assert isinstance(ask(workspace, 1, later), TooMany)
    assert told(workspace)[1:] == [("hour", 10, "1.00", "10.00", None)]
    assert activity(workspace) == ["the visitors' share of this hour"] * 2


def test_visitors_beyond_their_day_are_told_of_once_a_day(cloud: Cloud) -> None:
    spend = {"spent_nanos": 12 * DOLLAR // 5, "visitor_days": {"26": 12 * DOLLAR // 5}}
    workspace = limited(cloud, spend, cap_nanos=10 * DOLLAR)
    for hour in (0, 1, 2):
        problem = ask(workspace, DOLLAR // 5, NOW + timedelta(hours=hour))
        assert isinstance(problem, TooMany)
        assert problem.headers["Retry-After"] == str((12 - hour) * 3600)
    assert told(workspace) == [("day", 25, "2.40", "10.00", None)]
    assert activity(workspace) == ["the visitors' share of this day"]


def test_a_cap_that_refuses_before_it_is_wholly_used_is_told_of_once(cloud: Cloud) -> None:
    workspace = limited(cloud, {"spent_nanos": 7 * DOLLAR}, cap_nanos=10 * DOLLAR)
    for _ in range(2):
        assert isinstance(ask(workspace, 4 * DOLLAR, visitor=False), CapReached)
    assert told(workspace) == [("cap", 70, "7.00", "10.00", None)]
    assert activity(workspace) == ["turns are refused"]


def test_an_agents_cap_names_the_agent(cloud: Cloud) -> None:
    workspace = limited(cloud, {"spent_by_agent": {"agt_1": 4 * DOLLAR}}, agent_caps={"agt_1": 5 * DOLLAR})
    assert isinstance(ask(workspace, 2 * DOLLAR), CapReached)
    assert told(workspace) == [("agent", 80, "4.00", "5.00", "agt_1")]


def test_what_is_only_held_and_a_cap_of_nothing_tell_nobody(cloud: Cloud) -> None:
    held = Hold("other", "agt_1", False, 8 * DOLLAR, NOW, NOW + timedelta(seconds=180), {})
    busy = limited(cloud, {"holds": {"other": held.document()}}, cap_nanos=10 * DOLLAR)
    assert isinstance(ask(busy, 4 * DOLLAR, visitor=False), Unavailable)
    none = limited(cloud, {}, cap_nanos=0)
    assert isinstance(ask(none, 1), CapReached)
    assert told(busy) == told(none) == []


def test_a_second_refusal_costs_nothing_more(cloud: Cloud) -> None:
    workspace = limited(cloud, {"spent_nanos": 10 * DOLLAR}, cap_nanos=10 * DOLLAR)
    ask(workspace, 1)
    with logs.request(route="test") as operations:
        assert isinstance(ask(workspace, 1), CapReached)
    assert operations == {"firestore_reads": 1}

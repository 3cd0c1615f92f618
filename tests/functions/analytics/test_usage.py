"""Figures over time: steps without gaps, days of the workspace's own zone, spans that are refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.analytics import consumer, usage
from functions.analytics.definitions import DEFINITIONS
from functions.analytics.models import Figures, Performance, Range, Stats, StatsQuery
from functions.shared import clock, events, ids
from functions.shared.identity import WorkspaceId
from functions.shared.money import Money
from tests.cloud import Cloud
from tests.functions import rooms
from tests.functions.rooms import Room, content
from tests.functions.shared.http import callers

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def happened(cloud: Cloud, workspace: WorkspaceId, at: datetime, agent: str = "agt_a", **fields: Any) -> None:
    """One turn, counted as Pub/Sub's push does it, at its own time."""
    row = rooms.usage(workspace, agent, at, **fields)
    event = events.Event(workspace, "usage-recorded", row["event_id"], row)
    assert consumer.count(cloud.call(workspace, now=at), event)


def stats(cloud: Cloud, workspace: WorkspaceId, now: datetime = NOON, **query: Any) -> Stats:
    return usage.stats(cloud.call(workspace, now=now), StatsQuery.model_validate(query))


def test_days_without_usage_are_there_with_zeros(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    happened(cloud, workspace, NOON - timedelta(days=2))
    happened(cloud, workspace, NOON)
    found = stats(cloud, workspace, **{"from": "2026-11-22", "to": "2026-11-25"})
    assert [(step.start, step.figures.turns) for step in found.items] == [
        ("2026-11-22", 0),
        ("2026-11-23", 1),
        ("2026-11-24", 0),
        ("2026-11-25", 1),
    ]
    assert (found.total.turns, found.total.charge.nanos, found.as_of) == (2, 2_400_000, NOON)


def test_without_a_span_the_last_thirty_days_are_shown(cloud: Cloud) -> None:
    found = stats(cloud, cloud.workspace())
    assert (len(found.items), found.items[0].start, found.items[-1].start) == (30, "2026-10-27", "2026-11-25")
    assert (found.total.turns, found.as_of) == (0, None)
    assert len(stats(cloud, cloud.workspace(), granularity="hour").items) == 14 * 24


@pytest.mark.parametrize(
    ("granularity", "expected"),
    [
        ("week", [("2026-10-26", 1), ("2026-11-02", 0), ("2026-11-09", 2)]),
        ("month", [("2026-10-01", 1), ("2026-11-01", 2)]),
    ],
)
def test_days_are_put_together_to_weeks_from_monday_and_to_months(
    cloud: Cloud, granularity: str, expected: list[tuple[str, int]]
) -> None:
    workspace = cloud.workspace()
    for moment in ("2026-10-31T12:00:00Z", "2026-11-09T00:00:00Z", "2026-11-15T23:59:59Z"):
        happened(cloud, workspace, clock.from_text(moment))
    found = stats(cloud, workspace, granularity=granularity, **{"from": "2026-10-28", "to": "2026-11-15"})
    assert [(step.start, step.figures.turns) for step in found.items] == expected
    assert found.total.turns == 3


@pytest.mark.parametrize(
    ("zone", "day", "hours", "first", "last"),
    [
        ("UTC", "2026-11-25", 24, "2026-11-25T00:00:00Z", "2026-11-25T23:00:00Z"),
        ("Europe/Berlin", "2026-03-29", 23, "2026-03-28T23:00:00Z", "2026-03-29T21:00:00Z"),
        ("Europe/Berlin", "2026-10-25", 25, "2026-10-24T22:00:00Z", "2026-10-25T22:00:00Z"),
        ("America/New_York", "2026-11-01", 25, "2026-11-01T04:00:00Z", "2026-11-02T04:00:00Z"),
        ("Asia/Kolkata", "2026-11-25", 25, "2026-11-24T18:00:00Z", "2026-11-25T18:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-04", 24, "2026-10-03T13:00:00Z", "2026-10-04T12:00:00Z"),
    ],
)
def test_a_day_has_the_hours_that_it_has_where_the_workspace_is(
    cloud: Cloud, zone: str, day: str, hours: int, first: str, last: str
) -> None:
    found = stats(cloud, cloud.workspace(time_zone=zone), granularity="hour", **{"from": day, "to": day})
    starts = [step.start for step in found.items]
    assert (len(starts), starts[0], starts[-1], found.time_zone) == (hours, first, last, "UTC")
    assert len(set(starts)) == hours


@pytest.mark.parametrize("minute", ["00", "59"])
def test_the_hour_that_comes_twice_is_two_hours_and_one_day(cloud: Cloud, minute: str) -> None:
    workspace = cloud.workspace(time_zone="Europe/Berlin")
    for hour in ("00", "01"):
        happened(cloud, workspace, clock.from_text(f"2026-10-25T{hour}:{minute}:00Z"))
    span = {"from": "2026-10-25", "to": "2026-10-25"}
    hours = {step.start: step.figures.turns for step in stats(cloud, workspace, granularity="hour", **span).items}
    assert (hours["2026-10-25T00:00:00Z"], hours["2026-10-25T01:00:00Z"], sum(hours.values())) == (1, 1, 2)
    assert stats(cloud, workspace, **span).total.turns == 2


def test_groups_are_those_of_the_dimension_and_add_up(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    happened(cloud, workspace, NOON, "agt_a", channel="widget", industry=None)
    happened(cloud, workspace, NOON, "agt_b", channel="api", model="gpt-5.2", provider="openai")
    span = {"from": "2026-11-25", "to": "2026-11-25"}
    wanted = {
        "agent": {"agt_a", "agt_b"},
        "model": {"offline/offline-extractive", "openai/gpt-5.2"},
        "channel": {"widget", "api"},
        "industry": {"dental"},
        "version": {"ver_1"},
    }
    for dimension, keys in wanted.items():
        [step] = stats(cloud, workspace, group_by=dimension, **span).items
        assert step.groups.keys() == keys
        if dimension != "industry":
            assert sum(group.turns for group in step.groups.values()) == step.figures.turns == 2


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 40 * 24 * 60), st.sampled_from("ab"), st.integers(0, 10**12)), max_size=6),
    st.sampled_from(["UTC", "Asia/Kathmandu", "America/St_Johns"]),
)
def test_every_way_of_cutting_a_span_gives_the_same_total(cloud: Cloud, turns: list[Any], zone: str) -> None:
    workspace = cloud.workspace(time_zone=zone)
    for minutes, agent, charge in turns:
        happened(cloud, workspace, NOON - timedelta(minutes=minutes), f"agt_{agent}", charge_nanos=charge)
    span = {"from": "2026-10-10", "to": "2026-11-26"}
    total = sum(charge for _, _, charge in turns)
    for granularity in ("day", "week", "month"):
        found = stats(cloud, workspace, granularity=granularity, group_by="agent", **span)
        assert found.total.charge == Money.of_nanos(total, "USD")
        assert sum(step.figures.charge.nanos for step in found.items) == total
        assert sum(group.charge.nanos for step in found.items for group in step.groups.values()) == total


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("from=2026-11-25&to=2026-11-24", "/from"),
        ("from=2025-11-24&to=2026-11-25", "/from"),
        ("from=2026-11-11&to=2026-11-25&granularity=hour", "/from"),
        ("from=2199-01-01", "/from"),
        ("to=0001-01-01", "/to"),
        ("to=9999-12-31", "/to"),
        ("from=yesterday", "/from"),
        ("granularity=minute", "/granularity"),
        ("group_by=visitor", "/group_by"),
        ("agent=x", "/agent"),
    ],
)
def test_a_span_that_cannot_be_is_refused_by_pointer(room: Room, cloud: Cloud, query: str, pointer: str) -> None:
    someone = callers.person("viewer", cloud.workspace())
    refused = room.ask("GET", f"/api/usage/stats?{query}", someone)
    assert refused.status_code == 422
    assert [error["pointer"] for error in content(refused)["errors"]] == [pointer]


def test_the_longest_spans_are_taken(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    assert len(stats(cloud, workspace, **{"from": "2025-11-25", "to": "2026-11-25"}).items) == 366
    hours = stats(cloud, workspace, granularity="hour", **{"from": "2026-11-12", "to": "2026-11-25"})
    assert len(hours.items) == 14 * 24
    assert len(stats(cloud, workspace, **{"from": "2000-01-01", "to": "2000-01-01"}).items) == 1


def test_performance_is_beside_the_span_before(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name = rooms.agent(workspace)
    happened(cloud, workspace, NOON - timedelta(days=1), name, latency_ms=90, new_conversation=True)
    happened(cloud, workspace, NOON, name, new_conversation=True, handed_off=True, cost_nanos=100)
    happened(cloud, workspace, NOON, name, cost_nanos=101)
    happened(cloud, workspace, NOON, "agt_other", outcome="failed", cost_nanos=0)
    span = Range.model_validate({"from": "2026-11-25", "to": "2026-11-25"})
    found = usage.performance(cloud.call(workspace, now=NOON), span)
    assert (found.current.turns, found.current.error_rate, found.current.hand_off_rate) == (2, 0.3333, 1.0)
    assert (found.current.cost_per_conversation, found.before.turns) == (Money.of_nanos(201, "USD"), 1)
    assert found.before.latency_p50_ms is not None
    assert found.before.latency_p50_ms <= 100
    own = usage.performance(cloud.call(workspace, now=NOON), span, name)
    assert (own.current.turns, own.current.error_rate) == (2, 0.0)
    assert own.current.helpful_rate is None


def test_another_workspaces_agent_is_not_there(room: Room, cloud: Cloud) -> None:
    someone, own = callers.person("viewer", workspace := cloud.workspace()), rooms.agent(workspace)
    quiet = content(room.ask("GET", f"/api/analytics/agents/{own}", someone))
    assert (quiet["current"]["turns"], quiet["current"]["error_rate"]) == (0, None)
    for name in (rooms.agent(cloud.workspace()), ids.new("agent"), "agt_1"):
        assert room.ask("GET", f"/api/analytics/agents/{name}", someone).status_code == 404


def test_every_figure_has_a_definition(room: Room, cloud: Cloud) -> None:
    named = {definition.name for definition in DEFINITIONS}
    assert len(named) == len(DEFINITIONS)
    assert (Figures.model_fields.keys() | Performance.model_fields.keys()) <= named
    shown = content(room.ask("GET", "/api/analytics/definitions", callers.person("viewer", cloud.workspace())))
    assert {one["name"] for one in shown["items"]} == named


def test_a_program_without_the_scope_reads_no_figures(room: Room, cloud: Cloud) -> None:
    key = callers.machine(scopes=("chat",))
    refused = room.ask("GET", "/api/usage/stats", key)
    assert (refused.status_code, content(refused)["code"]) == (403, "scope_missing")

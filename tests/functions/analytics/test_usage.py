"""Figures over time: steps without gaps, days of the workspace's own zone, spans that are refused."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.analytics import consumer, usage
from functions.analytics.models import Stats
from functions.analytics.query_models import StatsQuery
from functions.shared import clock, events, logs
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
        ("visitor=x", "/visitor"),
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


def test_one_agent_model_channel_industry_or_version_is_shown_alone(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    happened(cloud, workspace, NOON, "agt_a", channel="widget", version_id="ver_1", charge_nanos=1)
    happened(cloud, workspace, NOON, "agt_b", channel="api", model="gpt-5.2", provider="openai", charge_nanos=10)
    happened(cloud, workspace, NOON, "agt_b", industry="legal", version_id=None, charge_nanos=100)
    span = {"from": "2026-11-25", "to": "2026-11-25"}
    wanted = {
        ("agent", "agt_b"): 110,
        ("agent", "agt_c"): 0,
        ("model", "openai/gpt-5.2"): 10,
        ("channel", "widget"): 101,
        ("industry", "legal"): 100,
        ("version", "ver_1"): 11,
    }
    for (name, key), charge in wanted.items():
        for granularity in ("hour", "day"):
            found = stats(cloud, workspace, granularity=granularity, **span, **{name: key})
            assert found.total.charge.nanos == sum(step.figures.charge.nanos for step in found.items) == charge
        grouped = stats(cloud, workspace, **span, **{name: key, "group_by": name})
        assert {one for step in grouped.items for one in step.groups} == ({key} if charge else set())


def test_two_dimensions_at_once_are_refused(room: Room, cloud: Cloud) -> None:
    someone = callers.person("viewer", cloud.workspace())
    for route in ("/api/usage/stats", "/api/analytics"):
        for query, pointer in (("agent=agt_a&model=x/y", "/model"), ("agent=agt_a&group_by=model", "/group_by")):
            refused = room.ask("GET", f"{route}?{query}", someone)
            assert (refused.status_code, content(refused)["errors"][0]["pointer"]) == (422, pointer)


def test_by_model_is_unknown_what_names_none(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    happened(cloud, workspace, NOON, handed_off=True)
    span = {"from": "2026-11-25", "to": "2026-11-25"}
    found = stats(cloud, workspace, model="offline/offline-extractive", **span).total
    assert (found.turns, found.hand_offs, found.resolved, found.leads, found.ratings) == (1, None, None, None, None)
    [step] = stats(cloud, workspace, group_by="model", **span).items
    assert (step.figures.hand_offs, step.groups["offline/offline-extractive"].hand_offs) == (1, None)


ABROAD = ["UTC", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "America/Los_Angeles"]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 12 * 24 * 60), st.sampled_from("ab"), st.integers(1, 10**9)), max_size=6),
    st.sampled_from(ABROAD),
    st.sampled_from(ABROAD),
)
def test_every_zone_and_every_way_of_cutting_give_the_same_total(
    cloud: Cloud, turns: list[Any], home: str, zone: str
) -> None:
    workspace = cloud.workspace(time_zone=home)
    middle = datetime(2026, 10, 31, 12, tzinfo=UTC)
    moments = [(middle - timedelta(minutes=minutes), agent, charge) for minutes, agent, charge in turns]
    for moment, agent, charge in moments:
        happened(cloud, workspace, moment, f"agt_{agent}", charge_nanos=charge)
    span = {"from": "2026-10-20", "to": "2026-11-01", "time_zone": zone, "group_by": "agent"}
    own = ZoneInfo(zone)
    inside = [one for one in moments if "2026-10-20" <= str(one[0].astimezone(own).date()) <= "2026-11-01"]
    for granularity in ("hour", "day", "week", "month"):
        found = stats(cloud, workspace, now=middle, granularity=granularity, **span)
        assert (found.time_zone, found.total.charge.nanos) == (zone, sum(charge for _, _, charge in inside))
        assert found.total.turns == sum(step.figures.turns for step in found.items) == len(inside)
        assert found.total.charge.nanos == sum(
            group.charge.nanos for step in found.items for group in step.groups.values()
        )
        if granularity == "day":
            assert {step.start for step in found.items if step.figures.turns} == {
                str(moment.astimezone(own).date()) for moment, _, _ in inside
            }
        assert found.as_of == max((moment for moment, _, _ in inside), default=None)


@pytest.mark.parametrize(
    ("zone", "day", "first", "last"),
    [
        ("Asia/Kathmandu", "2028-02-29", "2028-02-28T18:15:00Z", "2028-02-29T18:14:59Z"),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z"),
        ("America/New_York", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T04:59:59Z"),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", "2026-04-05T13:29:59Z"),
    ],
)
def test_a_day_abroad_begins_and_ends_to_the_second(cloud: Cloud, zone: str, day: str, first: str, last: str) -> None:
    workspace = cloud.workspace()
    start, end = clock.from_text(first), clock.from_text(last)
    for moment in (start - timedelta(seconds=1), start, end, end + timedelta(seconds=1)):
        happened(cloud, workspace, moment)
    for granularity in ("day", "hour"):
        found = stats(cloud, workspace, granularity=granularity, time_zone=zone, **{"from": day, "to": day})
        assert (found.total.turns, found.as_of) == (2, end)


def test_a_month_abroad_has_the_turns_of_its_own_clock_at_both_ends(cloud: Cloud) -> None:
    workspace = cloud.workspace(time_zone="America/New_York")
    start, end = clock.from_text("2026-10-31T18:15:00Z"), clock.from_text("2026-11-30T18:15:00Z")
    inside = (start, start + timedelta(hours=9), start + timedelta(days=12), end - timedelta(seconds=1))
    for moment in (start - timedelta(seconds=1), *inside, end):
        happened(cloud, workspace, moment)
    span = {"from": "2026-10-01", "to": "2026-12-31"}
    found = stats(cloud, workspace, granularity="month", time_zone="Asia/Kathmandu", **span)
    assert [(item.start, item.figures.turns) for item in found.items] == [
        ("2026-10-01", 1),
        ("2026-11-01", 4),
        ("2026-12-01", 1),
    ]


def test_days_abroad_read_a_bounded_number_of_hours(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace(time_zone="Europe/Berlin")
    someone = callers.person("viewer", workspace)
    with logs.request() as operations:
        found = stats(cloud, workspace, time_zone="Asia/Kathmandu", **{"from": "2026-10-01", "to": "2026-10-31"})
    assert (len(found.items), operations["firestore_reads"]) == (31, 31 * 24 + 1 + 1)
    with logs.request() as operations:
        stats(cloud, workspace, time_zone="Europe/Paris", **{"from": "2025-12-01", "to": "2026-11-25"})
    assert operations["firestore_reads"] == 360 + 1
    for granularity, first in (("week", "2026-06-01"), ("month", "2025-12-01")):
        with logs.request() as operations:
            span = {"from": first, "to": "2026-11-29" if granularity == "week" else "2026-11-30"}
            found = stats(cloud, workspace, time_zone="Asia/Kathmandu", granularity=granularity, **span)
        assert len(found.items) == (26 if granularity == "week" else 12)
        assert operations["firestore_reads"] <= 835 + 1
    for query, pointer in (
        ("from=2026-09-30&to=2026-10-31&time_zone=Asia/Kathmandu", "/from"),
        ("from=2026-05-31&to=2026-11-29&granularity=week&time_zone=Asia/Kathmandu", "/from"),
        ("time_zone=Mars/Olympus", "/time_zone"),
        ("time_zone=../../etc/passwd", "/time_zone"),
        ("from=2026-10-31&to=2026-10-31&time_zone=Asia/Kathmandu&group_by=version", "/time_zone"),
    ):
        refused = room.ask("GET", f"/api/usage/stats?{query}", someone)
        assert (refused.status_code, content(refused)["errors"][0]["pointer"]) == (422, pointer), query


def test_a_program_without_the_scope_reads_no_figures(room: Room, cloud: Cloud) -> None:
    key = callers.machine(scopes=("chat",))
    refused = room.ask("GET", "/api/usage/stats", key)
    assert (refused.status_code, content(refused)["code"]) == (403, "scope_missing")

"""Performance beside the span before, of the whole and of its parts, and of each version of an agent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.analytics import consumer, freshness, performance
from functions.analytics.models import Comparison
from functions.analytics.query_models import PerformanceQuery, Range, VersionsQuery
from functions.shared import clock, contracts, events, ids, logs
from functions.shared.errors import Invalid
from functions.shared.identity import WorkspaceId
from functions.shared.money import Money
from tests.cloud import Cloud
from tests.functions import rooms
from tests.functions.rooms import Room, content, write
from tests.functions.shared.http import callers

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
TODAY = {"from": "2026-11-25", "to": "2026-11-25"}


def happened(cloud: Cloud, workspace: WorkspaceId, at: datetime, agent: str = "agt_a", **fields: Any) -> None:
    row = rooms.usage(workspace, agent, at, **fields)
    event = events.Event(workspace, "usage-recorded", row["event_id"], row)
    assert consumer.count(cloud.call(workspace, now=at), event)


def told(cloud: Cloud, workspace: WorkspaceId, kind: str, agent: str, **fields: Any) -> None:
    moment = clock.to_text(NOON)
    row = {
        "event_id": f"evt_{ids.secret(8)}",
        "type": kind,
        "agent_id": agent,
        "conversation_id": "cnv_1",
        "occurred_at": moment,
        "recorded_at": moment,
        "channel": "widget",
        "industry": "dental",
        **fields,
    }
    event = events.Event(workspace, "conversation-recorded", row["event_id"], row)
    assert consumer.count(cloud.call(workspace, now=NOON), event)


def shown(cloud: Cloud, workspace: WorkspaceId, **query: Any) -> Comparison:
    return performance.workspace(cloud.call(workspace, now=NOON), PerformanceQuery.model_validate({**TODAY, **query}))


def stored_turn(workspace: WorkspaceId, conversation: str, began: datetime, seq: int = 1) -> None:
    """A turn as its commit stores it, whatever has become of its event."""
    ended = began + timedelta(seconds=4)
    home = f"workspaces/{workspace}/conversations/{conversation}"
    known = contracts.ConversationRead(agent_id="agt_a", channel="widget", created_at=began, updated_at=ended)
    write(home, known.model_dump())
    turn = contracts.TurnRead(
        seq=seq,
        message_id="msg_1",
        message="Hi?",
        answer="Yes.",
        outcome="completed",
        occurred_at=began,
        completed_at=ended,
    )
    write(f"{home}/turns/trn_{seq}", turn.model_dump())


def test_figures_are_late_since_the_oldest_turn_that_is_stored_and_not_counted(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    assert shown(cloud, workspace).late_since is None, "nothing is known that lacks"
    counted = NOON - timedelta(hours=1)
    stored_turn(workspace, "cnv_counted", counted)
    assert shown(cloud, workspace).late_since == counted, "not even the first is counted"
    happened(cloud, workspace, counted)
    found = shown(cloud, workspace)
    # It was complete after it began: the conversation changed after the newest event, and nothing is late.
    assert (found.as_of, found.late_since) == (counted, None)
    late = NOON - timedelta(minutes=40)
    for seq in (2, 3):
        stored_turn(workspace, "cnv_late", late + timedelta(minutes=seq), seq)
    write(
        f"workspaces/{workspace}/conversations/cnv_late",
        {"agent_id": "agt_a", "channel": "widget", "created_at": late, "updated_at": NOON},
    )
    assert shown(cloud, workspace).late_since == late + timedelta(minutes=2)
    assert shown(cloud, workspace, agent="agt_other").late_since == late + timedelta(minutes=2)
    soon = NOON - freshness.LATE
    stored_turn(workspace, "cnv_late", soon, 4)
    happened(cloud, workspace, late + timedelta(minutes=3))
    assert shown(cloud, workspace).late_since is None, "what is on its way is not late yet"
    yesterday = {"from": "2026-11-24", "to": "2026-11-24"}
    assert shown(cloud, workspace, **yesterday).late_since is None, "a span that is over"


def test_who_only_left_an_address_makes_no_figure_late(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    happened(cloud, workspace, NOON - timedelta(hours=2))
    stored_turn(workspace, "cnv_1", NOON - timedelta(hours=2))
    changed = {"agent_id": "agt_a", "channel": "widget", "created_at": NOON, "updated_at": NOON - timedelta(minutes=30)}
    write(f"workspaces/{workspace}/conversations/cnv_1", changed)
    with logs.request() as counted:
        assert shown(cloud, workspace).late_since is None
    # Two days and the workspace, then the conversation and its turn; without a change it is one read in their place.
    assert counted["firestore_reads"] == 3 + 2


def test_performance_is_beside_the_span_before(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name = rooms.agent(workspace)
    happened(cloud, workspace, NOON - timedelta(days=1), name, latency_ms=90, new_conversation=True)
    happened(cloud, workspace, NOON, name, new_conversation=True, handed_off=True, cost_nanos=100)
    happened(cloud, workspace, NOON, name, cost_nanos=101)
    happened(cloud, workspace, NOON, "agt_other", outcome="failed", cost_nanos=0)
    found = shown(cloud, workspace)
    assert (found.current.turns, found.current.error_rate, found.current.hand_off_rate) == (2, 0.3333, 1.0)
    assert (found.current.cost_per_conversation, found.before.turns) == (Money.of_nanos(201, "USD"), 1)
    assert found.before.latency_p50_ms is not None
    assert found.before.latency_p50_ms <= 100
    assert (found.change["turns"], found.change["errors"], found.change["conversations"]) == (1.0, None, 0.0)
    assert (str(found.days.first), str(found.days_before.last), found.as_of) == ("2026-11-25", "2026-11-24", NOON)
    day = Range.model_validate(TODAY)
    own = performance.agent(cloud.call(workspace, now=NOON), name, day)
    assert (own.current.turns, own.current.error_rate) == (2, 0.0)
    assert own.current.helpful_rate is None


def test_who_comes_again_is_counted_once_a_conversation(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    happened(cloud, workspace, NOON, new_conversation=True, new_visitor=True)
    happened(cloud, workspace, NOON, new_conversation=False)
    happened(cloud, workspace, NOON, new_conversation=True, new_visitor=False)
    happened(cloud, workspace, NOON, new_conversation=False, new_visitor=False)
    happened(cloud, workspace, NOON, new_conversation=True, new_visitor=False, channel="api")
    found = shown(cloud, workspace).current
    assert (found.visitors, found.returning_visitors, found.conversations) == (1, 1, 3)


def test_the_parts_of_a_span_add_up_to_it(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    happened(cloud, workspace, NOON, "agt_a", latency_ms=90)
    happened(cloud, workspace, NOON, "agt_b", latency_ms=5000, channel="api")
    for dimension in ("agent", "model", "channel", "industry", "version"):
        found = shown(cloud, workspace, group_by=dimension)
        assert sum(group.turns for group in found.groups.values()) == found.current.turns == 2
    by_agent = shown(cloud, workspace, group_by="agent").groups
    assert (by_agent["agt_a"].latency_p95_ms or 0) < 100 < (by_agent["agt_b"].latency_p95_ms or 0)
    assert shown(cloud, workspace, agent="agt_a").current == by_agent["agt_a"]


def test_another_workspaces_agent_is_not_there(room: Room, cloud: Cloud) -> None:
    someone, own = callers.person("viewer", workspace := cloud.workspace()), rooms.agent(workspace)
    quiet = content(room.ask("GET", f"/api/analytics/agents/{own}", someone))
    assert (quiet["current"]["turns"], quiet["current"]["error_rate"], quiet["as_of"]) == (0, None, None)
    for name in (rooms.agent(cloud.workspace()), ids.new("agent"), "agt_1"):
        for route in (f"/api/analytics/agents/{name}", f"/api/analytics/agents/{name}/versions"):
            assert room.ask("GET", route, someone).status_code == 404


def test_every_version_has_its_quality_and_margin(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    first, second = ids.new("version"), ids.new("version")
    name = rooms.agent(workspace, published_version=second, published_number=2)
    for number, version in ((1, first), (2, second)):
        document = {
            "number": number,
            "name": f"V{number}",
            "model": "offline/x",
            "published_at": NOON,
            "prompt": "secret",
        }
        write(f"workspaces/{workspace}/agents/{name}/versions/{version}", document)
    now = clock.now()
    happened(cloud, workspace, now, name, version_id=second, new_conversation=True, cost_nanos=300, charge_nanos=400)
    happened(cloud, workspace, now, name, version_id=None, charge_nanos=7)
    for kind, rating in (("resolved", None), ("feedback", 1), ("feedback", -1), ("rating", 4)):
        told(cloud, workspace, kind, name, version_id=second, rating=rating, occurred_at=clock.to_text(now))
    someone = callers.person("viewer", workspace)
    answer = room.ask("GET", f"/api/analytics/agents/{name}/versions", someone)
    found = content(answer)
    assert "secret" not in answer.text
    two, one = found["items"]
    assert (two["number"], two["is_published"], two["turns"], two["resolved"]) == (2, True, 1, 1)
    assert (two["margin"]["amount"], two["margin_rate"], two["helpful_rate"], two["rating"]) == (
        "0.0000001",
        0.25,
        0.5,
        4.0,
    )
    assert (one["number"], one["is_published"], one["turns"], one["rating"], one["margin_rate"]) == (
        1,
        False,
        0,
        None,
        None,
    )
    assert clock.from_text(found["as_of"]) == now
    page = content(room.ask("GET", f"/api/analytics/agents/{name}/versions?page_size=1", someone))
    rest = content(
        room.ask("GET", f"/api/analytics/agents/{name}/versions?page_token={page['next_page_token']}", someone)
    )
    assert ([v["number"] for v in page["items"]], [v["number"] for v in rest["items"]]) == ([2], [1])
    assert rest["next_page_token"] is None
    assert (
        room.ask("GET", f"/api/analytics/agents/{name}/versions?page_token=W251bGwsbnVsbF0", someone).status_code == 422
    )


def test_versions_of_an_agent_without_any_are_none(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    found = performance.versions(cloud.call(workspace, now=NOON), rooms.agent(workspace), VersionsQuery())
    assert (found.items, found.as_of, found.next_page_token) == ([], None, None)


def test_a_span_comes_step_by_step_and_only_what_is_over_is_compared(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    for days, latency in ((0, 2000), (1, 90), (1, 90), (3, 90), (4, 90)):
        happened(cloud, workspace, NOON - timedelta(days=days), latency_ms=latency, input_tokens=7)
    found = shown(cloud, workspace, **{"from": "2026-11-23", "granularity": "day"})
    assert found.series is not None
    steps = found.series.items
    assert [(one.start, one.figures.turns, one.unfinished) for one in steps] == [
        ("2026-11-23", 0, False),
        ("2026-11-24", 2, False),
        ("2026-11-25", 1, True),
    ]
    # Nothing measured is not fast: unknown is not zero.
    assert steps[0].figures.latency_p95_ms is None
    assert [one.figures.turns for one in found.series.before] == [0, 1, 1]
    assert (found.series.total.turns, found.series.total.input_tokens) == (3, 21)
    # Today is not over: two days beside the first two of the three before.
    assert (found.series.compared.turns, found.series.compared_before.turns) == (2, 1)
    assert (found.series.change["turns"], found.change["turns"]) == (1.0, 0.5)


def test_of_today_the_hours_that_are_over_are_compared_with_the_same_hours_before(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    for hours in (0, 1, 2, 25, 24 - 3):
        happened(cloud, workspace, NOON - timedelta(hours=hours))
    found = shown(cloud, workspace, granularity="hour")
    assert found.series is not None
    assert [one.start for one in found.series.items if one.figures.turns] == [
        "2026-11-25T10:00:00Z",
        "2026-11-25T11:00:00Z",
        "2026-11-25T12:00:00Z",
    ]
    assert sum(one.unfinished for one in found.series.items) == 12
    # 15:00 of yesterday is no part of it.
    assert (found.series.compared.turns, found.series.compared_before.turns) == (2, 1)


def test_the_span_to_compare_with_can_be_named(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    happened(cloud, workspace, datetime(2026, 10, 3, 12, tzinfo=UTC))
    happened(cloud, workspace, datetime(2026, 11, 2, 12, tzinfo=UTC))
    asked = {"from": "2026-11-01", "before_from": "2026-10-01", "before_to": "2026-10-25", "granularity": "day"}
    found = shown(cloud, workspace, **asked)
    assert (str(found.days_before.first), found.before.turns, found.change["turns"]) == ("2026-10-01", 1, 0.0)
    assert found.series is not None
    assert len(found.series.before) == 25
    for half in ({"before_from": "2026-10-01"}, {"before_from": "2026-10-02", "before_to": "2026-10-01"}):
        with pytest.raises(Invalid):
            shown(cloud, workspace, **half)

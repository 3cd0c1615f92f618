"""Performance beside the span before, of the whole and of its parts, and of each version of an agent."""

from datetime import UTC, datetime, timedelta
from typing import Any

from functions.analytics import consumer, performance
from functions.analytics.models import Comparison, PerformanceQuery, Range, VersionsQuery
from functions.shared import clock, events, ids
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

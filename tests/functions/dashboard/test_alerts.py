"""Each alert is there when its definition says so, gone when its reason is, and never another workspace's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.dashboard import alerts, overview, repository
from functions.shared import clock, contracts, firestore, ids, metering
from functions.shared.identity import Role, WorkspaceId
from tests.cloud import Cloud
from tests.functions.rooms import Room, agent, content, write
from tests.functions.shared.http import callers

NOW = datetime(2026, 11, 25, 22, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def relay_that_runs(cloud: Cloud) -> None:
    """The relay's counters are one document for all workspaces."""
    write(repository.RELAY, {"unsent": 0, "ran_at": NOW - timedelta(minutes=9)})


def found(cloud: Cloud, workspace: WorkspaceId, role: Role = Role.OWNER) -> dict[str, str]:
    """Code → subject."""
    return {one.code: one.subject for one in overview.alerts(cloud.call(workspace, now=NOW, role=role))}


def micros(at: datetime) -> int:
    return clock.to_micros(at)


def spend(workspace: WorkspaceId, **fields: Any) -> None:
    write(metering.spend_path(workspace, NOW), {"currency": "USD", **fields})


def rollup(workspace: WorkspaceId, name: str, agent_id: str, **counters: Any) -> None:
    write(contracts.path(workspace, "rollups", name), {"agents": {agent_id: counters}})


def test_a_quiet_workspace_has_no_alerts(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    agent(workspace)
    assert found(cloud, workspace) == {}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"cap_nanos": 100, "spent_nanos": 79}, None),
        ({"cap_nanos": 100, "spent_nanos": 80}, "cap_near"),
        ({"cap_nanos": 100, "spent_nanos": 100}, "cap_reached"),
        ({"cap_nanos": 100, "spent_nanos": 100, "allowance_nanos": 30}, None),
        ({"cap_nanos": 100, "spent_nanos": 100, "credit_nanos": 10}, "cap_near"),
        ({"trial_nanos": 100, "spent_nanos": 85, "allowance_nanos": 100}, "cap_near"),
        ({"trial_nanos": 0, "spent_nanos": 0}, "cap_reached"),
        ({"cap_nanos": 0, "spent_nanos": 0, "allowance_nanos": 5}, None),
        ({"agent_caps": {"agt_1": 10}, "spent_by_agent": {"agt_1": 9}}, "cap_near"),
        ({"agent_caps": {"agt_1": 10}, "spent_by_agent": {"agt_1": 10}}, "cap_reached"),
        ({"agent_caps": {"agt_1": 10}, "spent_by_agent": {"agt_2": 10}}, None),
    ],
)
def test_the_cap_is_near_at_80_percent_and_reached_as_a_turn_would_be_refused(
    cloud: Cloud, fields: dict[str, Any], expected: str | None
) -> None:
    workspace = cloud.workspace()
    spend(workspace, **fields)
    subject = "agt_1" if "agent_caps" in fields else "2026-11"
    assert found(cloud, workspace) == ({} if expected is None else {expected: subject})


def test_figures_are_late_when_events_wait_or_the_relay_does_not_run(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    for relay, late in (
        ({"unsent": 3, "ran_at": NOW}, True),
        ({"unsent": 0, "ran_at": NOW - timedelta(minutes=31)}, True),
        ({"unsent": 0, "ran_at": NOW - timedelta(minutes=29)}, False),
        ({}, False),
    ):
        write(repository.RELAY, relay)
        assert found(cloud, workspace) == ({"figures_late": "relay"} if late else {})


def test_an_active_agent_that_talked_and_talks_no_more_is_silent(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name = agent(workspace, name="Reception")
    rollup(workspace, "month_2026-11", name, turns=5, last_micros=micros(NOW - timedelta(days=3, seconds=1)))
    call = cloud.call(workspace, now=NOW)
    [alert] = overview.alerts(call)
    assert (alert.code, alert.severity, alert.kind, alert.subject) == ("agent_silent", "warning", "agent", name)
    assert "Reception" in alert.text
    assert alert.definition == alerts.DEFINITIONS["agent_silent"][1]
    rollup(workspace, "month_2026-11", name, turns=5, last_micros=micros(NOW - timedelta(days=2, hours=23)))
    assert found(cloud, workspace) == {}
    rollup(workspace, "month_2026-11", ids.new("agent"))
    rollup(workspace, "month_2026-10", name, turns=5, last_micros=micros(NOW - timedelta(days=26)))
    assert found(cloud, workspace) == {"agent_silent": name}
    write(contracts.path(workspace, "fleet", name), {"status": "paused"})
    assert found(cloud, workspace) == {}


def test_an_agent_that_failed_today_or_yesterday_is_failing(cloud: Cloud) -> None:
    workspace = cloud.workspace(time_zone="Asia/Tokyo")
    name = agent(workspace)
    bad = {"turns": 5, "failed": 3}
    for day, fails in (("2026-11-26", True), ("2026-11-25", True), ("2026-11-24", False)):
        rollup(workspace, f"day_{day}", name, **bad)
        assert found(cloud, workspace) == ({"agent_failing": name} if fails else {}), day
        rollup(workspace, f"day_{day}", name, turns=5)


def test_an_agent_that_was_never_published_is_reminded_of_after_a_day(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    fresh = {"published_version": None, "created_at": NOW - timedelta(hours=23)}
    old = {"published_version": None, "created_at": NOW - timedelta(hours=25)}
    agent(workspace, status=None, **fresh)
    name = agent(workspace, status=None, **old)
    gone = agent(workspace, status=None, **old)
    write(contracts.path(workspace, "fleet", gone), {"status": "draft", "deleted_at": NOW})
    assert found(cloud, workspace) == {"agent_unpublished": name}


def test_an_overdue_invoice_is_named_by_its_number(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    invoice = {"period": "2026-10", "state": "overdue", "currency": "USD", "number": "TEST-2026-0001"}
    write(contracts.path(workspace, "invoices", "inv_1"), invoice)
    write(contracts.path(workspace, "invoices", "inv_2"), {**invoice, "state": "open"})
    [alert] = overview.alerts(cloud.call(workspace, now=NOW))
    assert (alert.code, alert.severity, alert.subject) == ("invoice_overdue", "critical", "inv_1")
    assert "TEST-2026-0001" in alert.text


def test_conversations_that_wait_for_a_person_are_counted_without_what_was_said(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "MOST_WAITING", 3)
    workspace = cloud.workspace()
    # However many others there are that were spoken in later.
    for place, state in enumerate(("waiting", "waiting", *["taken"] * 3, *["done"] * 3)):
        document = {
            "agent_id": "agt_1",
            "channel": "widget",
            "handed_off": True,
            "hand_off": {"state": state, "note": "my phone is 555"},
            "created_at": NOW,
            "updated_at": NOW + timedelta(seconds=place),
        }
        write(contracts.path(workspace, "conversations", f"cnv_{place}"), document)
    [alert] = overview.alerts(cloud.call(workspace, now=NOW))
    assert (alert.code, alert.text) == ("hand_off_waiting", "2 conversations wait for a person.")
    assert "555" not in alert.model_dump_json()


def test_a_key_that_ends_soon_is_shown_to_admins(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    for place, (days, revoked) in enumerate(((6, None), (8, None), (-1, None), (3, NOW))):
        ends = NOW + timedelta(days=days)
        key = {"name": f"K{place}", "secret_hash": "x", "scopes": ["read"], "revoked_at": revoked, "expires_at": ends}
        write(contracts.path(workspace, "api_keys", f"key_{place}"), key)
    assert found(cloud, workspace, Role.ADMIN) == {"key_expiring": "key_0"}
    assert found(cloud, workspace, Role.MEMBER) == {}


def test_the_workspaces_own_state_comes_first(cloud: Cloud) -> None:
    workspace = cloud.workspace(state="closing", erase_at=NOW + timedelta(days=3))
    spend(workspace, cap_nanos=1, spent_nanos=1)
    assert list(found(cloud, workspace)) == ["workspace_closing", "cap_reached"]
    assert "workspace_suspended" in found(cloud, cloud.workspace(state="suspended"))


def test_over_http_they_are_the_workspaces_own_and_the_same_on_the_home_page(room: Room, cloud: Cloud) -> None:
    workspace, other = cloud.workspace(state="suspended"), cloud.workspace()
    write(repository.RELAY, {"unsent": 0})
    someone = callers.person("viewer", workspace)
    items = content(room.ask("GET", "/api/dashboard/alerts", someone))["items"]
    assert [one["code"] for one in items] == ["workspace_suspended"]
    assert content(room.ask("GET", "/api/dashboard", someone))["alerts"] == items
    assert content(room.ask("GET", "/api/dashboard/alerts", callers.person("viewer", other)))["items"] == []
    assert firestore.get(contracts.workspace_path(workspace)).data["state"] == "suspended"

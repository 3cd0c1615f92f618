"""A suspended workspace answers no visitor and keeps everything; who suspended it decides when that ends."""

from datetime import timedelta
from typing import Any

import pytest

from functions.dashboard import closing, suspending, sweeping
from functions.dashboard.models import Closing, Suspended, Suspension
from functions.shared import clock, contracts, events, firestore, ids, metering, notifications
from functions.shared.errors import NotFound
from functions.shared.events import Event
from functions.shared.identity import Caller, WorkspaceId
from functions.shared.identity.workspace import from_directory
from tests.cloud import Cloud
from tests.functions.dashboard.acting import founder
from tests.functions.dashboard.conftest import People
from tests.functions.rooms import Room, content

NOW = clock.now()


@pytest.fixture
def workspace(cloud: Cloud) -> WorkspaceId:
    return cloud.workspace(created_at=NOW - timedelta(days=30))


def decide(cloud: Cloud, workspace: WorkspaceId, suspended: bool, reason: str = "Abuse") -> Suspended:
    call = cloud.call(None, kind=Caller.OPERATOR, now=NOW, operator=True)
    return suspending.decide(call, workspace, Suspension(suspended=suspended, reason=reason))


def state(workspace: WorkspaceId) -> tuple[str, str]:
    """What the workspace says, and what a turn reads."""
    home = firestore.get(contracts.workspace_path(workspace)).data
    return home["state"], metering.current(workspace, NOW).state


def acts(workspace: WorkspaceId) -> list[tuple[str, str]]:
    found = firestore.find(firestore.Query(contracts.path(workspace, "activity"), order=("at",)))
    return sorted((one.data["action"], one.data["actor"]) for one in found)


def invoice(workspace: WorkspaceId, state: str) -> str:
    name = ids.new("invoice")
    batch = firestore.Batch()
    batch.set(contracts.path(workspace, "invoices", name), {"state": state, "period": "2026-11", "currency": "USD"})
    batch.commit()
    return name


def event(workspace: WorkspaceId, kind: Any, subject: str, **facts: Any) -> Event:
    batch = firestore.Batch()
    made = notifications.record(batch, workspace, kind, subject=subject, once=ids.new("event"), facts=facts, now=NOW)
    batch.commit()
    stored = events.read(workspace, made.id)
    assert stored is not None
    return stored


def test_an_operator_suspends_and_lifts_it_and_both_are_told(cloud: Cloud, workspace: WorkspaceId) -> None:
    for _ in range(2):
        shown = decide(cloud, workspace, True)
    assert (shown.suspended, shown.state, shown.reason, shown.since) == (True, "suspended", "Abuse", NOW)
    assert state(workspace) == ("suspended", "suspended")
    for _ in range(2):
        shown = decide(cloud, workspace, False)
    assert (shown.suspended, shown.reason) == (False, None)
    assert state(workspace) == ("active", "active")
    assert [action for action, _ in acts(workspace)] == ["workspace.suspended", "workspace.suspension_lifted"]


def test_a_closing_workspace_is_suspended_when_it_is_opened_again(cloud: Cloud, workspace: WorkspaceId) -> None:
    closing.close(cloud.call(workspace), Closing(name=firestore.get(f"workspaces/{workspace}").data["name"]))
    assert decide(cloud, workspace, True).state == "closing"
    assert state(workspace) == ("closing", "closing")
    closing.reopen(cloud.call(workspace))
    assert state(workspace) == ("suspended", "suspended")


def test_what_is_not_there_or_erased_is_not_suspended(cloud: Cloud) -> None:
    with pytest.raises(NotFound):
        decide(cloud, from_directory("ws_01k00000000000000000000000"), True)
    with pytest.raises(NotFound):
        decide(cloud, cloud.workspace(state="erased"), True)


def test_the_last_step_of_dunning_suspends_and_the_payment_lifts_it(cloud: Cloud, workspace: WorkspaceId) -> None:
    late = invoice(workspace, "overdue")
    facts = {"invoice_number": "ACME-2026-0001", "action": "suspend"}
    step = event(workspace, "invoice.overdue", late, **facts)
    suspending.follow(event(workspace, "invoice.overdue", late, **{**facts, "action": "warn"}), NOW)
    assert state(workspace) == ("active", "active")
    for _ in range(2):
        suspending.follow(step, NOW)
    assert state(workspace) == ("suspended", "suspended")
    paid = event(workspace, "payment.received", ids.new("payment"))
    suspending.follow(paid, NOW)
    assert state(workspace) == ("suspended", "suspended")
    batch = firestore.Batch()
    batch.update(contracts.path(workspace, "invoices", late), {("state",): "paid"})
    batch.commit()
    for _ in range(2):
        suspending.follow(paid, NOW)
    assert state(workspace) == ("active", "active")
    # The step comes once more, out of order: its invoice is paid.
    suspending.follow(step, NOW)
    assert state(workspace) == ("active", "active")
    assert acts(workspace) == [("workspace.suspended", "system"), ("workspace.suspension_lifted", "system")]


@pytest.mark.parametrize(("became", "then"), [("void", "active"), ("paid", "active"), ("uncollectible", "suspended")])
def test_an_invoice_that_is_settled_without_a_payment_frees_the_workspace_at_the_next_sweep(
    workspace: WorkspaceId, became: str, then: str
) -> None:
    late = invoice(workspace, "overdue")
    suspending.follow(event(workspace, "invoice.overdue", late, action="suspend"), NOW)
    sweeping.sweep(workspace, NOW)
    assert state(workspace) == ("suspended", "suspended")
    batch = firestore.Batch()
    batch.update(contracts.path(workspace, "invoices", late), {("state",): became})
    batch.commit()
    for _ in range(2):
        sweeping.sweep(workspace, NOW)
    assert state(workspace) == (then, then)


def test_a_sweep_does_not_lift_what_an_operator_decided(cloud: Cloud, workspace: WorkspaceId) -> None:
    decide(cloud, workspace, True)
    sweeping.sweep(workspace, NOW)
    assert state(workspace) == ("suspended", "suspended")


def test_a_payment_does_not_lift_what_an_operator_decided(cloud: Cloud, workspace: WorkspaceId) -> None:
    late = invoice(workspace, "overdue")
    suspending.follow(event(workspace, "invoice.overdue", late, action="suspend"), NOW)
    decide(cloud, workspace, True, "Abuse")
    batch = firestore.Batch()
    batch.update(contracts.path(workspace, "invoices", late), {("state",): "paid"})
    batch.commit()
    suspending.follow(event(workspace, "payment.received", ids.new("payment")), NOW)
    assert state(workspace) == ("suspended", "suspended")


def test_the_route_is_the_operators_alone_and_the_console_stays_readable(room: Room, people: People) -> None:
    owner, name = founder(room, people)
    path = f"/api/operator/workspaces/{name}/suspension"
    body = {"suspended": True, "reason": "Not paid"}
    assert room.ask("PUT", path, owner, body).status_code == 403
    operator = people.sign_up(operator=True)
    assert content(room.ask("PUT", path, operator, body))["suspended"] is True
    assert content(room.ask("GET", "/api/workspace", owner))["state"] == "suspended"
    assert room.ask("GET", "/api/dashboard/activity", owner).status_code == 200
    assert room.ask("PUT", path, operator, {"suspended": True, "reason": " "}).status_code == 422

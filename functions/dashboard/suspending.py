"""Suspending a workspace and lifting that again: by an operator, or by the last step of dunning where its data says so.

A suspended workspace's agents refuse turns at once, since the running period's document is written in the same commit.
Nothing is deleted; people can read, and pay. What dunning suspended is lifted by the payment that leaves nothing owed; where
a credit note or a void does, by the next daily sweep. What was written off is still owed.
"""

from datetime import datetime
from typing import Any

from functions.dashboard import repository
from functions.dashboard.models import Suspended, Suspension
from functions.shared import activity, contracts, firestore, metering
from functions.shared.errors import NotFound
from functions.shared.events import Event
from functions.shared.firestore import Snapshot
from functions.shared.http import Call
from functions.shared.identity import Principal, WorkspaceId

OPERATOR, DUNNING = "operator", "dunning"


def decide(call: Call, workspace: WorkspaceId, wanted: Suspension) -> Suspended:
    """As the operator says; again it changes nothing. Raises NotFound for a workspace that is not there or erased."""
    return _set(workspace, wanted.suspended, wanted.reason, OPERATOR, call.principal, call.now)


def follow(event: Event, now: datetime) -> None:
    """What a notification means for the suspension; a repeat of it changes nothing more.

    A step of dunning suspends only while its invoice is overdue: it may have been paid since. A payment lifts what
    dunning suspended once nothing is owed.
    """
    workspace, facts = event.workspace, event.row.get("facts") or {}
    match event.row["type"]:
        case "invoice.overdue" if facts.get("action") == "suspend":
            invoice = firestore.get(contracts.path(workspace, "invoices", str(event.row["subject"])))
            if invoice.data.get("state") == "overdue":
                reason = f"Invoice {facts.get('invoice_number')} was not paid."
                _follow(workspace, True, reason, now)
        case "payment.received":
            relieve(workspace, firestore.get(contracts.workspace_path(workspace)), now)


def relieve(workspace: WorkspaceId, home: Snapshot, now: datetime) -> None:
    """Lift what dunning suspended once nothing is owed, however that came; else change nothing. One more read."""
    if home.data.get("suspended_by") == DUNNING and not repository.owing(workspace, 1):
        _follow(workspace, False, "Nothing is owed any more.", now)


def _follow(workspace: WorkspaceId, suspended: bool, reason: str, now: datetime) -> None:
    try:
        _set(workspace, suspended, reason, DUNNING, None, now)
    except NotFound:
        # It was erased meanwhile, and has nothing to suspend.
        return


def _set(
    workspace: WorkspaceId, suspended: bool, reason: str, by: str, principal: Principal | None, now: datetime
) -> Suspended:
    paths = [contracts.workspace_path(workspace), metering.spend_path(workspace, now)]

    def work(batch: firestore.Batch, found: list[Snapshot]) -> Suspended:
        home, spend = found
        if not home.exists or home.data.get("state") == "erased":
            raise NotFound("There is no workspace of this id.")
        # What an operator decides stays until an operator decides otherwise, also on what dunning had suspended.
        known = _is_suspended(home.data) and (by == DUNNING or home.data.get("suspended_by") == by)
        if known if suspended else not _is_suspended(home.data):
            return _shown(workspace, home.data)
        # A closing workspace stays closing: the suspension counts when it is opened again.
        field = "reopens_as" if home.data["state"] == "closing" else "state"
        fields: dict[str, Any] = {
            field: "suspended" if suspended else "active",
            "suspended_reason": reason if suspended else None,
            "suspended_by": by if suspended else None,
            "suspended_at": now if suspended else None,
        }
        document = {**home.data, **fields}
        batch.update(home.path, {(name,): value for name, value in fields.items()}, if_etag=home.etag)
        metering.write_standing(batch, workspace, document, spend)
        activity.record(
            batch,
            workspace,
            principal,
            "workspace.suspended" if suspended else "workspace.suspension_lifted",
            kind="workspace",
            subject=str(workspace),
            name=home.data["name"],
            before={"suspended": _is_suspended(home.data)},
            after={"suspended": suspended, "reason": reason},
            now=now,
        )
        return _shown(workspace, document)

    return firestore.compete(paths, repository.read(paths), work)


def _is_suspended(home: dict[str, Any]) -> bool:
    state = home.get("reopens_as") if home.get("state") == "closing" else home.get("state")
    return state == "suspended"


def _shown(workspace: WorkspaceId, home: dict[str, Any]) -> Suspended:
    return Suspended(
        id=workspace,
        state=home["state"],
        suspended=_is_suspended(home),
        reason=home.get("suspended_reason"),
        since=home.get("suspended_at"),
    )

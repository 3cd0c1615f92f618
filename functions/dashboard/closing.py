"""Closing a workspace: it is still at once, can be reopened for 30 days, and is then erased but for the books.

Closed in the first days of a month it waits a few days more, until the invoice of that month is final: who owes can still
read it, and it names the agents that are on it.
"""

from collections.abc import Callable
from datetime import datetime

from functions.dashboard import erasing, repository, workspaces
from functions.dashboard.models import Closing, Workspace
from functions.shared import activity, contracts, firestore, metering
from functions.shared.errors import Conflict, Invalid
from functions.shared.firestore import Snapshot
from functions.shared.http import Call


def close(call: Call, confirmation: Closing) -> tuple[Workspace, str]:
    """Close the workspace: no turn and no session begins any more, and at its end (erasing.ends) it is erased.

    Closing again changes nothing. Raises Invalid unless the workspace's name was typed.
    """

    def write(batch: firestore.Batch, home: Snapshot, spend: Snapshot) -> None:
        if confirmation.name.strip() != home.data["name"]:
            raise Invalid(errors=[{"pointer": "/name", "message": "Type the workspace's name as it is."}])
        if home.data["state"] == "closing":
            return
        fields = {
            "state": "closing",
            "closed_at": call.now,
            "erase_at": erasing.ends(call.now),
            "reopens_as": home.data["state"],
        }
        workspaces.write_home(batch, call, home, spend, fields)
        _tell(batch, call, "workspace.closed", home, {"state": "closing", "erase_at": fields["erase_at"]})

    return _change(call, write)


def reopen(call: Call) -> tuple[Workspace, str]:
    """Open a closed workspace again, as it was: one that was suspended is suspended still. An open one stays as it is.

    Raises Conflict (`workspace_erasing`) once its time is over.
    """

    def write(batch: firestore.Batch, home: Snapshot, spend: Snapshot) -> None:
        if home.data["state"] != "closing":
            return
        if is_over(home, call.now):
            raise Conflict("Its time is over: the workspace is being erased.", code="workspace_erasing")
        state = home.data.get("reopens_as", "active")
        fields = {"state": state, "closed_at": None, "erase_at": None, "reopens_as": None}
        workspaces.write_home(batch, call, home, spend, fields)
        _tell(batch, call, "workspace.reopened", home, {"state": state})

    return _change(call, write)


def is_over(home: Snapshot, now: datetime) -> bool:
    """Whether a closing workspace's time is over, or some room has begun to erase it."""
    over: datetime | None = home.data.get("erase_at")
    return home.data.get("erasing_since") is not None or (over is not None and over <= now)


def _change(call: Call, write: Callable[[firestore.Batch, Snapshot, Snapshot], None]) -> tuple[Workspace, str]:
    paths = [contracts.workspace_path(call.workspace), metering.spend_path(call.workspace, call.now)]
    firestore.compete(paths, repository.read(paths), lambda batch, found: write(batch, *found))
    return workspaces.show(call, call.workspace)


def _tell(batch: firestore.Batch, call: Call, action: str, home: Snapshot, after: dict[str, object]) -> None:
    activity.record(
        batch,
        call.workspace,
        call.principal,
        action,
        kind="workspace",
        subject=str(call.workspace),
        name=home.data["name"],
        before={"state": home.data["state"]},
        after=after,
        now=call.now,
    )

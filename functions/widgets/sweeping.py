"""The widgets' part of the daily sweep: what deleted widgets left, and everything of a workspace that is erased."""

from datetime import datetime, timedelta

from functions.shared import clock, contracts, directory, firestore, logs, visitors
from functions.shared.contracts import WorkspaceRead
from functions.shared.firestore import Snapshot
from functions.shared.identity import WorkspaceId
from functions.widgets import avatars, public_files, repository

TOMBSTONE_KEPT = timedelta(days=30)
"""So long a deleted widget's document still says its name to whoever reads an old conversation."""

SECONDS = 40.0
"""A sweep stops here, before its deployment does; the next one goes on."""

_AT_ONCE = 200


def sweep(workspace: WorkspaceId, as_of: datetime) -> None:
    """Do what is due at `as_of`; harmless to repeat. Raises Unavailable, and then Pub/Sub asks again."""
    found = firestore.get(contracts.workspace_path(workspace))
    if not found.exists:
        return
    until = clock.monotonic() + SECONDS
    gone = WorkspaceRead.model_validate(found.data).is_over(as_of)
    done = _erase_all(workspace, until) if gone else _bury(workspace, as_of, until)
    if not done:
        logs.warning("the sweep of widgets goes on another day", workspace_id=str(workspace))


def _bury(workspace: WorkspaceId, as_of: datetime, until: float) -> bool:
    """Take the files of deleted widgets away once more, then their documents; whether all is done."""
    for widget in repository.deleted_before(workspace, as_of):
        if clock.monotonic() > until:
            return False
        batch = firestore.Batch()
        if not widget.data.get("swept"):
            _take_files(widget)
            # A directory entry goes with the deletion itself.
            batch.update(widget.path, {("swept",): True}, if_etag=widget.etag)
        if widget.data["deleted_at"] <= as_of - TOMBSTONE_KEPT:
            batch = firestore.Batch()
            batch.delete(widget.path)
        batch.commit()
    return True


def _take_files(widget: Snapshot) -> None:
    public_files.take_away(widget.id)
    avatars.delete(list(widget.data.get("avatars") or ()))


def _erase_all(workspace: WorkspaceId, until: float) -> bool:
    while found := repository.any_widgets(workspace, _AT_ONCE):
        for widget in found:
            if clock.monotonic() > until:
                return False
            _take_files(widget)
            batch = firestore.Batch()
            directory.remove(batch, widget.id)
            batch.delete(widget.path)
            batch.commit()
    while visitors.erase(workspace, firestore.MAX_WRITES):
        if clock.monotonic() > until:
            return False
    return True

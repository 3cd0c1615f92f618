"""Which workspace a public id belongs to: `directory/{person, widget, key or invitation}`, for callers who cannot say it
themselves."""

from datetime import datetime

from functions.shared import firestore
from functions.shared.contracts import DirectoryRead
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import from_directory


def path(entry: str) -> str:
    """Where the entry of a person's uid, a widget, an API key or an invitation is."""
    return f"directory/{entry}"


def enter(
    batch: firestore.Batch, entry: str, workspace: WorkspaceId, kind: str, *, expire_at: datetime | None = None
) -> None:
    """Add the entry to the commit that makes the thing itself; AlreadyExists at commit when the id is taken.

    With `expire_at` it ends by itself, as the thing does.
    """
    ends = {} if expire_at is None else {"expire_at": expire_at}
    batch.create(path(entry), {"workspace_id": str(workspace), "kind": kind, **ends})


def remove(batch: firestore.Batch, entry: str) -> None:
    """Take the entry away with the thing itself."""
    batch.delete(path(entry))


def find(entry: str, kind: str) -> WorkspaceId | None:
    """The workspace of an id of this kind, or None; one read."""
    found = firestore.get(path(entry))
    if not found.exists or found.data.get("kind") != kind:
        return None
    return from_directory(DirectoryRead.model_validate(found.data).workspace_id)


def erase(workspace: WorkspaceId, most: int) -> int:
    """Take up to `most` entries of a workspace away; returns how many. For the sweep of a closed workspace alone."""
    found = firestore.find(
        firestore.Query("directory", where=(("workspace_id", "==", str(workspace)),), limit=most, fields=())
    )
    return firestore.delete_tree(entry.path for entry in found)

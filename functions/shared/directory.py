"""Which workspace a public id belongs to: `directory/{person, widget or key}`, for callers who cannot say it themselves."""

from functions.shared import firestore
from functions.shared.contracts import DirectoryRead
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import from_directory


def path(entry: str) -> str:
    """Where the entry of a person's uid, a widget or an API key is."""
    return f"directory/{entry}"


def enter(batch: firestore.Batch, entry: str, workspace: WorkspaceId, kind: str) -> None:
    """Add the entry to the commit that makes the thing itself; AlreadyExists at commit when the id is taken."""
    batch.create(path(entry), {"workspace_id": str(workspace), "kind": kind})


def remove(batch: firestore.Batch, entry: str) -> None:
    """Take the entry away with the thing itself."""
    batch.delete(path(entry))


def find(entry: str, kind: str) -> WorkspaceId | None:
    """The workspace of an id of this kind, or None; one read."""
    found = firestore.get(path(entry))
    if not found.exists or found.data.get("kind") != kind:
        return None
    return from_directory(DirectoryRead.model_validate(found.data).workspace_id)

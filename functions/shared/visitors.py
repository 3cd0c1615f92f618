"""Who has been at a workspace's widgets: `visitors/{visitor}`, written when a session begins.

The widgets' room asks whether a site has ever signed for somebody; the agents' room gives the document out and takes it
away with what the visitor said. So it is neither's, and going with the rest it goes in the commit that tells of it.
"""

from datetime import datetime, timedelta

from functions.shared import contracts, firestore
from functions.shared.contracts import VisitorRead
from functions.shared.identity import WorkspaceId

KEPT = timedelta(days=400)
"""How long a visitor who does not come back is known."""


def visitor_path(workspace: WorkspaceId, visitor: str) -> str:
    """Where it is written that a visitor has been here."""
    return contracts.path(workspace, "visitors", visitor)


def seen(workspace: WorkspaceId, visitor: str, now: datetime, *, identified: bool) -> None:
    """Note that they are here; `identified`: the site has signed for them, which stays true. One write."""
    fields: dict[str, object] = {"seen_at": now, "expire_at": now + KEPT}
    if identified:
        fields["identified"] = True
    batch = firestore.Batch()
    batch.merge(visitor_path(workspace, visitor), fields)
    batch.commit()


def find(workspace: WorkspaceId, visitor: str) -> VisitorRead | None:
    """What is kept of them; None when nothing is. One read."""
    found = firestore.get(visitor_path(workspace, visitor))
    return VisitorRead.model_validate(found.data) if found.exists else None


def forget(batch: firestore.Batch, workspace: WorkspaceId, visitor: str) -> None:
    """Take them away; harmless when nothing is kept. Whoever comes back is seen again."""
    batch.delete(visitor_path(workspace, visitor))


def erase(workspace: WorkspaceId, most: int) -> int:
    """Take up to `most` of a workspace's visitors away; returns how many. For the sweep of a closed workspace alone."""
    found = firestore.find(firestore.Query(contracts.path(workspace, "visitors"), limit=most, fields=()))
    return firestore.delete_tree(one.path for one in found)

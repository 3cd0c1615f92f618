"""Every query of the widgets' room."""

from collections.abc import Iterable
from datetime import datetime

from functions.shared import contracts, firestore
from functions.shared.firestore import Query, Snapshot
from functions.shared.identity import WorkspaceId


def widget_path(workspace: WorkspaceId, widget: str) -> str:
    """Where a widget is."""
    return contracts.path(workspace, "widgets", widget)


def visitor_path(workspace: WorkspaceId, visitor: str) -> str:
    """Where it is written that a visitor has been here."""
    return contracts.path(workspace, "visitors", visitor)


def widgets(workspace: WorkspaceId, limit: int, after: tuple[datetime, str] | None) -> list[Snapshot]:
    """The widgets that are not deleted, the newest first."""
    home = contracts.path(workspace, "widgets")
    return firestore.find(
        Query(home, where=(("deleted_at", "==", None),), order=("-created_at",), limit=limit, after=after or ())
    )


def has_talked(workspace: WorkspaceId, visitor: str) -> bool:
    """Whether the visitor has begun a conversation, ever."""
    home = contracts.path(workspace, "conversations")
    query = Query(home, where=(("visitor_id", "==", visitor),), limit=1, fields=("visitor_id",))
    return bool(firestore.find(query))


def read(paths: Iterable[str]) -> list[Snapshot]:
    """These documents, in one round trip."""
    return firestore.get_all(list(paths))

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
    """The widgets, the newest first."""
    home = contracts.path(workspace, "widgets")
    return firestore.find(Query(home, order=("-created_at",), limit=limit, after=after or ()))


def read(paths: Iterable[str]) -> list[Snapshot]:
    """These documents, in one round trip."""
    return firestore.get_all(list(paths))

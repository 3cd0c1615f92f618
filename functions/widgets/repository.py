"""Every query of the widgets' room."""

from collections.abc import Iterable
from datetime import datetime

from functions.shared import contracts, firestore
from functions.shared.firestore import Query, Snapshot
from functions.shared.identity import WorkspaceId


def widget_path(workspace: WorkspaceId, widget: str) -> str:
    """Where a widget is."""
    return contracts.path(workspace, "widgets", widget)


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


def last_conversation(workspace: WorkspaceId, widget: str) -> datetime | None:
    """When a visitor last said something in this widget; None: never, as far as is kept. One read, found or not."""
    home = contracts.path(workspace, "conversations")
    query = Query(home, where=(("widget_id", "==", widget),), order=("-updated_at",), limit=1, fields=("updated_at",))
    found: datetime | None = next((one.data["updated_at"] for one in firestore.find(query)), None)
    return found


def read(paths: Iterable[str]) -> list[Snapshot]:
    """These documents, in one round trip."""
    return firestore.get_all(list(paths))


def of_agent(workspace: WorkspaceId, agent: str) -> list[Snapshot]:
    """The widgets of an agent, deleted ones too."""
    return firestore.find(Query(contracts.path(workspace, "widgets"), where=(("agent_id", "==", agent),)))


def deleted_before(workspace: WorkspaceId, moment: datetime) -> list[Snapshot]:
    """The widgets that were deleted before, the earliest first."""
    home = contracts.path(workspace, "widgets")
    return firestore.find(Query(home, where=(("deleted_at", "<", moment),), order=("deleted_at",)))


def any_widgets(workspace: WorkspaceId, limit: int) -> list[Snapshot]:
    """Some widgets, whatever their state."""
    return firestore.find(Query(contracts.path(workspace, "widgets"), limit=limit))

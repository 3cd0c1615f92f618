"""Every query of the dashboard's room."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from functions.shared import contracts, firestore
from functions.shared.firestore import Query, Snapshot
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import from_directory

RELAY = "relay/state"
"""The relay's counters; one document for the installation."""


def member_path(workspace: WorkspaceId, uid: str) -> str:
    """Where a person's role in a workspace is."""
    return contracts.path(workspace, "members", uid)


def api_key_path(workspace: WorkspaceId, key: str) -> str:
    """Where an API key is, without its secret."""
    return contracts.path(workspace, "api_keys", key)


def webhook_path(workspace: WorkspaceId, webhook: str) -> str:
    """Where a webhook is; its deliveries lie below it."""
    return contracts.path(workspace, "webhooks", webhook)


def delivery_path(workspace: WorkspaceId, webhook: str, event: str) -> str:
    """Where it is kept what became of an event at a webhook: there is one delivery for both."""
    return f"{webhook_path(workspace, webhook)}/deliveries/{event}"


def mail_path(workspace: WorkspaceId, event: str) -> str:
    """Where it is kept what became of the mail about an event."""
    return contracts.path(workspace, "deliveries", event)


def members(workspace: WorkspaceId) -> list[Snapshot]:
    """Everybody in the workspace, the longest-standing first."""
    return firestore.find(Query(contracts.path(workspace, "members"), order=("since",), limit=500))


def api_keys(workspace: WorkspaceId) -> list[Snapshot]:
    """All keys, the newest first, revoked ones too."""
    return firestore.find(Query(contracts.path(workspace, "api_keys"), order=("-created_at",), limit=200))


def memberships(uid: str) -> list[Snapshot]:
    """The member documents of a person in all workspaces."""
    return firestore.find(Query("members", where=(("uid", "==", uid),), group=True, limit=100))


def webhooks(workspace: WorkspaceId) -> list[Snapshot]:
    """All of them, the oldest first."""
    return firestore.find(Query(contracts.path(workspace, "webhooks"), order=("created_at",), limit=50))


def count_webhooks(workspace: WorkspaceId) -> int:
    """How many there are."""
    return firestore.count(Query(contracts.path(workspace, "webhooks")))


def deliveries(workspace: WorkspaceId, webhook: str, limit: int, after: tuple[datetime, str] | None) -> list[Snapshot]:
    """What went to a webhook, the newest first."""
    home = f"{webhook_path(workspace, webhook)}/deliveries"
    return firestore.find(Query(home, order=("-created_at",), limit=limit, after=after or ()))


def due(moment: datetime, limit: int) -> list[Snapshot]:
    """Deliveries of every workspace, webhooks' and mails, that are to be tried by `moment`, the longest due first."""
    found = Query("deliveries", where=(("due_at", "<=", moment),), order=("due_at",), limit=limit, group=True)
    return firestore.find(found)


def activity(workspace: WorkspaceId, limit: int, after: tuple[datetime, str] | None) -> list[Snapshot]:
    """Who did what, the newest first."""
    home = contracts.path(workspace, "activity")
    return firestore.find(Query(home, order=("-at",), limit=limit, after=after or ()))


def fleet(workspace: WorkspaceId) -> list[Snapshot]:
    """Every agent's fleet document; an agent that nobody touched has none."""
    return firestore.find(Query(contracts.path(workspace, "fleet"), fields=("status", "deleted_at")))


def agents(workspace: WorkspaceId) -> int:
    """How many agents there are, deleted ones too."""
    return firestore.count(Query(contracts.path(workspace, "agents")))


def read(paths: Iterable[str]) -> list[Snapshot]:
    """These documents, in one round trip."""
    return firestore.get_all(list(paths))


def workspaces() -> Iterator[WorkspaceId]:
    """Every workspace that is not erased, for the jobs of the whole installation."""
    for found in firestore.stream(Query("workspaces", fields=("state",))):
        if found.data.get("state") != "erased":
            yield from_directory(found.id)

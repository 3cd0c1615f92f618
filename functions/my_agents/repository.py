"""Every query of the fleet's room."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from functions.shared import contracts, firestore
from functions.shared.firestore import Query, Snapshot
from functions.shared.identity import WorkspaceId

MOST_AGENTS = 1000
_LISTED = (
    "name",
    "industry",
    "model",
    "published_version",
    "published_number",
    "created_at",
    "updated_at",
)


def fleet_path(workspace: WorkspaceId, agent: str) -> str:
    """Where an agent's status, tags and note are."""
    return contracts.path(workspace, "fleet", agent)


def agent_path(workspace: WorkspaceId, agent: str) -> str:
    """Where the wizard keeps the agent; read only from here."""
    return contracts.path(workspace, "agents", agent)


def agents(workspace: WorkspaceId) -> list[Snapshot]:
    """All agents without their definitions."""
    return firestore.find(Query(contracts.path(workspace, "agents"), fields=_LISTED, limit=MOST_AGENTS))


def fleet(workspace: WorkspaceId) -> dict[str, Snapshot]:
    """All fleet documents by agent."""
    found = firestore.find(Query(contracts.path(workspace, "fleet"), limit=MOST_AGENTS))
    return {document.id: document for document in found}


def fleet_paths(workspace: WorkspaceId) -> Iterator[str]:
    """Where all fleet documents of a workspace are."""
    for document in firestore.stream(Query(contracts.path(workspace, "fleet"), fields=())):
        yield document.path


def deleted_before(workspace: WorkspaceId, moment: datetime) -> list[Snapshot]:
    """Fleet documents of agents that were deleted before this time, the oldest first."""
    return firestore.find(
        Query(
            contracts.path(workspace, "fleet"),
            where=(("deleted_at", "<", moment),),
            order=("deleted_at",),
            limit=MOST_AGENTS,
        )
    )


def read(paths: Iterable[str]) -> list[Snapshot]:
    """These documents, in one round trip."""
    wanted = list(paths)
    return firestore.get_all(wanted) if wanted else []

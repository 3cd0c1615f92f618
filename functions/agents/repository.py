"""Every query of the agents' room: agents, versions, knowledge, conversations and their turns."""

from typing import Any

from functions.shared import contracts, firestore
from functions.shared.firestore import Query, Snapshot
from functions.shared.identity import WorkspaceId


def agent_path(workspace: WorkspaceId, agent: str) -> str:
    """Where an agent's document is."""
    return contracts.path(workspace, "agents", agent)


def version_path(workspace: WorkspaceId, agent: str, version: str) -> str:
    """Where a published version is; it is written once and never changed."""
    return contracts.path(workspace, "agents", agent, "versions", version)


def index_paths(workspace: WorkspaceId, agent: str, revision: str, parts: int) -> list[str]:
    """Where the parts of a packed index are. Parts of different revisions never mix."""
    return [contracts.path(workspace, "agents", agent, "chunks", f"{revision}_{number}") for number in range(parts)]


def conversation_path(workspace: WorkspaceId, conversation: str) -> str:
    """Where a conversation's document is."""
    return contracts.path(workspace, "conversations", conversation)


def turn_path(workspace: WorkspaceId, conversation: str, turn: str) -> str:
    """Where a turn of a conversation is."""
    return contracts.path(workspace, "conversations", conversation, "turns", turn)


def turns(workspace: WorkspaceId, conversation: str, limit: int = 200) -> list[Snapshot]:
    """The turns of a conversation, oldest first; of a longer one the latest `limit`."""
    found = firestore.find(Query(conversation_path(workspace, conversation) + "/turns", order=("-seq",), limit=limit))
    return found[::-1]


def read(*paths: str) -> list[Snapshot]:
    """These documents, in one round trip."""
    return firestore.get_all(paths)


def index_parts(workspace: WorkspaceId, agent: str, revision: str, parts: int) -> list[bytes]:
    """The bytes of a packed index, or fewer parts than asked for when a newer revision has replaced it."""
    found: list[Any] = firestore.get_all(index_paths(workspace, agent, revision, parts)) if parts else []
    return [bytes(part.data["bytes"]) for part in found if part.exists]

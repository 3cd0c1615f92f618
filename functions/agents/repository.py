"""Every query of the agents' room: agents, versions, knowledge, test cases, conversations and their turns."""

from datetime import datetime
from typing import Any

from functions.shared import contracts, firestore
from functions.shared.contracts import ConversationRead
from functions.shared.firestore import Operator, Query, Snapshot
from functions.shared.identity import WorkspaceId

_LISTED = (
    "name",
    "industry",
    "model",
    "published_version",
    "published_number",
    "created_at",
    "updated_at",
    "knowledge",
)


_LISTED_VERSION = (
    "number",
    "name",
    "model",
    "published_at",
    "published_by",
    "rolled_back_to",
    "check_run",
    "checks_failing",
)

_LISTED_RUN = (
    "state",
    "stopped_by",
    "digest",
    "changed_meanwhile",
    "cases",
    "started_at",
    "started_by",
    "ended_at",
    "lease_until",
    "expire_at",
    "highest_nanos",
    "currency",
    "versions",
)

_BELOW_AGENT = ("versions", "knowledge", "chunks", "check_runs")
"""What may lie below an agent's document."""

_SPOKEN = (*ConversationRead.model_fields, "running", "quiet_at", "lead_at", "kept_days", "exchanges")
"""What lists and the sweep read of a conversation: the turns that it keeps for the prompt are large."""


def agent_path(workspace: WorkspaceId, agent: str) -> str:
    """Where an agent's document is."""
    return contracts.path(workspace, "agents", agent)


def version_path(workspace: WorkspaceId, agent: str, version: str) -> str:
    """Where a published version is; it is written once and never changed."""
    return contracts.path(workspace, "agents", agent, "versions", version)


def agents(workspace: WorkspaceId, limit: int, after: tuple[Any, ...] = ()) -> list[Snapshot]:
    """Agents, the newest first; deleted ones are still among them."""
    return firestore.find(
        Query(contracts.path(workspace, "agents"), order=("-created_at",), limit=limit, after=after, fields=_LISTED)
    )


def versions(workspace: WorkspaceId, agent: str, limit: int, after: tuple[Any, ...] = ()) -> list[Snapshot]:
    """Published versions, the newest first, without their content."""
    return firestore.find(
        Query(
            f"{agent_path(workspace, agent)}/versions",
            order=("-number",),
            limit=limit,
            after=after,
            fields=_LISTED_VERSION,
        )
    )


def version_of_number(workspace: WorkspaceId, agent: str, number: int) -> Snapshot | None:
    """The version of that number, or None."""
    found = firestore.find(
        Query(f"{agent_path(workspace, agent)}/versions", where=(("number", "==", number),), limit=1)
    )
    return found[0] if found else None


def item_path(workspace: WorkspaceId, agent: str, item: str) -> str:
    """Where an item of knowledge is described; its content is in `content_paths`."""
    return contracts.path(workspace, "agents", agent, "knowledge", item)


def items(workspace: WorkspaceId, agent: str) -> list[Snapshot]:
    """All items of an agent's knowledge, the oldest first, without their content."""
    return firestore.find(Query(f"{agent_path(workspace, agent)}/knowledge", order=("__name__",)))


def content_paths(workspace: WorkspaceId, agent: str, item: str, revision: str, parts: int) -> list[str]:
    """Where the parts of an item's content are; each writing has its own revision."""
    return index_paths(workspace, agent, f"{item}.{revision}", parts)


def chunk_path(workspace: WorkspaceId, agent: str, chunk: str) -> str:
    """Where a part of an index or of an item's content is."""
    return contracts.path(workspace, "agents", agent, "chunks", chunk)


def chunk_ids(workspace: WorkspaceId, agent: str) -> list[str]:
    """The ids of all parts, of indexes and of items, that are stored for an agent."""
    found = firestore.find(Query(f"{agent_path(workspace, agent)}/chunks", fields=()))
    return [snapshot.id for snapshot in found]


def checks_path(workspace: WorkspaceId, agent: str) -> str:
    """Where an agent's test cases are, all in one document."""
    return contracts.path(workspace, "checks", agent)


def check_run_path(workspace: WorkspaceId, agent: str, run: str) -> str:
    """Where a run of an agent's test cases is."""
    return contracts.path(workspace, "agents", agent, "check_runs", run)


def check_runs(workspace: WorkspaceId, agent: str, limit: int) -> list[Snapshot]:
    """The latest runs of an agent's test cases, the newest first, without what each case gave."""
    home = f"{agent_path(workspace, agent)}/check_runs"
    return firestore.find(Query(home, order=("-started_at",), limit=limit, fields=_LISTED_RUN))


def copy_path(workspace: WorkspaceId, agent: str) -> str:
    """Where it is noted that this agent is being made as a copy of another one."""
    return contracts.path(workspace, "copies", agent)


def copies(workspace: WorkspaceId, before: datetime, limit: int) -> list[Snapshot]:
    """Copies that were begun before this time and are not whole, the oldest first."""
    return firestore.find(
        Query(contracts.path(workspace, "copies"), where=(("begun_at", "<", before),), order=("begun_at",), limit=limit)
    )


def index_paths(workspace: WorkspaceId, agent: str, revision: str, parts: int) -> list[str]:
    """Where the parts of a packed index are. Parts of different revisions never mix."""
    return [chunk_path(workspace, agent, f"{revision}_{number}") for number in range(parts)]


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


def turns_after(workspace: WorkspaceId, conversation: str, seq: int, limit: int) -> list[Snapshot]:
    """The turns of a conversation behind the one with this number, oldest first."""
    home = conversation_path(workspace, conversation) + "/turns"
    return firestore.find(Query(home, where=(("seq", ">", seq),), order=("seq",), limit=limit))


def read(*paths: str) -> list[Snapshot]:
    """These documents, in one round trip."""
    return firestore.get_all(paths)


def index_parts(workspace: WorkspaceId, agent: str, revision: str, parts: int) -> list[bytes]:
    """The bytes of a packed index, or fewer parts than asked for when a newer revision has replaced it."""
    found: list[Any] = firestore.get_all(index_paths(workspace, agent, revision, parts)) if parts else []
    return [bytes(part.data["bytes"]) for part in found if part.exists]


def turn_paths(workspace: WorkspaceId, conversation: str) -> list[str]:
    """Where all turns of a conversation are."""
    found = firestore.find(Query(conversation_path(workspace, conversation) + "/turns", fields=()))
    return [turn.path for turn in found]


def turn_times(workspace: WorkspaceId, conversation: str) -> list[Snapshot]:
    """All turns of a conversation with nothing but the time at which each was complete."""
    return firestore.find(Query(conversation_path(workspace, conversation) + "/turns", fields=("completed_at",)))


def conversations_of(workspace: WorkspaceId, visitor: str, limit: int, after: tuple[Any, ...] = ()) -> list[Snapshot]:
    """A visitor's conversations, in the order of their ids."""
    return firestore.find(
        Query(
            contracts.path(workspace, "conversations"),
            where=(("visitor_id", "==", visitor),),
            limit=limit,
            after=after,
            fields=_SPOKEN,
        )
    )


def handed_off(
    workspace: WorkspaceId, state: str | None, limit: int, after: tuple[datetime, str] | None
) -> list[Snapshot]:
    """Conversations that a person was asked for, the latest first, of one state if one is given."""
    asked: tuple[str, Operator, Any] = ("handed_off", "==", True) if state is None else ("hand_off.state", "==", state)
    home = contracts.path(workspace, "conversations")
    found = Query(home, where=(asked,), order=("-updated_at",), limit=limit, after=after or (), fields=_SPOKEN)
    return firestore.find(found)


def waiting_leads(
    workspace: WorkspaceId, agent: str | None, limit: int, after: tuple[datetime, str] | None
) -> list[Snapshot]:
    """Conversations with contact details that nobody has handled, the latest first, of one agent if one is given."""
    where: tuple[tuple[str, Operator, Any], ...] = () if agent is None else (("agent_id", "==", agent),)
    home = contracts.path(workspace, "conversations")
    return firestore.find(Query(home, where=where, order=("-lead_at",), limit=limit, after=after or (), fields=_SPOKEN))


def handled_leads(
    workspace: WorkspaceId,
    states: tuple[str, ...],
    agent: str | None,
    limit: int,
    after: tuple[datetime, str] | None,
) -> list[Snapshot]:
    """The same of contact details that somebody has taken or finished, by when they were left."""
    where: list[tuple[str, Operator, Any]] = [("lead.state", "in", list(states))]
    if agent is not None:
        where.append(("agent_id", "==", agent))
    home = contracts.path(workspace, "conversations")
    return firestore.find(
        Query(home, where=tuple(where), order=("-lead.left_at",), limit=limit, after=after or (), fields=_SPOKEN)
    )


def quiet(workspace: WorkspaceId, as_of: datetime, limit: int) -> list[Snapshot]:
    """Conversations in which nothing was said for so long that the sweep has to look at them, the earliest first."""
    home = contracts.path(workspace, "conversations")
    return firestore.find(
        Query(home, where=(("quiet_at", "<=", as_of),), order=("quiet_at",), limit=limit, fields=_SPOKEN)
    )


def kept_otherwise(workspace: WorkspaceId, days: int, limit: int) -> list[Snapshot]:
    """Conversations that were stamped under another retention than `days` (0: none)."""
    home = contracts.path(workspace, "conversations")
    return firestore.find(Query(home, where=(("kept_days", "!=", days),), limit=limit, fields=_SPOKEN))


def every_conversation(workspace: WorkspaceId, limit: int) -> list[Snapshot]:
    """Some of the conversations that are there, without what was said."""
    return firestore.find(Query(contracts.path(workspace, "conversations"), limit=limit, fields=("agent_id",)))


def every_agent(workspace: WorkspaceId, limit: int) -> list[Snapshot]:
    """Some of the agents that are there, deleted or not."""
    return firestore.find(Query(contracts.path(workspace, "agents"), limit=limit, fields=("name",)))


def deleted_before(workspace: WorkspaceId, moment: datetime) -> list[str]:
    """The agents that the fleet deleted before `moment`, the earliest first."""
    fleet = contracts.path(workspace, "fleet")
    found = firestore.find(Query(fleet, where=(("deleted_at", "<", moment),), order=("deleted_at",), fields=()))
    return [one.id for one in found]


def below_agent(workspace: WorkspaceId, agent: str) -> list[str]:
    """Where everything is that lies below an agent's document."""
    home = agent_path(workspace, agent)
    return [one.path for name in _BELOW_AGENT for one in firestore.find(Query(f"{home}/{name}", fields=()))]

"""Every query of the analytics' room."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from functions.analytics.rollups import Added
from functions.shared import contracts, firestore
from functions.shared.contracts import ConversationRead, RollupRead, WorkspaceRead
from functions.shared.firestore import Query, Snapshot
from functions.shared.identity import WorkspaceId

AT_ONCE = 100

LISTED = (*ConversationRead.model_fields, "words")
"""What lists read of a conversation: its latest turns, which it keeps for the prompt, are large."""


def workspace(workspace: WorkspaceId) -> WorkspaceRead:
    """The workspace's time zone and currency. Raises pydantic's ValidationError when it is gone."""
    return WorkspaceRead.model_validate(firestore.get(contracts.workspace_path(workspace)).data)


def rollups(workspace: WorkspaceId, names: Sequence[str]) -> list[RollupRead]:
    """These rollups in order; one that was never written is empty."""
    found: list[Snapshot] = []
    for start in range(0, len(names), AT_ONCE):
        part = names[start : start + AT_ONCE]
        found += firestore.get_all([contracts.path(workspace, "rollups", name) for name in part])
    return [RollupRead.model_validate(one.data) for one in found]


def stored(workspace: WorkspaceId, names: Sequence[str]) -> list[Snapshot]:
    """These rollups' documents in order, all of one moment, with the etags that `replace` demands."""
    return firestore.get_all([contracts.path(workspace, "rollups", name) for name in names])


def replace(batch: firestore.Batch, found: Snapshot, document: dict[str, Any]) -> None:
    """Put another rollup in the place of one as it was read."""
    batch.replace(found.path, document, if_etag=found.etag)


def add(batch: firestore.Batch, workspace: WorkspaceId, name: str, added: Added, newest: int) -> None:
    """Add counters to one rollup blindly, making it if it is not there."""
    fields = {**_increments(added), "as_of_micros": firestore.Maximum(newest)}
    batch.merge(contracts.path(workspace, "rollups", name), fields)


def _increments(added: Added) -> dict[str, Any]:
    return {
        key: firestore.Maximum(value)
        if key == "last_micros"
        else _increments(value)
        if isinstance(value, dict)
        else firestore.Increment(value)
        for key, value in added.items()
    }


def conversations(
    workspace: WorkspaceId, agent: str | None, word: str | None, limit: int, after: tuple[datetime, str] | None
) -> list[Snapshot]:
    """Conversations, the latest first, of one agent and with one word if these are given."""
    where: list[tuple[str, firestore.Operator, Any]] = []
    if agent is not None:
        where.append(("agent_id", "==", agent))
    if word is not None:
        where.append(("words", "array_contains", word))
    home = contracts.path(workspace, "conversations")
    query = Query(home, where=tuple(where), order=("-updated_at",), limit=limit, after=after or (), fields=LISTED)
    return firestore.find(query)


def has_agent(workspace: WorkspaceId, agent: str) -> bool:
    """Whether there is such an agent, deleted or not."""
    return firestore.get(contracts.path(workspace, "agents", agent)).exists


def conversation(workspace: WorkspaceId, conversation: str) -> Snapshot:
    """One conversation's document."""
    return firestore.get(contracts.path(workspace, "conversations", conversation))


def turns(workspace: WorkspaceId, conversation: str, limit: int = 200) -> list[Snapshot]:
    """Its turns, oldest first."""
    home = contracts.path(workspace, "conversations", conversation, "turns")
    return firestore.find(Query(home, order=("-seq",), limit=limit))[::-1]


def export_path(workspace: WorkspaceId, export: str) -> str:
    """Where an export is kept."""
    return contracts.path(workspace, "exports", export)


def export(workspace: WorkspaceId, export: str) -> Snapshot:
    """One export's document."""
    return firestore.get(export_path(workspace, export))


def exports(workspace: WorkspaceId, limit: int, after: tuple[datetime, str] | None) -> list[Snapshot]:
    """Exports, the latest first."""
    home = contracts.path(workspace, "exports")
    return firestore.find(Query(home, order=("-created_at",), limit=limit, after=after or ()))


def unfinished_exports(workspace: WorkspaceId, limit: int) -> list[Snapshot]:
    """Exports that wait or run."""
    home = contracts.path(workspace, "exports")
    waiting: tuple[tuple[str, firestore.Operator, Any], ...] = (("state", "in", ["queued", "running"]),)
    return firestore.find(Query(home, where=waiting, limit=limit, fields=("updated_at",)))


def of_span(
    workspace: WorkspaceId,
    collection: str,
    time: str,
    since: datetime,
    until: datetime | None,
    limit: int,
    after: tuple[datetime, str] | None,
    fields: tuple[str, ...] | None = None,
) -> list[Snapshot]:
    """Documents of a collection in the order of a time, from `since` on, before `until`."""
    query = Query(
        contracts.path(workspace, collection),
        where=_span(time, since, until),
        order=(time,),
        limit=limit,
        after=after or (),
        fields=fields,
    )
    return firestore.find(query)


def count_of_span(workspace: WorkspaceId, collection: str, time: str, since: datetime, until: datetime | None) -> int:
    """How many documents `of_span` has in all."""
    return firestore.count(Query(contracts.path(workspace, collection), where=_span(time, since, until)))


def _span(time: str, since: datetime, until: datetime | None) -> tuple[tuple[str, firestore.Operator, Any], ...]:
    begin: tuple[str, firestore.Operator, Any] = (time, ">=", since)
    return (begin,) if until is None else (begin, (time, "<", until))


def all_turns(workspace: WorkspaceId, conversation: str) -> list[Snapshot]:
    """Every turn of a conversation, oldest first."""
    home = contracts.path(workspace, "conversations", conversation, "turns")
    return firestore.find(Query(home, order=("seq",)))

"""Every query of the analytics' room."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from functions.analytics.rollups import TIMES, Added, placed
from functions.shared import contracts, firestore
from functions.shared.contracts import AgentRead, ConversationRead, RollupRead, VersionRead, WorkspaceRead
from functions.shared.firestore import Query, Snapshot
from functions.shared.identity import WorkspaceId
from functions.shared.paging import Place

Filter = tuple[str, firestore.Operator, Any]

AT_ONCE = 100

LISTED = (*ConversationRead.model_fields, "words")
"""What lists read of a conversation: its latest turns, which it keeps for the prompt, are large."""


def workspace(workspace: WorkspaceId) -> WorkspaceRead:
    """The workspace's time zone and currency. Raises pydantic's ValidationError when it is gone."""
    return WorkspaceRead.model_validate(firestore.get(contracts.workspace_path(workspace)).data)


def rollups(workspace: WorkspaceId, names: Sequence[str], fields: Sequence[firestore.FieldPath]) -> list[RollupRead]:
    """These fields of these rollups in order; one that was never written is empty.

    A busy workspace's rollups are large: what no figure needs stays where it is.
    """
    found: list[Snapshot] = []
    for start in range(0, len(names), AT_ONCE):
        part = names[start : start + AT_ONCE]
        found += firestore.get_all([contracts.path(workspace, "rollups", name) for name in part], fields)
    return [RollupRead.model_validate(one.data) for one in found]


def stored(workspace: WorkspaceId, names: Sequence[str]) -> list[Snapshot]:
    """These rollups' documents in order, all of one moment, with the etags that `replace` demands."""
    return firestore.get_all([contracts.path(workspace, "rollups", name) for name in names])


def replace(batch: firestore.Batch, found: Snapshot, document: dict[str, Any]) -> None:
    """Put another rollup in the place of one as it was read."""
    batch.replace(found.path, document, if_etag=found.etag)


def add(batch: firestore.Batch, workspace: WorkspaceId, name: str, added: Added, newest: int) -> None:
    """Add counters to one rollup blindly, making it if it is not there."""
    batch.merge(contracts.path(workspace, "rollups", name), _increments(placed(name, added, newest)))


def _increments(added: Added) -> dict[str, Any]:
    return {
        key: firestore.Maximum(value)
        if key in TIMES
        else _increments(value)
        if isinstance(value, dict)
        else firestore.Increment(value)
        for key, value in added.items()
    }


def benchmark(day: str) -> Snapshot:
    """What is typical by industry, as it was made on this day: of no workspace."""
    return firestore.get(f"benchmarks/{day}")


def keep_benchmark(day: str, document: dict[str, Any]) -> Snapshot:
    """Keep a day's benchmarks, unless another instance was quicker; returns those that are kept."""
    batch = firestore.Batch()
    batch.create(f"benchmarks/{day}", document)
    with suppress(firestore.AlreadyExists):
        batch.commit()
    return benchmark(day)


def conversations(
    workspace: WorkspaceId,
    agent: str | None,
    word: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    after: Place | None,
) -> list[Snapshot]:
    """Conversations, the latest first, of one agent and with one word if given, whose last message is in the span."""
    where: list[Filter] = []
    if agent is not None:
        where.append(("agent_id", "==", agent))
    if word is not None:
        where.append(("words", "array_contains", word))
    return _latest(workspace, where, since, until, limit, after)


def of_visitor(
    workspace: WorkspaceId,
    visitor: str,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    after: Place | None,
) -> list[Snapshot]:
    """The same of one visitor."""
    return _latest(workspace, [("visitor_id", "==", visitor)], since, until, limit, after)


def handed_off(
    workspace: WorkspaceId, since: datetime | None, until: datetime | None, limit: int, after: Place | None
) -> list[Snapshot]:
    """The same of those in which a person was asked for."""
    return _latest(workspace, [("handed_off", "==", True)], since, until, limit, after)


def changed_since(workspace: WorkspaceId, moment: datetime, limit: int) -> list[Snapshot]:
    """The names of conversations whose last message is later, the earliest first."""
    home = contracts.path(workspace, "conversations")
    return firestore.find(
        Query(home, where=(("updated_at", ">", moment),), order=("updated_at",), limit=limit, fields=("updated_at",))
    )


def _latest(
    workspace: WorkspaceId,
    where: Sequence[Filter],
    since: datetime | None,
    until: datetime | None,
    limit: int,
    after: Place | None,
) -> list[Snapshot]:
    bounds: list[Filter] = []
    if since is not None:
        bounds.append(("updated_at", ">=", since))
    if until is not None:
        bounds.append(("updated_at", "<", until))
    home = contracts.path(workspace, "conversations")
    return firestore.find(
        Query(home, where=(*where, *bounds), order=("-updated_at",), limit=limit, after=after or (), fields=LISTED)
    )


def agent(workspace: WorkspaceId, agent: str) -> Snapshot:
    """What may be known here of one agent, deleted or not."""
    fields = [(name,) for name in AgentRead.model_fields]
    return firestore.get_all([contracts.path(workspace, "agents", agent)], fields)[0]


def versions(workspace: WorkspaceId, agent: str, limit: int, after: tuple[int, str] | None) -> list[Snapshot]:
    """An agent's published versions, the newest first, without their content."""
    home = contracts.path(workspace, "agents", agent, "versions")
    fields = tuple(VersionRead.model_fields)
    return firestore.find(Query(home, order=("-number",), limit=limit, after=after or (), fields=fields))


def conversation(workspace: WorkspaceId, conversation: str) -> Snapshot:
    """One conversation's document."""
    return firestore.get(contracts.path(workspace, "conversations", conversation))


def turns(workspace: WorkspaceId, conversation: str, before: int | None, limit: int) -> list[Snapshot]:
    """Its latest turns, before that `seq` if one is given, oldest first."""
    home = contracts.path(workspace, "conversations", conversation, "turns")
    where: tuple[Filter, ...] = () if before is None else (("seq", "<", before),)
    return firestore.find(Query(home, where=where, order=("-seq",), limit=limit))[::-1]


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


def by_name(
    workspace: WorkspaceId, collection: str, limit: int, after: str | None, fields: tuple[str, ...]
) -> list[Snapshot]:
    """Documents of a collection in the order of their names, after the path of one."""
    home = contracts.path(workspace, collection)
    return firestore.find(Query(home, limit=limit, after=() if after is None else (after,), fields=fields))


def count_of(workspace: WorkspaceId, collection: str) -> int:
    """How many documents a collection has."""
    return firestore.count(Query(contracts.path(workspace, collection)))


def _span(time: str, since: datetime, until: datetime | None) -> tuple[tuple[str, firestore.Operator, Any], ...]:
    begin: tuple[str, firestore.Operator, Any] = (time, ">=", since)
    return (begin,) if until is None else (begin, (time, "<", until))


def all_turns(workspace: WorkspaceId, conversation: str) -> list[Snapshot]:
    """Every turn of a conversation, oldest first."""
    home = contracts.path(workspace, "conversations", conversation, "turns")
    return firestore.find(Query(home, order=("seq",)))

"""The agents' part of the daily sweep: resolved conversations, changed retention, deleted agents, closed workspaces.

Everything is done in pages and may be done again: what a run leaves, because its time was up or it broke off, the next
one finds. Nothing here reads or writes what was metered.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from functions.agents import conversations, copying, repository, resolving
from functions.shared import clock, contracts, firestore, metering
from functions.shared.contracts import WorkspaceRead
from functions.shared.errors import Unavailable
from functions.shared.firestore import Snapshot
from functions.shared.identity import WorkspaceId
from functions.shared.plans import PlanTerms

SECONDS = 40.0
"""How long one run works, well below its deployment's timeout; then it asks to be called again."""

AT_ONCE = 50

RESTORABLE = timedelta(days=30)
"""How long a deleted agent can be restored; after that what lies below it is deleted too."""


class Unfinished(Unavailable):
    """There is more to sweep than one run takes; Pub/Sub calls again, and the next run goes on."""

    code, title = "sweep_unfinished", "The sweep has not come to its end yet"


def sweep(workspace: WorkspaceId, as_of: datetime, now: datetime, seconds: float = SECONDS) -> None:
    """Do the agents' part for one workspace, as of `as_of`. Raises Unfinished when the time was up before the end."""
    ends = clock.monotonic() + seconds
    (found,) = repository.read(contracts.workspace_path(workspace))
    if not found.exists:
        return
    home = WorkspaceRead.model_validate(found.data)
    if home.is_over(as_of):
        _page(ends, lambda: repository.every_conversation(workspace, AT_ONCE), lambda one: _erase(workspace, one))
        _page(ends, lambda: repository.every_agent(workspace, AT_ONCE), lambda one: _forget(workspace, one.id))
        while copying.sweep(workspace, as_of):
            _in_time(ends)
        return
    terms = PlanTerms.model_validate(metering.current(workspace, max(as_of, now)).plan_terms)
    _page(
        ends,
        lambda: repository.quiet(workspace, as_of, AT_ONCE),
        lambda one: resolving.look(workspace, one, terms, as_of, now),
    )
    days = home.retention_days
    _page(
        ends,
        lambda: repository.kept_otherwise(workspace, days or 0, AT_ONCE),
        lambda one: _restamp(workspace, one, days),
    )
    while copying.sweep(workspace, as_of):
        _in_time(ends)
    gone = repository.deleted_before(workspace, as_of - RESTORABLE)
    for start in range(0, len(gone), AT_ONCE):
        part = repository.read(*(repository.agent_path(workspace, agent) for agent in gone[start : start + AT_ONCE]))
        for agent in part:
            if agent.exists:
                _in_time(ends)
                _forget(workspace, agent.id)


def _page(ends: float, find: Callable[[], list[Snapshot]], each: Callable[[Snapshot], object]) -> None:
    """Do `each` for what `find` finds until it finds nothing: what was done is not found again."""
    while found := find():
        for one in found:
            _in_time(ends)
            each(one)
        if len(found) < AT_ONCE:
            return


def _in_time(ends: float) -> None:
    if clock.monotonic() > ends:
        raise Unfinished("There is more to sweep. The next run goes on.", retry_after=10)


def _restamp(workspace: WorkspaceId, found: Snapshot, days: int | None) -> None:
    """Give a conversation and its turns the time at which they expire now.

    The conversation comes last and as it was found, so that one that broke off, or went on meanwhile, is found again.
    """

    def expiry(said_at: datetime) -> dict[tuple[str, ...], Any]:
        until = conversations.kept_until(said_at, days)
        return {("expire_at",): firestore.DELETE if until is None else until}

    batch = firestore.Batch()
    try:
        for turn in repository.turn_times(workspace, found.id):
            batch.update(turn.path, expiry(turn.data["completed_at"]))
            if len(batch) == firestore.MAX_WRITES:
                batch.commit()
                batch = firestore.Batch()
        home = {**expiry(found.data["updated_at"]), ("kept_days",): days or 0}
        batch.update(found.path, home, if_etag=found.etag)
        batch.commit()
    except firestore.Changed:
        # Something was said, or expired, or was erased: the next page finds what is there then.
        return


def _erase(workspace: WorkspaceId, found: Snapshot) -> None:
    firestore.delete_tree([*repository.turn_paths(workspace, found.id), found.path])


def _forget(workspace: WorkspaceId, agent: str) -> None:
    """Delete an agent with versions, knowledge and test cases, itself last. Conversations and figures of it stay."""
    firestore.delete_tree(
        [
            *repository.below_agent(workspace, agent),
            repository.checks_path(workspace, agent),
            repository.agent_path(workspace, agent),
        ]
    )

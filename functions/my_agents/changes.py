"""What may become of an agent in the fleet, and the one commit that makes it so; asked for one agent or for hundreds.

A change is worked out from the documents as they were read, and written on the strength of them. Its activity entry is
named by the call and the agent, so a repeat whose first answer was lost finds what the first request did (`done_before`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from functions.my_agents import repository
from functions.my_agents.models import MOST_TAGS, TRANSITIONS, StatusChange
from functions.shared import activity, contracts, firestore
from functions.shared.contracts import AgentRead, FleetRead
from functions.shared.errors import Conflict, NotFound
from functions.shared.firestore import Snapshot
from functions.shared.http import Call

RESTORABLE = timedelta(days=30)
HISTORY = 50


@dataclass(frozen=True)
class Pair:
    """An agent as the wizard keeps it, and its document in the fleet, which may be absent."""

    agent: Snapshot
    fleet: Snapshot

    @property
    def name(self) -> str:
        """The agent's name."""
        return AgentRead.model_validate(self.agent.data).name


@dataclass(frozen=True)
class Change:
    """The fleet document that is wanted, and what the activity feed says of it."""

    data: Mapping[str, Any]
    action: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def status(call: Call, pair: Pair, wanted: StatusChange) -> Change | None:
    """To another status; None when it is that already. Raises Conflict with the reason."""
    known = FleetRead.model_validate(pair.fleet.data)
    if known.deleted_at is not None:
        raise Conflict("The agent is deleted. Restore it first.", code="agent_deleted")
    if wanted.status == known.status:
        return None
    if wanted.status not in TRANSITIONS[known.status]:
        allowed = " or ".join(sorted(TRANSITIONS[known.status]))
        raise Conflict(
            f"From {known.status} an agent can become {allowed}, not {wanted.status}.", code="transition_refused"
        )
    if wanted.status == "active" and AgentRead.model_validate(pair.agent.data).published_version is None:
        raise Conflict("Publish the agent first: visitors talk to a published version only.", code="not_published")
    step = {"status": wanted.status, "at": call.now, "actor": call.principal.actor, "reason": wanted.reason}
    history = [*pair.fleet.data.get("history", []), step][-HISTORY:]
    return Change(
        {**pair.fleet.data, "status": wanted.status, "history": history, "updated_at": call.now},
        f"agent.{'activated' if wanted.status == 'active' else wanted.status}",
        before={"status": known.status},
        after={"status": wanted.status},
    )


def deletion(call: Call, pair: Pair) -> Change | None:
    """Out of use, for RESTORABLE not for ever; None when it is deleted already."""
    known = FleetRead.model_validate(pair.fleet.data)
    if known.deleted_at is not None:
        return None
    return Change(
        {**pair.fleet.data, "deleted_at": call.now, "updated_at": call.now},
        "agent.deleted",
        before={"status": known.status, "deleted_at": None},
        after={"deleted_at": call.now},
    )


def restoring(call: Call, pair: Pair) -> Change | None:
    """Back with the status it had, paused if it was active; None when it is not deleted. Raises Conflict when too late."""
    known = FleetRead.model_validate(pair.fleet.data)
    if known.deleted_at is None:
        return None
    if call.now > known.deleted_at + RESTORABLE:
        raise Conflict("The agent was deleted more than 30 days ago.", code="not_restorable")
    status = "paused" if known.status == "active" else known.status
    data = {**pair.fleet.data, "deleted_at": None, "status": status, "updated_at": call.now}
    return Change(
        data,
        "agent.restored",
        before={"status": known.status, "deleted_at": known.deleted_at},
        after={"status": status, "deleted_at": None},
    )


def metadata(call: Call, pair: Pair, wanted: Mapping[str, Any]) -> Change | None:
    """Other tags, note or pin; None when nothing of it differs."""
    kept = {"tags": [], "note": "", "pinned": False, **pair.fleet.data}
    fields = {name: value for name, value in wanted.items() if value != kept[name]}
    if not fields:
        return None
    return Change(
        {**pair.fleet.data, **fields, "updated_at": call.now},
        "agent.changed",
        before={name: kept[name] for name in fields},
        after=fields,
    )


def tagging(call: Call, pair: Pair, add: list[str], remove: list[str]) -> Change | None:
    """With these tags more or less, the others as they are. Raises Conflict (`too_many_tags`), and for a deleted one."""
    known = FleetRead.model_validate(pair.fleet.data)
    if known.deleted_at is not None:
        raise Conflict("The agent is deleted. Restore it first.", code="agent_deleted")
    tags = [tag for tag in dict.fromkeys((*known.tags, *add)) if tag not in remove]
    if len(tags) > MOST_TAGS:
        raise Conflict(f"An agent has at most {MOST_TAGS} tags.", code="too_many_tags")
    return metadata(call, pair, {"tags": tags})


def done_before(call: Call, agents: Iterable[str]) -> frozenset[str]:
    """Those of the agents that an earlier request with this call's key has changed. The first request reads nothing."""
    return done(call, agents) if call.repeated else frozenset()


def done(call: Call, agents: Iterable[str]) -> frozenset[str]:
    """Those of the agents that this call has changed by now, in this request or another one: a read for each."""
    if call.first_at is None:
        return frozenset()
    entries = {contracts.path(call.workspace, "activity", call.new_id("activity", agent)): agent for agent in agents}
    return frozenset(entries[found.path] for found in repository.read(entries) if found.exists)


def write(call: Call, pair: Pair, change: Change) -> str:
    """Make it so in one commit with its activity entry; the new etag.

    Raises firestore.Changed when somebody was faster, which may be another request with this call's key (`done`).
    """
    if not pair.agent.exists:
        raise NotFound("There is no such agent.")
    batch = firestore.Batch()
    batch.replace(pair.fleet.path, change.data, if_etag=pair.fleet.etag)
    activity.record(
        batch,
        call.workspace,
        call.principal,
        change.action,
        kind="agent",
        subject=pair.fleet.id,
        name=pair.name,
        before=change.before,
        after=change.after,
        now=call.now,
        entry=call.new_id("activity", pair.fleet.id),
    )
    try:
        return batch.commit()[pair.fleet.path]
    except firestore.AlreadyExists as error:
        # Nobody had touched the agent when it was read and now somebody has, or this very call has changed it.
        raise firestore.Changed(pair.fleet.path) from error

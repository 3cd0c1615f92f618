"""The fleet: which agents there are and how they do, and the changes of their status."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from functions.my_agents import changes, repository
from functions.my_agents.changes import RESTORABLE, Pair
from functions.my_agents.models import (
    TRANSITIONS,
    Figures,
    Filter,
    FleetAgent,
    FleetChange,
    Health,
    NewAgent,
    NewDuplicate,
    Status,
    StatusChange,
    StatusStep,
)
from functions.shared import calls, clock, contracts, etags, firestore, histogram, ids
from functions.shared.contracts import AgentRead, AgentStatus, Counters, FleetRead, RollupRead, WorkspaceRead
from functions.shared.errors import Invalid, NotFound, Unavailable
from functions.shared.firestore import ABSENT, Snapshot
from functions.shared.http import Call, Items, page_token, page_values
from functions.shared.money import Money

COPY_SECONDS = 50.0
"""What the wizard may take for a copy of an agent that knows much."""


def listed(call: Call, query: Filter) -> Items[FleetAgent]:
    """A page of the agents that fit, pinned ones first, in the order asked for."""
    pairs = [pair for pair in every(call) if fits(call, pair, query)]
    figures = _Figures(call)
    found = sorted((figures.joined(pair) for pair in pairs), key=lambda agent: agent.id)
    found.sort(key=lambda agent: _sort_value(agent, query.sort), reverse=query.sort.startswith("-"))
    found.sort(key=lambda agent: not agent.pinned)
    start = _start(page_values(query.page_token, 2), [agent.id for agent in found])
    end = start + query.page_size
    page = found[start:end]
    return Items(items=page, next_page_token=page_token(page[-1].id, end) if end < len(found) else None)


def every(call: Call) -> list[Pair]:
    """All agents of the workspace, deleted ones too, in no promised order."""
    fleet = repository.fleet(call.workspace)
    return [
        Pair(agent, fleet.get(agent.id) or Snapshot(repository.fleet_path(call.workspace, agent.id), {}, ABSENT))
        for agent in repository.agents(call.workspace)
    ]


def _start(values: tuple[Any, ...] | None, found: list[str]) -> int:
    """Behind the last agent shown, wherever it is now; where it was when it is gone."""
    if values is None:
        return 0
    last, end = values
    if not isinstance(end, int) or end < 1:
        raise Invalid(errors=[{"pointer": "/page_token", "message": "This is not a page token of this list."}])
    return found.index(last) + 1 if last in found else end - 1


def fits(call: Call, pair: Pair, query: Filter) -> bool:
    """Whether all conditions hold of it. A deleted one that cannot be restored any more fits none."""
    restorable = call.now - RESTORABLE
    agent, fleet = AgentRead.model_validate(pair.agent.data), FleetRead.model_validate(pair.fleet.data)
    said = (agent.name, *fleet.tags, str(pair.fleet.data.get("note", "")))
    return (
        (fleet.deleted_at is not None) == query.deleted
        and (fleet.deleted_at is None or fleet.deleted_at >= restorable)
        and query.status in (None, fleet.status)
        and query.industry in (None, agent.industry)
        and query.model in (None, agent.model)
        and (query.tag is None or query.tag in fleet.tags)
        and (query.text is None or any(query.text.casefold() in text.casefold() for text in said))
    )


def _sort_value(agent: FleetAgent, sort: str) -> Any:
    match sort.removeprefix("-"):
        case "charge":
            return agent.month.charge.nanos
        case "last_active":
            return agent.last_active or datetime.min.replace(tzinfo=UTC)
        case "created_at":
            return agent.created_at
        case _:
            return agent.name.casefold()


def one(call: Call, agent: str) -> tuple[FleetAgent, str]:
    """One agent with its figures, and the etag of its fleet document and them. Raises NotFound."""
    pair = _pair(call, agent)
    shown = _Figures(call).joined(pair)
    return shown, etags.showing(pair.fleet.etag, shown.model_dump_json())


def create(call: Call, new: NewAgent) -> tuple[FleetAgent, str]:
    """Have the wizard make an agent, then add tags and note. A repeat with the same key finds the agent again, as it is.

    Raises what the wizard refuses, its pointers below `/definition`, and Unavailable.
    """
    try:
        made = _made(call, "/api/agents", new.definition, 10.0)
    except calls.Refused as refused:
        refused.errors = tuple({**one, "pointer": f"/definition{one.get('pointer', '')}"} for one in refused.errors)
        raise
    return change(call, made, FleetChange(tags=new.tags, note=new.note))


def duplicate(call: Call, agent: str, new: NewDuplicate) -> tuple[FleetAgent, str]:
    """Have the wizard copy an agent with its knowledge, then add tags and note. A repeat finds the duplicate again.

    Raises NotFound, Unavailable, and what the wizard refuses.
    """
    pair = _pair(call, agent)
    body = {} if new.name is None else {"name": new.name}
    made = _made(call, f"/api/agents/{agent}/copy", body, COPY_SECONDS)
    tags = list(FleetRead.model_validate(pair.fleet.data).tags) if new.tags is None else new.tags
    return change(call, made, FleetChange(tags=tags, note=new.note))


def _made(call: Call, path: str, body: Any, timeout: float) -> str:
    """The id of the agent that the wizard makes, once for each key of the caller's."""
    headers = {"Idempotency-Key": call.idempotency_id}
    made = calls.call(call, "agents-api", "POST", path, body, headers=headers, timeout=timeout).body
    if not isinstance(made, dict) or not isinstance(made.get("id"), str):
        raise Unavailable("The wizard did not say what it made. Try again.")
    return str(made["id"])


def _pair(call: Call, agent: str) -> Pair:
    if not ids.valid("agent", agent):
        raise NotFound("There is no such agent.")
    found, fleet = repository.read(
        [repository.agent_path(call.workspace, agent), repository.fleet_path(call.workspace, agent)]
    )
    if not found.exists:
        raise NotFound("There is no such agent.")
    return Pair(found, fleet)


class _Figures:
    """Today's and this month's rollups of the workspace, read once for all agents."""

    def __init__(self, call: Call) -> None:
        home = WorkspaceRead.model_validate(firestore.get(contracts.workspace_path(call.workspace)).data)
        local = call.now.astimezone(ZoneInfo(home.time_zone))
        day, month = repository.read(
            [
                contracts.path(call.workspace, "rollups", f"day_{local:%Y-%m-%d}"),
                contracts.path(call.workspace, "rollups", f"month_{local:%Y-%m}"),
            ]
        )
        today, this_month = RollupRead.model_validate(day.data), RollupRead.model_validate(month.data)
        self.today, self.month = today.agents, this_month.agents
        self.as_of = clock.from_micros(max(today.as_of_micros, this_month.as_of_micros))
        self.currency = home.currency

    def joined(self, pair: Pair) -> FleetAgent:
        agent, kept = pair.agent, pair.fleet.data
        known = AgentRead.model_validate(agent.data)
        status = FleetRead.model_validate(kept)
        today, month = self.today.get(agent.id, Counters()), self.month.get(agent.id, Counters())
        return FleetAgent(
            id=agent.id,
            name=known.name,
            industry=known.industry,
            model=known.model,
            status=status.status,
            version=known.published_number or None,
            version_id=known.published_version,
            tags=list(status.tags),
            note=kept.get("note", ""),
            pinned=bool(kept.get("pinned", False)),
            health=_health(today),
            today=self._figures(today),
            month=self._figures(month),
            last_active=clock.from_micros(max(today.last_micros, month.last_micros)),
            as_of=self.as_of,
            created_at=known.created_at,
            updated_at=known.updated_at,
            deleted_at=status.deleted_at,
        )

    def _figures(self, counters: Counters) -> Figures:
        return Figures(
            conversations=counters.conversations,
            turns=counters.turns,
            charge=Money.of_nanos(counters.charge_nanos, self.currency),
        )


def _health(today: Counters) -> Health:
    return Health(
        state="silent" if not today.turns and not today.errors else "failing" if today.failing else "ok",
        turns=today.turns,
        errors=today.errors,
        latency_p95_ms=histogram.percentile(today.latency, 95),
    )


def change(call: Call, agent: str, wanted: FleetChange) -> tuple[FleetAgent, str]:
    """Change tags, note or pin. Raises NotFound, and firestore.Changed when the etag is stale."""
    pair = _pair(call, agent)
    _fresh(call, pair.fleet)
    found = changes.metadata(call, pair, wanted.model_dump(exclude_none=True))
    if found is not None and not changes.done_before(call, [agent]):
        changes.write(call, pair, found)
    return one(call, agent)


def _fresh(call: Call, fleet: firestore.Snapshot) -> None:
    if etags.of_document(call.if_match) not in (None, fleet.etag):
        raise firestore.Changed(fleet.path)


def status(call: Call, agent: str) -> tuple[Status, str]:
    """The status with its history, and the etag that a change must show."""
    fleet = _pair(call, agent).fleet
    return _status(agent, fleet.data), fleet.etag


def _status(agent: str, kept: Mapping[str, Any]) -> Status:
    now: AgentStatus = FleetRead.model_validate(kept).status
    return Status(
        agent_id=agent,
        status=now,
        allowed=sorted(TRANSITIONS[now]),
        history=[StatusStep(**step) for step in reversed(kept.get("history", []))],
    )


def set_status(call: Call, agent: str, wanted: StatusChange) -> tuple[Status, str]:
    """Go to another status. Pausing refuses new turns from their next read on and ends none that runs.

    The status that is there already is no error and changes nothing, whatever the etag: so a lost answer can be asked
    for again. Otherwise raises firestore.Changed when the etag is stale, and Conflict with the reason.
    """
    pair = _pair(call, agent)
    known = FleetRead.model_validate(pair.fleet.data)
    if known.deleted_at is None and wanted.status != known.status:
        _fresh(call, pair.fleet)
    found = changes.status(call, pair, wanted)
    if found is None:
        return _status(agent, pair.fleet.data), pair.fleet.etag
    etag = changes.write(call, pair, found)
    return _status(agent, found.data), etag


def delete(call: Call, agent: str) -> None:
    """Take the agent out of use; for RESTORABLE it can be brought back. A deleted one stays so.

    Raises NotFound, and firestore.Changed when the etag is stale.
    """
    pair = _pair(call, agent)
    found = changes.deletion(call, pair)
    if found is not None:
        _fresh(call, pair.fleet)
        changes.write(call, pair, found)


def restore(call: Call, agent: str) -> tuple[FleetAgent, str]:
    """Bring a deleted agent back with the status it had, paused if it was active. Raises Conflict after RESTORABLE.

    A repeat with the same key brings nothing back that was deleted again since.
    """
    pair = _pair(call, agent)
    found = None if changes.done_before(call, [agent]) else changes.restoring(call, pair)
    if found is not None:
        changes.write(call, pair, found)
    return one(call, agent)

"""The fleet: which agents there are and how they do, and the changes of their status."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from functions.my_agents import repository
from functions.my_agents.models import (
    TRANSITIONS,
    Figures,
    Filter,
    FleetAgent,
    FleetChange,
    Health,
    NewAgent,
    Status,
    StatusChange,
    StatusStep,
)
from functions.shared import activity, calls, clock, contracts, etags, firestore, histogram, ids
from functions.shared.contracts import AgentRead, AgentStatus, Counters, FleetRead, RollupRead, WorkspaceRead
from functions.shared.errors import Conflict, Invalid, NotFound, Unavailable
from functions.shared.http import Call, Items, page_token, page_values
from functions.shared.money import Money

RESTORABLE = timedelta(days=30)
HISTORY = 50


def listed(call: Call, query: Filter) -> Items[FleetAgent]:
    """A page of the agents that fit, pinned ones first, in the order asked for."""
    agents = repository.agents(call.workspace)
    fleet = repository.fleet(call.workspace)
    figures = _Figures(call)
    restorable = call.now - RESTORABLE
    shown = [figures.joined(agent, fleet.get(agent.id)) for agent in agents]
    fitting = sorted((agent for agent in shown if _fits(agent, query, restorable)), key=lambda agent: agent.id)
    fitting.sort(key=lambda agent: _sort_value(agent, query.sort), reverse=query.sort.startswith("-"))
    fitting.sort(key=lambda agent: not agent.pinned)
    start = _start(page_values(query.page_token, 2), [agent.id for agent in fitting])
    end = start + query.page_size
    page = fitting[start:end]
    return Items(items=page, next_page_token=page_token(page[-1].id, end) if end < len(fitting) else None)


def _start(values: tuple[Any, ...] | None, found: list[str]) -> int:
    """Behind the last agent shown, wherever it is now; where it was when it is gone."""
    if values is None:
        return 0
    last, end = values
    if not isinstance(end, int) or end < 1:
        raise Invalid(errors=[{"pointer": "/page_token", "message": "This is not a page token of this list."}])
    return found.index(last) + 1 if last in found else end - 1


def _fits(agent: FleetAgent, query: Filter, restorable: datetime) -> bool:
    deleted = agent.deleted_at is not None
    return (
        deleted == query.deleted
        and (agent.deleted_at is None or agent.deleted_at >= restorable)
        and query.status in (None, agent.status)
        and query.industry in (None, agent.industry)
        and query.model in (None, agent.model)
        and (query.tag is None or query.tag in agent.tags)
        and (query.text is None or query.text.casefold() in agent.name.casefold())
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
    found, fleet = _pair(call, agent)
    shown = _Figures(call).joined(found, fleet)
    return shown, etags.showing(fleet.etag, shown.model_dump_json())


def create(call: Call, new: NewAgent) -> tuple[FleetAgent, str]:
    """Have the wizard make an agent, then add tags and note. A repeat with the same key finds the agent again.

    Raises what the wizard refuses, its pointers below `/definition`, and Unavailable.
    """
    headers = {"Idempotency-Key": call.idempotency_id}
    try:
        made = calls.call(call, "agents-api", "POST", "/api/agents", new.definition, headers=headers).body
    except calls.Refused as refused:
        refused.errors = tuple({**one, "pointer": f"/definition{one.get('pointer', '')}"} for one in refused.errors)
        raise
    if not isinstance(made, dict) or not isinstance(made.get("id"), str):
        raise Unavailable("The wizard did not say what it made. Try again.")
    return change(call, made["id"], FleetChange(tags=new.tags, note=new.note))


def _pair(call: Call, agent: str) -> tuple[firestore.Snapshot, firestore.Snapshot]:
    if not ids.valid("agent", agent):
        raise NotFound("There is no such agent.")
    found, fleet = repository.read(
        [repository.agent_path(call.workspace, agent), repository.fleet_path(call.workspace, agent)]
    )
    if not found.exists:
        raise NotFound("There is no such agent.")
    return found, fleet


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
        self.today = RollupRead.model_validate(day.data).agents
        self.month = RollupRead.model_validate(month.data).agents
        self.currency = home.currency

    def joined(self, agent: firestore.Snapshot, fleet: firestore.Snapshot | None) -> FleetAgent:
        known = AgentRead.model_validate(agent.data)
        kept: Mapping[str, Any] = fleet.data if fleet is not None else {}
        status = FleetRead.model_validate(kept)
        today, month = self.today.get(agent.id, Counters()), self.month.get(agent.id, Counters())
        newest = max(today.last_micros, month.last_micros)
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
            last_active=clock.from_micros(newest),
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


def change(call: Call, agent: str, changes: FleetChange) -> tuple[FleetAgent, str]:
    """Change tags, note or pin. Raises NotFound, and firestore.Changed when the etag is stale."""
    found, fleet = _pair(call, agent)
    _fresh(call, fleet)
    kept = {"tags": [], "note": "", "pinned": False, **fleet.data}
    fields = {name: value for name, value in changes.model_dump(exclude_none=True).items() if value != kept[name]}
    if fields:
        _write(
            call,
            fleet,
            {**fleet.data, **fields, "updated_at": call.now},
            "agent.changed",
            AgentRead.model_validate(found.data).name,
            before={name: kept[name] for name in fields},
            after=fields,
        )
    return one(call, agent)


def _fresh(call: Call, fleet: firestore.Snapshot) -> None:
    if etags.of_document(call.if_match) not in (None, fleet.etag):
        raise firestore.Changed(fleet.path)


def status(call: Call, agent: str) -> tuple[Status, str]:
    """The status with its history, and the etag that a change must show."""
    _, fleet = _pair(call, agent)
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
    found, fleet = _pair(call, agent)
    known = FleetRead.model_validate(fleet.data)
    if known.deleted_at is not None:
        raise Conflict("The agent is deleted. Restore it first.", code="agent_deleted")
    if wanted.status == known.status:
        return _status(agent, fleet.data), fleet.etag
    _fresh(call, fleet)
    if wanted.status not in TRANSITIONS[known.status]:
        allowed = " or ".join(sorted(TRANSITIONS[known.status]))
        raise Conflict(
            f"From {known.status} an agent can become {allowed}, not {wanted.status}.", code="transition_refused"
        )
    read = AgentRead.model_validate(found.data)
    if wanted.status == "active" and read.published_version is None:
        raise Conflict("Publish the agent first: visitors talk to a published version only.", code="not_published")
    step = {"status": wanted.status, "at": call.now, "actor": call.principal.actor, "reason": wanted.reason}
    history = [*fleet.data.get("history", []), step][-HISTORY:]
    data = {**fleet.data, "status": wanted.status, "history": history, "updated_at": call.now}
    etag = _write(
        call,
        fleet,
        data,
        f"agent.{'activated' if wanted.status == 'active' else wanted.status}",
        read.name,
        before={"status": known.status},
        after={"status": wanted.status},
    )
    return _status(agent, data), etag


def delete(call: Call, agent: str) -> None:
    """Take the agent out of use; for RESTORABLE it can be brought back. A deleted one stays so.

    Raises NotFound, and firestore.Changed when the etag is stale.
    """
    found, fleet = _pair(call, agent)
    if FleetRead.model_validate(fleet.data).deleted_at is None:
        _fresh(call, fleet)
        data = {**fleet.data, "deleted_at": call.now, "updated_at": call.now}
        _write(call, fleet, data, "agent.deleted", AgentRead.model_validate(found.data).name)


def restore(call: Call, agent: str) -> tuple[FleetAgent, str]:
    """Bring a deleted agent back with the status it had, paused if it was active. Raises Conflict after RESTORABLE."""
    found, fleet = _pair(call, agent)
    known = FleetRead.model_validate(fleet.data)
    if known.deleted_at is not None:
        if call.now > known.deleted_at + RESTORABLE:
            raise Conflict("The agent was deleted more than 30 days ago.", code="not_restorable")
        status = "paused" if known.status == "active" else known.status
        data = {**fleet.data, "deleted_at": None, "status": status, "updated_at": call.now}
        _write(call, fleet, data, "agent.restored", AgentRead.model_validate(found.data).name)
    return one(call, agent)


def _write(
    call: Call,
    fleet: firestore.Snapshot,
    data: Mapping[str, Any],
    action: str,
    name: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> str:
    batch = firestore.Batch()
    batch.replace(fleet.path, data, if_etag=fleet.etag)
    activity.record(
        batch,
        call.workspace,
        call.principal,
        action,
        kind="agent",
        subject=fleet.id,
        name=name,
        before=before,
        after=after,
        now=call.now,
    )
    try:
        return batch.commit()[fleet.path]
    except firestore.AlreadyExists as error:
        # Nobody had touched the agent when it was read; now somebody has.
        raise firestore.Changed(fleet.path) from error

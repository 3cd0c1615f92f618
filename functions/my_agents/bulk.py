"""One action on many agents: an outcome for each, and one that fails stops no other.

Each agent has a commit of its own, a few at a time. A repeat without a stored answer does the rest: what the first request
has done is `done` and not done again, whatever became of it since.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from functions.my_agents import changes, repository, service
from functions.my_agents.changes import Change, Pair
from functions.my_agents.models import MOST_IN_BULK, Bulk, BulkAnswer, Filter, Outcome, StatusChange
from functions.shared import calls, clock, firestore, ids, logs
from functions.shared.errors import Forbidden, Invalid, Problem
from functions.shared.firestore import Snapshot
from functions.shared.http import Call
from functions.shared.identity import Role

AT_ONCE = 8
"""Commits that run beside each other; Firestore takes far more, an instance's threads do not."""
ATTEMPTS = 3
SECONDS_LEFT = 5.0
"""Nothing new is begun when less is left of the request."""
EXPORTED_AT_ONCE = 50
MOST_EXPORTED_BYTES = 8_000_000

_STATUS = {"enable": "active", "disable": "paused", "archive": "archived"}
_ADMIN = ("delete", "restore")


def run(call: Call, wanted: Bulk) -> BulkAnswer:
    """Do it, or with `dry_run` say what would be done.

    Raises Forbidden (`role_too_low`), and Invalid (`too_many_agents`) when the filter fits more than one call takes.
    """
    role = call.principal.role
    if wanted.action in _ADMIN and role is not None and not role.allows(Role.ADMIN):
        raise Forbidden(f"This needs the role {Role.ADMIN}; yours is {role}.", code="role_too_low")
    pairs, done = _selected(call, wanted)
    if wanted.action == "export":
        outcomes = _exported(call, pairs, dry_run=wanted.dry_run)
    else:
        plan = _plan(call, wanted)
        rest = [pair for pair in pairs if pair.agent.id not in done]
        made = {one.agent_id: one for one in _each(lambda pair: _one(call, pair, plan, dry_run=wanted.dry_run), rest)}
        outcomes = [made.get(pair.agent.id) or _done(pair) for pair in pairs]
    counts = {name: sum(one.outcome == name for one in outcomes) for name in ("done", "unchanged", "refused", "failed")}
    return BulkAnswer(action=wanted.action, dry_run=wanted.dry_run, outcomes=outcomes, **counts)


def _selected(call: Call, wanted: Bulk) -> tuple[list[Pair], frozenset[str]]:
    """The agents that are meant, and which of them an earlier request with this key has changed.

    Those fit their filter then, and may not any more.
    """
    if wanted.filter is None:
        names = [name for name in wanted.ids or () if ids.valid("agent", name)]
        agents = repository.read(repository.agent_path(call.workspace, name) for name in names)
        fleet = repository.read(repository.fleet_path(call.workspace, name) for name in names)
        known = {agent.id: Pair(agent, status) for agent, status in zip(agents, fleet, strict=True)}
        absent = Snapshot("", {}, firestore.ABSENT)
        pairs = [
            known.get(name) or Pair(Snapshot(f"agents/{name}", {}, firestore.ABSENT), absent)
            for name in wanted.ids or ()
        ]
        return pairs, changes.done_before(call, known)
    every, conditions = service.every(call), Filter(**wanted.filter.model_dump())
    done = changes.done_before(call, (pair.agent.id for pair in every))
    found = [pair for pair in every if pair.agent.id in done or service.fits(call, pair, conditions)]
    if len(found) > MOST_IN_BULK:
        raise Invalid(
            code="too_many_agents",
            errors=[{"pointer": "/filter", "message": f"{len(found)} agents fit; {MOST_IN_BULK} go in one call."}],
        )
    return sorted(found, key=lambda pair: pair.agent.id), done


def _plan(call: Call, wanted: Bulk) -> Callable[[Pair], Change | None]:
    match wanted.action:
        case "delete":
            return lambda pair: changes.deletion(call, pair)
        case "restore":
            return lambda pair: changes.restoring(call, pair)
        case "tag":
            return lambda pair: changes.tagging(call, pair, wanted.tags or [], [])
        case "untag":
            return lambda pair: changes.tagging(call, pair, [], wanted.tags or [])
        case action:
            status = StatusChange.model_validate({"status": _STATUS[action], "reason": wanted.reason})
            return lambda pair: changes.status(call, pair, status)


def _one(call: Call, pair: Pair, plan: Callable[[Pair], Change | None], *, dry_run: bool) -> Outcome:
    name = pair.agent.id
    if not pair.agent.exists:
        return Outcome(agent_id=name, outcome="refused", code="not_found", detail="There is no such agent.")
    try:
        for _ in range(ATTEMPTS):
            if (call.deadline - clock.now()).total_seconds() < SECONDS_LEFT:
                break
            change = plan(pair)
            if change is None:
                return Outcome(agent_id=name, name=pair.name, outcome="unchanged")
            try:
                if not dry_run:
                    changes.write(call, pair, change)
                return _done(pair)
            except firestore.Changed:
                if changes.done(call, [name]):
                    return _done(pair)
                pair = Pair(*repository.read((pair.agent.path, pair.fleet.path)))
    except Problem as problem:
        outcome = "refused" if problem.status < 500 else "failed"
        return Outcome.model_validate(
            {"agent_id": name, "name": pair.name, "outcome": outcome, "code": problem.code, "detail": problem.detail}
        )
    except Exception as error:  # noqa: BLE001 - one agent's bad luck is told and logged, and the others go on
        logs.error("an agent of many was not changed", error, agent_id=name)
        return _not_done(pair, "internal", "We have noted it. Try this one again.")
    return _not_done(pair, "not_in_time", "Others were changing it, or the time was up. Try this one again.")


def _done(pair: Pair) -> Outcome:
    return Outcome(agent_id=pair.agent.id, name=pair.name, outcome="done")


def _not_done(pair: Pair, code: str, detail: str) -> Outcome:
    return Outcome(agent_id=pair.agent.id, name=pair.name, outcome="failed", code=code, detail=detail)


def _exported(call: Call, pairs: list[Pair], *, dry_run: bool) -> list[Outcome]:
    """The drafts as the wizard writes them, group by group; one that is deleted or gone has none."""
    present = [pair for pair in pairs if pair.agent.exists]
    starts = range(0, len(present), EXPORTED_AT_ONCE) if not dry_run else ()
    groups = [present[start : start + EXPORTED_AT_ONCE] for start in starts]
    files: dict[str, str] = {}
    failed: dict[str, Problem] = {}
    for group, answer in zip(groups, _each(lambda group: _files(call, group), groups), strict=True):
        if isinstance(answer, Problem):
            failed |= dict.fromkeys((pair.agent.id for pair in group), answer)
        else:
            files |= answer
    outcomes, held = [], 0
    for pair in pairs:
        name = pair.agent.id
        held += len(files.get(name, "").encode())
        if (
            not pair.agent.exists
            or pair.fleet.data.get("deleted_at")
            or not (dry_run or name in files or name in failed)
        ):
            outcomes.append(
                Outcome(agent_id=name, outcome="refused", code="not_found", detail="There is no such agent.")
            )
        elif name in failed:
            outcomes.append(_not_done(pair, failed[name].code, failed[name].detail or failed[name].title))
        elif held > MOST_EXPORTED_BYTES:
            outcomes.append(_not_done(pair, "export_too_large", "The answer is full. Export this one in another call."))
        else:
            outcomes.append(Outcome(agent_id=name, name=pair.name, outcome="done", yaml=files.get(name)))
    return outcomes


def _files(call: Call, group: Iterable[Pair]) -> dict[str, str] | Problem:
    seconds = (call.deadline - clock.now()).total_seconds() - SECONDS_LEFT
    body = {"agents": [pair.agent.id for pair in group]}
    try:
        answer = calls.call(call, "agents-api", "POST", "/api/agents/export", body, timeout=max(1.0, seconds)).body
        return {one["id"]: one["yaml"] for one in answer["items"]}
    except Problem as problem:
        return problem


def _each(work: Callable[[Any], Any], things: Iterable[Any]) -> list[Any]:
    """The results of all, in order, AT_ONCE at a time; what each pays for is counted in this request."""
    fields = logs.current()

    def counted(thing: Any) -> tuple[Any, dict[str, int]]:
        with logs.request(**fields) as operations:
            return work(thing), dict(operations)

    results = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for result, operations in pool.map(counted, things):
            results.append(result)
            for operation, number in operations.items():
                logs.count(operation, number)
    return results

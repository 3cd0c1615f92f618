"""A run of an agent's test cases: each asked of the draft and of the published version, as turns like any other.

A run is named by its caller's Idempotency-Key and stored once when it begins and once when it ends, so a repeat finds it
and asks nothing again. Each case is a conversation of its own. However a run ends (all asked, cap reached, caller gone,
time up), what was asked is stored with its charge, and the rest stands there as not run.

Beside the turns: 5 reads, 3 writes.
"""

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from functions.agents import admission, check_price, check_rules, repository
from functions.agents.check_results import (
    KEPT,
    Outcome,
    Result,
    ShownRun,
    StoppedBy,
    StoredRun,
    done,
    fitted,
    shown_result,
    shown_run,
    totals,
)
from functions.agents.check_rules import Case, Version
from functions.agents.models import Agent, Ask
from functions.agents.providers import Provider
from functions.agents.telling import Answered, Ended
from functions.agents.turns import Turn
from functions.shared import clock, contracts, firestore, ids, logs, metering, plans
from functions.shared.contracts import FleetRead, TurnRead
from functions.shared.errors import Conflict, NotFound, Problem, Unavailable
from functions.shared.http import Answer, Call, Event
from functions.shared.identity import WorkspaceId
from functions.shared.money import Money

AT_ONCE = 4
"""Turns that are asked at the same time: a hundred of three seconds each end in time, and providers' pace is kept."""

LEASE = timedelta(seconds=180)
"""The request's timeout and a margin: a run that is not stored by then has died with its server."""

SECONDS_TO_END = 10.0
"""What of the request's time is kept for storing the run."""

SECONDS_OF_A_TURN = 5.0
"""With less time left for it no further turn is begun."""

_ENDS_THE_RUN: dict[str, StoppedBy] = {
    "cap_reached": "cap_reached",
    "workspace_suspended": "workspace_suspended",
}

CAP_ATTEMPTS, CAP_PAUSE = 20, 0.5
"""How often, and after how many seconds, a turn asks again for room that others hold at this moment."""


class RunStart(Answer):
    """What a run will ask. `highest` is the most that it can be charged, known before the first turn."""

    run_id: str
    versions: list[Version]
    cases: int
    turns: int
    highest: Money


@dataclass(frozen=True)
class _Task:
    version: Version
    case: Case


@dataclass
class Run:
    """A run that has begun. Use `events` once, to its end, or close it; then `stored` is what it gave."""

    workspace: WorkspaceId
    agent: str
    name: str
    owner: str
    trace_id: str
    deadline: datetime
    cases: tuple[Case, ...]
    stored: StoredRun
    provider: Callable[[str], Provider]
    _results: dict[_Task, Result] = field(default_factory=dict)
    _turns: dict[str, Turn] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _stopped_by: StoppedBy | None = None
    _changed: bool = False

    @property
    def shown(self) -> ShownRun:
        """As the API shows it."""
        return shown_run(self.name, self.stored, clock.now())

    def leave(self) -> None:
        """The caller has gone: begin no further turn, and end those that run. From any thread."""
        self._stop("caller_left")
        for turn in list(self._turns.values()):
            turn.leave()

    def events(self) -> Iterator[Event]:
        """`start` with the highest price, `case` after each turn in the order of the cases, `done` with the totals.

        However it ends, the run is stored then. Raises Unavailable (`not_stored`) when it could not be.
        """
        tasks = [_Task(one.version, case) for case in self.cases for one in self.stored.versions]
        kept = False
        try:
            yield Event("start", self._start())
            yield from self._played(tasks)
        finally:
            kept = self._store(tasks)
        if not kept:
            raise Unavailable("The cases were run, but what they gave could not be stored.", code="not_stored")
        yield Event("done", done(self.shown))

    def _start(self) -> RunStart:
        return RunStart(
            run_id=self.name,
            versions=[one.version for one in self.stored.versions],
            cases=len(self.cases),
            turns=len(self.cases) * len(self.stored.versions),
            highest=Money.of_nanos(self.stored.highest_nanos, self.stored.currency),
        )

    def _played(self, tasks: list[_Task]) -> Iterator[Event]:
        waiting, flying = deque(tasks), deque[tuple[_Task, Future[None]]]()
        with ThreadPoolExecutor(AT_ONCE, "check") as pool:
            try:
                while waiting or flying:
                    while waiting and len(flying) < AT_ONCE:
                        # Each thread counts operations and writes log lines as this request.
                        task = waiting.popleft()
                        flying.append((task, pool.submit(contextvars.copy_context().run, self._play, task)))
                    task, future = flying.popleft()
                    future.result()
                    if task in self._results:
                        yield Event("case", shown_result(self._results[task], self.stored.currency))
            finally:
                if waiting or flying:
                    self.leave()

    def _play(self, task: _Task) -> None:
        """One turn to its end, unless the run was stopped before; its result is noted."""
        turn_id = ids.turn(self.name, f"{task.version}.{task.case.id}")
        seconds = (self.deadline - clock.now()).total_seconds() - SECONDS_TO_END
        if seconds < SECONDS_OF_A_TURN:
            self._stop("deadline")
        if self._stopped.is_set():
            return
        try:
            self._results[task] = self._asked(task, turn_id, seconds)
        except Problem as problem:
            why = _ENDS_THE_RUN.get(problem.code)
            # Of those that are asked at once, the first to meet the cap says so; the others have not run.
            if self._stop(why) if why else not self._gave_up(problem):
                self._results[task] = _failed(task, problem)
        except Exception as error:  # noqa: BLE001 - one case that breaks is its own failure, not the run's
            logs.error("a test case could not be run", error)
            self._results[task] = _failed(task, Problem())

    def _gave_up(self, problem: Problem) -> bool:
        """Whether a turn waited for room when the run was stopped."""
        return problem.code == "cap_busy" and self._stopped.is_set()

    def _asked(self, task: _Task, turn_id: str, seconds: float) -> Result:
        found = self._admitted(self._ask(task, turn_id, seconds))
        if isinstance(found, Answered):
            return _result(task, found.turn, found.conversation_id, False)
        if not isinstance(found, Turn):
            raise found.problem
        self._judge_change(task, found.agent)
        self._turns[turn_id] = found
        if self._stopped_by == "caller_left":
            found.leave()
        try:
            for _ in found.events():
                pass
        except Problem:
            if found.stored is None or found.problem is None:
                raise
        finally:
            del self._turns[turn_id]
        assert found.stored is not None
        left = self._stopped_by == "caller_left" and found.problem is None
        return _result(task, found.stored, found.ask.conversation_id, left)

    def _admitted(self, ask: Ask) -> Turn | Answered | Ended:
        for _ in range(CAP_ATTEMPTS):
            try:
                return admission.admit(self.workspace, ask, self.provider)
            except Unavailable as problem:
                # Often it is this run's own turns that hold the room, and they end below their highest price.
                if problem.code != "cap_busy" or self._stopped.wait(CAP_PAUSE):
                    raise
        return admission.admit(self.workspace, ask, self.provider)

    def _ask(self, task: _Task, turn_id: str, seconds: float) -> Ask:
        return Ask(
            turn_id=turn_id,
            agent_id=self.agent,
            channel="check",
            message=task.case.question,
            conversation_id=ids.conversation_of(turn_id),
            may_open=True,
            draft=task.version == "draft",
            owner=self.owner,
            trace_id=self.trace_id,
            asked_at=clock.now(),
            deadline_seconds=seconds,
        )

    def _judge_change(self, task: _Task, agent: Agent) -> None:
        """Each turn reads the agent anew: what it met must be what the run is about."""
        if task.version == "draft":
            found = check_rules.digest(agent.draft, agent.knowledge.revision, check_rules.digest_of(self.cases))
            same = found == self.stored.digest
        else:
            same = agent.published_version == next(v.version_id for v in self.stored.versions if v.version != "draft")
        if not same:
            self._changed = True

    def _stop(self, why: StoppedBy) -> bool:
        """Begin no further turn; False when the run was stopped already."""
        with self._lock:
            if self._stopped_by is not None:
                return False
            self._stopped_by = why
        self._stopped.set()
        return True

    def _store(self, tasks: list[_Task]) -> bool:
        results = [self._results.get(task, Result(version=task.version, case_id=task.case.id)) for task in tasks]
        left_out = any(result.outcome == "not_run" for result in results)
        now = clock.now()
        self.stored = self.stored.model_copy(
            update={
                "state": "partial" if left_out else "done",
                "stopped_by": self._stopped_by if left_out else None,
                "changed_meanwhile": self._changed,
                "ended_at": now,
                "versions": tuple(totals(v.version, v.version_id, results) for v in self.stored.versions),
                "results": fitted(results),
            }
        )
        draft = self.stored.versions[0]
        for _ in range(3):
            batch = firestore.Batch()
            batch.set(repository.check_run_path(self.workspace, self.agent, self.name), self.stored.model_dump())
            if not self._changed:
                judged = {"digest": self.stored.digest, "run": self.name}
                left = {"failing": draft.failed, "not_run": draft.not_run}
                state: dict[tuple[str, ...], Any] = {
                    ("checks", name): value for name, value in {**judged, **left}.items()
                }
                batch.update(repository.agent_path(self.workspace, self.agent), state)
            try:
                batch.commit()
            except firestore.Changed:
                break  # The agent is gone, and its runs with it.
            except Unavailable:
                time.sleep(0.5)
                continue
            return True
        logs.alarm("a run of test cases could not be stored", run=self.name)
        return False


def begin(call: Call, agent: str, provider: Callable[[str], Provider]) -> Run | ShownRun:
    """A new run of the agent's test cases, or what the run of this Idempotency-Key gave before.

    Raises NotFound, Conflict (`no_checks`, `run_in_progress`, `workspace_suspended`).
    """
    if not ids.valid("agent", agent):
        raise NotFound("There is no such agent.")
    workspace, owner = call.workspace, call.principal.caller
    name = f"{ids.KINDS['check_run']}_{ids.hashed('check_run', agent, owner, call.idempotency_key or '')}"
    path = repository.check_run_path(workspace, agent, name)
    found, fleet, cases_found, earlier, spend = repository.read(
        repository.agent_path(workspace, agent),
        contracts.path(workspace, "fleet", agent),
        repository.checks_path(workspace, agent),
        path,
        metering.spend_path(workspace, call.now),
    )
    if not found.exists or FleetRead.model_validate(fleet.data).deleted_at is not None:
        raise NotFound("There is no such agent.")
    if earlier.exists:
        return _earlier(name, earlier, call.now)
    kept = Agent.model_validate(found.data)
    cases = check_rules.stored_cases(cases_found.data)
    if not cases:
        raise Conflict("This agent has no test cases. PUT some first.", code="no_checks")
    document = metering.terms_of(workspace, spend)
    admission.check_state(document)
    terms = plans.PlanTerms.model_validate(document["plan_terms"])
    versions = check_price.versions(kept)
    none_yet = [Result(version=version, case_id=case.id) for version in versions for case in cases]
    stored = StoredRun(
        digest=check_rules.digest(kept.draft, kept.knowledge.revision, check_rules.digest_of(cases)),
        cases=len(cases),
        started_at=call.now,
        started_by=call.principal.actor,
        lease_until=call.now + LEASE,
        expire_at=call.now + KEPT,
        highest_nanos=check_price.highest(kept, cases, terms, call.now),
        currency=terms.currency,
        versions=tuple(totals(version, version_id, none_yet) for version, version_id in versions.items()),
    )
    batch = firestore.Batch()
    batch.create(path, stored.model_dump())
    try:
        batch.commit()
    except firestore.AlreadyExists:
        return _earlier(name, firestore.get(path), call.now)
    return Run(workspace, agent, name, owner, call.trace.trace_id, call.deadline, cases, stored, provider)


def _earlier(name: str, found: firestore.Snapshot, now: datetime) -> ShownRun:
    run = shown_run(name, StoredRun.model_validate(found.data), now)
    if run.state == "running":
        raise Conflict(
            "These cases are being run. Ask again with the same key for what they gave.",
            code="run_in_progress",
            headers={"Retry-After": "2"},
        )
    return run


def repeated(run: ShownRun) -> Iterator[Event]:
    """The events of a run that ended before."""
    versions = [one.version for one in run.versions]
    turns = run.cases * len(versions)
    yield Event("start", RunStart(run_id=run.id, versions=versions, cases=run.cases, turns=turns, highest=run.highest))
    for result in run.results:
        if result.outcome != "not_run":
            yield Event("case", result)
    yield Event("done", done(run))


def _failed(task: _Task, problem: Problem) -> Result:
    return Result(version=task.version, case_id=task.case.id, outcome="failed", code=problem.code)


def _result(task: _Task, turn: TurnRead, conversation: str, left: bool) -> Result:
    """What a turn gave. One that broke off has failed whatever it said, unless it was its caller who broke it off."""
    titles = tuple(dict.fromkeys(source.title for source in turn.sources))
    why: tuple[check_rules.Fault, ...] = ()
    outcome: Outcome = "not_run" if left else "failed"
    code: str | None = turn.error_code or turn.outcome
    if turn.outcome == "completed":
        why, code = tuple(check_rules.judged(task.case, turn.answer, turn.actions, titles)), None
        outcome = "failed" if why else "passed"
    return Result(
        version=task.version,
        case_id=task.case.id,
        outcome=outcome,
        why=why,
        code=code,
        answer=turn.answer,
        actions=turn.actions,
        sources=titles,
        charge_nanos=turn.charge_nanos,
        latency_ms=turn.latency_ms,
        conversation_id=conversation,
    )

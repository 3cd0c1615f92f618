"""What a run of test cases gave: as it is stored for 90 days, and as it is shown while it runs and afterwards."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from functions.agents.check_rules import Fault, Version
from functions.shared.http import Answer
from functions.shared.money import Money

KEPT = timedelta(days=90)
ANSWER_CHARACTERS = 2000
_SHOWN_FAULTS, _SHOWN_SOURCES, _TITLE_CHARACTERS = 5, 8, 80
_MOST_BYTES = 800_000
"""A document takes a mebibyte; a hundred long answers in a script of four bytes a letter would fill it."""

Outcome = Literal["passed", "failed", "not_run"]
State = Literal["running", "done", "partial", "lost"]
StoppedBy = Literal["cap_reached", "workspace_suspended", "caller_left", "deadline"]


class Result(BaseModel):
    """`results` of a run: one case on one version. `code` says why there is no answer, such as `cap_reached`."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    version: Version
    case_id: str
    outcome: Outcome = "not_run"
    why: tuple[Fault, ...] = ()
    code: str | None = None
    answer: str = ""
    actions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    charge_nanos: int = 0
    latency_ms: int | None = None
    conversation_id: str | None = None


class Totals(BaseModel):
    """What one version's cases came to. `version_id` is null for the draft."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    version: Version
    version_id: str | None
    passed: int = 0
    failed: int = 0
    not_run: int = 0
    charge_nanos: int = 0


class StoredRun(BaseModel):
    """`workspaces/{workspace}/agents/{agent}/check_runs/{run}`. While it runs it has no results; `lease_until` is when
    it must have ended: one that is running still has died.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    state: Literal["running", "done", "partial"] = "running"
    stopped_by: StoppedBy | None = None
    digest: str
    changed_meanwhile: bool = False
    cases: int
    started_at: datetime
    started_by: str
    ended_at: datetime | None = None
    lease_until: datetime
    expire_at: datetime
    highest_nanos: int
    currency: str
    versions: tuple[Totals, ...]
    results: tuple[Result, ...] = ()


class ShownResult(Answer):
    """One case on one version. `why` names the broken rules; an answer is cut to 2,000 characters."""

    version: Version
    case_id: str
    outcome: Outcome
    why: list[Fault]
    code: str | None
    answer: str
    actions: list[str]
    sources: list[str]
    charge: Money
    latency_ms: int | None
    conversation_id: str | None


class ShownTotals(Answer):
    """One version of a run, side by side with the other."""

    version: Version
    version_id: str | None
    passed: int
    failed: int
    not_run: int
    charge: Money


class ListedRun(Answer):
    """A run of all test cases.

    `highest` was said before it began, `charge` is what it came to. `changed_meanwhile`: draft, knowledge or published
    version became others while it ran, so it says nothing about the present draft. `lost`: its server broke off.
    """

    id: str
    state: State
    stopped_by: StoppedBy | None
    changed_meanwhile: bool
    cases: int
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    highest: Money
    charge: Money
    versions: list[ShownTotals]


class ShownRun(ListedRun):
    """A run with what each case gave, in the order of the cases, the draft before the published version."""

    results: list[ShownResult]


class NotRun(Answer):
    """A case that was not asked, or not to its end."""

    version: Version
    case_id: str


class RunDone(ListedRun):
    """The last event of a run: its totals, and what did not run."""

    not_run: list[NotRun]


def done(run: ShownRun) -> RunDone:
    """The last event of a run."""
    left_out = [NotRun(version=one.version, case_id=one.case_id) for one in run.results if one.outcome == "not_run"]
    return RunDone(**{name: getattr(run, name) for name in ListedRun.model_fields}, not_run=left_out)


def fitted(results: Iterable[Result]) -> tuple[Result, ...]:
    """The results as they are stored: long texts cut, and cut further where all would not fit into one document."""
    kept = tuple(_cut(result, ANSWER_CHARACTERS) for result in results)
    size = sum(len(json.dumps(result.model_dump(), ensure_ascii=False).encode()) for result in kept)
    return kept if size <= _MOST_BYTES else tuple(_cut(result, 500) for result in kept)


def _cut(result: Result, characters: int) -> Result:
    return result.model_copy(
        update={
            "answer": result.answer[:characters],
            "why": result.why[:_SHOWN_FAULTS],
            "sources": tuple(title[:_TITLE_CHARACTERS] for title in result.sources[:_SHOWN_SOURCES]),
        }
    )


def totals(version: Version, version_id: str | None, results: Iterable[Result]) -> Totals:
    """The sums of one version."""
    own = [result for result in results if result.version == version]
    number: dict[str, int] = {"passed": 0, "failed": 0, "not_run": 0}
    for result in own:
        number[result.outcome] += 1
    charge = sum(result.charge_nanos for result in own)
    return Totals(version=version, version_id=version_id, charge_nanos=charge, **number)


def shown_result(result: Result, currency: str) -> ShownResult:
    """One case as the API shows it."""
    fields = result.model_dump(exclude={"charge_nanos"})
    return ShownResult(**fields, charge=Money.of_nanos(result.charge_nanos, currency))


def listed_run(run: str, stored: StoredRun, now: datetime) -> ListedRun:
    """A run as a list shows it."""
    return ListedRun(**_fields(run, stored, now))


def shown_run(run: str, stored: StoredRun, now: datetime) -> ShownRun:
    """A run as the API shows it, whole."""
    results = [shown_result(result, stored.currency) for result in stored.results]
    return ShownRun(**_fields(run, stored, now), results=results)


def _fields(run: str, stored: StoredRun, now: datetime) -> dict[str, Any]:
    lost = stored.state == "running" and stored.lease_until <= now
    versions = [
        ShownTotals(
            **one.model_dump(exclude={"charge_nanos"}), charge=Money.of_nanos(one.charge_nanos, stored.currency)
        )
        for one in stored.versions
    ]
    same = ("stopped_by", "changed_meanwhile", "cases", "started_at", "started_by", "ended_at")
    return {
        "id": run,
        "state": "lost" if lost else stored.state,
        **{name: getattr(stored, name) for name in same},
        "highest": Money.of_nanos(stored.highest_nanos, stored.currency),
        "charge": Money.of_nanos(sum(one.charge_nanos for one in stored.versions), stored.currency),
        "versions": versions,
    }

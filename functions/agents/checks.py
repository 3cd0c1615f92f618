"""The test cases of an agent in its room: read, written whole, their runs shown, and the gate that they are to a publish."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from functions.agents import check_price, check_rules, repository, wizard
from functions.agents.check_results import ListedRun, ShownRun, StoredRun, listed_run, shown_run
from functions.agents.check_rules import Case, Cases
from functions.agents.models import Agent, Definition
from functions.shared import etags, firestore, ids, metering, plans
from functions.shared.errors import Conflict, NotFound
from functions.shared.firestore import Snapshot
from functions.shared.http import Answer, Call, Items
from functions.shared.money import Money

LATEST = 20


class ChecksNotRun(Conflict):
    """The agent has test cases, and they were not run, or not all, on exactly what is to be published."""

    code, title = "checks_not_run", "The test cases have not been run on this draft"


class ChecksFailing(Conflict):
    """Test cases failed on what is to be published."""

    code, title = "checks_failing", "Test cases fail on this draft"


class ShownCases(Answer):
    """All test cases of an agent, and the run that ended last.

    `up_to_date`: that run judged all of the present draft, knowledge and cases; publishing asks for that. `turns` and
    `highest`: what a run would ask now, and the most that it could be charged; null without cases.
    """

    cases: tuple[Case, ...]
    run_id: str | None
    up_to_date: bool
    failing: int | None
    turns: int
    highest: Money | None


class PublishedChecks(BaseModel):
    """What a version remembers of its test cases; nothing for an agent without any."""

    model_config = ConfigDict(frozen=True)

    check_run: str | None = None
    checks_failing: int | None = None


def shown(call: Call, agent: str) -> tuple[ShownCases, str]:
    """The agent's cases and their etag; an agent without any has an empty list. Raises NotFound."""
    kept, _ = wizard.found(call, agent)
    found, spend = repository.read(
        repository.checks_path(call.workspace, agent), metering.spend_path(call.workspace, call.now)
    )
    return _tagged(_shown(call, kept, check_rules.stored_cases(found.data), spend), found.etag)


def _tagged(answer: ShownCases, etag: str) -> tuple[ShownCases, str]:
    return answer, etags.showing(etag, answer.model_dump_json(exclude={"cases"}))


def _shown(call: Call, kept: Agent, cases: tuple[Case, ...], spend: Snapshot) -> ShownCases:
    state = kept.checks
    present = _judged(kept, kept.draft)
    highest = None
    if cases:
        terms = plans.PlanTerms.model_validate(metering.seen_terms(call.workspace, spend)["plan_terms"])
        highest = Money.of_nanos(check_price.highest(kept, cases, terms, call.now), terms.currency)
    return ShownCases(
        cases=cases,
        run_id=state.run,
        up_to_date=present and not state.not_run,
        failing=state.failing if present else None,
        turns=len(cases) * len(check_price.versions(kept)),
        highest=highest,
    )


def replace(call: Call, agent: str, wanted: Cases) -> tuple[ShownCases, str]:
    """Make these the agent's cases, all of them. Raises NotFound, firestore.Changed for a stale etag.

    The agent's document learns their number and digest in the same commit, blindly: a run writes other fields of it.
    """
    kept, snapshot = wizard.found(call, agent)
    path = repository.checks_path(call.workspace, agent)
    stored, spend = repository.read(path, metering.spend_path(call.workspace, call.now))
    digest = check_rules.digest_of(wanted.cases)
    batch = firestore.Batch()
    document = {"cases": [case.model_dump(mode="json") for case in wanted.cases], "updated_at": call.now}
    batch.replace(path, document, if_etag=etags.of_document(call.if_match) or firestore.ABSENT)
    batch.update(snapshot.path, {("checks", "count"): len(wanted.cases), ("checks", "cases"): digest})
    before, after = _told(check_rules.stored_cases(stored.data), wanted.cases)
    wizard.tell(batch, call, "checks.changed", agent, kept.name, before=before, after=after)
    try:
        etag = batch.commit()[path]
    except firestore.AlreadyExists as error:
        raise firestore.Changed(path) from error
    state = kept.checks.model_copy(update={"count": len(wanted.cases), "cases": digest})
    return _tagged(_shown(call, kept.model_copy(update={"checks": state}), wanted.cases, spend), etag)


def _told(old: tuple[Case, ...], new: tuple[Case, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the audit log says before and after: how many cases, and by their ids which are gone, new or different."""
    was, now = {case.id: case for case in old}, {case.id: case for case in new}
    gone = [name for name in was if name not in now]
    fresh = [name for name in now if name not in was]
    other = [name for name in now if name in was and now[name] != was[name]]
    return {"cases": len(old), "removed": gone}, {"cases": len(new), "added": fresh, "changed": other}


def runs(call: Call, agent: str) -> Items[ListedRun]:
    """The latest runs, the newest first, without what each case gave. Raises NotFound."""
    wizard.found(call, agent)
    found = repository.check_runs(call.workspace, agent, LATEST)
    return Items(items=[listed_run(run.id, StoredRun.model_validate(run.data), call.now) for run in found])


def run(call: Call, agent: str, name: str) -> tuple[ShownRun, str]:
    """One run with what each case gave, and its etag. Raises NotFound."""
    wizard.found(call, agent)
    if ids.valid("check_run", name):
        (found,) = repository.read(repository.check_run_path(call.workspace, agent, name))
        if found.exists:
            gave = shown_run(name, StoredRun.model_validate(found.data), call.now)
            # That a run is lost stands in no document: it is so when its time is over.
            return gave, etags.showing(found.etag, gave.state)
    raise NotFound("There is no such run; runs are kept for 90 days.")


def gate(kept: Agent, definition: Definition, *, accept_failing: bool) -> PublishedChecks:
    """What a version of this definition remembers of its test cases; it reads nothing.

    Raises ChecksNotRun and ChecksFailing, unless failing ones are accepted.
    """
    state = kept.checks
    if not state.count:
        return PublishedChecks()
    judged = _judged(kept, definition)
    if judged and not state.failing and not state.not_run:
        return PublishedChecks(check_run=state.run, checks_failing=0)
    if accept_failing:
        return PublishedChecks(check_run=state.run, checks_failing=state.failing) if judged else PublishedChecks()
    way_round = "Or publish all the same with accept_failing=true."
    if not judged:
        what = f"Save it as the draft and POST /checks/run: its {state.count} test cases have not judged it"
        raise ChecksNotRun(f"{what}, or something changed since. {way_round}")
    if state.failing:
        raise ChecksFailing(f"{state.failing} of {state.count} test cases fail: see run {state.run}. {way_round}")
    raise ChecksNotRun(f"{state.not_run} of {state.count} test cases did not run: run them again. {way_round}")


def _judged(kept: Agent, definition: Definition) -> bool:
    """Whether the run that ended last was of exactly this definition, with the present knowledge and cases."""
    state = kept.checks
    return state.run is not None and state.digest == check_rules.digest(
        definition, kept.knowledge.revision, state.cases
    )

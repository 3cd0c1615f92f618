"""A run of test cases from its price to its stored result: both versions, the cap, a caller who leaves, time, repeats."""

import threading
from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.agents import check_results, check_run_routes, check_runs, checks, repository, turn_price
from functions.agents.check_results import Result, ShownRun, fitted
from functions.agents.check_rules import Case, Cases, Fault
from functions.agents.check_runs import Run
from functions.agents.models import Agent, ModelChoice
from functions.agents.providers import Finished, ModelUnavailable, StreamItem, TextDelta, ToolCall, UsageReport
from functions.shared import clock, contracts, firestore, logs, metering
from functions.shared.contracts import BillingRead
from functions.shared.errors import Conflict, NotFound, Unavailable
from functions.shared.http import Call, Event, Reply, Stream
from functions.shared.identity import Caller, WorkspaceId
from functions.shared.money import Money
from functions.shared.plans import PlanTerms
from tests.cloud import Cloud
from tests.functions.agents.talking import (
    HOURS,
    USAGE,
    Scripted,
    Wait,
    an_agent,
    named,
    outcome,
    spend_of,
    stored_agent,
    usage_events,
    write,
)

CHARGE = 960_000
"""Of one turn of the scripted model: 100 and 20 tokens in at USD 5 a million, 10 out at 20, and a fifth on top."""


CHEAP = {"provider": "vertexai", "id": "gemini-3.5-flash-lite"}
DEAR = {"provider": "vertexai", "id": "gemini-4-argon"}


class Twofold(Scripted):
    """Answers by the version whose prompt it gets."""

    def stream(self, request: Any, deadline: float, cancellation: Any = None) -> Generator[StreamItem, None, None]:
        self.requests.append(request)
        yield TextDelta("From the version." if request.system.startswith("You are Ada.") else "From the draft.")
        yield UsageReport(USAGE)
        yield Finished("stop")


def checked_agent(cloud: Cloud, workspace: WorkspaceId, *cases: Case, **fields: Any) -> str:
    """An agent with these cases, written as the route writes them."""
    agent = an_agent(workspace, **fields)
    checks.replace(cloud.call(workspace, if_match=firestore.ABSENT), agent, Cases(cases=cases))
    return agent


def numbered(count: int, **rules: Any) -> tuple[Case, ...]:
    return tuple(Case(id=f"c{number}", question=f"Question {number}?", **rules) for number in range(count))


def begun(call: Call, agent: str, provider: Scripted) -> Run:
    run = check_runs.begin(call, agent, provider)
    assert isinstance(run, Run)
    return run


def told(call: Call, agent: str, provider: Scripted) -> list[Event]:
    return list(begun(call, agent, provider).events())


def dumped(found: list[Event], name: str) -> list[dict[str, Any]]:
    return [event.data.model_dump() for event in found if event.name == name]  # type: ignore[union-attr]


def stored(workspace: WorkspaceId, agent: str, found: list[Event]) -> dict[str, Any]:
    run = dumped(found, "start")[0]["run_id"]
    return firestore.get(repository.check_run_path(workspace, agent, run)).data


def state_of(workspace: WorkspaceId, agent: str) -> dict[str, Any]:
    found: dict[str, Any] = firestore.get(repository.agent_path(workspace, agent)).data["checks"]
    return found


def charged(workspace: WorkspaceId) -> int:
    """What the events say, which is what is spent; no hold is left."""
    total: int = sum(row["charge_nanos"] for row in usage_events(workspace))
    spend = spend_of(workspace)
    assert (spend.get("spent_nanos", 0), spend.get("holds", {})) == (total, {})
    return total


def test_draft_and_published_version_are_run_side_by_side(cloud: Cloud, workspace: WorkspaceId) -> None:
    cases = (
        Case(id="draft-only", question="Who speaks?", must=("from the DRAFT",)),
        Case(id="neither", question="Who else?", must_not=("from",)),
    )
    agent = checked_agent(cloud, workspace, *cases)
    found = told(cloud.call(workspace), agent, Twofold())
    assert [event.name for event in found] == ["start", *["case"] * 4, "done"]
    assert [(case["version"], case["case_id"], case["outcome"]) for case in dumped(found, "case")] == [
        ("draft", "draft-only", "passed"),
        ("published", "draft-only", "failed"),
        ("draft", "neither", "failed"),
        ("published", "neither", "failed"),
    ]
    case = dumped(found, "case")[1]
    assert case["why"] == [{"rule": "must", "expected": "from the DRAFT"}]
    assert (case["answer"], case["charge"]["amount"]) == ("From the version.", "0.00096")
    assert case["latency_ms"] >= 0
    (done,) = dumped(found, "done")
    assert (done["state"], done["not_run"], done["stopped_by"], done["changed_meanwhile"]) == ("done", [], None, False)
    assert [(one["version"], one["passed"], one["failed"], one["not_run"]) for one in done["versions"]] == [
        ("draft", 1, 1, 0),
        ("published", 0, 2, 0),
    ]
    assert done["versions"][1]["version_id"] == stored_agent(workspace, agent).published_version
    assert state_of(workspace, agent)["failing"] == 1


def test_each_case_is_a_conversation_of_its_own_on_the_channel_check(cloud: Cloud, workspace: WorkspaceId) -> None:
    agent = checked_agent(cloud, workspace, *numbered(3), published=False, status="draft")
    provider = Scripted()
    told(cloud.call(workspace), agent, provider)
    rows = usage_events(workspace)
    assert {(row["channel"], row["version_id"], row["outcome"]) for row in rows} == {("check", None, "completed")}
    assert len({row["conversation_id"] for row in rows}) == len(rows) == 3
    assert [len(request.turns) for request in provider.requests] == [1, 1, 1]
    assert all(row["trace_id"] for row in rows)


def test_the_cases_say_what_a_run_costs_at_most_each_version_by_its_own_model(
    cloud: Cloud, workspace: WorkspaceId
) -> None:
    agent = checked_agent(cloud, workspace, *numbered(2), model=DEAR)
    call = cloud.call(workspace)
    _, before = checks.shown(call, agent)
    draft = stored_agent(workspace, agent).draft.model_copy(update={"model": ModelChoice(**CHEAP)})
    batch = firestore.Batch()
    batch.update(repository.agent_path(workspace, agent), {("draft",): draft.model_dump(mode="json")})
    batch.commit()
    shown, etag = checks.shown(call, agent)
    terms = PlanTerms.model_validate(metering.current(workspace, call.now).plan_terms)
    kept = stored_agent(workspace, agent)
    one, other = (
        sum(turn_price.highest_first(kept, draft, f"Question {number}?", terms, call.now) for number in range(2))
        for draft in (True, False)
    )
    # Twice the draft's price, as somebody who looks at the draft alone would say, is far too little.
    assert 2 * one < other
    assert shown.highest == Money.of_nanos(one + other, "USD")
    # The run as it begins says the same, and the ETag knows the price.
    run = begun(call, agent, Scripted())
    assert (run.stored.highest_nanos, shown.turns, etag == before) == (one + other, 4, False)
    list(run.events())


def test_a_run_says_its_highest_price_before_and_charges_what_it_came_to(cloud: Cloud, workspace: WorkspaceId) -> None:
    agent = checked_agent(cloud, workspace, *numbered(2))
    call = cloud.call(workspace)
    found = told(call, agent, Scripted())
    (start,), (done,) = dumped(found, "start"), dumped(found, "done")
    terms = PlanTerms.model_validate(metering.current(workspace, call.now).plan_terms)
    kept = stored_agent(workspace, agent)
    most = [
        turn_price.highest_first(kept, draft, f"Question {number}?", terms, call.now)
        for draft in (True, False)
        for number in range(2)
    ]
    document = stored(workspace, agent, found)
    assert document["highest_nanos"] == sum(most) > 4 * CHARGE
    assert (start["turns"], start["cases"], start["versions"]) == (4, 2, ["draft", "published"])
    assert start["highest"] == done["highest"]
    assert done["charge"] == {"amount": "0.00384", "currency": "USD"}
    assert [one["charge"]["amount"] for one in done["versions"]] == ["0.00192", "0.00192"]
    assert charged(workspace) == sum(result["charge_nanos"] for result in document["results"]) == 4 * CHARGE
    assert document["expire_at"] - document["started_at"] == timedelta(days=90)


def test_beside_its_turns_a_run_costs_five_reads_and_three_writes(cloud: Cloud, workspace: WorkspaceId) -> None:
    agent = checked_agent(cloud, workspace, *numbered(1), published=False)
    told(cloud.call(workspace), agent, Scripted())
    with logs.request() as operations:
        told(cloud.call(workspace), agent, Scripted())
    # A turn without a widget reads five, writes seven and publishes once.
    assert dict(operations) == {"firestore_reads": 5 + 5, "firestore_writes": 3 + 7, "pubsub_publishes": 1}


@pytest.mark.parametrize("stream", [True, False])
def test_the_same_key_brings_the_stored_run_and_asks_nothing_again(
    cloud: Cloud, workspace: WorkspaceId, talking: Cloud, stream: bool
) -> None:
    cases = (Case(id="hours", question="When are you open on Friday?", must=("9 am to 6 pm",), source="opening hours"),)
    agent = checked_agent(cloud, workspace, *cases, knowledge=(HOURS,), published=False)
    first = outcome(check_run_routes.run_checks(cloud.call(workspace, key="k"), agent))
    assert [(one.outcome, one.sources) for one in first.results] == [("passed", ["Opening hours"])]
    call = replace(cloud.call(workspace, key="k"), wants_stream=stream)
    again = outcome(check_run_routes.run_checks(call, agent))
    if stream:
        assert [event.name for event in again] == ["start", "case", "done"]
        assert dumped(again, "case") == [one.model_dump() for one in first.results]
        assert dumped(again, "done")[0]["charge"] == first.charge.model_dump()
    else:
        assert again == first
    assert len(usage_events(workspace)) == 1
    other = check_run_routes.run_checks(cloud.call(workspace, key="k", subject="uid2"), agent)
    assert outcome(other).id != first.id
    assert len(usage_events(workspace)) == 2


def test_a_run_that_still_runs_is_told_so_and_one_whose_server_died_is_lost(
    cloud: Cloud, workspace: WorkspaceId
) -> None:
    agent = checked_agent(cloud, workspace, *numbered(2), published=False)
    call = cloud.call(workspace, key="k")
    run = begun(call, agent, Scripted())
    with pytest.raises(Conflict) as raised:
        check_runs.begin(call, agent, Scripted())
    assert (raised.value.code, raised.value.headers) == ("run_in_progress", {"Retry-After": "2"})
    later = cloud.call(workspace, key="k", now=call.now + check_runs.LEASE)
    lost = check_runs.begin(later, agent, Scripted())
    assert isinstance(lost, ShownRun)
    assert (lost.state, lost.versions[0].not_run, lost.results) == ("lost", 2, [])
    assert checks.runs(later, agent).items[0].state == "lost"
    (begun_one, etag), (lost_one, other) = checks.run(call, agent, run.name), checks.run(later, agent, run.name)
    assert (begun_one.state, lost_one.state, etag == other) == ("running", "lost", False)
    assert usage_events(workspace) == []
    list(run.events())


def cap(workspace: WorkspaceId, nanos: int) -> None:
    account = BillingRead(paid_once=True, cap_nanos=nanos)
    write(contracts.path(workspace, "billing", "account"), account.model_dump())


def test_a_cap_that_is_reached_in_mid_run_ends_it_in_good_order(
    cloud: Cloud, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_runs, "CAP_PAUSE", 0.02)
    # Without hand-off the highest price before and at the turn are the same: no note on closing time comes in between.
    agent = checked_agent(cloud, workspace, *numbered(8), published=False, hand_off={"enabled": False})
    kept = stored_agent(workspace, agent)
    terms = PlanTerms.model_validate(metering.current(workspace, clock.now()).plan_terms)
    cap(workspace, turn_price.highest_first(kept, True, "Question 0?", terms, clock.now()) + 3 * CHARGE)
    found = told(cloud.call(workspace), agent, Scripted())
    cases = dumped(found, "case")
    assert [(case["outcome"], case["code"]) for case in cases].count(("passed", None)) == 4
    assert [(case["outcome"], case["code"]) for case in cases].count(("failed", "cap_reached")) == 1
    (done,) = dumped(found, "done")
    assert (done["state"], done["stopped_by"], len(done["not_run"])) == ("partial", "cap_reached", 3)
    assert {one["case_id"] for one in done["not_run"]} | {case["case_id"] for case in cases} == {
        f"c{number}" for number in range(8)
    }
    assert charged(workspace) == 4 * CHARGE
    assert state_of(workspace, agent)["not_run"] == 3


def test_a_suspended_workspace_runs_nothing(cloud: Cloud) -> None:
    workspace = cloud.workspace(state="suspended")
    agent = checked_agent(cloud, workspace, *numbered(1))
    with pytest.raises(Conflict) as raised:
        check_runs.begin(cloud.call(workspace), agent, Scripted())
    assert raised.value.code == "workspace_suspended"


def test_a_caller_who_leaves_ends_the_turns_and_the_run_is_stored(cloud: Cloud, workspace: WorkspaceId) -> None:
    agent = checked_agent(cloud, workspace, *numbered(6), published=False)
    silence = Wait()
    call = replace(cloud.call(workspace), wants_stream=True)
    run = begun(call, agent, Scripted(TextDelta("One "), silence))
    stream = Stream(run.events(), cancel=run.leave)
    found: list[Event] = []
    thread = threading.Thread(target=lambda: found.extend(stream.events))
    thread.start()
    assert silence.reached.wait(10)
    assert stream.cancel is not None
    stream.cancel()
    thread.join(20)
    assert not thread.is_alive()
    document = stored(workspace, agent, found)
    assert (document["state"], document["stopped_by"]) == ("partial", "caller_left")
    assert {result["outcome"] for result in document["results"]} == {"not_run"}
    assert charged(workspace) == sum(result["charge_nanos"] for result in document["results"]) > 0
    assert len(usage_events(workspace)) <= check_runs.AT_ONCE
    assert state_of(workspace, agent)["not_run"] == 6


def test_a_stream_that_is_closed_stores_what_was_run(cloud: Cloud, workspace: WorkspaceId) -> None:
    agent = checked_agent(cloud, workspace, *numbered(12), published=False)
    call = cloud.call(workspace, key="k")
    events = begun(call, agent, Scripted()).events()
    assert [next(events).name, next(events).name] == ["start", "case"]
    events.close()  # type: ignore[attr-defined]
    run = check_runs.begin(call, agent, Scripted())
    assert isinstance(run, ShownRun)
    assert (run.state, run.stopped_by) == ("partial", "caller_left")
    assert run.versions[0].passed >= 1
    assert run.versions[0].passed + run.versions[0].not_run == 12
    assert charged(workspace) == run.charge.nanos


def test_a_run_whose_time_is_up_says_which_cases_did_not_run(cloud: Cloud, workspace: WorkspaceId) -> None:
    agent = checked_agent(cloud, workspace, *numbered(2), published=False)
    call = cloud.call(workspace)
    late = replace(call, deadline=call.now + timedelta(seconds=check_runs.SECONDS_TO_END + 1))
    found = told(late, agent, Scripted())
    assert [event.name for event in found] == ["start", "done"]
    (done,) = dumped(found, "done")
    assert (done["state"], done["stopped_by"]) == ("partial", "deadline")
    assert [one["case_id"] for one in done["not_run"]] == ["c0", "c1"]
    assert charged(workspace) == 0


def test_a_model_that_fails_fails_its_case_and_not_the_run(cloud: Cloud, workspace: WorkspaceId) -> None:
    agent = checked_agent(cloud, workspace, *numbered(2), published=False)
    found = told(cloud.call(workspace), agent, Scripted(ModelUnavailable("gone")))
    assert [(case["outcome"], case["code"]) for case in dumped(found, "case")] == [("failed", "model_unavailable")] * 2
    assert (dumped(found, "done")[0]["state"], charged(workspace)) == ("done", 0)


def test_a_case_that_hands_over_keeps_nobody_waiting(cloud: Cloud, workspace: WorkspaceId) -> None:
    agent = checked_agent(cloud, workspace, *numbered(1, hand_off=True), published=False)
    tool = ToolCall("hand_off", {"reason": "asked", "summary": "A refund."})
    found = told(cloud.call(workspace), agent, Scripted(TextDelta("Yes."), tool, UsageReport(USAGE), Finished("stop")))
    assert [(case["outcome"], case["actions"]) for case in dumped(found, "case")] == [("passed", ["hand_off"])]
    assert repository.handed_off(workspace, None, 10, None) == []
    assert cloud.published("notifications", workspace) == []


def test_a_draft_that_changes_while_it_is_run_is_not_judged_by_it(cloud: Cloud, workspace: WorkspaceId) -> None:
    agent = checked_agent(cloud, workspace, *numbered(1), published=False)
    run = begun(cloud.call(workspace), agent, Scripted())
    path = repository.agent_path(workspace, agent)
    batch = firestore.Batch()
    batch.update(path, {("draft", "tone"): "calm"})
    batch.commit()
    (done,) = dumped(list(run.events()), "done")
    assert (done["state"], done["changed_meanwhile"]) == ("done", True)
    assert Agent.model_validate(firestore.get(path).data).checks.run is None


def test_who_has_no_cases_or_no_agent_is_told_so(cloud: Cloud, workspace: WorkspaceId) -> None:
    with pytest.raises(Conflict) as raised:
        check_runs.begin(cloud.call(workspace), an_agent(workspace), Scripted())
    assert raised.value.code == "no_checks"
    gone = checked_agent(cloud, workspace, *numbered(1))
    write(contracts.path(workspace, "fleet", gone), {"status": "archived", "deleted_at": clock.now()})
    for name in (gone, "agt_" + "a" * 26, "nonsense"):
        with pytest.raises(NotFound):
            check_runs.begin(cloud.call(workspace), name, Scripted())


def test_a_program_may_run_them_too(cloud: Cloud, workspace: WorkspaceId) -> None:
    agent = checked_agent(cloud, workspace, *numbered(1), published=False)
    found = told(cloud.call(workspace, kind=Caller.MACHINE, subject="key_1"), agent, Scripted())
    assert dumped(found, "done")[0]["versions"][0]["passed"] == 1


def test_a_run_that_cannot_be_stored_is_told(
    cloud: Cloud, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = checked_agent(cloud, workspace, *numbered(1), published=False)
    run = begun(cloud.call(workspace), agent, Scripted())
    events = run.events()
    assert [next(events).name, next(events).name] == ["start", "case"]
    firestore.delete_tree([repository.agent_path(workspace, agent)])
    with pytest.raises(Unavailable) as raised:
        list(events)
    assert raised.value.code == "not_stored"


def test_the_largest_run_fits_into_a_document(cloud: Cloud, workspace: WorkspaceId) -> None:
    faults = tuple(Fault(rule="must", expected="🌱" * 200) for _ in range(10))
    one = {"outcome": "failed", "why": faults, "answer": "🌱" * 9000, "sources": ("🌱" * 300,) * 20}
    results = fitted(Result(version="draft", case_id=f"c{number}", **one) for number in range(100))
    assert {len(result.answer) for result in results} == {500}
    write(
        repository.check_run_path(workspace, "agt_a", "run_a"), {"results": [result.model_dump() for result in results]}
    )
    short = fitted([Result(version="draft", case_id="c", **one)])
    assert len(short[0].answer) == check_results.ANSWER_CHARACTERS


def test_the_answer_comes_as_one_object_or_as_events(cloud: Cloud, workspace: WorkspaceId, talking: Cloud) -> None:
    agent = checked_agent(cloud, workspace, *numbered(1), published=False)
    assert isinstance(check_run_routes.run_checks(cloud.call(workspace), agent), Reply)
    found = outcome(check_run_routes.run_checks(replace(cloud.call(workspace), wants_stream=True), agent))
    assert [event.name for event in found] == ["start", "case", "done"]
    assert named(found, "delta") == []

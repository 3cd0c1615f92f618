"""One turn from its question to its settled event: what is told, what is stored, what is charged, whatever happens."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.agents import admission, repository
from functions.agents.providers import (
    Finished,
    ModelInterrupted,
    ModelRefused,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
    TextDelta,
    Usage,
    UsageReport,
)
from functions.agents.telling import Answered, Ended
from functions.shared import clock, contracts, failing, firestore, logs
from functions.shared.errors import Invalid, Problem, Unavailable
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.agents.talking import (
    ANSWER,
    USAGE,
    Deaf,
    Scripted,
    Visitor,
    Wait,
    an_agent,
    everything_adds_up,
    named,
    spend_of,
    text_of,
    usage_events,
)

PARTLY = (TextDelta("Good "), TextDelta("morning"))


def test_a_turn_is_told_stored_and_charged(cloud: Cloud, workspace: WorkspaceId, visitor: Visitor) -> None:
    found = visitor.turn()
    assert [event.name for event in found] == ["start", "delta", "delta", "usage", "done"]
    assert text_of(found) == "Good day."
    (turn,) = visitor.turns()
    assert (turn["message"], turn["answer"], turn["seq"]) == ("When are you open?", "Good day.", 1)
    (row,) = usage_events(workspace)
    assert (row["outcome"], row["new_conversation"], row["new_visitor"]) == ("completed", True, True)
    # 100 and 20 tokens in at USD 5 a million, 10 out at 20, and a fifth on top.
    assert (row["cost_nanos"], row["charge_nanos"]) == (800_000, 960_000)
    assert everything_adds_up(workspace, visitor) == 960_000
    assert spend_of(workspace)["holds"] == {}
    home = visitor.home()
    assert (home["running"], home["turn_count"], home["charge_nanos"]) == ({}, 1, 960_000)
    assert home["history"] == [{"message": "When are you open?", "answer": "Good day."}]
    (sent,) = cloud.published("usage-recorded", workspace)
    assert sent == row
    event = firestore.get(contracts.path(workspace, "events", row["event_id"]))
    assert "unsent" not in event.data


def test_a_turn_costs_six_reads_seven_writes_and_one_publish(visitor: Visitor) -> None:
    visitor.turn()
    with logs.request() as operations:
        turn = visitor.begin(Scripted())
        # Retrieval's own read comes once for an instance.
        list(turn.events())
    assert dict(operations) == {"firestore_reads": 6, "firestore_writes": 7, "pubsub_publishes": 1}


def test_the_next_turn_knows_what_was_said_and_counts_no_conversation_again(
    workspace: WorkspaceId, visitor: Visitor
) -> None:
    visitor.turn()
    provider = Scripted()
    visitor.turn(provider, "And on Sundays?")
    assert [turn.text for turn in provider.requests[0].turns] == ["When are you open?", "Good day.", "And on Sundays?"]
    assert sorted(row["new_conversation"] for row in usage_events(workspace)) == [False, True]
    assert [turn["seq"] for turn in visitor.turns()] == [1, 2]


@pytest.mark.parametrize(
    ("fault", "code", "kind"),
    [
        (ModelUnavailable("503"), "model_unavailable", Unavailable),
        (ModelRejected("400"), "model_unavailable", Unavailable),
        (ModelTimeout("late"), "model_timeout", Unavailable),
        (ModelRefused("SAFETY"), "model_refused", Invalid),
        (RuntimeError("a fault of ours"), "internal", Problem),
    ],
)
def test_a_model_that_fails_before_any_text_costs_nothing_and_its_key_tells_the_same(
    workspace: WorkspaceId, visitor: Visitor, fault: Exception, code: str, kind: type[Problem]
) -> None:
    with pytest.raises(kind) as raised:
        visitor.turn(Scripted(fault), key="k")
    assert raised.value.code == code
    (turn,) = visitor.turns()
    assert (turn["message"], turn["answer"], turn["outcome"]) == ("When are you open?", "", "failed")
    (row,) = usage_events(workspace)
    assert (row["outcome"], row["error_code"], row["cost_nanos"]) == ("failed", code, 0)
    assert (row["input_tokens"], row["new_conversation"]) == (None, False)
    assert everything_adds_up(workspace, visitor) == 0
    again = admission.admit(workspace, visitor.ask(key="k"), Scripted())
    assert isinstance(again, Ended)
    assert (type(again.problem), again.problem.code) == (kind, code)
    # The conversation goes on, and begins with its first answer.
    visitor.turn()
    assert sum(row["new_conversation"] for row in usage_events(workspace)) == 1
    assert len(visitor.home()["history"]) == 1


def test_what_a_refused_prompt_cost_is_known_and_not_charged(workspace: WorkspaceId, visitor: Visitor) -> None:
    with pytest.raises(Invalid):
        visitor.turn(Scripted(UsageReport(Usage(50, 0, 0, 0)), ModelRefused("SAFETY")))
    (row,) = usage_events(workspace)
    assert (row["cost_nanos"], row["charge_nanos"], row["input_tokens"]) == (250_000, 0, 50)
    assert everything_adds_up(workspace, visitor) == 0


def failed_before(workspace: WorkspaceId, visitor: Visitor, errors: int) -> None:
    """So many failed turns are counted today, in the workspace's own day, of an agent that answers visitors."""
    agent, today = visitor.ask().agent_id, f"{clock.now():%Y-%m-%d}"
    batch = firestore.Batch()
    batch.set(contracts.path(workspace, "rollups", f"day_{today}"), {"agents": {agent: {"turns": 9, "failed": errors}}})
    batch.set(contracts.path(workspace, "fleet", agent), {"status": "active"})
    batch.commit()


@pytest.mark.parametrize(("errors", "times"), [(3, 1), (2, 0)])
def test_a_failed_turn_tells_the_business_of_a_failing_agent_once_a_day(
    cloud: Cloud, workspace: WorkspaceId, visitor: Visitor, errors: int, times: int
) -> None:
    failed_before(workspace, visitor, errors)
    for _ in range(2):
        with pytest.raises(Unavailable):
            visitor.turn(Scripted(ModelUnavailable("503")))
    told = [(row["type"], row["subject"]) for row in cloud.published("notifications", workspace)]
    assert told == [("agent.failing", visitor.ask().agent_id)] * times


def test_a_failed_turn_is_settled_when_it_cannot_be_seen_whether_the_agent_fails(
    workspace: WorkspaceId, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> int:
        raise Unavailable("The database did not answer in time.")

    monkeypatch.setattr(failing, "tell", broken)
    with pytest.raises(Unavailable) as raised:
        visitor.turn(Scripted(ModelUnavailable("503")))
    assert raised.value.code == "model_unavailable"
    assert [turn["outcome"] for turn in visitor.turns()] == ["failed"]
    assert everything_adds_up(workspace, visitor) == 0


def test_a_model_without_a_word_has_failed(visitor: Visitor) -> None:
    with pytest.raises(Unavailable):
        visitor.turn(Scripted(TextDelta(" \n"), UsageReport(USAGE), Finished("max_tokens")))
    assert visitor.turns()[0]["outcome"] == "failed"
    # A blank message in the history would make every later call fail.
    provider = Scripted()
    visitor.turn(provider)
    assert len(provider.requests[0].turns) == 1


@pytest.mark.parametrize("fault", [ModelInterrupted("gone"), ModelTimeout("late"), RuntimeError("ours")])
def test_half_an_answer_is_kept_and_its_usage_is_estimated(
    workspace: WorkspaceId, visitor: Visitor, fault: Exception
) -> None:
    found = visitor.turn(Scripted(*PARTLY, fault))
    assert named(found, "done")[0]["outcome"] == "interrupted"
    (turn,) = visitor.turns()
    assert (turn["answer"], turn["outcome"], turn["estimated"]) == ("Good morning", "interrupted", True)
    assert turn["output_tokens"] == 3
    assert turn["input_tokens"] > 0
    assert everything_adds_up(workspace, visitor) > 0
    assert visitor.home()["history"][0]["answer"] == "Good morning"


def test_an_answer_that_a_filter_cut_is_interrupted_with_the_usage_that_was_reported(
    workspace: WorkspaceId, visitor: Visitor
) -> None:
    found = visitor.turn(Scripted(*PARTLY, UsageReport(USAGE), Finished("blocked")))
    assert named(found, "done")[0]["outcome"] == "interrupted"
    (row,) = usage_events(workspace)
    assert (row["outcome"], row["error_code"], row["estimated"]) == ("interrupted", "model_refused", False)
    assert row["output_tokens"] == 10


def test_an_estimate_never_passes_what_the_model_may_say(workspace: WorkspaceId, cloud: Cloud) -> None:
    talker = Visitor(cloud, workspace, an_agent(workspace, model={**_OFFLINE, "max_output_tokens": 16}))
    talker.turn(Scripted(TextDelta("extraordinarily " * 50), ModelInterrupted("gone")))
    assert talker.turns()[0]["output_tokens"] == 16


_OFFLINE = {"provider": "offline", "id": "offline-extractive"}


@pytest.mark.parametrize("provider", [Scripted, Deaf])
def test_a_caller_who_leaves_a_silent_model_is_settled_at_once(
    workspace: WorkspaceId, visitor: Visitor, provider: type[Scripted]
) -> None:
    silence = Wait()
    turn = visitor.begin(provider(TextDelta("One "), silence))
    ended = threading.Event()

    def listen() -> None:
        list(turn.events())
        ended.set()

    thread = threading.Thread(target=listen)
    thread.start()
    assert silence.reached.wait(10)
    turn.leave()
    assert ended.wait(5)
    thread.join()
    silence.released.set()
    (row,) = usage_events(workspace)
    assert (row["outcome"], row["estimated"], row["error_code"]) == ("interrupted", True, None)
    assert visitor.turns()[0]["answer"] == "One "
    everything_adds_up(workspace, visitor)


def test_a_stream_that_is_closed_is_settled_with_all_that_came(workspace: WorkspaceId, visitor: Visitor) -> None:
    silence = Wait()
    events = visitor.begin(Scripted(TextDelta("One "), TextDelta("two"), silence)).events()
    assert [next(events).name, next(events).name] == ["start", "delta"]
    assert silence.reached.wait(10)
    events.close()  # type: ignore[attr-defined]
    assert visitor.turns()[0]["answer"] == "One two"
    assert usage_events(workspace)[0]["outcome"] == "interrupted"
    assert everything_adds_up(workspace, visitor) > 0


def test_a_caller_who_leaves_before_the_model_was_asked_costs_nothing(workspace: WorkspaceId, visitor: Visitor) -> None:
    provider = Scripted()
    events = visitor.begin(provider).events()
    next(events)
    events.close()  # type: ignore[attr-defined]
    (row,) = usage_events(workspace)
    assert [row[name] for name in contracts.BUCKETS] == [0, 0, 0, 0]
    assert provider.requests == []
    assert everything_adds_up(workspace, visitor) == 0


def test_a_caller_who_comes_back_to_a_turn_without_a_word_is_told_to_send_it_again(visitor: Visitor) -> None:
    silence = Wait()
    turn = visitor.begin(Scripted(silence), key="k")
    events = turn.events()
    next(events)
    thread = threading.Thread(target=list, args=(events,))
    thread.start()
    assert silence.reached.wait(10)
    turn.leave()
    thread.join(10)
    assert usage_events(visitor.workspace)[0]["outcome"] == "interrupted"
    again = admission.admit(visitor.workspace, visitor.ask(key="k"), Scripted())
    assert isinstance(again, Ended)
    assert again.problem.code == "caller_left"
    assert visitor.home()["history"] == []
    everything_adds_up(visitor.workspace, visitor)


def test_the_text_of_a_conversation_that_is_erased_meanwhile_does_not_come_back(
    workspace: WorkspaceId, visitor: Visitor
) -> None:
    def erase() -> None:
        firestore.delete_tree([repository.conversation_path(workspace, visitor.conversation)])

    found = visitor.turn(Scripted(erase, *ANSWER))
    assert text_of(found) == "Good day."
    assert visitor.home() == {}
    assert visitor.turns() == []
    assert spend_of(workspace)["spent_nanos"] == usage_events(workspace)[0]["charge_nanos"] > 0


def test_a_turn_that_settles_after_its_hold_ended_charges_nothing_and_overwrites_no_later_turn(
    workspace: WorkspaceId, visitor: Visitor
) -> None:
    late = visitor.begin(asked_at=clock.now() - admission.HOLD_LIFE + admission.HOLD_LIFE / 900)
    died = threading.Event()
    while late.hold.lives(clock.now()):
        died.wait(0.02)
    visitor.turn(message="What about now?")
    list(late.events())
    assert [turn["message"] for turn in visitor.turns()] == ["What about now?"]
    assert [exchange["message"] for exchange in visitor.home()["history"]] == ["What about now?"]
    rows = {row["type"]: row for row in usage_events(workspace) if row["outcome"] != "completed" or row["corrects"]}
    assert rows["turn"]["outcome"] == "abandoned"
    assert (rows["correction"]["charge_nanos"], rows["correction"]["cost_nanos"]) == (0, 800_000)


def test_unicode_of_every_kind_comes_through(visitor: Visitor) -> None:
    message = "שלום! متى تفتحون؟ 👩‍👩‍👧 \u202eabc\u202c \x00 " + "ß" * 3000
    answer = "نفتح في التاسعة. 🕘"
    found = visitor.turn(Scripted(TextDelta(answer), UsageReport(USAGE), Finished("stop")), message)
    assert text_of(found) == answer
    assert (visitor.turns()[0]["message"], visitor.turns()[0]["answer"]) == (message, answer)


def test_a_database_that_cannot_settle_is_told_and_nothing_is_charged(workspace: WorkspaceId, visitor: Visitor) -> None:
    def lose() -> None:
        firestore.delete_tree([contracts.path(workspace, "spend", clock.month_of(clock.now()))])

    with pytest.raises(Unavailable) as raised:
        visitor.turn(Scripted(lose, *ANSWER))
    assert raised.value.code == "not_stored"
    assert visitor.turns() == []
    assert usage_events(workspace) == []


def test_many_visitors_at_once_add_up(cloud: Cloud, workspace: WorkspaceId) -> None:
    agent = an_agent(workspace)
    people = [Visitor(cloud, workspace, agent) for _ in range(8)]

    def talk(person: Visitor) -> None:
        for key in range(2):
            person.turn(key=f"k{key}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(talk, people))
    assert everything_adds_up(workspace, *people) == 16 * 960_000
    assert sum(row["new_conversation"] for row in usage_events(workspace)) == 8
    assert len(cloud.published("usage-recorded", workspace)) == 16


STEPS: dict[str, tuple[Any, ...]] = {
    "whole": ANSWER,
    "broken": (*PARTLY, ModelInterrupted("gone")),
    "silent": (ModelUnavailable("503"),),
    "refused": (UsageReport(Usage(9, 1, None, None)), ModelRefused("SAFETY")),
    "pending": (TextDelta("Yes."), Finished("stop")),
    "thoughts": (TextDelta("Yes."), UsageReport(Usage(1, 2, 3, 40)), Finished("max_tokens")),
}


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_turns_events_and_spend_always_say_the_same(engines_of_session: Cloud, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as environment:
        engines_of_session.enter(environment)
        workspace = engines_of_session.workspace()
        agent = an_agent(workspace)
        people = [Visitor(engines_of_session, workspace, agent) for _ in range(2)]
        plan = st.tuples(st.sampled_from(people), st.sampled_from(sorted(STEPS)), st.integers(0, 3), st.booleans())
        for person, kind, key, leaves in data.draw(st.lists(plan, min_size=1, max_size=6)):
            found = admission.admit(workspace, person.ask(key=f"k{key}"), Scripted(*STEPS[kind]))
            if isinstance(found, Answered | Ended):
                continue
            events = found.events()
            try:
                for number, _ in enumerate(events):
                    if leaves and number == 1:
                        events.close()  # type: ignore[attr-defined]
                        break
            except Problem:
                pass
        everything_adds_up(workspace, *people)
        assert spend_of(workspace)["holds"] == {}
        assert sum(row["new_conversation"] for row in usage_events(workspace)) <= len(people)
        engines_of_session.leave()

"""What breaks on a running stack without anybody meaning harm is settled once: a model, a visitor, a process, an event."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from google.cloud import firestore

from tests.e2e.client import Client, until
from tests.e2e.practice import (
    ANY,
    HOURS,
    QUESTION,
    Practice,
    envelope,
    events_of,
    first_delta,
    held,
    id_token,
    quiet,
    refused,
    republish,
    usage_rows,
)
from tests.e2e.stack import Stack

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("stream", [False, True], ids=["as JSON", "as a stream"])
@pytest.mark.parametrize("fault", ["before", "during", "after", "refuse"])
def test_a_model_that_fails_costs_what_was_said_and_leaves_no_hold(
    practice: Practice, documents: firestore.Client, fault: str, stream: bool
) -> None:
    before, key = practice.charged(), uuid.uuid4().hex
    conversation = json.loads(practice.turn().text)["conversation_id"]
    answer = practice.turn(f"{QUESTION} !fault:{fault}", key, stream=stream, conversation_id=conversation)
    told = list(events_of(answer)) if stream else []
    if fault == "before":
        problem = told[-1][1] if stream else refused(answer, 503, code="model_unavailable")
        assert (problem["status"], problem["code"]) == (503, "model_unavailable")
    else:
        said = told[-1][1] if stream else answer.json()
        assert said["outcome"] == "interrupted"
    turns = practice.transcript(conversation)
    assert [turn["outcome"] for turn in turns] == ["completed", "failed" if fault == "before" else "interrupted"]
    costs = [round(float(turn["charge"]["amount"]) * 10**9) for turn in turns]
    assert 0 < costs[1] < 2 * costs[0] or (fault, costs[1]) == ("before", 0)
    until(5, lambda: practice.charged() == before + sum(costs))
    assert held(documents, practice) == {}
    practice.turn(f"{QUESTION} !fault:{fault}", key, conversation_id=conversation)
    assert (practice.transcript(conversation), practice.charged()) == (turns, before + sum(costs))


def test_a_visitor_who_leaves_in_the_middle_is_settled_within_two_seconds(
    practice: Practice, documents: firestore.Client
) -> None:
    answer = practice.turn(f"{QUESTION} !fault:slow", stream=True)
    conversation = first_delta(answer)
    answer.close()
    turns, _ = until(2, lambda: practice.transcript(conversation))
    assert turns[0]["outcome"] == "interrupted"
    assert 0 < len(turns[0]["answer"]) < len(HOURS)
    assert held(documents, practice) == {}


def test_of_three_turns_at_once_in_a_conversation_one_is_answered(practice: Practice) -> None:
    conversation = practice.turn().json()["conversation_id"]

    def speak(number: int) -> requests.Response:
        client = Client(practice.stack.gateway)
        client.token = practice.owner.token
        body = {"message": f"{QUESTION} {number}", "conversation_id": conversation}
        return client.ask("POST", f"/api/agents/{practice.agent}/chat", body, status=ANY)

    with ThreadPoolExecutor(3) as pool:
        answers = sorted(pool.map(speak, range(3)), key=lambda one: one.status_code)
    assert answers[0].status_code == 200
    for late in answers[1:]:
        # The machine may be so slow that they came one after another; then both were answered.
        assert late.status_code == 200 or refused(late, 409, code="conversation_busy")
    answered = sum(one.status_code == 200 for one in answers)
    assert len(practice.transcript(conversation)) == 1 + answered


def test_a_process_killed_between_hold_and_settlement_charges_nothing_twice(
    stack: Stack, documents: firestore.Client
) -> None:
    practice, key = Practice(stack), uuid.uuid4().hex
    practice.turn()
    before = practice.charged()
    conversation = first_delta(practice.turn(f"{QUESTION} !fault:slow", key, stream=True))

    def ask() -> requests.Response:
        return practice.turn(f"{QUESTION} !fault:slow", key)

    stack.shoot("agents-chat")
    # The gateway says 503 until the supervisor has started the process again.
    (_, again), _ = until(20, lambda: (one := ask()).status_code != 503 and ("", one))
    refused(again, 409, code="turn_in_progress")
    refused(practice.turn(conversation_id=conversation), 409, code="conversation_busy")
    hold = held(documents, practice)
    assert len(hold) == 1
    assert (practice.charged(), practice.transcript(conversation)) == (before, [])
    other = practice.turn().json()
    # It dies with its time; until then its room is taken, and nobody pays for it.
    assert held(documents, practice) == hold
    charge = round(float(other["usage"]["charge"]["amount"]) * 10**9)
    until(5, lambda: practice.charged() == before + charge)


def test_an_event_that_comes_twice_and_late_counts_once(stack: Stack, documents: firestore.Client) -> None:
    practice = Practice(stack)
    for _ in range(2):
        practice.turn()
    quiet(documents, practice)
    charged = practice.charged()
    rows = usage_rows(documents, practice)
    rows.sort(key=lambda row: row["occurred_at"], reverse=True)
    republish(practice, [*rows, *rows])
    for deployment in ("analytics-usage", "billing-usage"):
        url = f"{stack.facts['deployments'][deployment]}/events/usage-recorded"
        headers = {"Authorization": f"Bearer {id_token(stack, 'push', deployment)}"}
        for row in rows:
            found = envelope(row, workspace_id=practice.id, event_id=row["event_id"])
            assert practice.owner.http.post(url, json=found, headers=headers).status_code == 204
    practice.turn()
    quiet(documents, practice)
    transcripts = [practice.transcript(one["id"]) for one in practice.owner.get("/api/conversations")["items"]]
    assert len(transcripts) == 3
    until(5, lambda: practice.charged() > charged)
    usage = practice.owner.get("/api/billing/usage")["total"]
    assert (usage["messages"], practice.turns_counted()) == (3, 3)

"""Conversations that wait for a person are seen, taken by one colleague and finished."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from functions.shared import clock, contracts, firestore, ids
from tests.functions.agents.studio import Answered, Studio
from tests.functions.shared.http import callers


def conversation(studio: Studio, minutes: int, *, handed_off: bool = True, note: str | None = None) -> str:
    name = ids.conversation_of(ids.secret())
    at = clock.now() - timedelta(minutes=minutes)
    document = {"agent_id": ids.new("agent"), "title": "Help", "handed_off": handed_off, "updated_at": at}
    if note is not None:
        document["hand_off"] = {"state": "waiting", "note": note, "asked_at": at}
    batch = firestore.Batch()
    batch.set(contracts.path(studio.workspace, "conversations", name), document)
    batch.commit()
    return name


def test_who_waits_is_listed_latest_first_by_state(studio: Studio):
    old, new = conversation(studio, 20), conversation(studio, 5, note="Call me")
    conversation(studio, 1, handed_off=False)
    page = studio.get("/api/hand-offs?page_size=1").body
    assert [(h["conversation_id"], h["state"], h["visitor_note"]) for h in page["items"]] == [
        (new, "waiting", "Call me")
    ]
    rest = studio.get(f"/api/hand-offs?page_size=1&page_token={page['next_page_token']}").body
    assert [h["conversation_id"] for h in rest["items"]] == [old]
    done = studio.ask("PATCH", f"/api/conversations/{old}/hand-off", {"state": "done", "note": "Called back."})
    assert (done.body["state"], done.body["note"]) == ("done", "Called back.")
    assert [h["conversation_id"] for h in studio.get("/api/hand-offs?state=waiting").body["items"]] == [new]
    assert studio.get("/api/hand-offs?state=lost").status == 422
    assert studio.get("/api/hand-offs?page_token=W10").status == 422


def test_who_waits_is_found_however_many_are_done(studio: Studio):
    waiting = [conversation(studio, minutes, note="Call me") for minutes in (90, 80, 70)]
    for minutes in range(5):
        done = conversation(studio, minutes, note="Thanks")
        studio.ask("PATCH", f"/api/conversations/{done}/hand-off", {"state": "done"})
    page = studio.get("/api/hand-offs?state=waiting&page_size=2").body
    assert [one["conversation_id"] for one in page["items"]] == waiting[:0:-1]
    rest = studio.get(f"/api/hand-offs?state=waiting&page_size=2&page_token={page['next_page_token']}").body
    assert ([one["conversation_id"] for one in rest["items"]], rest["next_page_token"]) == (waiting[:1], None)
    assert len(studio.get("/api/hand-offs?state=done").body["items"]) == 5
    assert studio.get("/api/hand-offs?state=taken").body["items"] == []


def test_one_colleague_takes_it_and_may_put_it_back(studio: Studio):
    path = f"/api/conversations/{conversation(studio, 1, note='Hello?')}/hand-off"
    colleagues = [Studio(callers.person("member", studio.workspace)) for _ in range(4)]
    together = threading.Barrier(4)

    def take(colleague: Studio) -> Answered:
        together.wait()
        return colleague.ask("PATCH", path, {"state": "taken"})

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(take, colleagues))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    assert {answer.code for answer in answers if answer.status == 409} == {"taken_already"}
    statuses = [answer.status for answer in answers]
    winner, loser = colleagues[statuses.index(200)], colleagues[statuses.index(409)]
    assert winner.ask("PATCH", path, {"state": "taken"}).body["visitor_note"] == "Hello?"
    assert winner.ask("PATCH", path, {"state": "waiting"}).body["taken_by"] is None
    assert loser.ask("PATCH", path, {"state": "taken"}).status == 200


def test_a_conversation_that_waits_for_nobody_or_of_others_is_not_found(studio: Studio):
    quiet = conversation(studio, 1, handed_off=False)
    waiting = conversation(studio, 1)
    assert studio.ask("PATCH", f"/api/conversations/{quiet}/hand-off", {"state": "taken"}).status == 404
    other = Studio(callers.person("owner"))
    assert other.ask("PATCH", f"/api/conversations/{waiting}/hand-off", {"state": "taken"}).status == 404
    assert other.get("/api/hand-offs").body["items"] == []

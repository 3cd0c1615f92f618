"""What was said goes, whole and for one workspace only; what it cost stays."""

from datetime import timedelta

import pytest

from functions.agents import erasure
from functions.shared import clock, contracts, firestore, ids, visitors
from functions.shared.http import page_token
from functions.shared.identity import WorkspaceId
from tests.functions.agents.studio import Studio
from tests.functions.shared.http import callers


def conversation(workspace: WorkspaceId, visitor: str, turns: int = 3, running: timedelta | None = None) -> str:
    name = ids.conversation_of(ids.secret())
    now = clock.now()
    path = contracts.path(workspace, "conversations", name)
    batch = firestore.Batch()
    batch.set(
        path,
        {
            "agent_id": ids.new("agent"),
            "channel": "widget",
            "visitor_id": visitor,
            "created_at": now,
            "updated_at": now,
            "running": {} if running is None else {"turn": now + running},
        },
    )
    for seq in range(turns):
        turn = {
            "seq": seq + 1, "message_id": f"msg_{seq}", "message": f"question {seq}", "answer": "answer",
            "outcome": "completed", "occurred_at": now, "completed_at": now,
        }  # fmt: skip
        batch.set(f"{path}/turns/{ids.hashed(name, str(seq))}", turn)
    batch.set(contracts.path(workspace, "events", ids.hashed(name)), {"row": {"conversation_id": name}})
    batch.commit()
    return name


def exists(workspace: WorkspaceId, name: str) -> tuple[bool, int, bool]:
    path = contracts.path(workspace, "conversations", name)
    turns = firestore.find(firestore.Query(f"{path}/turns"))
    event = firestore.get(contracts.path(workspace, "events", ids.hashed(name)))
    return firestore.get(path).exists, len(turns), event.exists


def test_a_conversation_is_erased_with_its_turns_and_not_its_metering(studio: Studio):
    visitor = ids.new("visitor")
    one, other = conversation(studio.workspace, visitor), conversation(studio.workspace, visitor)
    assert studio.ask("DELETE", f"/api/conversations/{one}").status == 204
    assert exists(studio.workspace, one) == (False, 0, True)
    assert exists(studio.workspace, other) == (True, 3, True)
    assert studio.ask("DELETE", f"/api/conversations/{one}").status == 404


@pytest.mark.parametrize(("running", "status"), [(timedelta(minutes=2), 409), (timedelta(minutes=-1), 204)])
def test_a_turn_that_is_being_answered_is_waited_for(studio: Studio, running, status):
    name = conversation(studio.workspace, ids.new("visitor"), running=running)
    assert studio.ask("DELETE", f"/api/conversations/{name}").status == status
    assert exists(studio.workspace, name)[0] is (status == 409)


def test_a_visitor_is_exported_and_erased(studio: Studio):
    visitor = ids.new("visitor")
    names = sorted(conversation(studio.workspace, visitor) for _ in range(3))
    stranger = conversation(studio.workspace, ids.new("visitor"))
    page = studio.get(f"/api/visitors/{visitor}?page_size=2").body
    rest = studio.get(f"/api/visitors/{visitor}?page_size=2&page_token={page['next_page_token']}").body
    assert [c["id"] for c in page["items"] + rest["items"]] == names
    assert [turn["message"] for turn in page["items"][0]["turns"]] == ["question 0", "question 1", "question 2"]
    assert studio.ask("DELETE", f"/api/visitors/{visitor}").status == 204
    assert studio.ask("DELETE", f"/api/visitors/{visitor}").status == 204
    assert studio.get(f"/api/visitors/{visitor}").body["items"] == []
    assert all(exists(studio.workspace, name) == (False, 0, True) for name in names)
    assert exists(studio.workspace, stranger) == (True, 3, True)


def test_it_is_told_and_erased_that_a_visitor_was_here(studio: Studio):
    visitor, other, now = ids.new("visitor"), ids.new("visitor"), clock.now()
    assert studio.get(f"/api/visitors/{visitor}").body["visitor"] is None
    for one in (visitor, other):
        visitors.seen(studio.workspace, one, now, identified=True)
    shown = studio.get(f"/api/visitors/{visitor}").body
    assert (shown["items"], shown["visitor"]) == ([], {"seen_at": clock.to_text(now), "identified": True})
    assert studio.ask("DELETE", f"/api/visitors/{visitor}").status == 204
    assert visitors.find(studio.workspace, visitor) is None
    assert studio.get(f"/api/visitors/{visitor}").body["visitor"] is None
    assert visitors.find(studio.workspace, other) is not None


@pytest.mark.parametrize("page_size", [1, 2, 100])
def test_an_export_leaves_no_turn_out_however_many_there_are(studio: Studio, monkeypatch, page_size):
    monkeypatch.setattr(erasure, "MOST_TURNS", 4)
    visitor = ids.new("visitor")
    sizes = (3, 9, 4, 0, 1, 8)
    lengths = {conversation(studio.workspace, visitor, turns=turns): turns for turns in sizes}
    told: dict[str, list[str]] = {}
    token, pages = "", 0
    while token is not None:
        page = studio.get(f"/api/visitors/{visitor}?page_size={page_size}{token and f'&page_token={token}'}").body
        assert sum(len(one["turns"]) for one in page["items"]) <= 4
        for one in page["items"]:
            told.setdefault(one["id"], []).extend(turn["message"] for turn in one["turns"])
        token, pages = page["next_page_token"], pages + 1
        assert pages < 30
    assert list(told) == sorted(lengths)
    assert told == {name: [f"question {seq}" for seq in range(turns)] for name, turns in lengths.items()}


def test_an_export_goes_on_when_the_conversation_that_it_ended_in_was_erased(studio: Studio, monkeypatch):
    monkeypatch.setattr(erasure, "MOST_TURNS", 2)
    visitor = ids.new("visitor")
    first, second = sorted(conversation(studio.workspace, visitor) for _ in range(2))
    token = studio.get(f"/api/visitors/{visitor}").body["next_page_token"]
    assert studio.ask("DELETE", f"/api/conversations/{first}").status == 204
    page = studio.get(f"/api/visitors/{visitor}?page_token={token}").body
    assert [one["id"] for one in page["items"]] == [second]


@pytest.mark.parametrize("values", [("x", 0), (5, 0), ("{conversation}", "0"), ("{conversation}", True), ("x",)])
def test_a_token_of_another_list_is_refused(studio: Studio, values):
    name = ids.conversation_of("x")
    token = page_token(*(name if value == "{conversation}" else value for value in values))
    refused = studio.ask("GET", f"/api/visitors/{ids.new('visitor')}?page_token={token}")
    assert (refused.status, refused.body["code"]) == (422, "invalid")


def test_only_admins_of_the_workspace_erase(studio: Studio):
    visitor = ids.new("visitor")
    name = conversation(studio.workspace, visitor)
    for someone, status in [(callers.person("member", studio.workspace), 403), (callers.person("owner"), 404)]:
        assert Studio(someone).ask("DELETE", f"/api/conversations/{name}").status == status
    assert Studio(callers.person("owner")).get(f"/api/visitors/{visitor}").body["items"] == []
    assert exists(studio.workspace, name) == (True, 3, True)

"""What was said goes, whole and for one workspace only; what it cost stays."""

from datetime import timedelta

import pytest

from functions.shared import clock, contracts, firestore, ids
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


def test_only_admins_of_the_workspace_erase(studio: Studio):
    visitor = ids.new("visitor")
    name = conversation(studio.workspace, visitor)
    for someone, status in [(callers.person("member", studio.workspace), 403), (callers.person("owner"), 404)]:
        assert Studio(someone).ask("DELETE", f"/api/conversations/{name}").status == status
    assert Studio(callers.person("owner")).get(f"/api/visitors/{visitor}").body["items"] == []
    assert exists(studio.workspace, name) == (True, 3, True)

"""Hand-offs and leads: states of their conversation, each with its event and notification, without a word of content."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from functions.agents import chat_routes, repository, wishes
from functions.shared import clock, contracts, events, firestore, ids
from functions.shared.errors import Conflict, Forbidden, NotFound
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.agents.talking import Visitor, a_widget, an_agent, usage_events, write

CONSENT = "I agree that Dr. Miller stores my details to answer me."
LEAD = {"name": "Ana", "email": "ana@example.com", "consent": CONSENT}
CLOSED = {"hours": {"time_zone": "UTC"}}


def leave(visitor: Visitor, key: str | None = None, **fields: Any) -> None:
    chat_routes.leave_contact_details(visitor.call(key), chat_routes.LeadRequest(**{**LEAD, **fields}))


def ask(visitor: Visitor, note: str | None = None) -> chat_routes.HandOffAnswer:
    return chat_routes.ask_for_a_person(visitor.call(), chat_routes.HandOffRequest(note=note))


def notified(cloud: Cloud, workspace: WorkspaceId) -> list[tuple[str, str]]:
    return [(row["type"], row["subject"]) for row in cloud.published("notifications", workspace)]


def test_a_lead_before_the_first_turn_opens_the_conversation_which_then_goes_on(
    cloud: Cloud, workspace: WorkspaceId, visitor: Visitor
) -> None:
    leave(visitor, phone=" +49 30 1234 ", message="Please call me.")
    home = visitor.home()
    assert (home["agent_id"], home["turn_count"], home["lead"]["email"]) == (visitor.agent, 0, "ana@example.com")
    assert (home["lead"]["phone"], home["lead"]["consent"]) == ("+49 30 1234", CONSENT)
    contracts.ConversationRead.model_validate(home)
    visitor.turn(page_url="https://shop.example/prices")
    home = visitor.home()
    assert (home["turn_count"], home["title"], home["lead"]["name"]) == (1, "When are you open?", "Ana")
    assert home["page_url"] == "https://shop.example/prices"
    (row,) = usage_events(workspace)
    assert (row["new_conversation"], row["new_visitor"]) == (True, True)


def test_a_lead_is_one_event_and_one_notification_without_what_was_left(
    cloud: Cloud, workspace: WorkspaceId, visitor: Visitor
) -> None:
    visitor.turn()
    leave(visitor)
    leave(visitor, name="Ana Maria")
    assert visitor.home()["lead"]["name"] == "Ana Maria"
    (row,) = cloud.published("conversation-recorded", workspace)
    (notification,) = cloud.published("notifications", workspace)
    assert (row["type"], row["conversation_id"], row["agent_id"]) == ("lead", visitor.conversation, visitor.agent)
    assert (notification["type"], notification["subject"]) == ("lead.created", visitor.conversation)
    assert not {"Ana", "ana@example.com", CONSENT} & set(json.dumps([row, notification]).split('"'))
    for event in (row, notification):
        stored = firestore.get(contracts.path(workspace, "events", event["event_id"]))
        assert "unsent" not in stored.data


def test_details_that_are_left_again_wait_again_unless_somebody_has_taken_them(
    workspace: WorkspaceId, visitor: Visitor
) -> None:
    path = repository.conversation_path(workspace, visitor.conversation)
    leave(visitor)
    assert (visitor.home()["lead"]["state"], visitor.home()["lead"]["left_at"]) == (
        "waiting",
        visitor.home()["lead_at"],
    )
    for handled, expected, by in (("taken", "taken", "person:uid_1"), ("done", "waiting", None)):
        lead = {**visitor.home()["lead"], "state": handled, "taken_by": "person:uid_1", "staff_note": "Called."}
        batch = firestore.Batch()
        batch.update(path, {("lead",): lead, ("lead_at",): firestore.DELETE})
        batch.commit()
        leave(visitor, name=f"Ana {handled}")
        home = visitor.home()
        assert (home["lead"]["name"], home["lead"]["state"]) == (f"Ana {handled}", expected)
        assert (home["lead"]["taken_by"], home["lead"]["staff_note"]) == (by, "Called.")
        assert ("lead_at" in home) is (expected == "waiting")


def test_who_leaves_details_again_after_an_erasure_is_a_lead_again(
    cloud: Cloud, workspace: WorkspaceId, visitor: Visitor
) -> None:
    leave(visitor)
    firestore.delete_tree([repository.conversation_path(workspace, visitor.conversation)])
    leave(visitor)
    assert notified(cloud, workspace) == [("lead.created", visitor.conversation)] * 2


def test_a_form_that_asks_for_a_name_alone_is_enough(visitor: Visitor) -> None:
    leave(visitor, email="")
    assert (visitor.home()["lead"]["name"], visitor.home()["lead"]["email"]) == ("Ana", "")


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "ana"},
        {"email": "ana@example"},
        {"email": "ana@@example.com"},
        {"email": "ana b@example.com"},
        {"email": "<ana@example.com>"},
        {"email": "ana@example.com\nBcc: all@example.com"},
        {"consent": ""},
        {"consent": " "},
        {"name": " ", "email": ""},
    ],
)
def test_details_without_consent_or_with_nothing_to_reach_anybody_by_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        chat_routes.LeadRequest(**{**LEAD, **fields})


def test_details_need_the_visitors_own_conversation_and_a_page_that_may_show_the_widget(
    cloud: Cloud, workspace: WorkspaceId, visitor: Visitor
) -> None:
    with pytest.raises(NotFound):
        leave(visitor, conversation_id=ids.conversation_of("another"))
    leave(visitor, conversation_id=visitor.conversation)
    elsewhere = Visitor(cloud, workspace, visitor.agent, a_widget(workspace, visitor.agent, allowed_origins=[]))
    with pytest.raises(Forbidden):
        leave(elsewhere)
    gone = Visitor(cloud, workspace, visitor.agent, ids.new("widget"))
    with pytest.raises(NotFound):
        leave(gone)
    assert elsewhere.home() == gone.home() == {}


def test_a_suspended_workspace_takes_no_details(workspace: WorkspaceId, visitor: Visitor) -> None:
    path = contracts.workspace_path(workspace)
    write(path, {**firestore.get(path).data, "state": "suspended"})
    with pytest.raises(Conflict) as raised:
        leave(visitor)
    assert raised.value.code == "workspace_suspended"


def test_a_lead_expires_with_the_workspaces_retention(cloud: Cloud) -> None:
    workspace = cloud.workspace(retention_days=30)
    visitor = Visitor(cloud, workspace, an_agent(workspace))
    leave(visitor)
    home = visitor.home()
    assert (home["expire_at"] - home["created_at"]).days == 30
    assert home["kept_days"] == 30


def test_a_hand_off_is_one_event_and_one_notification(cloud: Cloud, workspace: WorkspaceId, visitor: Visitor) -> None:
    visitor.turn()
    assert ask(visitor, "Call me").is_open
    ask(visitor, "Call me soon")
    assert [row["type"] for row in cloud.published("conversation-recorded", workspace)] == ["hand_off"]
    assert notified(cloud, workspace) == [("hand_off.requested", visitor.conversation)]


def test_who_asks_for_a_person_first_opens_the_conversation_which_then_goes_on(
    cloud: Cloud, workspace: WorkspaceId, visitor: Visitor
) -> None:
    assert ask(visitor, "Somebody real, please").state == "waiting"
    home = visitor.home()
    assert (home["agent_id"], home["turn_count"], home["handed_off"]) == (visitor.agent, 0, True)
    assert home["hand_off"]["note"] == "Somebody real, please"
    contracts.ConversationRead.model_validate(home)
    visitor.turn()
    assert (visitor.home()["turn_count"], visitor.home()["hand_off"]["state"]) == (1, "waiting")
    assert notified(cloud, workspace) == [("hand_off.requested", visitor.conversation)]


def test_a_page_that_may_not_show_the_widget_asks_for_nobody(cloud: Cloud, workspace: WorkspaceId) -> None:
    agent = an_agent(workspace)
    elsewhere = Visitor(cloud, workspace, agent, a_widget(workspace, agent, allowed_origins=[]))
    with pytest.raises(Forbidden):
        ask(elsewhere)
    assert elsewhere.home() == {}


@pytest.mark.parametrize(("business", "is_open"), [({}, True), (CLOSED, False)])
def test_who_asks_for_a_person_hears_whether_somebody_is_there(
    cloud: Cloud, workspace: WorkspaceId, business: dict[str, Any], is_open: bool
) -> None:
    words = {"message": "Somebody comes.", "away_message": "We are asleep."}
    visitor = Visitor(cloud, workspace, an_agent(workspace, business=business, hand_off=words))
    visitor.turn()
    told = ask(visitor)
    assert (told.state, told.is_open) == ("waiting", is_open)
    assert told.message == words["message" if is_open else "away_message"]
    assert visitor.home()["hand_off"]["state"] == "waiting"


def test_what_a_crash_left_unsent_is_found(workspace: WorkspaceId, visitor: Visitor) -> None:
    visitor.turn()
    batch = firestore.Batch()
    call = visitor.call()
    made = wishes._told(batch, call, visitor.conversation, visitor.home(), "hand_off", "hand_off.requested")
    batch.commit()
    found = {event.id for event in events.unsent_before(clock.now(), 5000)}
    assert {event.id for event in made} <= found

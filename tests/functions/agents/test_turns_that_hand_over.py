"""A model that hands a conversation over to a person, and a visitor who asks for one while it answers."""

import pytest

from functions.agents import repository, wishes
from functions.agents.providers import Finished, TextDelta, ToolCall, UsageReport
from functions.shared import firestore
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.agents.talking import (
    ANSWER,
    USAGE,
    Scripted,
    Visitor,
    an_agent,
    named,
    text_of,
    usage_events,
)


@pytest.mark.parametrize(("reason", "waits"), [("asked", True), ("rule", True), ("unanswered", False), (None, False)])
def test_a_hand_off_waits_for_a_person_only_when_one_was_asked_for(
    workspace: WorkspaceId, visitor: Visitor, reason: str | None, waits: bool
) -> None:
    tool = ToolCall("hand_off", {"reason": reason, "summary": "Wants a refund."})
    found = visitor.turn(Scripted(TextDelta("I do not know."), tool, tool, UsageReport(USAGE), Finished("stop")))
    assert named(found, "action") == [{"type": "hand_off"}]
    assert visitor.home()["handed_off"] is waits
    assert usage_events(workspace)[0]["handed_off"] is waits
    if waits:
        waiting = visitor.home()["hand_off"]
        assert (waiting["state"], waiting["note"]) == ("waiting", "Wants a refund.")
        visitor.turn(Scripted(TextDelta("Again."), tool, UsageReport(USAGE), Finished("stop")))
        assert sum(row["handed_off"] for row in usage_events(workspace)) == 1


def test_who_presses_while_the_model_hands_over_is_handed_over_once(workspace: WorkspaceId, visitor: Visitor) -> None:
    visitor.turn()

    def press() -> None:
        wishes.hand_off(visitor.call(), visitor.conversation, "Call me")

    tool = ToolCall("hand_off", {"reason": "asked", "summary": "Wants a refund."})
    visitor.turn(Scripted(TextDelta("Yes."), press, tool, UsageReport(USAGE), Finished("stop")))
    assert [row["handed_off"] for row in usage_events(workspace)] == [False, False]
    waiting = visitor.home()["hand_off"]
    assert (waiting["state"], waiting["note"]) == ("waiting", "Call me")


def test_a_hand_off_after_one_that_is_done_waits_again(workspace: WorkspaceId, visitor: Visitor) -> None:
    tool = ToolCall("hand_off", {"reason": "asked", "summary": "Wants a refund."})
    visitor.turn(Scripted(TextDelta("Yes."), tool, UsageReport(USAGE), Finished("stop")))
    batch = firestore.Batch()
    path = repository.conversation_path(workspace, visitor.conversation)
    batch.update(path, {("hand_off", "state"): "done"})
    batch.commit()
    visitor.turn(Scripted(TextDelta("Again."), tool, UsageReport(USAGE), Finished("stop")))
    assert visitor.home()["hand_off"]["state"] == "waiting"
    assert sum(row["handed_off"] for row in usage_events(workspace)) == 2


def test_a_model_that_only_hands_over_says_the_business_s_own_sentence(visitor: Visitor) -> None:
    found = visitor.turn(Scripted(ToolCall("hand_off", {"reason": "asked"}), UsageReport(USAGE), Finished("stop")))
    assert text_of(found).startswith("I will ask a colleague")


def test_a_tool_that_was_not_offered_does_nothing(cloud: Cloud, workspace: WorkspaceId) -> None:
    talker = Visitor(cloud, workspace, an_agent(workspace, hand_off={"enabled": False}))
    found = talker.turn(Scripted(TextDelta("No."), ToolCall("hand_off", {"reason": "asked"}), Finished("stop")))
    assert named(found, "action") == []


def test_what_a_visitor_did_meanwhile_is_not_overwritten(visitor: Visitor) -> None:
    visitor.turn()
    path = repository.conversation_path(visitor.workspace, visitor.conversation)

    def press() -> None:
        batch = firestore.Batch()
        batch.update(path, {("handed_off",): True, ("hand_off",): {"state": "waiting"}})
        batch.commit()

    visitor.turn(Scripted(press, *ANSWER))
    assert visitor.home()["handed_off"] is True

"""Thumbs and hand-offs: each change once, its event once, and only on one's own conversation."""

import threading
from typing import Any

import pytest

from functions.agents import chat_routes, repository
from functions.shared import clock, contracts, firestore
from functions.shared.errors import Invalid, NotFound
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.agents.talking import Visitor, an_agent


@pytest.fixture
def spoken(visitor: Visitor) -> Visitor:
    visitor.turn()
    return visitor


def answer_of(visitor: Visitor) -> str:
    return str(visitor.turns()[0]["message_id"])


def rate(visitor: Visitor, message: str, rating: Any, comment: str | None = None) -> None:
    chat_routes.give_feedback(visitor.call(), chat_routes.Feedback(message_id=message, rating=rating, comment=comment))


def ask(visitor: Visitor, note: str | None = None) -> None:
    chat_routes.ask_for_a_person(visitor.call(), chat_routes.HandOffRequest(note=note))


def told(cloud: Cloud, workspace: WorkspaceId) -> list[tuple[str, int | None]]:
    rows = sorted(cloud.published("conversation-recorded", workspace), key=lambda row: str(row["occurred_at"]))
    return [(row["type"], row["rating"]) for row in rows]


def test_a_thumb_stands_on_its_answer_and_is_one_event(cloud: Cloud, workspace: WorkspaceId, spoken: Visitor) -> None:
    rate(spoken, answer_of(spoken), "up", "Très bien 👍")
    (turn,) = spoken.turns()
    assert (turn["feedback"], turn["comment"]) == ("up", "Très bien 👍")
    (row,) = cloud.published("conversation-recorded", workspace)
    assert (row["type"], row["rating"], row["turn_id"]) == ("feedback", 1, answer_of(spoken).removeprefix("msg_"))
    (turn,) = spoken.turns()
    assert turn["version_id"] is not None
    assert (row["version_id"], row["channel"], row["industry"]) == (
        turn["version_id"],
        "widget",
        spoken.home()["industry"],
    )
    assert "comment" not in row
    assert "unsent" not in firestore.get(contracts.path(workspace, "events", row["event_id"])).data


def test_the_last_thumb_counts_and_the_same_one_again_is_no_event(
    cloud: Cloud, workspace: WorkspaceId, spoken: Visitor
) -> None:
    rate(spoken, answer_of(spoken), "up")
    rate(spoken, answer_of(spoken), "up", "And more")
    rate(spoken, answer_of(spoken), "down")
    assert (spoken.turns()[0]["feedback"], spoken.turns()[0]["comment"]) == ("down", None)
    assert told(cloud, workspace) == [("feedback", 1), ("feedback", -1)]


def test_a_change_says_what_it_replaces_and_counts_where_the_first_one_did(
    cloud: Cloud, workspace: WorkspaceId, spoken: Visitor
) -> None:
    rate(spoken, answer_of(spoken), "up")
    stars(spoken, 1)
    first = spoken.home()
    # Meanwhile the agent is another, and so is what it says.
    path = repository.conversation_path(workspace, spoken.conversation)
    batch = firestore.Batch()
    batch.update(path, {("version_id",): "ver_later", ("industry",): "travel"})
    batch.commit()
    rate(spoken, answer_of(spoken), "down")
    for number in (5, 4):
        stars(spoken, number)
    rows = cloud.published("conversation-recorded", workspace)
    for kind, said, replaced in (("feedback", [1, -1], [None, 1]), ("rating", [1, 5, 4], [None, 1, 5])):
        own = sorted((row for row in rows if row["type"] == kind), key=lambda row: str(row["occurred_at"]))
        assert [row["rating"] for row in own] == said
        assert [row["replaces"] for row in own] == replaced
        assert [row["counts_at"] for row in own] == [None, *[own[0]["occurred_at"]] * (len(own) - 1)]
        assert {(row["version_id"], row["industry"]) for row in own} == {(first["version_id"], first["industry"])}


@pytest.mark.parametrize("message", ["msg_x", "msg_", "", "msg_../../agents", "msg_" + "a" * 52, "msg_" + "é" * 52])
def test_a_message_that_is_no_answer_of_this_conversation_is_not_found(spoken: Visitor, message: str) -> None:
    with pytest.raises(NotFound):
        rate(spoken, message, "up")


def test_a_stranger_s_answer_is_not_found(cloud: Cloud, workspace: WorkspaceId, spoken: Visitor) -> None:
    other = Visitor(cloud, workspace, spoken.agent, spoken.widget)
    for _ in range(2):
        with pytest.raises(NotFound):
            rate(other, answer_of(spoken), "down")
        other.turn()
    assert spoken.turns()[0]["feedback"] is None


def test_a_hand_off_waits_once_and_a_later_note_is_kept(cloud: Cloud, workspace: WorkspaceId, spoken: Visitor) -> None:
    ask(spoken)
    ask(spoken, "Please call +49 30 1234")
    ask(spoken)
    home = spoken.home()
    assert (home["handed_off"], home["hand_off"]["state"], home["hand_off"]["note"]) == (
        True,
        "waiting",
        "Please call +49 30 1234",
    )
    assert told(cloud, workspace) == [("hand_off", None)]


def test_a_person_who_has_taken_over_is_not_asked_again_but_one_who_is_done_is(
    cloud: Cloud, workspace: WorkspaceId, spoken: Visitor
) -> None:
    ask(spoken)
    path = repository.conversation_path(workspace, spoken.conversation)
    for state, expected in (("taken", "taken"), ("done", "waiting")):
        batch = firestore.Batch()
        batch.update(path, {("hand_off", "state"): state})
        batch.commit()
        ask(spoken, "Once more")
        assert spoken.home()["hand_off"]["state"] == expected
    assert told(cloud, workspace) == [("hand_off", None), ("hand_off", None)]


def test_many_who_press_at_once_are_one_hand_off(cloud: Cloud, workspace: WorkspaceId, spoken: Visitor) -> None:
    threads = [threading.Thread(target=ask, args=(spoken,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told(cloud, workspace) == [("hand_off", None)]


def test_an_erased_conversation_takes_no_thumb(spoken: Visitor) -> None:
    message = answer_of(spoken)
    firestore.delete_tree([repository.conversation_path(spoken.workspace, spoken.conversation)])
    with pytest.raises(NotFound):
        rate(spoken, message, "up")


def test_what_is_told_names_the_agent_and_the_moment(cloud: Cloud, workspace: WorkspaceId) -> None:
    visitor = Visitor(cloud, workspace, an_agent(workspace))
    visitor.turn()
    ask(visitor)
    (row,) = cloud.published("conversation-recorded", workspace)
    assert (row["agent_id"], row["conversation_id"]) == (visitor.agent, visitor.conversation)
    assert clock.from_text(row["occurred_at"]) <= clock.now()
    assert len(row["digest"]) == 64


def stars(visitor: Visitor, number: int, comment: str | None = None) -> None:
    chat_routes.give_feedback(visitor.call(), chat_routes.Feedback(stars=number, comment=comment))


def test_stars_stand_on_the_conversation_and_only_other_ones_are_an_event(
    cloud: Cloud, workspace: WorkspaceId, spoken: Visitor
) -> None:
    stars(spoken, 3, "Fine")
    stars(spoken, 3, "Very fine")
    stars(spoken, 5)
    assert (spoken.home()["rating"], spoken.home()["rating_comment"]) == (5, None)
    assert told(cloud, workspace) == [("rating", 3), ("rating", 5)]


def test_before_the_first_answer_there_is_nothing_to_rate(visitor: Visitor) -> None:
    with pytest.raises(NotFound):
        stars(visitor, 5)


@pytest.mark.parametrize(
    "fields",
    [{}, {"message_id": "msg_x"}, {"rating": "up"}, {"stars": 3, "rating": "up"}, {"stars": 3, "message_id": "msg_x"}],
)
def test_feedback_is_a_thumb_with_its_message_or_stars_alone(spoken: Visitor, fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        chat_routes.give_feedback(spoken.call(), chat_routes.Feedback(**fields))


@pytest.mark.parametrize("number", [0, 6, -1])
def test_stars_are_one_to_five(number: int) -> None:
    with pytest.raises(ValueError, match="stars"):
        chat_routes.Feedback(stars=number)

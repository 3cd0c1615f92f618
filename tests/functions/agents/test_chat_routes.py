"""The conversation over HTTP: with the offline model, and under the server that is deployed, also when it is killed."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from functions.agents import admission, chat_routes, repository
from functions.shared import clock, contracts, events, firestore, ids, metering
from functions.shared.errors import Conflict, Invalid, NotFound, Problem, Unavailable
from functions.shared.http import Stream
from functions.shared.identity import Caller, WorkspaceId
from tests.cloud import Cloud
from tests.functions.agents.served import Served, read_until
from tests.functions.agents.talking import (
    HOURS,
    Visitor,
    an_agent,
    everything_adds_up,
    named,
    outcome,
    spend_of,
    text_of,
    usage_events,
)

ANSWER = "We are open from Monday to Friday, 9 am to 6 pm. [1]"
QUESTION = "When are you open on Friday?"

pytestmark = pytest.mark.usefixtures("talking")


def test_an_answer_comes_as_events_with_its_source(visitor: Visitor) -> None:
    found = visitor.say(QUESTION, stream=True)
    names = [event.name for event in found]
    assert names[0] == "start"
    assert names[-3:] == ["sources", "usage", "done"]
    assert text_of(found) == ANSWER
    done = named(found, "done")[0]
    assert done["conversation_id"] == visitor.conversation
    assert done["message_id"] == visitor.turns()[0]["message_id"]


def test_an_answer_comes_as_one_object_with_its_source(visitor: Visitor) -> None:
    whole = visitor.say(QUESTION)
    assert whole.message.text == ANSWER
    assert [(source.number, source.item_id) for source in whole.sources] == [(1, "kno_hours")]
    assert (whole.outcome, whole.usage.estimated, whole.usage.charge) == ("completed", False, None)
    assert whole.usage.input_tokens > whole.usage.output_tokens > 0


@pytest.mark.parametrize("first", [True, False])
def test_the_same_key_brings_the_same_answer_either_way_and_charges_once(
    workspace: WorkspaceId, visitor: Visitor, first: bool
) -> None:
    visitor.say(QUESTION, key="k", stream=first)
    whole = visitor.say(QUESTION, key="k")
    told = visitor.say(QUESTION, key="k", stream=True)
    assert whole.message.text == text_of(told) == ANSWER
    assert [event.name for event in told] == ["start", "delta", "sources", "usage", "done"]
    assert named(told, "done")[0]["turn_id"] == whole.turn_id
    assert len(usage_events(workspace)) == 1
    everything_adds_up(workspace, visitor)


def test_a_model_that_cannot_be_reached_is_a_problem_that_its_key_repeats(visitor: Visitor) -> None:
    message = "!fault:before"
    with pytest.raises(Unavailable) as raised:
        visitor.say(message, key="k")
    assert raised.value.code == "model_unavailable"
    for stream in (False, True):
        with pytest.raises(Unavailable) as again:
            visitor.say(message, key="k", stream=stream)
        assert (again.value.code, again.value.detail) == (raised.value.code, raised.value.detail)
    assert [row["outcome"] for row in usage_events(visitor.workspace)] == ["failed"]
    assert chat_routes.history(visitor.call()).body.messages == []


@pytest.mark.parametrize(("fault", "estimated"), [("during", True), ("after", True), ("refuse", False)])
def test_a_model_that_breaks_off_leaves_what_it_said(visitor: Visitor, fault: str, estimated: bool) -> None:
    whole = visitor.say(f"{QUESTION} !fault:{fault}", key="k")
    assert (whole.outcome, whole.usage.estimated) == ("interrupted", estimated)
    assert whole.message.text
    assert ANSWER.startswith(whole.message.text)
    told = visitor.say(f"{QUESTION} !fault:{fault}", key="k", stream=True)
    assert (text_of(told), named(told, "done")[0]["outcome"]) == (whole.message.text, "interrupted")
    assert everything_adds_up(visitor.workspace, visitor) > 0


def test_a_question_for_a_person_is_an_action(visitor: Visitor) -> None:
    assert [action.type for action in visitor.say("Can I talk to a person?").actions] == ["hand_off"]
    assert visitor.home()["handed_off"] is True


def test_a_question_nobody_can_answer_only_offers_a_person(visitor: Visitor) -> None:
    whole = visitor.say("How many moons has Jupiter?")
    assert [action.type for action in whole.actions] == ["hand_off"]
    assert whole.sources == []
    assert visitor.home()["handed_off"] is False


def test_a_visitor_reads_the_conversation_so_far_and_no_prices(visitor: Visitor) -> None:
    empty = chat_routes.history(visitor.call()).body
    assert (empty.conversation_id, empty.messages) == (None, [])
    visitor.say(QUESTION)
    visitor.say("Hello")
    so_far = chat_routes.history(visitor.call()).body
    assert so_far.conversation_id == visitor.conversation
    assert [message.role for message in so_far.messages] == ["visitor", "agent"] * 2
    assert so_far.messages[1].text == ANSWER
    assert so_far.messages[1].sources[0].title == "Opening hours"
    assert "nanos" not in so_far.model_dump_json()


def test_a_visitor_cannot_name_another_conversation(visitor: Visitor) -> None:
    with pytest.raises(NotFound):
        chat_routes.chat(visitor.call(), chat_routes.VisitorTurn(message="Hi", conversation_id="cnv_" + "a" * 26))
    body = chat_routes.VisitorTurn(message="Hi", conversation_id=visitor.conversation)
    assert outcome(chat_routes.chat(visitor.call(), body)).conversation_id == visitor.conversation


def test_a_token_without_an_agent_finds_no_widget(visitor: Visitor) -> None:
    with pytest.raises(NotFound):
        chat_routes.chat(visitor.call(agent=""), chat_routes.VisitorTurn(message="Hi"))


@pytest.mark.parametrize("message", ["", "  \n", "\x1c", "x" * 4001])
def test_a_message_has_something_in_it_and_an_end(message: str) -> None:
    with pytest.raises(ValidationError):
        chat_routes.VisitorTurn(message=message)


def test_the_longest_message_and_every_script_come_back_as_they_were(visitor: Visitor) -> None:
    message = ("مرحبا، متى تفتحون؟ שלום 👩‍👩‍👧 " * 200)[:3999] + "x"
    visitor.say(message)
    shown = chat_routes.history(visitor.call()).body.messages
    assert shown[0].text == message.strip()


def say_as(cloud: Cloud, workspace: WorkspaceId, agent: str, kind: Caller, key: str | None = None, **body: Any) -> Any:
    call = cloud.call(workspace, kind=kind, key=key, subject=body.pop("subject", "uid1"))
    turn = chat_routes.AgentTurn(**{"message": QUESTION, **body})
    return outcome(chat_routes.chat_with_agent(call, agent, turn))


def test_people_and_programs_see_the_charge_and_go_on_with_their_conversation(
    cloud: Cloud, workspace: WorkspaceId
) -> None:
    agent = an_agent(workspace, knowledge=(HOURS,))
    first = say_as(cloud, workspace, agent, Caller.MACHINE)
    second = say_as(cloud, workspace, agent, Caller.MACHINE, conversation_id=first.conversation_id)
    assert first.conversation_id == second.conversation_id
    charged = sum(row["charge_nanos"] for row in usage_events(workspace))
    assert charged == spend_of(workspace)["spent_nanos"]
    assert float(first.usage.charge.amount) > 0
    assert {row["channel"] for row in usage_events(workspace)} == {"api"}


def test_a_conversation_of_somebody_else_is_not_found(cloud: Cloud, workspace: WorkspaceId) -> None:
    agent = an_agent(workspace, knowledge=(HOURS,))
    first = say_as(cloud, workspace, agent, Caller.CONSOLE)
    for kind, subject in ((Caller.CONSOLE, "uid2"), (Caller.MACHINE, "uid1")):
        with pytest.raises(NotFound):
            say_as(cloud, workspace, agent, kind, subject=subject, conversation_id=first.conversation_id)
    with pytest.raises(NotFound):
        say_as(cloud, workspace, an_agent(workspace), Caller.CONSOLE, conversation_id=first.conversation_id)
    with pytest.raises(NotFound):
        say_as(cloud, cloud.workspace(), agent, Caller.CONSOLE)
    with pytest.raises(NotFound):
        say_as(cloud, workspace, "agt_x", Caller.CONSOLE)
    with pytest.raises(Invalid):
        say_as(cloud, workspace, agent, Caller.CONSOLE, conversation_id="../events/x")


def test_the_playground_tries_the_draft_of_an_agent_that_is_not_active(cloud: Cloud, workspace: WorkspaceId) -> None:
    agent = an_agent(workspace, status="draft", published=False, knowledge=(HOURS,))
    assert say_as(cloud, workspace, agent, Caller.CONSOLE, version="draft").message.text == ANSWER
    with pytest.raises(Conflict):
        say_as(cloud, workspace, agent, Caller.MACHINE, version="draft")


def test_a_stream_ends_when_its_caller_leaves(visitor: Visitor) -> None:
    call = replace(visitor.call(), wants_stream=True)
    stream = chat_routes.chat(call, chat_routes.VisitorTurn(message=f"{QUESTION} !fault:slow"))
    assert isinstance(stream, Stream)
    assert stream.cancel is not None
    assert next(stream.events).name == "start"
    stream.cancel()
    assert [event.name for event in stream.events] == ["usage", "done"]
    assert everything_adds_up(visitor.workspace, visitor) == 0


@pytest.fixture
def served(talking: Cloud) -> Iterator[Served]:
    running = Served()
    yield running
    running.end()


def test_a_browser_that_closes_in_mid_stream_is_settled_at_once(
    workspace: WorkspaceId, visitor: Visitor, served: Served
) -> None:
    connection = served.open(visitor, f"{QUESTION} !fault:slow", key="k")
    read_until(connection, b"event: delta")
    left = clock.monotonic()
    connection.close()
    line = served.logged("POST /api/chat 200")
    assert clock.monotonic() - left < 3
    assert line["stream"] == "client_left"
    assert line["operations"]["firestore_writes"] == 7
    (row,) = usage_events(workspace)
    assert (row["outcome"], row["estimated"]) == ("interrupted", True)
    assert spend_of(workspace)["holds"] == {}
    assert everything_adds_up(workspace, visitor) > 0
    # The page comes back: the key brings what was said, and the conversation goes on.
    again = served.ask(visitor, f"{QUESTION} !fault:slow", key="k")
    assert (again.status, again.body["outcome"]) == (200, "interrupted")
    assert ANSWER.startswith(again.body["message"]["text"])
    assert served.ask(visitor, QUESTION, key="k2").body["message"]["text"] == ANSWER


def test_a_process_that_is_killed_in_the_middle_costs_nothing_and_blocks_nothing_for_long(
    cloud: Cloud, workspace: WorkspaceId, visitor: Visitor, served: Served
) -> None:
    connection = served.open(visitor, f"{QUESTION} !fault:slow", key="k")
    read_until(connection, b"event: delta")
    served.end(signal.SIGKILL)
    connection.close()
    (held,) = spend_of(workspace)["holds"].values()
    for key, code in (("k", "turn_in_progress"), ("k2", "conversation_busy")):
        with pytest.raises(Conflict) as raised:
            visitor.say(f"{QUESTION} !fault:slow", key=key)
        assert raised.value.code == code
    assert metering.sweep(workspace, clock.month_of(clock.now()), clock.now()) == 1
    let_time_pass(visitor)
    turn = ids.turn(visitor.call().principal.caller, "k")
    assert metering.sweep(workspace, clock.month_of(clock.now()), clock.now()) == 0
    swept = events.read(workspace, turn)
    assert swept is not None
    assert (swept.row["outcome"], swept.row["charge_nanos"], swept.row["input_tokens"]) == ("abandoned", 0, None)
    assert events.unsent_before(clock.now() + timedelta(seconds=1))
    with pytest.raises(Problem) as lost:
        visitor.say(f"{QUESTION} !fault:slow", key="k")
    assert lost.value.code == "turn_lost"
    assert visitor.say(QUESTION, key="k2").message.text == ANSWER
    assert held["amount"] > everything_adds_up(workspace, visitor) > 0


def let_time_pass(visitor: Visitor) -> None:
    """Move the ends of the turn's hold back, as if it had ended."""
    past = clock.now() - admission.HOLD_LIFE
    spend = metering.spend_path(visitor.workspace, clock.now())
    (turn,) = firestore.get(spend).data["holds"]
    batch = firestore.Batch()
    batch.update(spend, {("holds", turn, "expires_at"): past})
    path = repository.conversation_path(visitor.workspace, visitor.conversation)
    batch.update(path, {("running", turn): past})
    batch.commit()


def test_a_turn_s_event_is_published_when_it_is_done(cloud: Cloud, workspace: WorkspaceId, visitor: Visitor) -> None:
    visitor.say(QUESTION)
    (row,) = cloud.published("usage-recorded", workspace)
    assert row["event_id"] == visitor.turns()[0]["message_id"].removeprefix("msg_")
    assert "unsent" not in firestore.get(contracts.path(workspace, "events", row["event_id"])).data
    assert QUESTION not in str(row)

"""The conversation over HTTP: one turn for visitors, for programs and in the playground, and what visitors say about it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from functions.agents import admission, feedback, repository
from functions.agents.connections import provider
from functions.agents.models import Ask
from functions.agents.telling import Answered, Ended, repeated
from functions.agents.turns import Turn
from functions.shared import clock, firestore, ids, money
from functions.shared.contracts import TurnRead
from functions.shared.errors import Invalid, NotFound
from functions.shared.http import (
    CONSOLE,
    MACHINE,
    VISITOR,
    Answer,
    Body,
    Call,
    Reply,
    Routes,
    Stream,
)
from functions.shared.identity import Caller

api = Routes("agents-chat")


def _said(text: str) -> str:
    # More characters count as blank for Python than for the constraint, and models refuse a blank message.
    if not text.strip():
        raise ValueError("the message is blank")
    return text


Message = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000), AfterValidator(_said)]
SECONDS_FOR_SETTLING = 10.0


class VisitorTurn(Body):
    """What a visitor says."""

    message: Message
    conversation_id: str | None = Field(default=None, max_length=80)
    locale: str | None = Field(default=None, max_length=35)
    page_url: str | None = Field(default=None, max_length=2000)


class AgentTurn(VisitorTurn):
    """What a person in the playground or a program says; `version` is `published` or `draft`."""

    version: Literal["published", "draft"] = "published"


class Said(Answer):
    """One message of a conversation."""

    role: Literal["visitor", "agent"]
    message_id: str
    text: str


class ShownSource(Answer):
    """Where an answer comes from; `number` is the one in the text."""

    number: int
    title: str
    item_id: str


class Action(Answer):
    """Something the page should do, never read out of the text."""

    type: str


class TokenUsage(Answer):
    """Tokens in exclusive buckets; null is not known yet, which is not zero."""

    input_tokens: int | None
    cached_input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    estimated: bool
    charge: money.Money | None = None
    """For people and programs of the workspace; visitors do not see it."""


class TurnAnswer(Answer):
    """A whole turn as one object."""

    turn_id: str
    conversation_id: str
    outcome: str
    message: Said
    sources: list[ShownSource]
    actions: list[Action]
    usage: TokenUsage


class HistoryMessage(Said):
    """One message of the conversation so far."""

    sources: list[ShownSource] = Field(default_factory=list)
    feedback: Literal["up", "down"] | None = None


class History(Answer):
    """A visitor's conversation so far, oldest first; `conversation_id` is null before the first turn."""

    conversation_id: str | None
    messages: list[HistoryMessage]


class Feedback(Body):
    """What a visitor thinks of an answer."""

    message_id: str = Field(max_length=80)
    rating: Literal["up", "down"]
    comment: str | None = Field(default=None, max_length=2000)


class HandOffRequest(Body):
    """A visitor asks for a person."""

    conversation_id: str | None = Field(default=None, max_length=80)
    note: str | None = Field(default=None, max_length=2000)


@api.post(
    "/api/agents/{agent}/chat",
    callers=(CONSOLE, MACHINE),
    scope="chat",
    deadline="chat",
    idempotent="own",
    summary="One turn with an agent, from the playground or a server; streamed on request.",
)
def chat_with_agent(call: Call, agent: str, body: AgentTurn) -> Stream | Reply[TurnAnswer]:
    """Playground turns may use the draft and do not need an active agent; a program's turns do."""
    turn_id = ids.turn(call.principal.caller, call.idempotency_key or "")
    machine = call.principal.kind is Caller.MACHINE
    if not ids.valid("agent", agent):
        raise NotFound("There is no such agent.")
    ask = Ask(
        turn_id=turn_id,
        agent_id=agent,
        channel="api" if machine else "playground",
        message=body.message,
        conversation_id=_conversation(body.conversation_id) or ids.conversation_of(turn_id),
        may_open=body.conversation_id is None,
        draft=body.version == "draft",
        locale=body.locale,
        page_url=body.page_url,
        owner=call.principal.caller,
        trace_id=call.trace.trace_id,
        asked_at=call.now,
        deadline_seconds=_seconds(call),
    )
    return _answer(call, admission.admit(call.workspace, ask, provider), charged=True)


@api.post(
    "/api/chat",
    callers=(VISITOR,),
    deadline="chat",
    idempotent="own",
    summary="One turn of a visitor in a widget; streamed on request.",
)
def chat(call: Call, body: VisitorTurn) -> Stream | Reply[TurnAnswer]:
    """A visitor's session has one conversation, so its id and its pace need no further look-up."""
    principal = call.principal
    conversation = _of_session(call)
    if body.conversation_id not in (None, conversation):
        raise NotFound("There is no such conversation. Leave out conversation_id to begin one.")
    if not ids.valid("agent", principal.agent):
        raise NotFound("This widget does not exist any more.")
    ask = Ask(
        turn_id=ids.turn(principal.caller, call.idempotency_key or ""),
        agent_id=principal.agent,
        channel="widget",
        message=body.message,
        conversation_id=conversation,
        may_open=True,
        locale=body.locale,
        page_url=body.page_url,
        widget_id=principal.widget,
        visitor_id=principal.subject,
        session_id=principal.session,
        origin=principal.origin,
        new_visitor=principal.new_visitor,
        owner=principal.caller,
        trace_id=call.trace.trace_id,
        asked_at=call.now,
        deadline_seconds=_seconds(call),
    )
    return _answer(call, admission.admit(call.workspace, ask, provider), charged=False)


def _of_session(call: Call) -> str:
    return ids.conversation_of(f"session:{call.principal.session}")


def _conversation(text: str | None) -> str | None:
    if text is not None and not ids.valid("conversation", text):
        raise Invalid(errors=[{"pointer": "/conversation_id", "message": "This is not the id of a conversation."}])
    return text


def _seconds(call: Call) -> float:
    return (call.deadline - clock.now()).total_seconds() - SECONDS_FOR_SETTLING


def _answer(call: Call, found: Turn | Answered | Ended, *, charged: bool) -> Stream | Reply[TurnAnswer]:
    if not isinstance(found, Turn):
        if call.wants_stream:
            return Stream(repeated(found))
        if isinstance(found, Ended):
            raise found.problem
        return Reply(_whole(found, charged))
    if call.wants_stream:
        return Stream(found.events(), cancel=found.leave)
    for _ in found.events():
        pass
    stored = found.stored
    assert stored is not None
    return Reply(_whole(Answered(found.ask.turn_id, found.ask.conversation_id, stored), charged))


def _whole(answered: Answered, charged: bool) -> TurnAnswer:
    turn = answered.turn
    return TurnAnswer(
        turn_id=answered.turn_id,
        conversation_id=answered.conversation_id,
        outcome=turn.outcome,
        message=Said(role="agent", message_id=turn.message_id, text=turn.answer),
        sources=_shown(turn),
        actions=[Action(type=action) for action in turn.actions],
        usage=TokenUsage(
            input_tokens=turn.input_tokens,
            cached_input_tokens=turn.cached_input_tokens,
            output_tokens=turn.output_tokens,
            reasoning_tokens=turn.reasoning_tokens,
            estimated=turn.estimated,
            charge=money.Money.of_nanos(turn.charge_nanos, turn.currency) if charged else None,
        ),
    )


def _shown(turn: TurnRead) -> list[ShownSource]:
    return [ShownSource(number=s.number, title=s.title, item_id=s.item_id) for s in turn.sources]


@api.get("/api/chat", callers=(VISITOR,), summary="This session's conversation so far.")
def history(call: Call) -> Reply[History]:
    """What was said and answered, without what a visitor does not need: no prices, no scores."""
    conversation = _of_session(call)
    found = repository.turns(call.workspace, conversation, limit=100)
    messages: list[HistoryMessage] = []
    for snapshot in found:
        turn = TurnRead.model_validate(snapshot.data)
        if not turn.answer.strip():
            continue
        messages.append(HistoryMessage(role="visitor", message_id=f"{turn.message_id}.q", text=turn.message))
        messages.append(
            HistoryMessage(
                role="agent",
                message_id=turn.message_id,
                text=turn.answer,
                sources=_shown(turn),
                feedback=turn.feedback,
            )
        )
    return Reply(History(conversation_id=conversation if found else None, messages=messages))


@api.post("/api/chat/feedback", callers=(VISITOR,), idempotent=True, summary="Thumbs and a comment on an answer.")
def give_feedback(call: Call, body: Feedback) -> None:
    """The last word counts; each change is an event."""
    feedback.rate(call, _of_session(call), body.message_id, body.rating, body.comment)


@api.post("/api/chat/hand-off", callers=(VISITOR,), idempotent=True, summary="Ask for a person.")
def ask_for_a_person(call: Call, body: HandOffRequest) -> None:
    """The conversation waits for a person from now on; asking again changes nothing but the note."""
    feedback.hand_off(call, _of_session(call), body.note)


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/agents-chat")

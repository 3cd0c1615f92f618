"""The conversation over HTTP: one turn for visitors, for programs and in the playground, and what visitors say about it."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from functions.agents import admission, check_run_routes, feedback, repository, wishes
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
api.include(check_run_routes.api)


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
    """What a visitor thinks: of one answer (`message_id` and `rating`), or of the whole conversation (`stars`)."""

    message_id: str | None = Field(default=None, max_length=80)
    rating: Literal["up", "down"] | None = None
    stars: int | None = Field(default=None, ge=1, le=5)
    comment: str | None = Field(default=None, max_length=2000)


class HandOffRequest(Body):
    """A visitor asks for a person."""

    conversation_id: str | None = Field(default=None, max_length=80)
    note: str | None = Field(default=None, max_length=2000)


class HandOffAnswer(Answer):
    """A person was asked for; `message` is what the business says to it, `is_open` whether it is open now."""

    state: Literal["waiting"] = "waiting"
    is_open: bool
    message: str


_EMAIL = re.compile(r"[^@\s\x00-\x1f<>\"(),:;\[\]\\]{1,64}@(?:[\w](?:[\w-]{0,61}[\w])?\.)+[^\W\d_][\w-]{0,61}[^\W_]")


def _email(text: str) -> str:
    # What is certainly no address; whether one is read by somebody only a mail can tell.
    if not _EMAIL.fullmatch(text) or ".." in text or text.partition("@")[0].strip(".") != text.partition("@")[0]:
        raise ValueError("this is not an e-mail address")
    return text


Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(_email)]


class LeadRequest(Body):
    """How the visitor can be reached, as far as the form asked. `consent` is the sentence that they agreed to, word for word."""

    conversation_id: str | None = Field(default=None, max_length=80)
    name: Line = ""
    email: Email | Literal[""] = ""
    phone: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""
    message: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""
    consent: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.name or self.email or self.phone or self.message):
            raise ValueError("give a name, an e-mail address, a phone number or a message")
        return self


@api.post(
    "/api/agents/{agent}/chat",
    callers=(CONSOLE, MACHINE),
    scope="chat",
    deadline="chat",
    idempotent="own",
    refuses=(402, 429),
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
    refuses=(402, 429),
    summary="One turn of a visitor in a widget; streamed on request.",
)
def chat(call: Call, body: VisitorTurn) -> Stream | Reply[TurnAnswer]:
    """A visitor's session has one conversation, so its id and its pace need no further look-up."""
    principal = call.principal
    conversation = _named(call, body.conversation_id)
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


def _named(call: Call, stated: str | None) -> str:
    conversation = _of_session(call)
    if stated not in (None, conversation):
        raise NotFound("There is no such conversation. Leave out conversation_id to begin one.")
    return conversation


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


@api.post(
    "/api/chat/feedback", callers=(VISITOR,), idempotent=True, summary="Thumbs on an answer, or stars for the whole."
)
def give_feedback(call: Call, body: Feedback) -> None:
    """The last word counts; each change is an event."""
    conversation = _of_session(call)
    if body.stars is not None and body.message_id is None and body.rating is None:
        feedback.rate_all(call, conversation, body.stars, body.comment)
    elif body.stars is None and body.message_id is not None and body.rating is not None:
        feedback.rate(call, conversation, body.message_id, body.rating, body.comment)
    else:
        message = "Send `message_id` with `rating`, or `stars` alone."
        raise Invalid(errors=[{"pointer": "/rating", "message": message}])


@api.post("/api/chat/hand-off", callers=(VISITOR,), idempotent=True, summary="Ask for a person.")
def ask_for_a_person(call: Call, body: HandOffRequest) -> HandOffAnswer:
    """The conversation waits for a person from now on; asking again changes nothing but the note."""
    told = wishes.hand_off(call, _of_session(call), body.note)
    return HandOffAnswer(is_open=told.is_open, message=told.message)


@api.post("/api/chat/lead", callers=(VISITOR,), idempotent=True, summary="Leave contact details, with consent.")
def leave_contact_details(call: Call, body: LeadRequest) -> None:
    """Also before the first message, which opens the conversation; sent again, the last details count."""
    details = wishes.Details(body.name, body.email, body.phone, body.message, body.consent)
    wishes.leave(call, _named(call, body.conversation_id), details)


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/agents-chat")

"""Gives out and erases what people said: one conversation, or all of a visitor's. Metering has no content and stays.

Turns go first and the conversation last, so that an erasure that broke off is found and finished by its repeat.
"""

from datetime import datetime
from typing import Literal

from functions.agents import repository
from functions.shared import activity, firestore, ids, visitors
from functions.shared.contracts import ConversationRead, TurnRead
from functions.shared.errors import Conflict, Invalid, NotFound
from functions.shared.firestore import Snapshot
from functions.shared.http import Answer, Call, Items, Page, page_token, page_values

_ATTEMPTS = 3
_AT_ONCE = 50

MOST_TURNS = 1000
"""In one page of an export, about 10 MB at the very most; a longer conversation goes on in the next one."""


class ExportedTurn(Answer):
    """What was said in one turn, and what the visitor thought of it."""

    message: str
    answer: str
    feedback: Literal["up", "down"] | None
    comment: str | None
    occurred_at: datetime


class ExportedLead(Answer):
    """The contact details that were left, and what was agreed to with them."""

    name: str
    email: str
    phone: str
    message: str
    consent: str
    left_at: datetime


class ExportedConversation(Answer):
    """Everything that is kept of a visitor's conversation. `hand_off_note` is what they wrote for a person.

    One of very many turns goes on in the next page, where it comes first, under the same id and with later turns.
    """

    id: str
    agent_id: str
    locale: str | None
    page_url: str | None
    created_at: datetime
    updated_at: datetime
    lead: ExportedLead | None
    hand_off_note: str | None
    rating: int | None
    rating_comment: str | None
    turns: list[ExportedTurn]


class ExportedVisit(Answer):
    """What is kept of the visitor beside what they said: their latest session, and whether the site has signed for them."""

    seen_at: datetime
    identified: bool


class VisitorExport(Items[ExportedConversation]):
    """A page of a visitor's conversations. `visitor` is null when nothing is kept of a visit: after 400 days it goes."""

    visitor: ExportedVisit | None


def erase_conversation(call: Call, conversation: str) -> None:
    """Erase one conversation. Raises NotFound, and Conflict (`conversation_busy`) while a turn of it is answered."""
    found = _found(call, conversation)
    batch = firestore.Batch()
    _tell(batch, call, "conversation.erased", "conversation", conversation)
    _erase(call, found, batch)


def _found(call: Call, conversation: str) -> Snapshot:
    if ids.valid("conversation", conversation):
        (found,) = repository.read(repository.conversation_path(call.workspace, conversation))
        if found.exists:
            return found
    raise NotFound("There is no such conversation.")


def _erase(call: Call, found: Snapshot, batch: firestore.Batch) -> None:
    for _ in range(_ATTEMPTS):
        if any(expires_at > call.now for expires_at in (found.data.get("running") or {}).values()):
            break
        firestore.delete_tree(repository.turn_paths(call.workspace, found.id))
        gone = firestore.Batch()
        gone.delete(found.path, if_etag=found.etag)
        try:
            gone.commit()
        except firestore.Changed:
            # Somebody spoke meanwhile: that is erased as well.
            (found,) = repository.read(found.path)
            if found.exists:
                continue
        batch.commit()
        return
    raise Conflict(
        "A turn of this conversation is being answered. Try again in a moment.",
        code="conversation_busy",
        headers={"Retry-After": "5"},
    )


def exported(call: Call, visitor: str, query: Page) -> VisitorExport:
    """A page of a visitor's conversations with all that was said; empty for a visitor who never spoke."""
    kept = visitors.find(call.workspace, _visitor(visitor))
    after, seq = _place(query.page_token)
    found: list[Snapshot] = []
    if seq:
        # The conversation in whose middle the page before ended, unless it was erased meanwhile.
        begun = repository.read(repository.conversation_path(call.workspace, after))
        found = [one for one in begun if one.data.get("visitor_id") == visitor]
    rest = query.page_size + 1 - len(found)
    place = (repository.conversation_path(call.workspace, after),) if after else ()
    found += repository.conversations_of(call.workspace, visitor, rest, place)
    items: list[ExportedConversation] = []
    token, room = None, MOST_TURNS
    for number, one in enumerate(found):
        if number == query.page_size or not room:
            token = page_token(found[number - 1].id, 0)
            break
        turns = repository.turns_after(call.workspace, one.id, seq if one.id == after else 0, room + 1)
        items.append(_exported(one, turns[:room]))
        if len(turns) > room:
            token = page_token(one.id, turns[room - 1].data["seq"])
            break
        room -= len(turns)
    shown = None if kept is None else ExportedVisit(**kept.model_dump())
    return VisitorExport(items=items, next_page_token=token, visitor=shown)


def _place(token: str | None) -> tuple[str, int]:
    """The conversation that the page before ended with, and the last turn of it that was told; 0: all of them."""
    values = page_values(token, 2)
    if values is None:
        return "", 0
    conversation, seq = values
    if not isinstance(conversation, str) or not ids.valid("conversation", conversation) or type(seq) is not int:
        raise Invalid(errors=[{"pointer": "/page_token", "message": "This is not a page token of this list."}])
    return conversation, seq


def _exported(found: Snapshot, told: list[Snapshot]) -> ExportedConversation:
    turns = [TurnRead.model_validate(turn.data) for turn in told]
    known = ConversationRead.model_validate(found.data)
    return ExportedConversation(
        id=found.id,
        agent_id=known.agent_id,
        locale=known.locale,
        page_url=known.page_url,
        created_at=known.created_at,
        updated_at=known.updated_at,
        lead=None if known.lead is None else ExportedLead(**known.lead.model_dump()),
        hand_off_note=None if known.hand_off is None else known.hand_off.note,
        rating=known.rating,
        rating_comment=known.rating_comment,
        turns=[
            ExportedTurn(
                message=turn.message,
                answer=turn.answer,
                feedback=turn.feedback,
                comment=turn.comment,
                occurred_at=turn.occurred_at,
            )
            for turn in turns
        ],
    )


def erase_visitor(call: Call, visitor: str) -> None:
    """Erase all of a visitor's conversations, and that they were here; without any it is done already.

    Raises Conflict while one is answered.
    """
    while found := repository.conversations_of(call.workspace, _visitor(visitor), _AT_ONCE):
        for conversation in found:
            _erase(call, conversation, firestore.Batch())
    batch = firestore.Batch()
    visitors.forget(batch, call.workspace, visitor)
    _tell(batch, call, "visitor.erased", "visitor", visitor)
    batch.commit()


def _visitor(visitor: str) -> str:
    if not ids.valid("visitor", visitor):
        raise NotFound("There is no such visitor.")
    return visitor


def _tell(batch: firestore.Batch, call: Call, action: str, kind: str, subject: str) -> None:
    activity.record(batch, call.workspace, call.principal, action, kind=kind, subject=subject, now=call.now)

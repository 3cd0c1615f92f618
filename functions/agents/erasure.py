"""Erases what people said: one conversation, or all of a visitor's. Metering has no content and is not touched.

Turns go first and the conversation last, so that an erasure that broke off is found and finished by its repeat.
"""

from datetime import datetime
from typing import Any, Literal

from functions.agents import repository
from functions.shared import activity, firestore, ids
from functions.shared.contracts import ConversationRead, TurnRead
from functions.shared.errors import Conflict, Invalid, NotFound
from functions.shared.firestore import Snapshot
from functions.shared.http import Answer, Call, Items, Page, page_token, page_values

_ATTEMPTS = 3
_AT_ONCE = 50


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
    """Everything that is kept of a visitor's conversation. `hand_off_note` is what they wrote for a person."""

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


def exported(call: Call, visitor: str, query: Page) -> Items[ExportedConversation]:
    """A page of a visitor's conversations with all that was said; empty for a visitor who never spoke."""
    after: tuple[Any, ...] = ()
    values = page_values(query.page_token, 1)
    if values is not None:
        if not isinstance(values[0], str) or not ids.valid("conversation", values[0]):
            raise Invalid(errors=[{"pointer": "/page_token", "message": "This is not a page token of this list."}])
        after = (repository.conversation_path(call.workspace, values[0]),)
    page = repository.conversations_of(call.workspace, _visitor(visitor), query.page_size + 1, after)
    more, page = len(page) > query.page_size, page[: query.page_size]
    return Items(
        items=[_exported(call, found) for found in page], next_page_token=page_token(page[-1].id) if more else None
    )


def _exported(call: Call, found: Snapshot) -> ExportedConversation:
    turns = [TurnRead.model_validate(turn.data) for turn in repository.turns(call.workspace, found.id, limit=1000)]
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
    """Erase all of a visitor's conversations; without any it is done already. Raises Conflict while one is answered."""
    while found := repository.conversations_of(call.workspace, _visitor(visitor), _AT_ONCE):
        for conversation in found:
            _erase(call, conversation, firestore.Batch())
    batch = firestore.Batch()
    _tell(batch, call, "visitor.erased", "visitor", visitor)
    batch.commit()


def _visitor(visitor: str) -> str:
    if not ids.valid("visitor", visitor):
        raise NotFound("There is no such visitor.")
    return visitor


def _tell(batch: firestore.Batch, call: Call, action: str, kind: str, subject: str) -> None:
    activity.record(batch, call.workspace, call.principal, action, kind=kind, subject=subject, now=call.now)

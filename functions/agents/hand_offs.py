"""Conversations that wait for a person: who waits, who has taken it, and what came of it."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from functions.agents import repository
from functions.shared import activity, contracts, firestore, ids, paging
from functions.shared.errors import Conflict, NotFound
from functions.shared.firestore import Snapshot
from functions.shared.http import Answer, Body, Call, Items, Page
from functions.shared.resolution import RULE

State = Literal["waiting", "taken", "done"]


class HandOffs(Page):
    """The list's query."""

    state: State | None = None


class HandOffChange(Body):
    """What a person does about it; `note` is for colleagues, the visitor does not see it."""

    state: State
    note: str | None = Field(default=None, max_length=2000)


class ShownHandOff(Answer):
    """A conversation that a person was asked for. `visitor_note` is what the visitor wrote with the wish."""

    conversation_id: str
    agent_id: str
    title: str
    state: State
    visitor_note: str | None
    note: str | None
    taken_by: str | None
    asked_at: datetime | None
    turn_count: int
    updated_at: datetime


def listed(call: Call, query: HandOffs) -> Items[ShownHandOff]:
    """A page, the latest first; filtered by state it may be shorter than asked for."""
    after = paging.place_of(query.page_token, contracts.path(call.workspace, "conversations"))
    page = repository.handed_off(call.workspace, query.page_size + 1, after or ())
    more, page = len(page) > query.page_size, page[: query.page_size]
    token = paging.next_token(page[-1], "updated_at") if more else None
    shown = [_shown(found.id, found.data) for found in page]
    return Items(items=[one for one in shown if query.state in (None, one.state)], next_page_token=token)


def _shown(conversation: str, data: dict[str, Any]) -> ShownHandOff:
    kept = data.get("hand_off") or {}
    return ShownHandOff(
        conversation_id=conversation,
        agent_id=data["agent_id"],
        title=data.get("title") or "",
        state=kept.get("state") or "waiting",
        visitor_note=kept.get("note"),
        note=kept.get("staff_note"),
        taken_by=kept.get("taken_by"),
        asked_at=kept.get("asked_at"),
        turn_count=data.get("turn_count") or 0,
        updated_at=data["updated_at"],
    )


def change(call: Call, conversation: str, change: HandOffChange) -> ShownHandOff:
    """Take it, finish it or put it back. Raises NotFound, and Conflict (`taken_already`) when a colleague has it."""
    me = call.principal.actor

    def work(batch: firestore.Batch, known: list[Snapshot]) -> ShownHandOff:
        found = known[0]
        if not found.data.get("handed_off"):
            raise _not_waiting()
        kept = dict(found.data.get("hand_off") or {})
        if change.state == "taken" and kept.get("state") == "taken" and kept.get("taken_by") != me:
            raise Conflict("A colleague has taken it. It can be put back to waiting first.", code="taken_already")
        before = kept.get("state") or "waiting"
        kept |= {"state": change.state, "taken_by": None if change.state == "waiting" else kept.get("taken_by") or me}
        if change.note is not None:
            kept["staff_note"] = change.note
        batch.update(found.path, {("hand_off",): kept, **RULE.again(found.data, call.now)}, if_etag=found.etag)
        activity.record(
            batch,
            call.workspace,
            call.principal,
            f"hand_off.{change.state}",
            kind="conversation",
            subject=conversation,
            before={"state": before},
            after={"state": change.state},
            now=call.now,
        )
        return _shown(conversation, {**found.data, "hand_off": kept})

    if not ids.valid("conversation", conversation):
        raise _not_waiting()
    paths = [repository.conversation_path(call.workspace, conversation)]
    # The visitor may speak at this moment, which changes the same document and not what is decided here.
    return firestore.compete(paths, repository.read(*paths), work)


def _not_waiting() -> NotFound:
    return NotFound("There is no such conversation that waits for a person.")

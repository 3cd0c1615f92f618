"""Conversations that wait for a person: who waits, who has taken it, and what came of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from functions.agents import handling, repository
from functions.agents.handling import Handling, State
from functions.shared import contracts, paging
from functions.shared.errors import NotFound
from functions.shared.firestore import FieldPath
from functions.shared.http import Answer, Call, Items, Page
from functions.shared.resolution import RULE


class HandOffs(Page):
    """The list's query."""

    state: State | None = None


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
    """A page, the latest first, of one state if asked for."""
    after = paging.place_of(query.page_token, contracts.path(call.workspace, "conversations"))
    page = repository.handed_off(call.workspace, query.state, query.page_size + 1, after)
    more, page = len(page) > query.page_size, page[: query.page_size]
    token = paging.next_token(page[-1], "updated_at") if more else None
    return Items(items=[_shown(found.id, found.data) for found in page], next_page_token=token)


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


def change(call: Call, conversation: str, change: Handling) -> ShownHandOff:
    """Take it, finish it or put it back. Raises NotFound, and Conflict as `handling.change`."""

    def also(found: Mapping[str, Any], _: dict[str, Any]) -> dict[FieldPath, Any]:
        if not found.get("handed_off"):
            raise NotFound("There is no such conversation that waits for a person.")
        return RULE.again(found, call.now)

    return _shown(conversation, handling.change(call, conversation, "hand_off", change, also))

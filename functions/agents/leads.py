"""Contact details that visitors left, as the business reads and handles them: the newest first, with the consent.

`lead_at`, beside the lead, is there while it waits: so waiting ones are found by it, those of before leads had states too,
and the others by their state.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from functions.agents import handling, repository
from functions.agents.handling import Handling, State
from functions.shared import contracts, firestore, paging
from functions.shared.contracts import LeadRead
from functions.shared.errors import NotFound
from functions.shared.firestore import FieldPath, Snapshot
from functions.shared.http import Answer, Call, Items, Page

HANDLED: tuple[State, ...] = ("taken", "done")


class Leads(Page):
    """The list's query."""

    agent_id: str | None = Field(default=None, max_length=60)
    state: State | None = None


class ShownLead(Answer):
    """What a visitor left, and where. `consent` is the sentence that was agreed to, word for word; `note` is colleagues'."""

    conversation_id: str
    agent_id: str
    widget_id: str | None
    visitor_id: str | None
    page_url: str | None
    title: str
    name: str
    email: str
    phone: str
    message: str
    consent: str
    left_at: datetime
    state: State
    note: str | None
    taken_by: str | None


def listed(call: Call, query: Leads) -> Items[ShownLead]:
    """A page, the newest first, of one agent and of one state if asked for."""
    after = paging.place_of(query.page_token, contracts.path(call.workspace, "conversations"))
    limit = query.page_size + 1
    found: list[Snapshot] = []
    if query.state in (None, "waiting"):
        found += repository.waiting_leads(call.workspace, query.agent_id, limit, after)
    if query.state != "waiting":
        states = HANDLED if query.state is None else (query.state,)
        found += repository.handled_leads(call.workspace, states, query.agent_id, limit, after)
    found.sort(key=_place, reverse=True)
    page = found[: query.page_size]
    token = paging.token_of(_place(page[-1])) if len(found) > query.page_size else None
    return Items(items=[_shown(one.id, one.data) for one in page], next_page_token=token)


def _place(found: Snapshot) -> paging.Place:
    return found.data["lead"]["left_at"], found.path


def _shown(conversation: str, data: Mapping[str, Any]) -> ShownLead:
    lead = LeadRead.model_validate(data["lead"])
    return ShownLead(
        conversation_id=conversation,
        agent_id=data["agent_id"],
        widget_id=data.get("widget_id"),
        visitor_id=data.get("visitor_id"),
        page_url=data.get("page_url"),
        title=data.get("title") or "",
        note=lead.staff_note,
        **lead.model_dump(exclude={"staff_note"}),
    )


def change(call: Call, conversation: str, change: Handling) -> ShownLead:
    """Take it, finish it or put it back. Raises NotFound, and Conflict as `handling.change`."""

    def also(found: Mapping[str, Any], lead: dict[str, Any]) -> dict[FieldPath, Any]:
        if found.get("lead") is None:
            raise NotFound("There is no such conversation in which a visitor left contact details.")
        return {("lead_at",): lead["left_at"] if change.state == "waiting" else firestore.DELETE}

    return _shown(conversation, handling.change(call, conversation, "lead", change, also))

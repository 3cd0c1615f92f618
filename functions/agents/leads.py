"""Contact details that visitors left, as the business reads them: the newest first, with the consent."""

from datetime import datetime

from pydantic import Field

from functions.agents import repository
from functions.shared import contracts, paging
from functions.shared.contracts import LeadRead
from functions.shared.firestore import Snapshot
from functions.shared.http import Answer, Call, Items, Page


class Leads(Page):
    """The list's query."""

    agent_id: str | None = Field(default=None, max_length=60)


class ShownLead(Answer):
    """What a visitor left, and where. `consent` is the sentence that was agreed to, word for word."""

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


def listed(call: Call, query: Leads) -> Items[ShownLead]:
    """A page, the newest first, of one agent if asked for."""
    after = paging.place_of(query.page_token, contracts.path(call.workspace, "conversations"))
    page = repository.with_lead(call.workspace, query.agent_id, query.page_size + 1, after)
    more, page = len(page) > query.page_size, page[: query.page_size]
    token = paging.next_token(page[-1], "lead_at") if more else None
    return Items(items=[_shown(found) for found in page], next_page_token=token)


def _shown(found: Snapshot) -> ShownLead:
    lead = LeadRead.model_validate(found.data["lead"])
    return ShownLead(
        conversation_id=found.id,
        agent_id=found.data["agent_id"],
        widget_id=found.data.get("widget_id"),
        visitor_id=found.data.get("visitor_id"),
        page_url=found.data.get("page_url"),
        title=found.data.get("title") or "",
        **lead.model_dump(),
    )

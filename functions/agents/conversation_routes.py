"""What people of the business do about conversations: take those that wait for a person, read leads, and erase.

The content of conversations is this room's, so these paths lead here; reading and searching them is analytics'.
"""

from functions.agents import erasure, hand_offs, leads
from functions.agents.erasure import VisitorExport
from functions.agents.hand_offs import HandOffs, ShownHandOff
from functions.agents.handling import Handling
from functions.agents.leads import Leads, ShownLead
from functions.shared.http import CONSOLE, MACHINE, Call, Items, Page, Routes

api = Routes("agents-api")


@api.delete(
    "/api/conversations/{conversation}",
    callers=(CONSOLE, MACHINE),
    role="admin",
    if_match=False,
    deadline="slow",
    summary="Erase a conversation.",
)
def erase_conversation(call: Call, conversation: str) -> None:
    """What it cost stays on the bill, without a word of what was said."""
    erasure.erase_conversation(call, conversation)


@api.get(
    "/api/visitors/{visitor}",
    callers=(CONSOLE, MACHINE),
    role="admin",
    deadline="slow",
    summary="Everything that a visitor said.",
)
def export_visitor(call: Call, visitor: str, query: Page) -> VisitorExport:
    """For a request for access: conversations with their messages, and when the visitor was last seen."""
    return erasure.exported(call, visitor, query)


@api.delete(
    "/api/visitors/{visitor}",
    callers=(CONSOLE, MACHINE),
    role="admin",
    if_match=False,
    deadline="slow",
    summary="Erase everything that a visitor said.",
)
def erase_visitor(call: Call, visitor: str) -> None:
    """And that they were here. Doing it again is no error."""
    erasure.erase_visitor(call, visitor)


@api.get("/api/hand-offs", callers=(CONSOLE, MACHINE), summary="Conversations that a person was asked for.")
def list_hand_offs(call: Call, query: HandOffs) -> Items[ShownHandOff]:
    """The latest first."""
    return hand_offs.listed(call, query)


@api.patch(
    "/api/conversations/{conversation}/hand-off",
    callers=(CONSOLE, MACHINE),
    if_match=False,
    summary="Take a waiting conversation, finish it or put it back.",
)
def change_hand_off(call: Call, conversation: str, body: Handling) -> ShownHandOff:
    """Needs no ETag, since each message of the visitor would change it: of two who take it, one is told so, and `seen`
    in the body guards the rest."""
    return hand_offs.change(call, conversation, body)


@api.get("/api/leads", callers=(CONSOLE, MACHINE), role="member", summary="Contact details that visitors left.")
def list_leads(call: Call, query: Leads) -> Items[ShownLead]:
    """The newest first, with what each visitor agreed to."""
    return leads.listed(call, query)


@api.patch(
    "/api/conversations/{conversation}/lead",
    callers=(CONSOLE, MACHINE),
    if_match=False,
    summary="Take a lead, finish it or put it back.",
)
def change_lead(call: Call, conversation: str, body: Handling) -> ShownLead:
    """As a hand-off. Details that the visitor leaves again later make what is done wait once more."""
    return leads.change(call, conversation, body)

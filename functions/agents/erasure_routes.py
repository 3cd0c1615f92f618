"""Erasing what was said, over HTTP: the content is this room's, so these paths lead here."""

from functions.agents import erasure
from functions.agents.erasure import ExportedConversation
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
def export_visitor(call: Call, visitor: str, query: Page) -> Items[ExportedConversation]:
    """For a request for access: conversations with their messages."""
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
    """Doing it again is no error."""
    erasure.erase_visitor(call, visitor)

"""What a webhook and a mail say of an event: its facts, and what a visitor wrote as it stands in Firestore now.

Content is read when it is sent and kept nowhere: what was erased meanwhile is said to be erased.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.shared import clock, contracts, firestore
from functions.shared.contracts import AgentRead, ConversationRead
from functions.shared.events import Event
from functions.shared.identity import WorkspaceId

TEST = "webhook.test"
"""The type of what the test button sends; no event is behind it."""

_SUBJECTS = {
    "hand_off.requested": "conversation_id",
    "lead.created": "conversation_id",
    "cap.alert": "month",
    "invoice.issued": "invoice_id",
    "invoice.overdue": "invoice_id",
    "payment.received": "payment_id",
    "payment.refunded": "payment_id",
    "agent.failing": "agent_id",
    "member.invited": "invitation_id",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One event in words for its receivers: Standard Webhooks' `type`, `timestamp` and `data`."""

    event_id: str
    type: str
    timestamp: str
    data: dict[str, Any]

    def body(self) -> bytes:
        """The request's body; it is signed as it is."""
        content = {"type": self.type, "timestamp": self.timestamp, "data": self.data}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def of(event: Event) -> Notice:
    """The notice of a stored event: no read, or two where content belongs to it."""
    kind, subject = str(event.row["type"]), str(event.row["subject"])
    data: dict[str, Any] = {"workspace_id": str(event.workspace), _SUBJECTS.get(kind, "subject"): subject}
    data |= event.row.get("facts") or {}
    if kind in ("hand_off.requested", "lead.created"):
        data |= _content(event.workspace, kind, subject)
    elif kind == "agent.failing":
        data["agent_name"] = _agent_name(event.workspace, subject)
    return Notice(event.id, kind, str(event.row["occurred_at"]), data)


def test(workspace: WorkspaceId, event_id: str, at: datetime) -> Notice:
    """What the test button sends."""
    words = {"message": "This is a test. If you verified its signature, everything works."}
    return Notice(event_id, TEST, clock.to_text(at), {"workspace_id": str(workspace), **words})


def _content(workspace: WorkspaceId, kind: str, conversation: str) -> dict[str, Any]:
    stored = firestore.get(contracts.path(workspace, "conversations", conversation))
    found = ConversationRead.model_validate(stored.data) if stored.exists else None
    left: dict[str, Any] | None = None
    if found is not None and kind == "hand_off.requested" and found.hand_off is not None:
        left = {"note": found.hand_off.note, "state": found.hand_off.state}
    elif found is not None and kind == "lead.created" and found.lead is not None:
        # What colleagues note and who they are is nothing that the visitor did.
        known = found.lead.model_dump(mode="json", exclude={"staff_note", "taken_by"})
        left = known | {"left_at": clock.to_text(found.lead.left_at)}
    about = {} if found is None else {"agent_id": found.agent_id, "agent_name": _agent_name(workspace, found.agent_id)}
    return {**about, kind.partition(".")[0]: left, "erased": left is None}


def _agent_name(workspace: WorkspaceId, agent: str) -> str | None:
    found = firestore.get(contracts.path(workspace, "agents", agent))
    return AgentRead.model_validate(found.data).name if found.exists else None

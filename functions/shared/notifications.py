"""What a business is told as it happens: recorded with the change, delivered by dashboard-webhooks as webhook and mail.

A notification holds ids and figures, never content: what a visitor wrote is read from Firestore when it is delivered, so
erasing it there is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from functions.shared import clock, digests, events, ids
from functions.shared.events import Event

if TYPE_CHECKING:
    from functions.shared import firestore
    from functions.shared.identity import WorkspaceId

Kind = Literal[
    "hand_off.requested",
    "lead.created",
    "cap.alert",
    "invoice.issued",
    "invoice.overdue",
    "payment.received",
    "payment.refunded",
    "agent.failing",
    "member.invited",
]

Facts = Mapping[str, str | int | bool | None]


def record(
    batch: firestore.Batch,
    workspace: WorkspaceId,
    kind: Kind,
    *,
    subject: str,
    once: str = "",
    facts: Facts | None = None,
    now: datetime,
) -> Event:
    """Add a notification to the commit; publish what is returned after it (`events.publish`).

    `subject` is the id of what it is about: a conversation, agent, invoice, payment, invitation, or the month of a cap. There
    is one notification for each kind, subject and `once` (a share, a day, a turn); the commit raises AlreadyExists for
    a second one, and so does `events.read` find the first. `facts` are flat values without content; money is decimal
    text beside a field `currency`.
    """
    row: dict[str, Any] = {
        "event_id": name(kind, subject, once),
        "type": kind,
        "workspace_id": str(workspace),
        "subject": subject,
        "facts": dict(facts or {}),
        "occurred_at": clock.to_text(now),
        "recorded_at": clock.to_text(now),
    }
    row["digest"] = digests.leaf(row)
    event = Event(workspace, "notifications", row["event_id"], row)
    events.record(batch, event, now=now)
    return event


def name(kind: Kind, subject: str, once: str = "") -> str:
    """The id of the one notification of this kind, subject and occasion."""
    return f"evt_{ids.hashed('notification', kind, subject, once)}"

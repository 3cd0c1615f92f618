"""Tells the other rooms that an agent was published anew, so that what they have copied of it is written again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from functions.shared import clock, digests, events, ids
from functions.shared.events import Event

if TYPE_CHECKING:
    from functions.shared import firestore
    from functions.shared.identity import WorkspaceId


def record(batch: firestore.Batch, workspace: WorkspaceId, agent: str, version: str, *, now: datetime) -> Event:
    """Add the event to the commit that publishes `version`; publish what is returned after it (`events.publish`).

    It says no more than that: who takes it reads the agent as it is then.
    """
    row: dict[str, Any] = {
        "event_id": f"evt_{ids.hashed('agent-published', agent, version)}",
        "type": "agent.published",
        "workspace_id": str(workspace),
        "agent_id": agent,
        "version_id": version,
        "occurred_at": clock.to_text(now),
        "recorded_at": clock.to_text(now),
    }
    row["digest"] = digests.leaf(row)
    event = Event(workspace, "agent-published", row["event_id"], row)
    events.record(batch, event, now=now)
    return event

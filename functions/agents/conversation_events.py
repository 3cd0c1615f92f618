"""What is told of a conversation beside its turns: one row for each change, recorded in the change's own commit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from functions.shared import clock, digests, events, firestore, ids
from functions.shared.events import Event
from functions.shared.identity import WorkspaceId

Kind = Literal["feedback", "rating", "hand_off", "lead", "resolved", "unresolved"]


def record(
    batch: firestore.Batch,
    workspace: WorkspaceId,
    conversation: str,
    of: Mapping[str, Any],
    kind: Kind,
    *,
    once: str = "",
    turn_id: str | None = None,
    answer: Mapping[str, Any] | None = None,
    rating: int | None = None,
    replaces: int | None = None,
    counts_at: datetime | None = None,
    trace_id: str | None = None,
    now: datetime,
) -> Event:
    """Add the event to the commit, which raises AlreadyExists for a second one of this kind, conversation and `once`.

    `of` is the conversation's document: its agent, channel and industry are the event's. The version is that of `answer`,
    a turn that the event is about, or else of the latest one. Publish what is returned after the commit. It holds no
    content: `rating` is 1 or -1 for a thumb, 1 to 5 for stars. Where it takes the place of another one, `replaces` is that
    one and `counts_at` when the first was given: there the latest word counts.
    """
    row: dict[str, Any] = {
        "event_id": f"evt_{ids.hashed(kind, conversation, once)}",
        "type": kind,
        "workspace_id": str(workspace),
        "agent_id": of["agent_id"],
        "version_id": (of if answer is None else answer).get("version_id"),
        "channel": of.get("channel"),
        "industry": of.get("industry"),
        "conversation_id": conversation,
        "turn_id": turn_id,
        "occurred_at": clock.to_text(now),
        "recorded_at": clock.to_text(now),
        "rating": rating,
        "trace_id": trace_id,
        "replaces": replaces,
        "counts_at": None if counts_at is None else clock.to_text(counts_at),
    }
    row["digest"] = digests.leaf(row)
    event = Event(workspace, "conversation-recorded", row["event_id"], row)
    events.record(batch, event, now=now)
    return event

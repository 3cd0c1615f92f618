"""What visitors say about a conversation: thumbs, and the wish for a person. Each is a change and its event in one commit."""

from typing import Any, Literal

from functions.agents import repository
from functions.shared import clock, digests, events, firestore, ids
from functions.shared.contracts import ConversationRead
from functions.shared.errors import NotFound
from functions.shared.http import Call


def rate(call: Call, conversation: str, message_id: str, rating: Literal["up", "down"], comment: str | None) -> None:
    """Store the rating on the turn. Raises NotFound when the message is not an answer of this conversation."""
    turn_id = message_id.removeprefix("msg_")
    if not turn_id.isalnum():
        raise NotFound("There is no such message in this conversation.")
    home, turn = repository.read(
        repository.conversation_path(call.workspace, conversation),
        repository.turn_path(call.workspace, conversation, turn_id),
    )
    if not turn.exists or not home.exists:
        raise NotFound("There is no such message in this conversation.")
    batch = firestore.Batch()
    batch.update(turn.path, {("feedback",): rating, ("comment",): comment})
    event = _event(call, conversation, home, "feedback", turn_id, {"up": 1, "down": -1}[rating])
    events.record(batch, event, now=call.now)
    batch.commit()
    events.publish(event)


def hand_off(call: Call, conversation: str, note: str | None) -> None:
    """Mark the conversation as waiting for a person. Raises NotFound before its first turn."""
    home = firestore.get(repository.conversation_path(call.workspace, conversation))
    if not home.exists:
        raise NotFound("There is no conversation yet.")
    waiting = {"state": "waiting", "note": note, "asked_at": call.now}
    batch = firestore.Batch()
    batch.update(home.path, {("hand_off",): waiting, ("handed_off",): True, ("updated_at",): call.now})
    event = _event(call, conversation, home, "hand_off", None, None)
    if home.data.get("hand_off"):
        batch.commit()
        return
    events.record(batch, event, now=call.now)
    batch.commit()
    events.publish(event)


def _event(
    call: Call, conversation: str, home: firestore.Snapshot, kind: str, turn_id: str | None, rating: int | None
) -> events.Event:
    known = ConversationRead.model_validate(home.data)
    event_id = f"evt_{ids.hashed(kind, conversation, call.idempotency_id)}"
    row: dict[str, Any] = {
        "event_id": event_id,
        "type": kind,
        "workspace_id": str(call.workspace),
        "agent_id": known.agent_id,
        "version_id": None,
        "conversation_id": conversation,
        "turn_id": turn_id,
        "occurred_at": clock.to_text(call.now),
        "recorded_at": clock.to_text(call.now),
        "rating": rating,
        "trace_id": call.trace.trace_id,
    }
    row["digest"] = digests.leaf(row)
    return events.Event(call.workspace, "conversation-recorded", event_id, row)

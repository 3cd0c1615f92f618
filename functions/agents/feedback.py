"""What visitors say about a conversation: thumbs, and the wish for a person. Each is a change and its event in one commit."""

import re
from typing import Any, Literal

from functions.agents import conversations, repository
from functions.shared import clock, digests, events, firestore, ids
from functions.shared.contracts import ConversationRead
from functions.shared.errors import NotFound
from functions.shared.events import Event
from functions.shared.firestore import Snapshot
from functions.shared.http import Call

_TURN = re.compile(r"[a-z2-7]{52}")


def rate(call: Call, conversation: str, message_id: str, rating: Literal["up", "down"], comment: str | None) -> None:
    """Store the rating on the turn: the last word counts, and only a rating that is new or different is an event.

    Raises NotFound when the message is not an answer of this conversation.
    """
    turn_id = message_id.removeprefix("msg_")
    if not _TURN.fullmatch(turn_id):
        raise NotFound("There is no such message in this conversation.")
    paths = [
        repository.conversation_path(call.workspace, conversation),
        repository.turn_path(call.workspace, conversation, turn_id),
    ]

    def work(batch: firestore.Batch, found: list[Snapshot]) -> Event | None:
        home, turn = found
        if not turn.exists or not home.exists:
            raise NotFound("There is no such message in this conversation.")
        batch.update(turn.path, {("feedback",): rating, ("comment",): comment}, if_etag=turn.etag)
        if turn.data.get("feedback") == rating:
            return None
        event = _event(call, conversation, home, "feedback", turn_id, {"up": 1, "down": -1}[rating])
        events.record(batch, event, now=call.now)
        return event

    _publish(firestore.compete(paths, repository.read(*paths), work))


def hand_off(call: Call, conversation: str, note: str | None) -> None:
    """Mark the conversation as waiting for a person; while it waits or is taken already, only the note changes.

    Raises NotFound before its first turn.
    """
    paths = [repository.conversation_path(call.workspace, conversation)]

    def work(batch: firestore.Batch, found: list[Snapshot]) -> Event | None:
        home = found[0]
        if not home.exists:
            raise NotFound("There is no conversation yet.")
        if conversations.waits(home.data):
            if note is not None:
                batch.update(home.path, {("hand_off", "note"): note}, if_etag=home.etag)
            return None
        waiting = {"state": "waiting", "note": note, "asked_at": call.now}
        batch.update(
            home.path,
            {("hand_off",): waiting, ("handed_off",): True, ("updated_at",): call.now},
            if_etag=home.etag,
        )
        event = _event(call, conversation, home, "hand_off", None, None)
        events.record(batch, event, now=call.now)
        return event

    _publish(firestore.compete(paths, repository.read(*paths), work))


def _publish(event: Event | None) -> None:
    if event is not None:
        events.publish(event)


def _event(
    call: Call, conversation: str, home: firestore.Snapshot, kind: str, turn_id: str | None, rating: int | None
) -> Event:
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
    return Event(call.workspace, "conversation-recorded", event_id, row)

"""What visitors think: thumbs on an answer, and stars for the whole. Each is a change and its event in one commit."""

import re
from typing import Any, Literal

from functions.agents import conversation_events, repository
from functions.shared import events, firestore
from functions.shared.errors import NotFound
from functions.shared.events import Event
from functions.shared.firestore import Snapshot
from functions.shared.http import Call
from functions.shared.resolution import RULE

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
        if again := RULE.again(home.data, call.now):
            batch.update(home.path, again)
        return _told(batch, call, home, "feedback", turn, {"up": 1, "down": -1}[rating])

    _publish(firestore.compete(paths, repository.read(*paths), work))


def rate_all(call: Call, conversation: str, stars: int, comment: str | None) -> None:
    """Store the stars on the conversation: the last word counts, and only stars that are new or different are an event.

    Raises NotFound before its first answer.
    """
    paths = [repository.conversation_path(call.workspace, conversation)]

    def work(batch: firestore.Batch, found: list[Snapshot]) -> Event | None:
        home = found[0]
        if not home.data.get("answered"):
            raise NotFound("There is no conversation to rate yet.")
        fields: dict[tuple[str, ...], Any] = {("rating",): stars, ("rating_comment",): comment}
        batch.update(home.path, {**fields, **RULE.again(home.data, call.now)}, if_etag=home.etag)
        if home.data.get("rating") == stars:
            return None
        return _told(batch, call, home, "rating", None, stars)

    _publish(firestore.compete(paths, repository.read(*paths), work))


def _told(
    batch: firestore.Batch,
    call: Call,
    home: Snapshot,
    kind: Literal["feedback", "rating"],
    turn: Snapshot | None,
    rating: int,
) -> Event:
    return conversation_events.record(
        batch,
        call.workspace,
        home.id,
        home.data,
        kind,
        once=call.idempotency_id,
        turn_id=None if turn is None else turn.id,
        answer=None if turn is None else turn.data,
        rating=rating,
        trace_id=call.trace.trace_id,
        now=call.now,
    )


def _publish(event: Event | None) -> None:
    if event is not None:
        events.publish(event)

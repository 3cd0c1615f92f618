"""What visitors think: thumbs on an answer, and stars for the whole. Each is a change and its event in one commit.

Whoever thinks better of it changes the word that counts and not how often it counts: the event of a change says what it
replaces, and it counts when, for which version and in which industry the first one was given.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from functions.agents import conversation_events, repository
from functions.shared import events, firestore
from functions.shared.errors import NotFound
from functions.shared.events import Event
from functions.shared.firestore import Snapshot
from functions.shared.http import Call
from functions.shared.resolution import RULE

THUMBS = {"up": 1, "down": -1}
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
        known = turn.data.get("feedback")
        first = _first(turn.data, turn.data.get("version_id"), home, call.now, known)
        fields: dict[tuple[str, ...], Any] = {("feedback",): rating, ("comment",): comment, ("rated",): first}
        batch.update(turn.path, fields, if_etag=turn.etag)
        if known == rating:
            return None
        if again := RULE.again(home.data, call.now):
            batch.update(home.path, again)
        return _told(batch, call, home, "feedback", turn, THUMBS[rating], known and THUMBS[known], first)

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
        known = home.data.get("rating")
        first = _first(home.data, home.data.get("version_id"), home, call.now, known)
        fields: dict[tuple[str, ...], Any] = {("rating",): stars, ("rating_comment",): comment, ("rated",): first}
        batch.update(home.path, {**fields, **RULE.again(home.data, call.now)}, if_etag=home.etag)
        if known == stars:
            return None
        return _told(batch, call, home, "rating", None, stars, known, first)

    _publish(firestore.compete(paths, repository.read(*paths), work))


def _first(
    rated: Mapping[str, Any], version: str | None, home: Snapshot, now: datetime, known: object
) -> dict[str, Any]:
    """Where the first word about something counted: as it is kept beside it, or here and now. What was said before that
    was kept counts as of now, by what it changes."""
    here = {"at": now, "version_id": version, "industry": home.data.get("industry")}
    return rated.get("rated") or here if known is not None else here


def _told(
    batch: firestore.Batch,
    call: Call,
    home: Snapshot,
    kind: Literal["feedback", "rating"],
    turn: Snapshot | None,
    rating: int,
    replaces: int | None,
    first: Mapping[str, Any],
) -> Event:
    return conversation_events.record(
        batch,
        call.workspace,
        home.id,
        {**home.data, "version_id": first["version_id"], "industry": first["industry"]},
        kind,
        once=call.idempotency_id,
        turn_id=None if turn is None else turn.id,
        rating=rating,
        replaces=replaces,
        counts_at=None if replaces is None else first["at"],
        trace_id=call.trace.trace_id,
        now=call.now,
    )


def _publish(event: Event | None) -> None:
    if event is not None:
        events.publish(event)

"""Events: recorded with the change that they tell of, published, decoded, and applied once.

An event is its own outbox entry: a document `workspaces/{workspace}/events/{event}` written in the change's own commit,
marked `unsent` until it is published. The publisher takes the mark away; what a crash left is found by the mark alone
(`unsent_before`) and published again by the relay. Delivery is at least once, so each consumer writes
`processed/{consumer}_{event}` by create-precondition in the same commit as its effect: exactly-once effect.

The data of a message is one flat JSON object, column by column the row of the topic's BigQuery table.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from functions.shared import clock, contracts, firestore, logs
from functions.shared.config import settings
from functions.shared.contracts import Topic
from functions.shared.errors import Malformed
from functions.shared.identity.workspace import from_directory, from_event

if TYPE_CHECKING:
    from functions.shared.identity import WorkspaceId

KEPT = timedelta(days=100)
"""How long an event stays in Firestore; BigQuery keeps it."""

MARKS_KEPT = timedelta(days=30)
"""How long a consumer's mark lives. An older event changes no tally; it alarms."""

PUBLISH_SECONDS = 10.0


@dataclass(frozen=True)
class Event:
    """One immutable fact of a workspace. `row` is the message's data; `id` names it for ever."""

    workspace: WorkspaceId
    topic: Topic
    id: str
    row: dict[str, Any]


def record(batch: firestore.Batch, event: Event, *, day: str | None = None, now: datetime | None = None) -> None:
    """Add the event to the commit of the change it tells of; the commit raises AlreadyExists when the id is taken.

    `day` (UTC) is the day on whose close a usage event is booked; other events have none.
    """
    moment = now or clock.now()
    document = {
        "topic": event.topic,
        "row": event.row,
        "unsent": moment,
        "expire_at": moment + KEPT,
        "conversation_id": event.row.get("conversation_id"),
    }
    if day is not None:
        document["day"] = day
    batch.create(contracts.path(event.workspace, "events", event.id), document)


def publish(event: Event) -> None:
    """Publish now and take the mark away: one publish, one write.

    A failure is logged and leaves the mark, so the relay will publish it: the caller's work is done either way.
    """
    try:
        _send(event).result(timeout=PUBLISH_SECONDS)
        unmark(event)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the mark stays and the relay sends it
        logs.error("event not published yet", error, event_id=event.id, topic=event.topic)


def _send(event: Event) -> Any:
    logs.count("pubsub_publishes")
    context = logs.current()
    attributes = {"event_id": event.id, "workspace_id": str(event.workspace)}
    if context.get("traceparent"):
        attributes["traceparent"] = context["traceparent"]
    data = json.dumps(event.row, ensure_ascii=False, separators=(",", ":")).encode()
    return publisher().publish(f"projects/{settings().project}/topics/{event.topic}", data, **attributes)


def unmark(event: Event) -> None:
    """Say that the event has been published."""
    batch = firestore.Batch()
    batch.update(contracts.path(event.workspace, "events", event.id), {("unsent",): firestore.DELETE})
    try:
        batch.commit()
    except firestore.Changed:
        logs.warning("event expired before it was published", event_id=event.id)


@cache
def publisher() -> Any:
    """The process's publisher, which sends each message at once; imported and built on the first call."""
    from google.cloud import pubsub_v1

    key = settings().service_account_key
    batching = pubsub_v1.types.BatchSettings(max_messages=1)
    if key:
        return pubsub_v1.PublisherClient.from_service_account_info(key, batching)
    return pubsub_v1.PublisherClient(batching)


def request(topic: Topic, workspace: WorkspaceId, row: Mapping[str, Any]) -> None:
    """Publish a command that is not an event, such as `close-requested`; raises when Pub/Sub does not take it."""
    _send(Event(workspace, topic, "", dict(row))).result(timeout=PUBLISH_SECONDS)


def unsent_before(moment: datetime, limit: int = 500) -> list[Event]:
    """Events of every workspace that were recorded before `moment` and not published, oldest first."""
    found = firestore.find(
        firestore.Query("events", where=(("unsent", "<", moment),), order=("unsent",), limit=limit, group=True)
    )
    return [_stored(snapshot) for snapshot in found]


def of_day(workspace: WorkspaceId, day: str) -> list[Event]:
    """The usage events that the close of this UTC day books, in no promised order."""
    found = firestore.stream(firestore.Query(contracts.path(workspace, "events"), where=(("day", "==", day),)))
    return [_stored(snapshot) for snapshot in found]


def count_of_day(workspace: WorkspaceId, day: str) -> int:
    """How many events `of_day` would give, for the price of one read a thousand."""
    return firestore.count(firestore.Query(contracts.path(workspace, "events"), where=(("day", "==", day),)))


def read(workspace: WorkspaceId, event_id: str) -> Event | None:
    """One stored event, or None when there is none."""
    snapshot = firestore.get(contracts.path(workspace, "events", event_id))
    return _stored(snapshot) if snapshot.exists else None


def _stored(snapshot: firestore.Snapshot) -> Event:
    workspace = from_directory(snapshot.path.split("/")[1])
    return Event(workspace, snapshot.data["topic"], snapshot.id, snapshot.data["row"])


def decode(envelope: Any, topic: Topic) -> Event:
    """The event in a Pub/Sub push envelope. Raises Malformed for anything that is not one of ours.

    Malformed is answered with 400: Pub/Sub delivers it a few times more and then puts it with the dead letters.
    """
    try:
        message = envelope["message"]
        attributes = message.get("attributes") or {}
        row = json.loads(base64.b64decode(message["data"], validate=True))
        if not isinstance(row, dict):
            raise TypeError("data is no JSON object")
        name = row["workspace_id"]
        if attributes["workspace_id"] != name:
            raise ValueError("two workspaces")
        return Event(from_event(name), topic, str(attributes["event_id"]), row)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise Malformed("This is not a Pub/Sub push envelope with an AgentHub event.", code="not_an_event") from error


def once(event: Event, consumer: str, effect: Callable[[firestore.Batch], None], *, now: datetime) -> bool:
    """Apply `effect` in one commit with this consumer's mark; False when the event was applied before or is too old.

    `effect` only adds writes to the batch. An event whose mark may have expired already changes nothing and alarms.
    """
    occurred = event.row.get("recorded_at") or event.row.get("occurred_at")
    if isinstance(occurred, str) and clock.from_text(occurred) < now - MARKS_KEPT:
        logs.alarm("an event older than the marks was not applied", event_id=event.id, consumer=consumer)
        return False
    batch = firestore.Batch()
    batch.create(
        contracts.path(event.workspace, "processed", f"{consumer}_{event.id}"), {"expire_at": now + MARKS_KEPT * 2}
    )
    effect(batch)
    try:
        batch.commit()
    except firestore.AlreadyExists:
        return False
    return True

"""Events: recorded with the change that they tell of, published, decoded, and applied once.

An event is its own outbox entry: a document `workspaces/{workspace}/events/{event}` written in the change's own commit,
marked `unsent` until it is published. The publisher takes the mark away; what a crash left is found by the mark alone
(`unsent_before`) and published again by the relay. Delivery is at least once, so each consumer writes
`processed/{consumer}_{event}` by create-precondition in the same commit as its effect: exactly-once effect. The mark
holds the digest of what was applied; the same id with another content is kept aside beside it and alarms (MONEY 1).

The data of a message is one flat JSON object, column by column the row of the topic's BigQuery table.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from functions.shared import clock, contracts, digests, firestore, logs
from functions.shared.config import settings
from functions.shared.contracts import Topic
from functions.shared.errors import Malformed
from functions.shared.identity.workspace import from_directory, from_event, is_name

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

    `day` (UTC) is the day on whose close a usage event is booked; other events have none. One with a bucket that nobody
    has reported is marked `pending` until its correction (`known`) says the rest.
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
        if any(event.row.get(bucket, 0) is None for bucket in contracts.BUCKETS):
            document["pending"] = moment
    batch.create(_path(event), document)


def known(batch: firestore.Batch, workspace: WorkspaceId, event_id: str) -> None:
    """Add to the commit of a correction that nothing of the usage event which it corrects is pending any more."""
    batch.update(contracts.path(workspace, "events", event_id), {("pending",): firestore.DELETE})


def page_of_pending(workspace: WorkspaceId, limit: int, after: tuple[datetime, str] | None) -> list[firestore.Snapshot]:
    """The usage events of which a bucket is pending, in the order in which they were recorded; each is a read."""
    home = contracts.path(workspace, "events")
    return firestore.find(firestore.Query(home, order=("pending",), limit=limit, after=after or ()))


def publish(event: Event) -> None:
    """Publish now and take the mark away: one publish, one write.

    A failure is logged and leaves the mark, so the relay will publish it: the caller's work is done either way.
    """
    publish_all([event])


def publish_all(found: Iterable[Event]) -> int:
    """Publish many at once and take the marks of those away that Pub/Sub took; returns how many. Never raises."""
    sending: list[tuple[Event, Any]] = []
    for event in found:
        try:
            sending.append((event, _send(event)))
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the mark stays and the relay sends it
            logs.error("event not published yet", error, event_id=event.id, topic=event.topic)
    sent: list[Event] = []
    for event, future in sending:
        try:
            future.result(timeout=PUBLISH_SECONDS)
            sent.append(event)
        except Exception as error:  # noqa: BLE001 - the same
            logs.error("event not published yet", error, event_id=event.id, topic=event.topic)
    for start in range(0, len(sent), firestore.MAX_WRITES):
        unmark_all(sent[start : start + firestore.MAX_WRITES])
    return len(sent)


def unmark_all(sent: Sequence[Event]) -> None:
    """Say that these have been published: one commit, or one each when one of them has expired."""
    batch = firestore.Batch()
    for event in sent:
        batch.update(_path(event), {("unsent",): firestore.DELETE})
    try:
        batch.commit()
    except firestore.Changed:
        if len(sent) > 1:
            for event in sent:
                unmark_all([event])
        else:
            logs.warning("event expired before it was published", event_id=sent[0].id)
    except Exception as error:  # noqa: BLE001 - they are out; the relay sends them once more, and consumers know them
        logs.error("published events stay marked", error, number=len(sent))


def _path(event: Event) -> str:
    return contracts.path(event.workspace, "events", event.id)


def _send(event: Event) -> Any:
    logs.count("pubsub_publishes")
    context = logs.current()
    attributes = {
        "event_type": str(event.row.get("type") or event.topic),
        "event_id": event.id,
        "workspace_id": str(event.workspace),
    }
    if context.get("traceparent"):
        attributes["traceparent"] = context["traceparent"]
    data = json.dumps(event.row, ensure_ascii=False, separators=(",", ":")).encode()
    return publisher().publish(f"projects/{settings().project}/topics/{event.topic}", data, **attributes)


@cache
def publisher() -> Any:
    """The process's publisher, which sends each message at once; imported and built on the first call."""
    from google.cloud import pubsub_v1

    key = settings().service_account_key
    batching = pubsub_v1.types.BatchSettings(max_messages=1)
    if key:
        return pubsub_v1.PublisherClient.from_service_account_info(key, batching)
    return pubsub_v1.PublisherClient(batching)


def request_all(topic: Topic, rows: Iterable[tuple[WorkspaceId, Mapping[str, Any]]]) -> int:
    """Publish commands that are no events, such as `close-requested`, all at once; returns how many.

    Raises what Pub/Sub raises when it does not take one: some are out then, and a repeat sends all of them again.
    """
    sending = [_send(Event(workspace, topic, "", dict(row))) for workspace, row in rows]
    for future in sending:
        future.result(timeout=PUBLISH_SECONDS)
    return len(sending)


def unsent_before(moment: datetime, limit: int = 500) -> list[Event]:
    """Events of every workspace that were recorded before `moment` and not published, oldest first."""
    found = firestore.find(
        firestore.Query("events", where=(("unsent", "<", moment),), order=("unsent",), limit=limit, group=True)
    )
    return [_stored(snapshot) for snapshot in found]


def count_unsent_before(moment: datetime) -> int:
    """How many events `unsent_before` would give without a limit, for the price of one read a thousand."""
    return firestore.count(firestore.Query("events", where=(("unsent", "<", moment),), group=True))


def of_day(workspace: WorkspaceId, day: str) -> list[Event]:
    """The usage events that the close of this UTC day books, in no promised order."""
    found = firestore.stream(firestore.Query(contracts.path(workspace, "events"), where=(("day", "==", day),)))
    return [_stored(snapshot) for snapshot in found]


def by_day(workspace: WorkspaceId, first: str, last: str) -> Iterator[tuple[str, list[Event]]]:
    """The UTC days from `first` to `last` that have usage events, in order, each with what `of_day` gives for it.

    One query, and one day in memory at a time.
    """
    span: tuple[tuple[str, firestore.Operator, str], ...] = (("day", ">=", first), ("day", "<=", last))
    query = firestore.Query(contracts.path(workspace, "events"), where=span, order=("day",))
    for day, found in itertools.groupby(firestore.stream(query), key=lambda one: str(one.data["day"])):
        yield day, [_stored(snapshot) for snapshot in found]


def after_day(workspace: WorkspaceId, day: str) -> list[Event]:
    """The usage events that are booked on a later UTC day than this, in no promised order."""
    found = firestore.stream(firestore.Query(contracts.path(workspace, "events"), where=(("day", ">", day),)))
    return [_stored(snapshot) for snapshot in found]


def count_of_days(workspace: WorkspaceId, first: str, last: str) -> int:
    """How many events `of_day` would give for all days from `first` to `last`, for the price of one read a thousand."""
    where: tuple[tuple[str, firestore.Operator, str], ...] = (("day", ">=", first), ("day", "<=", last))
    return firestore.count(firestore.Query(contracts.path(workspace, "events"), where=where))


def read(workspace: WorkspaceId, event_id: str) -> Event | None:
    """One stored event, or None when there is none."""
    snapshot = firestore.get(contracts.path(workspace, "events", event_id))
    return _stored(snapshot) if snapshot.exists else None


def of_usage(workspace: WorkspaceId, event_id: str) -> tuple[Event, str] | None:
    """One usage event with the UTC day on whose close it is booked; None when there is none."""
    snapshot = firestore.get(contracts.path(workspace, "events", event_id))
    known = snapshot.exists and snapshot.data["topic"] == "usage-recorded"
    return (_stored(snapshot), str(snapshot.data["day"])) if known else None


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
        event_id = attributes["event_id"]
        # A command such as close-requested has no id of its own.
        if event_id != row.get("event_id", event_id) or not (event_id == "" or is_name(event_id)):
            raise ValueError("no id of an event")
        for moment in ("occurred_at", "recorded_at"):
            if moment in row:
                clock.from_text(row[moment])
        return Event(from_event(name), topic, event_id, row)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise Malformed("This is not a Pub/Sub push envelope with an AgentHub event.", code="not_an_event") from error


def requested(envelope: Any, topic: Topic) -> tuple[WorkspaceId, datetime]:
    """The workspace and the time (`as_of`) that a command of `request_all` stands for. Raises Malformed."""
    event = decode(envelope, topic)
    try:
        return event.workspace, clock.from_text(event.row["as_of"])
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed("This request needs the time that it stands for, as_of.", code="not_an_event") from error


def once(event: Event, consumer: str, effect: Callable[[firestore.Batch], None], *, now: datetime) -> bool:
    """Apply `effect` in one commit with this consumer's mark; False when the event was applied before or is too old.

    `effect` only adds writes to the batch. An event whose mark may have expired already changes nothing and alarms.
    Another content under an id that was applied changes nothing, is kept beside the mark and alarms.
    """
    occurred = event.row.get("recorded_at") or event.row.get("occurred_at")
    if isinstance(occurred, str) and clock.from_text(occurred) < now - MARKS_KEPT:
        logs.alarm("an event older than the marks was not applied", event_id=event.id, consumer=consumer)
        return False
    mark = contracts.path(event.workspace, "processed", f"{consumer}_{event.id}")
    digest = content_digest(event)
    batch = firestore.Batch()
    batch.create(mark, {"digest": digest, "expire_at": now + MARKS_KEPT * 2})
    effect(batch)
    try:
        batch.commit()
    except firestore.AlreadyExists:
        applied = firestore.get(mark).data.get("digest", digest)
        if applied != digest:
            _keep_aside(event, consumer, mark, digest, now)
        return False
    return True


def content_digest(event: Event) -> str:
    """The digest of everything that the event says, whatever it says its digest is."""
    return digests.leaf({**event.row, "stated_digest": event.row.get("digest")})


def _keep_aside(event: Event, consumer: str, mark: str, digest: str, now: datetime) -> None:
    batch = firestore.Batch()
    batch.set(f"{mark}.{digest[:16]}", {"row": event.row, "seen_at": now, "expire_at": now + KEPT})
    batch.commit()
    logs.alarm(
        "an event came again with another content and was kept aside",
        event_id=event.id,
        consumer=consumer,
        workspace_id=str(event.workspace),
        digest=digest,
    )

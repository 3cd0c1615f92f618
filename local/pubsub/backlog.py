"""The life of a message: published, leased, acknowledged, or tried again until it is a dead letter.

A delivery is the pair of a subscription and a message. It is due, or leased until its deadline, or it waits for an
earlier message with the same ordering key. All methods may be called from any thread.
"""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

import grpc

from local.pubsub.database import WAITING, Database
from local.pubsub.errors import Refused
from local.pubsub.messages import PubsubMessage, seconds
from local.pubsub.registry import Registry, Subscription

_DEAD_LETTER: Final = "CloudPubSubDeadLetterSource"
_SWEEP: Final = 500


@dataclass(eq=False)
class Holder:
    """Whoever has messages on lease: counts them until they are acknowledged, given back or expired."""

    messages: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on lease; `attempt` counts from 1, over restarts too."""

    message_id: int
    attempt: int
    body: bytes

    @property
    def ack_id(self) -> str:
        """What the subscriber names this lease by."""
        return f"{self.message_id}-{self.attempt}"

    def message(self) -> Any:
        """The message as Pub/Sub hands it out."""
        message = PubsubMessage.FromString(self.body)
        message.message_id = str(self.message_id)
        return message


@dataclass(eq=False)
class _Publish:
    """A publish request that waits for the next commit."""

    topic: str
    messages: Any
    ids: list[str] = field(default_factory=list)
    error: Refused | None = None
    done: bool = False


class Backlog:
    """Everything that is not yet acknowledged."""

    def __init__(self, database: Database, registry: Registry, shortest_backoff: float | None = None) -> None:
        """With `shortest_backoff` (seconds) a retry policy's minimum is cut to that."""
        self._database = database
        self._registry = registry
        self._shortest_backoff = shortest_backoff
        self._publishing: deque[_Publish] = deque()
        self._holders: dict[tuple[int, int], tuple[Holder, int]] = {}

    # Publishing

    def publish(self, topic: str, messages: Any) -> list[str]:
        """The ids of the messages, which are on the disk when this returns.

        Requests that arrive while another is being written share one commit: whoever gets the lock writes for all.
        """
        mine = _Publish(topic, messages)
        self._publishing.append(mine)
        with self._database.lock:
            if not mine.done:
                self._publish_waiting()
        if mine.error is not None:
            raise mine.error
        return mine.ids

    def _publish_waiting(self) -> None:
        batch: list[_Publish] = []
        while self._publishing:
            batch.append(self._publishing.popleft())
        woken: set[Subscription] = set()
        try:
            with self._database.transaction(durable=True):
                for request in batch:
                    try:
                        self._registry.topic(request.topic)
                        request.ids = [str(self._add(request.topic, m, woken)) for m in request.messages]
                    except Refused as refused:
                        request.error = refused
        except BaseException as error:
            for request in batch:
                # UNAVAILABLE makes the clients try again.
                request.error = Refused(grpc.StatusCode.UNAVAILABLE, f"The messages could not be stored: {error}")
            raise
        finally:
            for request in batch:
                request.done = True
        self._wake(woken)

    def _add(self, topic: str, message: Any, woken: set[Subscription]) -> int:
        """Store one message and a delivery for each subscription whose filter lets it pass."""
        published = time.time()
        message.ClearField("message_id")
        message.publish_time.FromNanoseconds(int(published * 1e6) * 1000)
        insert = "INSERT INTO messages (published, body) VALUES (?, ?)"
        number = self._database.execute(insert, published, message.SerializeToString()).lastrowid
        assert number is not None
        targets = [s for s in self._registry.subscriptions_of(topic) if s.matches(message.attributes)]
        for subscription in targets:
            ordering_key = message.ordering_key if subscription.body.enable_message_ordering else ""
            waits = ordering_key and self._database.rows(
                "SELECT 1 FROM deliveries WHERE subscription = ? AND ordering_key = ? AND ordering_key <> '' LIMIT 1",
                subscription.key,
                ordering_key,
            )
            self._database.execute(
                "INSERT INTO deliveries (subscription, message, ordering_key, due) VALUES (?, ?, ?, ?)",
                subscription.key,
                number,
                ordering_key,
                WAITING if waits else time.monotonic(),
            )
            woken.add(subscription)
        if not targets:
            self._database.execute("DELETE FROM messages WHERE id = ?", number)
        return number

    # Handing out

    def lease(self, subscription: Subscription, limit: int, deadline: float, holder: Holder) -> list[Delivery]:
        """Up to `limit` messages that are due, now on lease for `deadline` seconds."""
        with self._database.lock:
            self.lapse(subscription)
            rows = self._database.rows(
                "SELECT d.message, d.attempts, m.body FROM deliveries d JOIN messages m ON m.id = d.message "
                "WHERE d.subscription = ? AND d.due <= ? AND d.leased = 0 ORDER BY d.due, d.message LIMIT ?",
                subscription.key,
                time.monotonic(),
                limit,
            )
            if not rows:
                return []
            until = time.monotonic() + deadline
            with self._database.transaction():
                for number, _, _ in rows:
                    self._database.execute(
                        "UPDATE deliveries SET due = ?, leased = 1, attempts = attempts + 1 "
                        "WHERE subscription = ? AND message = ?",
                        until,
                        subscription.key,
                        number,
                    )
            for number, _, body in rows:
                self._holders[subscription.key, number] = (holder, len(body))
                holder.messages += 1
                holder.bytes += len(body)
            return [Delivery(number, attempts + 1, body) for number, attempts, body in rows]

    def next_due(self, subscription: Subscription) -> float:
        """Seconds until something of this subscription is due or its lease ends; a long time if nothing is."""
        with self._database.lock:
            query = "SELECT min(due) FROM deliveries WHERE subscription = ?"
            due = self._database.rows(query, subscription.key)[0][0]
        return 3600.0 if due is None else min(3600.0, max(0.0, due - time.monotonic()))

    def lapse(self, subscription: Subscription) -> None:
        """Take back what was on lease longer than its deadline; that counts as a failed attempt."""
        with self._database.lock:
            query = "SELECT message, attempts FROM deliveries WHERE subscription = ? AND due <= ? AND leased = 1"
            expired = self._database.rows(query, subscription.key, time.monotonic())
            if expired:
                with self._database.transaction():
                    for number, attempts in expired:
                        self._fail(subscription, number, attempts)

    # Settling

    def acknowledge(self, subscription: Subscription, deliveries: list[int]) -> None:
        """These messages are done, also where their lease has ended meanwhile."""
        with self._database.transaction():
            for number in deliveries:
                self._remove(subscription, number)
        self._wake({subscription})

    def extend(self, subscription: Subscription, leases: list[tuple[int, int]], deadline: float) -> None:
        """Let these leases, given as message and attempt, end `deadline` seconds from now; 0 gives them back at once.

        A lease that has ended is left alone.
        """
        until = time.monotonic() + deadline
        with self._database.transaction():
            for number, attempt in leases:
                if deadline > 0:
                    self._database.execute(
                        "UPDATE deliveries SET due = ? "
                        "WHERE subscription = ? AND message = ? AND attempts = ? AND leased = 1",
                        until,
                        subscription.key,
                        number,
                        attempt,
                    )
                elif self._is_leased(subscription, number, attempt):
                    self._fail(subscription, number, attempt)
        self._wake({subscription})

    def _is_leased(self, subscription: Subscription, number: int, attempt: int) -> bool:
        query = "SELECT 1 FROM deliveries WHERE subscription = ? AND message = ? AND attempts = ? AND leased = 1"
        return bool(self._database.rows(query, subscription.key, number, attempt))

    def _fail(self, subscription: Subscription, number: int, attempts: int) -> None:
        """Put a message back after its back-off, or bury it when it has had all its attempts."""
        self._release(subscription, number)
        body = subscription.body
        if body.HasField("dead_letter_policy") and attempts >= body.dead_letter_policy.max_delivery_attempts:
            topic = body.dead_letter_policy.dead_letter_topic
            if self._registry.has_topic(topic):
                self._bury(subscription, number, attempts, topic)
                return
        self._database.execute(
            "UPDATE deliveries SET due = ?, leased = 0 WHERE subscription = ? AND message = ?",
            time.monotonic() + self._backoff(subscription, attempts),
            subscription.key,
            number,
        )

    def _backoff(self, subscription: Subscription, attempts: int) -> float:
        """Seconds to wait after so many attempts: doubled each time, between the policy's bounds."""
        body = subscription.body
        if body.HasField("retry_policy"):
            policy = body.retry_policy
            lowest, highest = seconds(policy.minimum_backoff, 10), seconds(policy.maximum_backoff, 600)
            if self._shortest_backoff is not None:
                lowest = min(lowest, self._shortest_backoff)
        elif subscription.pushes or subscription.exports:
            lowest, highest = 0.1, 60.0
        else:
            return 0.0
        return float(min(highest, lowest * 2 ** min(attempts - 1, 30)))

    def _bury(self, subscription: Subscription, number: int, attempts: int, topic: str) -> None:
        """Move a message to the dead-letter topic, with Pub/Sub's notes on where it came from."""
        message = PubsubMessage.FromString(self._database.rows("SELECT body FROM messages WHERE id = ?", number)[0][0])
        _, project, _, name = subscription.name.split("/")
        message.attributes[f"{_DEAD_LETTER}Subscription"] = name
        message.attributes[f"{_DEAD_LETTER}SubscriptionProject"] = project
        message.attributes[f"{_DEAD_LETTER}DeliveryCount"] = str(attempts)
        message.attributes[f"{_DEAD_LETTER}TopicPublishTime"] = message.publish_time.ToJsonString()
        woken: set[Subscription] = set()
        self._add(topic, message, woken)
        self._remove(subscription, number)
        self._wake(woken)

    def _remove(self, subscription: Subscription, number: int) -> None:
        """End a delivery, let the next of its ordering key go, and drop the message after its last delivery."""
        self._release(subscription, number)
        removed = self._database.rows(
            "DELETE FROM deliveries WHERE subscription = ? AND message = ? RETURNING ordering_key",
            subscription.key,
            number,
        )
        if not removed:
            return
        if removed[0][0]:
            first = self._database.rows(
                "SELECT min(message) FROM deliveries "
                "WHERE subscription = ? AND ordering_key = ? AND ordering_key <> ''",
                subscription.key,
                removed[0][0],
            )[0][0]
            self._database.execute(
                "UPDATE deliveries SET due = ? WHERE subscription = ? AND message = ? AND due >= ?",
                time.monotonic(),
                subscription.key,
                first,
                WAITING,
            )
        self._database.execute(
            "DELETE FROM messages WHERE id = ? AND NOT EXISTS (SELECT 1 FROM deliveries WHERE message = ?)",
            number,
            number,
        )

    def _release(self, subscription: Subscription, number: int) -> None:
        held = self._holders.pop((subscription.key, number), None)
        if held is not None:
            holder, size = held
            holder.messages -= 1
            holder.bytes -= size

    def _wake(self, subscriptions: set[Subscription]) -> None:
        with self._database.lock:
            for subscription in subscriptions:
                subscription.changed.notify_all()

    # Keeping house

    def sweep(self) -> None:
        """Drop what is older than its subscription keeps messages, and messages that nobody waits for.

        A bounded number at a time, so that nobody waits long for the lock.
        """
        with self._database.lock:
            for subscription in self._registry.subscriptions():
                self._expire(subscription)
        with self._database.transaction():
            self._database.execute(
                "DELETE FROM messages WHERE id IN (SELECT m.id FROM messages m WHERE NOT EXISTS "
                "(SELECT 1 FROM deliveries d WHERE d.message = m.id) LIMIT ?)",
                _SWEEP,
            )

    def _expire(self, subscription: Subscription) -> None:
        kept = seconds(subscription.body.message_retention_duration, 7 * 86_400)
        oldest = self._database.rows(
            "SELECT d.message, m.published FROM deliveries d JOIN messages m ON m.id = d.message "
            "WHERE d.subscription = ? ORDER BY d.message LIMIT ?",
            subscription.key,
            _SWEEP,
        )
        expired = [number for number, published in oldest if published < time.time() - kept]
        if expired:
            with self._database.transaction():
                for number in expired:
                    self._remove(subscription, number)
            self._wake({subscription})

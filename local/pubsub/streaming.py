"""Streaming pull: one thread reads the subscriber's acknowledgements, another sends it what is due."""

import threading
from collections.abc import Iterator
from typing import Any

import grpc

from local.pubsub.backlog import Backlog, Delivery, Holder
from local.pubsub.database import Database
from local.pubsub.errors import invalid, not_found
from local.pubsub.messages import ReceivedMessage, raw
from local.pubsub.registry import Registry, Subscription

_Response = raw("StreamingPullResponse")
_MOST_AT_ONCE = 100
_MANY = 1_000_000
# How often a stream looks whether its client is still there.
_LOOK = 5.0


def received(subscription: Subscription, delivery: Delivery) -> Any:
    """A message as a subscriber gets it."""
    result = ReceivedMessage(ack_id=delivery.ack_id, message=delivery.message())
    if subscription.body.HasField("dead_letter_policy"):
        result.delivery_attempt = delivery.attempt
    return result


def parse_ack_ids(ack_ids: Any) -> list[tuple[int, int]]:
    """Ack ids as message and attempt. Raises INVALID_ARGUMENT for what never was an ack id."""
    result = []
    for ack_id in ack_ids:
        message, separator, attempt = ack_id.partition("-")
        if not (separator and message.isdecimal() and attempt.isdecimal()):
            raise invalid(f"Some acknowledgement ids in the request were invalid: {ack_id[:40]!r}.")
        result.append((int(message), int(attempt)))
    return result


class Stream:
    """One open streaming pull."""

    def __init__(
        self, database: Database, registry: Registry, backlog: Backlog, requests: Iterator[Any], context: Any
    ) -> None:
        first = next(requests)
        with database.lock:
            self._subscription = registry.require_pull(first.subscription)
        deadline = first.stream_ack_deadline_seconds
        if not 10 <= deadline <= 600:
            raise invalid(f"Invalid stream_ack_deadline_seconds given: {deadline}; it must be 10 to 600.")
        self._backlog = backlog
        self._requests = requests
        self._context = context
        self._deadline = deadline
        self._most_messages = first.max_outstanding_messages if first.max_outstanding_messages > 0 else _MANY
        self._most_bytes = first.max_outstanding_bytes if first.max_outstanding_bytes > 0 else 1 << 60
        self._holder = Holder()
        self._open = True
        self._settle(first)
        # Told when the client is gone, so that nothing more is leased to it.
        if not context.add_callback(self._end):
            self._open = False

    def _end(self) -> None:
        with self._subscription.changed:
            self._open = False
            self._subscription.changed.notify_all()

    def responses(self) -> Iterator[Any]:
        """What to send, until the client leaves or the subscription is deleted (NOT_FOUND)."""
        threading.Thread(target=self._read, name="streaming pull", daemon=True).start()
        response = _Response()
        response.subscription_properties.message_ordering_enabled = self._subscription.body.enable_message_ordering
        yield response
        while self._open:
            deliveries = self._next()
            if deliveries:
                yield _Response(received_messages=[received(self._subscription, d) for d in deliveries])

    def _next(self) -> list[Delivery]:
        """What is due and fits the client's limits; waits a while where there is nothing."""
        subscription, holder = self._subscription, self._holder
        with subscription.changed:
            if not subscription.alive:
                raise not_found(subscription.name)
            self._backlog.lapse(subscription)
            room = min(_MOST_AT_ONCE, self._most_messages - holder.messages)
            if self._open and room > 0 and holder.bytes < self._most_bytes:
                deliveries = self._backlog.lease(subscription, room, self._deadline, holder)
                if deliveries:
                    return deliveries
                subscription.changed.wait(min(_LOOK, self._backlog.next_due(subscription)))
            elif self._open:
                subscription.changed.wait(_LOOK)
        return []

    def _read(self) -> None:
        try:
            for request in self._requests:
                self._settle(request)
        except Exception as error:  # noqa: BLE001 - whatever ends the client's half ends the stream
            if self._context.is_active() and not isinstance(error, grpc.RpcError):
                self._context.cancel()
        self._end()

    def _settle(self, request: Any) -> None:
        if request.stream_ack_deadline_seconds:
            self._deadline = request.stream_ack_deadline_seconds
        if request.ack_ids:
            self._backlog.acknowledge(self._subscription, [message for message, _ in parse_ack_ids(request.ack_ids)])
        leases = parse_ack_ids(request.modify_deadline_ack_ids)
        for lease, deadline in zip(leases, request.modify_deadline_seconds, strict=False):
            self._backlog.extend(self._subscription, [lease], deadline)

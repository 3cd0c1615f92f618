"""Carries messages to where a subscription sends them by itself: a push endpoint or a BigQuery table.

One thread for each such subscription waits for messages that are due and hands them to a carrier. A message is
acknowledged after it has arrived; whatever else happens to it is a failed attempt, which the backlog repeats.
"""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from local.pubsub.backlog import Backlog, Delivery, Holder
from local.pubsub.database import Database
from local.pubsub.registry import Registry, Subscription

_LOG = logging.getLogger("pubsub")
_OUTSTANDING = 16
_ROWS = 500
_LONG = 60.0
# The carrier itself gives up after the ack deadline; its lease ends a little later, so that it settles its own lease.
_GRACE = 5.0


class Carrier(Protocol):
    """Delivers to one kind of destination."""

    def carry(self, subscription: Subscription, deliveries: list[Delivery]) -> list[str]:
        """For each delivery an empty text when it arrived, else why not. May raise anything: then all have failed."""
        ...


class Couriers:
    """Starts a courier for each subscription that needs one, now and whenever one is made or changed."""

    def __init__(
        self, database: Database, registry: Registry, backlog: Backlog, push: Carrier, warehouse: Carrier | None
    ) -> None:
        """Without a warehouse the messages of BigQuery subscriptions wait, as long as they are kept."""
        self._database = database
        self._registry = registry
        self._backlog = backlog
        self._push = push
        self._warehouse = warehouse
        self._running: set[int] = set()

    def start(self) -> None:
        """Begin to deliver; from here on every change of a subscription is followed."""
        with self._database.lock:
            self._registry.on_change = self._ensure
            for subscription in self._registry.subscriptions():
                self._ensure(subscription)

    def _ensure(self, subscription: Subscription) -> None:
        if self._carrier(subscription) is not None and subscription.key not in self._running:
            self._running.add(subscription.key)
            name = f"courier {subscription.name.rsplit('/', 1)[-1]}"
            threading.Thread(target=self._run, args=(subscription,), name=name, daemon=True).start()

    def _carrier(self, subscription: Subscription) -> Carrier | None:
        """Who delivers for this subscription; nobody for one that is pulled."""
        if subscription.exports:
            return self._warehouse
        return self._push if subscription.pushes else None

    def _run(self, subscription: Subscription) -> None:
        holder = Holder()
        with ThreadPoolExecutor(_OUTSTANDING, thread_name_prefix="delivery") as pool:
            while self._wanted(subscription):
                try:
                    self._step(subscription, holder, pool)
                except Exception:  # noqa: BLE001 - a full disk, say; no other thread delivers here, so it goes on
                    _LOG.exception("%s: could not hand out messages", subscription.name)
                    with subscription.changed:
                        subscription.changed.wait(1)

    def _wanted(self, subscription: Subscription) -> bool:
        with self._database.lock:
            if subscription.alive and self._carrier(subscription) is not None:
                return True
            self._running.discard(subscription.key)
            return False

    def _step(self, subscription: Subscription, holder: Holder, pool: ThreadPoolExecutor) -> None:
        """Start to carry what is due; where nothing may be carried, wait until that changes."""
        with subscription.changed:
            exports, carrier = subscription.exports, self._carrier(subscription)
            if carrier is None:
                return
            deliveries = self._take(subscription, holder)
            if not deliveries:
                idle = self._backlog.next_due(subscription)
                full = holder.messages > 0 and (exports or holder.messages >= _OUTSTANDING)
                subscription.changed.wait(_LONG if full and idle == 0 else idle)
                return
        for batch in [deliveries] if exports else [[delivery] for delivery in deliveries]:
            pool.submit(self._carry, carrier, subscription, batch)

    def _take(self, subscription: Subscription, holder: Holder) -> list[Delivery]:
        """What may be carried now: pushes up to the window, rows one batch at a time."""
        room = _OUTSTANDING - holder.messages
        if subscription.exports:
            room = 0 if holder.messages else _ROWS
        if room <= 0:
            self._backlog.lapse(subscription)
            return []
        return self._backlog.lease(subscription, room, subscription.body.ack_deadline_seconds + _GRACE, holder)

    def _carry(self, carrier: Carrier, subscription: Subscription, deliveries: list[Delivery]) -> None:
        try:
            problems = carrier.carry(subscription, deliveries)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, the messages must be tried again
            problems = [f"{type(error).__name__}: {error}"] * len(deliveries)
        failed = [(d, problem) for d, problem in zip(deliveries, problems, strict=True) if problem]
        arrived = [d.message_id for d, problem in zip(deliveries, problems, strict=True) if not problem]
        if arrived:
            self._backlog.acknowledge(subscription, arrived)
        if failed:
            self._backlog.extend(subscription, [(d.message_id, d.attempt) for d, _ in failed], 0)
            delivery, problem = failed[0]
            more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
            _LOG.warning(
                "%s: message %d%s, attempt %d: %s",
                subscription.name.rsplit("/", 1)[-1], delivery.message_id, more, delivery.attempt, problem,
            )  # fmt: skip

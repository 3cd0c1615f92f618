"""Topics and subscriptions: their life, and the copy in memory that every message is matched against."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from local.pubsub.database import Database
from local.pubsub.errors import Refused, exists, invalid, not_found
from local.pubsub.filters import Matches, compile_filter
from local.pubsub.messages import Subscription as SubscriptionBody
from local.pubsub.messages import Topic as TopicBody
from local.pubsub.validation import check_name, check_push_config, check_subscription, check_topic

DELETED_TOPIC = "_deleted-topic_"
_IMMUTABLE = ("name", "topic", "filter", "enable_message_ordering")


class Subscription:
    """One subscription in memory; the lock of the database guards it."""

    def __init__(self, key: int, body: Any, lock: threading.RLock) -> None:
        self.key = key
        self.body = body
        self.alive = True
        self.matches: Matches = compile_filter(body.filter)
        # Told whenever a message is due, a lease ended, or the subscription changed.
        self.changed = threading.Condition(lock)

    @property
    def name(self) -> str:
        """The full resource name."""
        return str(self.body.name)

    @property
    def pushes(self) -> bool:
        """Whether messages go to an endpoint."""
        return bool(self.body.push_config.push_endpoint)

    @property
    def exports(self) -> bool:
        """Whether messages go to a BigQuery table."""
        return bool(self.body.HasField("bigquery_config") and self.body.bigquery_config.table)


class Registry:
    """Creates, finds, changes and deletes topics and subscriptions; each change is durable when the call returns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._topics: dict[str, Any] = {
            name: TopicBody.FromString(body) for name, body in database.rows("SELECT name, body FROM topics")
        }
        self._subscriptions: dict[str, Subscription] = {}
        for key, name, body in database.rows("SELECT key, name, body FROM subscriptions"):
            self._subscriptions[name] = Subscription(key, SubscriptionBody.FromString(body), database.lock)
        # Called, under the lock, with each subscription that is new or changed.
        self.on_change: Callable[[Subscription], None] = lambda _: None

    def topic(self, name: str) -> Any:
        """The topic, or NOT_FOUND."""
        found = self._topics.get(name)
        if found is None:
            raise not_found(name)
        return found

    def has_topic(self, name: str) -> bool:
        """Whether there is such a topic."""
        return name in self._topics

    def topics(self, project: str) -> list[Any]:
        """All topics of `projects/P`, by name."""
        return [body for name, body in sorted(self._topics.items()) if name.startswith(f"{project}/topics/")]

    def create_topic(self, body: Any) -> Any:
        """Add a topic; ALREADY_EXISTS where its name is taken."""
        check_topic(body)
        with self._database.lock:
            if body.name in self._topics:
                raise exists(body.name)
            body.state = TopicBody.ACTIVE
            self._store_topic(body)
        return body

    def update_topic(self, change: Any, mask: Any) -> Any:
        """Set the fields of the mask; the name stays."""
        with self._database.lock:
            body = _merged(self.topic(change.name), change, mask, ("name",))
            check_topic(body)
            self._store_topic(body)
        return body

    def delete_topic(self, name: str) -> None:
        """Remove a topic; its subscriptions stay, with what they have not delivered."""
        with self._database.lock:
            self.topic(name)
            orphans = [(s, _copy(s.body)) for s in self.subscriptions_of(name)]
            with self._database.transaction(durable=True):
                self._database.execute("DELETE FROM topics WHERE name = ?", name)
                for subscription, body in orphans:
                    body.topic = DELETED_TOPIC
                    self._write_subscription(subscription, body)
            for subscription, body in orphans:
                self._show(subscription, body)
            del self._topics[name]

    def subscription(self, name: str) -> Subscription:
        """The subscription, or NOT_FOUND."""
        found = self._subscriptions.get(name)
        if found is None:
            raise not_found(name)
        return found

    def subscriptions(self, project: str = "") -> list[Subscription]:
        """All subscriptions of `projects/P`, or of every project, by name."""
        start = f"{project}/subscriptions/" if project else ""
        return [found for name, found in sorted(self._subscriptions.items()) if name.startswith(start)]

    def subscriptions_of(self, topic: str) -> Iterator[Subscription]:
        """The subscriptions that a message of this topic is offered to."""
        return (found for found in self._subscriptions.values() if found.body.topic == topic)

    def create_subscription(self, body: Any) -> Any:
        """Add a subscription of an existing topic; ALREADY_EXISTS where its name is taken."""
        check_subscription(body)
        with self._database.lock:
            if body.name in self._subscriptions:
                raise exists(body.name)
            self.topic(body.topic)
            body.state = SubscriptionBody.ACTIVE
            with self._database.transaction(durable=True):
                insert = "INSERT INTO subscriptions (name, body) VALUES (?, ?)"
                key = self._database.execute(insert, body.name, body.SerializeToString()).lastrowid
            assert key is not None
            subscription = Subscription(key, body, self._database.lock)
            self._subscriptions[body.name] = subscription
            self.on_change(subscription)
        return body

    def update_subscription(self, change: Any, mask: Any) -> Any:
        """Set the fields of the mask; topic, filter and ordering are fixed at creation."""
        with self._database.lock:
            subscription = self.subscription(change.name)
            body = _merged(subscription.body, change, mask, _IMMUTABLE)
            check_subscription(body)
            self._store_subscription(subscription, body)
        return body

    def modify_push_config(self, name: str, push: Any) -> None:
        """Set where a subscription pushes; an empty configuration makes it a pull subscription."""
        check_push_config(push)
        with self._database.lock:
            subscription = self.subscription(name)
            body = _copy(subscription.body)
            body.push_config.CopyFrom(push)
            self._store_subscription(subscription, body)

    def delete_subscription(self, name: str) -> None:
        """Remove a subscription and all that it has not delivered."""
        check_name(name, "subscriptions")
        with self._database.lock:
            subscription = self.subscription(name)
            with self._database.transaction(durable=True):
                self._database.execute("DELETE FROM deliveries WHERE subscription = ?", subscription.key)
                self._database.execute("DELETE FROM subscriptions WHERE key = ?", subscription.key)
            del self._subscriptions[name]
            subscription.alive = False
            subscription.changed.notify_all()

    def require_pull(self, name: str) -> Subscription:
        """The subscription, refused where its messages go somewhere else by themselves."""
        subscription = self.subscription(name)
        if subscription.pushes or subscription.exports:
            raise Refused(
                grpc.StatusCode.FAILED_PRECONDITION, "This method is not supported for this subscription type."
            )
        return subscription

    def _store_topic(self, body: Any) -> None:
        with self._database.transaction(durable=True):
            self._database.execute(
                "INSERT OR REPLACE INTO topics (name, body) VALUES (?, ?)", body.name, body.SerializeToString()
            )
        self._topics[body.name] = body

    def _store_subscription(self, subscription: Subscription, body: Any) -> None:
        with self._database.transaction(durable=True):
            self._write_subscription(subscription, body)
        self._show(subscription, body)

    def _write_subscription(self, subscription: Subscription, body: Any) -> None:
        update = "UPDATE subscriptions SET body = ? WHERE key = ?"
        self._database.execute(update, body.SerializeToString(), subscription.key)

    def _show(self, subscription: Subscription, body: Any) -> None:
        """Let everybody see the new definition, once it is on the disk."""
        subscription.body = body
        subscription.changed.notify_all()
        self.on_change(subscription)


def _copy(body: Any) -> Any:
    result = type(body)()
    result.CopyFrom(body)
    return result


def _merged(old: Any, change: Any, mask: Any, fixed: tuple[str, ...]) -> Any:
    """A copy of `old` with the fields that the mask names taken from `change`."""
    if not mask.paths:
        raise invalid("The update_mask is empty.")
    for path in mask.paths:
        if path.split(".", 1)[0] in fixed:
            raise invalid(f"Invalid update_mask provided in the request: {path!r} cannot be changed.")
    body = _copy(old)
    if not mask.IsValidForDescriptor(type(old).DESCRIPTOR):
        raise invalid(f"Invalid update_mask provided in the request: {list(mask.paths)} names unknown fields.")
    mask.MergeMessage(change, body, True, True)
    return body

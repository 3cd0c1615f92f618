"""Brings a project's topics and subscriptions to what the catalogue says, as `terraform apply` does in the cloud."""

import logging
from typing import Any

from google.protobuf import field_mask_pb2

from local.pubsub.errors import Refused
from local.pubsub.messages import Subscription as SubscriptionBody
from local.pubsub.messages import Topic as TopicBody
from local.pubsub.registry import Registry

_LOG = logging.getLogger("pubsub")
_LABEL = "catalogue"
_CHANGEABLE = (
    "push_config",
    "bigquery_config",
    "ack_deadline_seconds",
    "message_retention_duration",
    "retry_policy",
    "dead_letter_policy",
    "expiration_policy",
    "labels",
)


class CatalogueError(Exception):
    """The catalogue and the options do not fit together; the text says where."""


class Plan:
    """What the catalogue wants in one project."""

    def __init__(self, catalogue: dict[str, Any], project: str, addresses: dict[str, str], dataset: str) -> None:
        """`addresses` says where deployments answer. Where it is empty, push subscriptions are left to be pulled."""
        self._project = project
        self._addresses = addresses
        self._dataset = dataset
        self._topics: list[str] = list(catalogue.get("topics", []))
        defaults = catalogue.get("subscription_defaults", {})
        self._subscriptions = {
            name: defaults | definition for name, definition in catalogue.get("subscriptions", {}).items()
        }

    def apply(self, registry: Registry) -> None:
        """Create what is missing, change what differs, delete what an earlier catalogue made. Raises CatalogueError."""
        wanted = [self.subscription(name) for name in self._subscriptions]
        try:
            for topic in self._topics:
                name = self._topic_name(topic)
                if not registry.has_topic(name):
                    registry.create_topic(TopicBody(name=name, labels={_LABEL: "true"}))
            for body in wanted:
                self._ensure(registry, body)
            self._prune(registry, {body.name for body in wanted})
        except Refused as refused:
            raise CatalogueError(refused.message) from refused

    def _prune(self, registry: Registry, wanted: set[str]) -> None:
        project = f"projects/{self._project}"
        for subscription in registry.subscriptions(project):
            if _LABEL in subscription.body.labels and subscription.name not in wanted:
                _LOG.warning("%s is not in the catalogue any more: deleted", subscription.name)
                registry.delete_subscription(subscription.name)
        topics = {self._topic_name(topic) for topic in self._topics}
        for topic in registry.topics(project):
            if _LABEL in topic.labels and topic.name not in topics:
                _LOG.warning("%s is not in the catalogue any more: deleted", topic.name)
                registry.delete_topic(topic.name)

    def _ensure(self, registry: Registry, body: Any) -> None:
        old = {s.name: s.body for s in registry.subscriptions(f"projects/{self._project}")}.get(body.name)
        if old is None:
            registry.create_subscription(body)
        elif (old.topic, old.filter) != (body.topic, body.filter):
            _LOG.warning("%s has another topic or filter: made anew", body.name)
            registry.delete_subscription(body.name)
            registry.create_subscription(body)
        else:
            registry.update_subscription(body, field_mask_pb2.FieldMask(paths=_CHANGEABLE))

    def _topic_name(self, topic: str) -> str:
        return f"projects/{self._project}/topics/{topic}"

    def subscription(self, name: str) -> Any:
        """One subscription as the catalogue wants it. Raises CatalogueError, KeyError for one that it does not name."""
        definition = self._subscriptions[name]
        body = SubscriptionBody(
            name=f"projects/{self._project}/subscriptions/{name}",
            topic=self._topic_name(definition["topic"]),
            filter=definition.get("filter", ""),
            ack_deadline_seconds=definition["ack_deadline"],
            labels={_LABEL: "true"},
        )
        body.message_retention_duration.seconds = definition["retention_days"] * 86_400
        body.expiration_policy.SetInParent()  # empty: it never expires
        if "push" in definition or "bigquery" in definition:  # What is pulled by hand is there again at once.
            body.retry_policy.minimum_backoff.seconds = definition["min_backoff"]
            body.retry_policy.maximum_backoff.seconds = definition["max_backoff"]
        if definition.get("dead_letter_topic"):
            body.dead_letter_policy.dead_letter_topic = self._topic_name(definition["dead_letter_topic"])
            body.dead_letter_policy.max_delivery_attempts = definition["max_delivery_attempts"]
        if "push" in definition:
            self._push(body, name, definition["push"])
        if "bigquery" in definition:
            table = definition["bigquery"]["table"]
            body.bigquery_config.table = f"{self._project}.{self._dataset}.{table}"
            body.bigquery_config.use_table_schema = True
        return body

    def _push(self, body: Any, name: str, push: dict[str, Any]) -> None:
        if not self._addresses:
            return
        address = self._addresses.get(push["deployment"])
        if address is None:
            raise CatalogueError(f"Subscription {name} pushes to {push['deployment']}, which has no --address.")
        body.push_config.push_endpoint = f"{address}{push['path']}"
        body.push_config.oidc_token.service_account_email = f"agenthub-push@{self._project}.iam.gserviceaccount.com"
        body.push_config.oidc_token.audience = address

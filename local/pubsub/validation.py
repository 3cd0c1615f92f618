"""What Pub/Sub refuses: names, sizes, ranges, and the fields that this engine does not offer.

Strict on purpose: what production would refuse must fail here first.
"""

import re
from typing import Any

from local.pubsub.errors import invalid, unsupported
from local.pubsub.filters import compile_filter
from local.pubsub.messages import seconds

_DAY = 86_400
_NAME = re.compile(r"projects/[^/]+/(topics|subscriptions)/([A-Za-z][A-Za-z0-9._~+%-]{2,254})")
_TABLE = re.compile(r"[^.:\s]+[.:][^.\s]+\.[^.\s]+")
_LARGEST_REQUEST = 10_000_000
_MOST_MESSAGES = 1000
_MOST_ATTRIBUTES = 100
_LONGEST_KEY = 256
_LONGEST_VALUE = 1024
_LONGEST_ORDERING_KEY = 1024

_TOPIC_ABSENT = {
    "schema_settings": "A schema",
    "ingestion_data_source_settings": "Ingestion",
    "message_transforms": "A message transform",
}
_SUBSCRIPTION_ABSENT = {
    "cloud_storage_config": "A Cloud Storage subscription",
    "bigtable_config": "A Bigtable subscription",
    "enable_exactly_once_delivery": "Exactly-once delivery",
    "message_transforms": "A message transform",
    "detached": "Detaching",
}


def check_name(name: str, kind: str) -> None:
    """Refuse a name that is not `projects/P/<kind>/NAME`; kind is `topics` or `subscriptions`."""
    found = _NAME.fullmatch(name)
    if not found or found.group(1) != kind or found.group(2).startswith("goog"):
        raise invalid(f"Invalid resource name given (name={name}).")


def check_topic(topic: Any) -> None:
    """Refuse a topic that Pub/Sub or this engine could not keep."""
    check_name(topic.name, "topics")
    _refuse_absent(topic, _TOPIC_ABSENT)


def check_subscription(subscription: Any) -> None:
    """Fill in Pub/Sub's defaults and refuse a definition that it or this engine could not keep."""
    check_name(subscription.name, "subscriptions")
    _refuse_absent(subscription, _SUBSCRIPTION_ABSENT)
    compile_filter(subscription.filter)
    subscription.ack_deadline_seconds = subscription.ack_deadline_seconds or 10
    if not 10 <= subscription.ack_deadline_seconds <= 600:
        raise invalid(f"Invalid ack deadline given: {subscription.ack_deadline_seconds}; it must be 10 to 600 seconds.")
    if not subscription.HasField("message_retention_duration"):
        subscription.message_retention_duration.seconds = 7 * _DAY
    if not 600 <= subscription.message_retention_duration.seconds <= 31 * _DAY:
        raise invalid("The message retention must be 10 minutes to 31 days.")
    if subscription.HasField("dead_letter_policy"):
        _check_dead_letter_policy(subscription.dead_letter_policy)
    if subscription.HasField("retry_policy"):
        _check_retry_policy(subscription.retry_policy)
    if subscription.HasField("push_config"):
        check_push_config(subscription.push_config)
    if subscription.HasField("bigquery_config"):
        _check_bigquery_config(subscription)


def check_push_config(push: Any) -> None:
    """Refuse a push configuration that could never deliver."""
    if push.push_endpoint and not push.push_endpoint.startswith(("http://", "https://")):
        raise invalid(f"Invalid push endpoint given (endpoint={push.push_endpoint}).")
    if push.HasField("oidc_token") and not push.oidc_token.service_account_email:
        raise invalid("oidc_token.service_account_email is missing.")
    if push.HasField("no_wrapper"):
        raise unsupported("Unwrapped push")


def check_publish(request: Any) -> None:
    """Refuse a publish request beyond Pub/Sub's limits."""
    if request.ByteSize() > _LARGEST_REQUEST:
        raise invalid(
            f"The value for request_size is too large. You passed {request.ByteSize()} in the request, "
            f"but the maximum value is {_LARGEST_REQUEST}."
        )
    if not 0 < len(request.messages) <= _MOST_MESSAGES:
        raise invalid(f"A publish request holds 1 to {_MOST_MESSAGES} messages, not {len(request.messages)}.")
    for message in request.messages:
        _check_message(message)


def _check_message(message: Any) -> None:
    if not message.data and not message.attributes and not message.ordering_key:
        raise invalid("Some messages have neither data, attributes nor an ordering key.")
    if len(message.attributes) > _MOST_ATTRIBUTES:
        raise invalid(f"A message has more than {_MOST_ATTRIBUTES} attributes.")
    for key, value in message.attributes.items():
        if not 0 < len(key.encode()) <= _LONGEST_KEY or len(value.encode()) > _LONGEST_VALUE:
            raise invalid(f"Attribute {key[:40]!r} is empty or too long.")
        if key.startswith("goog") and not key.startswith("googclient_"):
            raise invalid(f"Attribute {key[:40]!r} begins with the reserved prefix goog.")
    if len(message.ordering_key.encode()) > _LONGEST_ORDERING_KEY:
        raise invalid("An ordering key is longer than 1,024 bytes.")


def _refuse_absent(resource: Any, absent: dict[str, str]) -> None:
    for field, _ in resource.ListFields():
        if field.name in absent:
            raise unsupported(absent[field.name])


def _check_dead_letter_policy(policy: Any) -> None:
    check_name(policy.dead_letter_topic, "topics")
    policy.max_delivery_attempts = policy.max_delivery_attempts or 5
    if not 5 <= policy.max_delivery_attempts <= 100:
        raise invalid("max_delivery_attempts must be 5 to 100.")


def _check_retry_policy(policy: Any) -> None:
    lowest = seconds(policy.minimum_backoff, 10) if policy.HasField("minimum_backoff") else 10
    highest = seconds(policy.maximum_backoff, 600) if policy.HasField("maximum_backoff") else 600
    if not 0 < lowest <= highest <= 600:
        raise invalid("Back-off must be between 0 and 600 seconds, the minimum not above the maximum.")


def _check_bigquery_config(subscription: Any) -> None:
    config = subscription.bigquery_config
    if subscription.HasField("push_config") and subscription.push_config.push_endpoint:
        raise invalid("A subscription either pushes or writes to BigQuery.")
    if not _TABLE.fullmatch(config.table):
        raise invalid(f"Invalid BigQuery table given (table={config.table}); it is project.dataset.table.")
    if config.use_topic_schema:
        raise unsupported("A topic schema")

"""The protobuf classes under Google's client types, by the names that this engine uses.

The client's proto-plus wrappers are slow and convert on access; the raw classes below them are what goes over the wire.
"""

from typing import Any

from google.pubsub_v1 import types


def raw(name: str) -> Any:
    """The protobuf class of a type of the Pub/Sub API."""
    wrapper = getattr(types, name)
    return type(wrapper.pb(wrapper()))


Topic = raw("Topic")
Subscription = raw("Subscription")
PubsubMessage = raw("PubsubMessage")
ReceivedMessage = raw("ReceivedMessage")


def seconds(duration: Any, default: float) -> float:
    """A protobuf duration in seconds, or the default where it is empty."""
    return duration.seconds + duration.nanos / 1e9 or default

"""What wakes the rollups: usage and conversation events from Pub/Sub."""

from functions.analytics import consumer
from functions.shared import events, firestore
from functions.shared.http import Call, Json, Routes

api = Routes("analytics-usage")


@api.push("usage-recorded")
def take_usage(call: Call, body: Json) -> None:
    """Count a usage event once."""
    consumer.count(call, events.decode(body.value, "usage-recorded"))


@api.push("conversation-recorded")
def take_conversation(call: Call, body: Json) -> None:
    """Count a conversation event once."""
    consumer.count(call, events.decode(body.value, "conversation-recorded"))


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/analytics-usage")

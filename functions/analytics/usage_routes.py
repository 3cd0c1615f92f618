"""What wakes the rollups: usage and conversation events from Pub/Sub."""

import json

from functions.analytics import consumer
from functions.shared import events, firestore
from functions.shared.errors import Malformed
from functions.shared.http import Call, Raw, Routes

api = Routes("analytics-usage")


@api.push("usage-recorded")
def take_usage(call: Call, body: Raw) -> None:
    """Count a usage event once."""
    consumer.count(call, events.decode(_json(body), "usage-recorded"))


@api.push("conversation-recorded")
def take_conversation(call: Call, body: Raw) -> None:
    """Count a conversation event once."""
    consumer.count(call, events.decode(_json(body), "conversation-recorded"))


def _json(body: Raw) -> object:
    try:
        return json.loads(body.content)
    except ValueError as error:
        raise Malformed("This is not a Pub/Sub push envelope.", code="not_an_event") from error


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/analytics-usage")

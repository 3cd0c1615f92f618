"""What wakes the relay: its schedule, and the messages that nobody could take."""

import json

from functions.dashboard import relay
from functions.shared import firestore
from functions.shared.errors import Malformed
from functions.shared.http import Call, Raw, Routes

api = Routes("dashboard-relay")


@api.schedule("dashboard-relay")
def run_relay(call: Call) -> None:
    """Publish what a crash left unsent."""
    relay.relay(call.now)


@api.push("dead-letters")
def take_dead_letter(call: Call, body: Raw) -> None:
    """Count it; its content is not ours to read, it may be anything."""
    try:
        message = json.loads(body.content)["message"]
        attributes = message.get("attributes") or {}
        topic, message_id = attributes.get("CloudPubSubDeadLetterSourceSubscription", ""), message["messageId"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed("This is not a Pub/Sub push envelope.", code="not_an_event") from error
    relay.dead_letter(call.now, str(topic), str(message_id))


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/dashboard-relay")

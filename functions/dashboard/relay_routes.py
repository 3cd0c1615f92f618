"""What wakes the relay: its schedule, and the messages that nobody could take."""

from functions.dashboard import relay
from functions.shared import firestore
from functions.shared.errors import Malformed
from functions.shared.http import Call, Json, Routes

api = Routes("dashboard-relay")


@api.schedule("dashboard-relay")
def run_relay(call: Call) -> None:
    """Publish what a crash left unsent."""
    relay.relay(call.now)


@api.push("dead-letters")
def take_dead_letter(call: Call, body: Json) -> None:
    """Count it; its content is not ours to read, it may be anything."""
    try:
        message = body.value["message"]
        attributes = message.get("attributes") or {}
        source, message_id = attributes.get("CloudPubSubDeadLetterSourceSubscription", ""), message["messageId"]
    except (KeyError, TypeError, AttributeError) as error:
        raise Malformed("This is not a Pub/Sub push envelope.", code="not_an_event") from error
    relay.dead_letter(call.now, str(source), str(message_id))


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/dashboard-relay")

"""What wakes the tallies: usage events from Pub/Sub."""

from functions.billing import tallies
from functions.shared import events, firestore
from functions.shared.http import Call, Json, Routes

api = Routes("billing-usage")


@api.push("usage-recorded")
def take_usage(call: Call, body: Json) -> None:
    """Count a usage event once."""
    tallies.count(events.decode(body.value, "usage-recorded"), call.now)


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/billing-usage")

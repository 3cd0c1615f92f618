"""What wakes the tallies: usage events from Pub/Sub."""

from functions.billing import cap_alerts, tallies
from functions.shared import clock, events, firestore
from functions.shared.http import Call, Json, Routes

api = Routes("billing-usage")


@api.push("usage-recorded")
def take_usage(call: Call, body: Json) -> None:
    """Count a usage event once, then look at the caps: again when it comes again, in case the look broke off."""
    event = events.decode(body.value, "usage-recorded")
    tallies.count(event, call.now)
    cap_alerts.look(event.workspace, clock.month_of(clock.from_text(event.row["occurred_at"])), call.now)


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/billing-usage")

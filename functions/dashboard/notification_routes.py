"""What wakes dashboard-webhooks: a notification, and every ten minutes what is due to be tried again."""

from functions.dashboard import notifying, suspending
from functions.shared import events, firestore
from functions.shared.http import Call, Json, Routes

api = Routes("dashboard-webhooks")


@api.push("notifications")
def take_notification(call: Call, body: Json) -> None:
    """Make its deliveries and try each once; Pub/Sub need not come again for those that failed."""
    event = events.decode(body.value, "notifications")
    suspending.follow(event, call.now)
    notifying.take(event, call.now)


@api.schedule("dashboard-webhooks", summary="Tries again what failed.")
def try_again(call: Call) -> None:
    """What is due by now."""
    notifying.work_off(call.now)


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/dashboard-webhooks")

"""What wakes the job that writes exports: a request from Pub/Sub."""

from functions.analytics import exporting
from functions.shared import events, firestore
from functions.shared.http import Call, Json, Routes

api = Routes("analytics-exports")


@api.push("export-requested")
def take_export(call: Call, body: Json) -> None:
    """Go on with an export, and ask for the rest when this request's time is used up."""
    exporting.take(call, events.decode(body.value, "export-requested"))


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/analytics-exports")

"""What wakes the sweep: its daily schedule, which asks every room to sweep its part of every workspace, and our own part."""

from functions.dashboard import sweeping
from functions.shared import events, firestore
from functions.shared.errors import Malformed
from functions.shared.http import Call, Json, Routes

api = Routes("dashboard-sweep")


@api.schedule("dashboard-sweep", summary="Asks for the sweep of every workspace.")
def ask_for_sweeps(call: Call) -> None:
    """One message a workspace, with the time that this run stands for."""
    if call.schedule_time is None:
        raise Malformed("Send the time that this run stands for as X-CloudScheduler-ScheduleTime.")
    sweeping.request_all(call.schedule_time)


@api.push("sweep-requested", summary="Sweeps the dashboard's part of a workspace.")
def sweep(call: Call, body: Json) -> None:
    """As of the time in the message; a repeat finds nothing more to do."""
    workspace, as_of = events.requested(body.value, "sweep-requested")
    sweeping.sweep(workspace, as_of)


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/dashboard-sweep")

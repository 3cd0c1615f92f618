"""What wakes the agents' sweep: the daily request for one workspace."""

from functions.agents import sweeping
from functions.shared import events
from functions.shared.http import Call, Json, Routes

api = Routes("agents-api")


@api.push("sweep-requested")
def sweep_one(call: Call, body: Json) -> None:
    """Sweep what is due at the message's `as_of`."""
    workspace, as_of = events.requested(body.value, "sweep-requested")
    sweeping.sweep(workspace, as_of, call.now)

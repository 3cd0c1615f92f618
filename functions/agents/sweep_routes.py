"""What wakes the agents' sweep: the daily request for one workspace."""

from functions.agents import sweeping
from functions.shared import clock, events
from functions.shared.errors import Malformed
from functions.shared.http import Call, Json, Routes

api = Routes("agents-api")


@api.push("sweep-requested")
def sweep_one(call: Call, body: Json) -> None:
    """Sweep what is due at the message's `as_of`."""
    event = events.decode(body.value, "sweep-requested")
    try:
        as_of = clock.from_text(event.row["as_of"])
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed("A sweep needs its as_of.", code="not_an_event") from error
    sweeping.sweep(event.workspace, as_of, call.now)

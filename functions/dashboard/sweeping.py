"""The daily sweep: every room is asked to do what TTL leaves, in each workspace that is not erased.

A room takes `sweep-requested` like any event, does its own part as of the message's `as_of`, and may be asked twice.
"""

from datetime import datetime

from functions.dashboard import repository
from functions.shared import clock, events


def request_all(as_of: datetime) -> int:
    """Ask for the sweep of every workspace that is not erased; returns how many. Raises what Pub/Sub raises."""
    moment = clock.to_text(as_of)
    rows = ((workspace, {"workspace_id": str(workspace), "as_of": moment}) for workspace in repository.workspaces())
    return events.request_all("sweep-requested", rows)

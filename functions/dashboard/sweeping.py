"""The daily sweep: every room is asked to do what TTL leaves, in each workspace that is not erased; and our own part.

A room takes `sweep-requested` like any event, does its own part as of the message's `as_of`, and may be asked twice.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from functions.dashboard import erasing, repository, suspending
from functions.shared import clock, contracts, events, failing
from functions.shared.contracts import WorkspaceRead
from functions.shared.identity import WorkspaceId


def request_all(as_of: datetime) -> int:
    """Ask for the sweep of every workspace that is not erased; returns how many. Raises what Pub/Sub raises."""
    moment = clock.to_text(as_of)
    rows = ((workspace, {"workspace_id": str(workspace), "as_of": moment}) for workspace in repository.workspaces())
    return events.request_all("sweep-requested", rows)


def sweep(workspace: WorkspaceId, as_of: datetime) -> None:
    """The dashboard's part: erase a closed workspace whose time is over; lift a suspension that has lost its reason; of
    an active one, tell which agents failed on its last whole day.

    Raises firestore.Changed when the workspace changed meanwhile; asked again, it does what is due then.
    """
    home = repository.read([contracts.workspace_path(workspace)])[0]
    if not home.exists:
        return
    known = WorkspaceRead.model_validate(home.data)
    if erasing.due(home, as_of):
        erasing.erase(workspace, home, as_of)
    elif known.state == "active":
        yesterday = as_of.astimezone(ZoneInfo(known.time_zone)) - timedelta(days=1)
        failing.tell(workspace, f"{yesterday:%Y-%m-%d}", as_of)
    else:
        suspending.relieve(workspace, home, as_of)

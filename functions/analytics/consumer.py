"""Counts each event once: one commit of the consumer's mark and three rollups."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from functions.analytics import repository, rollups
from functions.shared import clock, events, firestore
from functions.shared.errors import Malformed
from functions.shared.events import Event
from functions.shared.http import Call
from functions.shared.identity import WorkspaceId

CONSUMERS = {"usage-recorded": "analytics", "conversation-recorded": "analytics-conversations"}
"""The mark's name by topic: an event of one topic may have the id of one of the other."""

ZONE_KEPT = timedelta(minutes=5)

_zones: dict[str, tuple[float, ZoneInfo]] = {}


def count(call: Call, event: Event) -> bool:
    """Add the event to its hour, day and month; False when that was done before.

    Raises Malformed for a row that lacks what its topic's table demands.
    """
    row = event.row
    try:
        added = rollups.of_usage(row) if event.topic == "usage-recorded" else rollups.of_conversation(row)
        newest = rollups.micros(row)
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed("This row is not one of its topic's table.", code="not_an_event") from error
    if not added:
        return False
    hour, day, month = rollups.names(rollups.moment(row), _zone(event.workspace))

    def effect(batch: firestore.Batch) -> None:
        for name in (hour, day, month):
            repository.add(batch, event.workspace, name, added, newest)

    return events.once(event, CONSUMERS[event.topic], effect, now=call.now)


def _zone(workspace: WorkspaceId) -> ZoneInfo:
    """The workspace's time zone, looked up at most once in ZONE_KEPT in this instance."""
    known = _zones.get(workspace)
    if known is not None and clock.monotonic() < known[0]:
        return known[1]
    zone = ZoneInfo(repository.workspace(workspace).time_zone)
    _zones[workspace] = (clock.monotonic() + ZONE_KEPT.total_seconds(), zone)
    return zone

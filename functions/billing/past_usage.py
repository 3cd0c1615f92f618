"""Usage events by the day they are booked on, however long ago: what Firestore no longer keeps, the warehouse has.

Events of one day expire one after the other, as they were recorded. So from the moment on when the first of them may be
gone, a day is what both have together, by the events' ids. Raises Unavailable where the warehouse does not answer: half a
day must not pass for a whole one.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from functions.billing import repository
from functions.shared import bigquery, clock, events
from functions.shared.events import Event
from functions.shared.identity import WorkspaceId

AT_ONCE = 5_000
"""Events in one query, unless a single day has more."""

_OF_AGENT = "SELECT * FROM `{dataset}.usage`(@workspace, @since, @until) WHERE agent_id = @agent"
_ONE = "SELECT * FROM `{dataset}.usage`(@workspace, @since, @until) WHERE event_id = @event"
_WHEN = "SELECT occurred_at FROM `{dataset}.usage`(@workspace, @since, @until) WHERE event_id = @event"
"""The same for a long time: what a query costs are the columns that it names."""


def of_days(
    workspace: WorkspaceId, agent: str, days: Mapping[str, int], now: datetime
) -> Iterator[tuple[str, list[Event]]]:
    """These days in order, each with the usage events that it books, of this agent at least; `days` has about how many
    they are. A query a day, and one in the warehouse for as many past days as fit."""
    waiting: list[str] = []
    for day in sorted(days):
        if _may_be_gone(day, now):
            if waiting and sum(days[one] for one in (*waiting, day)) > AT_ONCE:
                yield from _with_past(workspace, agent, waiting)
                waiting = []
            waiting.append(day)
            continue
        yield from _with_past(workspace, agent, waiting)
        waiting = []
        yield day, events.of_day(workspace, day)
    yield from _with_past(workspace, agent, waiting)


def find(workspace: WorkspaceId, event_id: str, now: datetime) -> tuple[Event, str] | None:
    """One usage event with the day it is booked on; None when there is none. One that is gone from Firestore is looked for
    in all that the warehouse has of the workspace up to then."""
    found = events.of_usage(workspace, event_id)
    if found is not None:
        return found
    made = repository.made_at(workspace)
    until = now - events.KEPT + timedelta(days=1)
    if made is None or made >= until:
        return None
    asked: dict[str, str | datetime] = {"workspace": str(workspace), "event": event_id}
    since = clock.start_of_day(clock.day_of(made))
    for when in bigquery.query(_WHEN, {**asked, "since": since, "until": until}):
        at = when["occurred_at"]
        for row in bigquery.query(_ONE, {**asked, "since": at, "until": at + timedelta(microseconds=1)}):
            event = _event(workspace, row)
            return event, _booked_on(event)
    return None


def _may_be_gone(day: str, now: datetime) -> bool:
    """Whether the first event of a day may have expired."""
    return clock.start_of_day(day) + events.KEPT <= now


def _with_past(workspace: WorkspaceId, agent: str, days: Sequence[str]) -> Iterator[tuple[str, list[Event]]]:
    if not days:
        return
    marks = repository.read([repository.mark_path(workspace, day) for day in days])
    # A correction is booked on the day it was known, and happened on that of its turn.
    happened = {*days, *(other for mark in marks for other in mark.data.get("other_days", ()))}
    since, until = clock.start_of_day(min(happened)), clock.start_of_day(clock.next_day(max(happened)))
    asked: dict[str, str | datetime] = {"workspace": str(workspace), "agent": agent, "since": since, "until": until}
    found: dict[str, dict[str, Event]] = {day: {} for day in days}
    for row in bigquery.query(_OF_AGENT, asked):
        event = _event(workspace, row)
        found.get(_booked_on(event), {})[event.id] = event
    for day, own in events.by_day(workspace, days[0], days[-1]):
        found.get(day, {}).update({event.id: event for event in own})
    for day in days:
        yield day, list(found[day].values())


def _booked_on(event: Event) -> str:
    moment = event.row["recorded_at" if event.row["type"] == "correction" else "occurred_at"]
    return clock.day_of(clock.from_text(moment))


def _event(workspace: WorkspaceId, row: Mapping[str, Any]) -> Event:
    """A row of the warehouse as the event that it came from."""
    plain = {name: clock.to_text(value) if isinstance(value, datetime) else value for name, value in row.items()}
    return Event(workspace, "usage-recorded", str(row["event_id"]), plain)

"""Makes a day's rollups anew out of the warehouse: by command only, when the daily close finds that they differ.

Hours and days are replaced, and months by the sums of their days, in one commit that demands all as they were read: hours
and days before the warehouse was asked. What a consumer counts meanwhile makes it fail; nothing is lost or doubled.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from functions.analytics import repository, rollups
from functions.analytics.rollups import Added
from functions.shared import clock, firestore
from functions.shared.firestore import Snapshot
from functions.shared.identity import WorkspaceId

Rows = Callable[[datetime, datetime], Sequence[Mapping[str, Any]]]
ATTEMPTS = 8
"""For the months, which every event moves; an event of the days themselves ends the run at once."""


def span(workspace: WorkspaceId, day: str) -> tuple[datetime, datetime]:
    """From when to when events are needed: the days of the workspace's time zone that a UTC day touches."""
    zone, days = _days(workspace, day)
    after = date.fromisoformat(days[-1]) + timedelta(days=1)
    since, until = (datetime.combine(one, time(), zone).astimezone(UTC) for one in (date.fromisoformat(days[0]), after))
    return since, until


def _days(workspace: WorkspaceId, day: str) -> tuple[ZoneInfo, list[str]]:
    zone = ZoneInfo(repository.workspace(workspace).time_zone)
    start = clock.start_of_day(day)
    first, last = (moment.astimezone(zone).date() for moment in (start, start + timedelta(hours=23, minutes=59)))
    return zone, [str(first + timedelta(days=number)) for number in range((last - first).days + 1)]


def rebuild(workspace: WorkspaceId, day: str, usage: Rows, conversations: Rows, *, dry_run: bool = False) -> list[str]:
    """Replace the rollups of a UTC day's hours and of the workspace's days that it touches, by the time zone of now.

    Returns what differed, empty when nothing did. `usage` and `conversations` give the events of a half-open span, the
    latter by when they count.
    Raises Changed when something was counted meanwhile.
    """
    zone, days = _days(workspace, day)
    names = [f"hour_{day}T{hour:02d}" for hour in range(24)] + [f"day_{one}" for one in days]
    stored = dict(zip(names, repository.stored(workspace, names), strict=True))
    since, until = span(workspace, day)
    fresh: dict[str, Added] = {name: {} for name in names}
    added = [(row, rollups.of_usage(row)) for row in usage(since, until)]
    added += [(row, rollups.of_conversation(row)) for row in conversations(since, until)]
    for row, counters in ((row, counters) for row, counters in added if counters):
        newest = rollups.micros(row)
        for name in set(rollups.names(rollups.moment(row), zone)) & fresh.keys():
            fresh[name] = rollups.plus(fresh[name], rollups.placed(name, counters, newest))
    for _ in range(ATTEMPTS):
        differing, batch = [], firestore.Batch()
        for name, found in [*stored.items(), *_months(workspace, days, stored, fresh)]:
            if difference := _minus(fresh[name], found.data):
                repository.replace(batch, found, fresh[name])
                total = difference.get("total", {})
                told = f"{total.get('turns', 0):+d} turns, {total.get('charge_nanos', 0):+d} nanos"
                differing.append(f"rollup {name}: {told}")
        if differing and not dry_run:
            try:
                batch.commit()
            except (firestore.Changed, firestore.AlreadyExists):
                continue
        return differing
    raise firestore.Changed


def _months(
    workspace: WorkspaceId, days: Sequence[str], stored: Mapping[str, Snapshot], fresh: dict[str, Added]
) -> Iterator[tuple[str, Snapshot]]:
    """The months of these days as they are; what they should be is put into `fresh`. Raises Changed."""
    for month in sorted({day[:7] for day in days}):
        first = date.fromisoformat(f"{month}-01")
        length = ((first + timedelta(days=31)).replace(day=1) - first).days
        names = [f"month_{month}", *(f"day_{first + timedelta(days=number)}" for number in range(length))]
        found = dict(zip(names, repository.stored(workspace, names), strict=True))
        whole: Added = {}
        for name in names[1:]:
            if name in stored and stored[name].etag != found[name].etag:
                raise firestore.Changed
            whole = rollups.plus(whole, fresh[name] if name in fresh else found[name].data)
        fresh[names[0]] = whole
        yield names[0], found[names[0]]


def _minus(fresh: Mapping[str, Any], stored: Mapping[str, Any]) -> Added:
    """What the fresh counters have more, nothing where they agree; of times what is later."""
    return dict(_differences(fresh, stored))


def _differences(fresh: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key in sorted(fresh.keys() | stored.keys()):
        new, old = fresh.get(key), stored.get(key)
        if key in rollups.TIMES:
            if (new or 0) > (old or 0):
                yield key, new
        elif isinstance(new, Mapping) or isinstance(old, Mapping):
            if below := _minus(new or {}, old or {}):
                yield key, below
        elif (new or 0) != (old or 0):
            yield key, (new or 0) - (old or 0)

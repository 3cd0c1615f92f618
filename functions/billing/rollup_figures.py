"""The rollups that pages read, the workspace's own days and months, against the hours and days that they are the sums of.

A consumer adds each event to its hour, day and month in one commit, so they agree at every moment. Days are those of the
workspace's time zone: hours are whole or, at an edge in a zone that is off by a part of an hour, the quarters in it.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from functions.billing import repository
from functions.billing.books import AHEAD, Books
from functions.billing.day_figures import Differing
from functions.billing.models import Period
from functions.shared import clock
from functions.shared.contracts import QUARTERS, Counters, RollupCut, RollupRead

_HOUR, _QUARTER = timedelta(hours=1), timedelta(minutes=15)
_DIMENSIONS = ("agents", "models", "channels", "industries")
_COUNTED = tuple(name for name in Counters.model_fields if name not in ("latency", "first_token", "last_micros"))

Sums = dict[tuple[str, str], dict[str, int]]
"""Counters in total and by each key of each dimension, without what is 0."""


def compare_days(books: Books, days: Iterable[str]) -> dict[str, Differing]:
    """Of these UTC days those within which a day of the workspace's own ended that differs from its hours: for a week one
    query of the hours that there are, and one request for its days. A day on which the time zone was another one, or
    changed, is left out: it holds what was that day's then."""
    zone, found = ZoneInfo(books.home.time_zone), dict[str, Differing]()
    for first, last in clock.runs(days, AHEAD):
        owned = {day: _own(day, zone) for day in clock.days_between(first, last)}
        ends = _midnight(owned[first], zone), _midnight(owned[last] + timedelta(days=1), zone)
        hours = repository.hour_rollups(books.workspace, *ends)
        stored = repository.rollups_stored(books.workspace, [f"day_{own}" for own in owned.values()])
        for (day, own), whole in zip(owned.items(), stored, strict=True):
            since, until = _midnight(own, zone), _midnight(own + timedelta(days=1), zone)
            parts = [cut for begin, hour in hours.items() for cut in _within(begin, hour, since, until)]
            difference = _difference(whole, parts)
            if difference is not None and not repository.time_zone_changed(books.workspace, since):
                found[day] = {"day_rollup": difference}
    return found


def _own(day: str, zone: ZoneInfo) -> date:
    """The workspace's own day that ended within a UTC day."""
    return clock.start_of_day(clock.next_day(day)).astimezone(zone).date() - timedelta(days=1)


def compare_month(books: Books, month: str) -> Differing:
    """A month of the workspace's own against its days, in one read that sees all of them at one moment."""
    names = [f"month_{month}", *(f"day_{day}" for day in Period(month=month).days)]
    whole, *days = repository.rollups_stored(books.workspace, names)
    difference = _difference(whole, days)
    return {} if difference is None else {"month_rollup": difference}


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _within(begin: datetime, hour: RollupRead, since: datetime, until: datetime) -> Iterator[RollupCut]:
    if since <= begin and begin + _HOUR <= until:
        yield hour
        return
    for number, name in enumerate(QUARTERS):
        start = begin + number * _QUARTER
        if since <= start and start + _QUARTER <= until and name in hour.quarters:
            yield hour.quarters[name]


def _difference(whole: RollupCut, parts: list[RollupCut] | list[RollupRead]) -> int | None:
    """How many nanos of charge the whole has more than its parts; None where they agree in everything."""
    stored, wanted = _sums([whole]), _sums(parts)
    if stored == wanted:
        return None
    charged = [sums.get(("total", ""), {}).get("charge_nanos", 0) for sums in (stored, wanted)]
    return charged[0] - charged[1]


def _sums(parts: list[RollupCut] | list[RollupRead]) -> Sums:
    found: Sums = {}
    for part in parts:
        cells = {("total", ""): part.total}
        cells |= {(name, key): one for name in _DIMENSIONS for key, one in getattr(part, name).items()}
        for cell, counters in cells.items():
            sums = found.setdefault(cell, {})
            for name in _COUNTED:
                if value := getattr(counters, name):
                    sums[name] = sums.get(name, 0) + value
    plain = {cell: {name: value for name, value in sums.items() if value} for cell, sums in found.items()}
    return {cell: sums for cell, sums in plain.items() if sums}

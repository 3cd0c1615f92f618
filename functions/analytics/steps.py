"""Cuts a span of days into steps and says of which rollups each is made, to the minute in every time zone; pure.

Days of the workspace's own zone are documents. Days of another zone, and hours by its clock, are put together of the
hours of UTC, and where the zone is off by a part of an hour of their quarters; weeks and months of another zone of the days
of the workspace's that lie in them, and of hours at both ends. Since 1972 no zone is off by less than a quarter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from functions.shared.contracts import QUARTERS, RollupCut, RollupRead

Granularity = Literal["hour", "day", "week", "month"]

HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)


@dataclass(frozen=True)
class Part:
    """A rollup's name, with the quarters of it that count; without any the whole of it."""

    name: str
    quarters: tuple[str, ...] = ()

    def of(self, found: Mapping[str, RollupRead]) -> Sequence[RollupCut]:
        """Its counters among the rollups that were read."""
        rollup = found[self.name]
        if not self.quarters:
            return [rollup]
        if not rollup.quarters:
            # Counted before hours had quarters: it lies in the first, so that nothing is lost or counted twice.
            return [rollup] if QUARTERS[0] in self.quarters else []
        return [rollup.quarters[one] for one in self.quarters if one in rollup.quarters]


@dataclass(frozen=True)
class Step:
    """One step: `start` as it is shown, a day or an hour's beginning in UTC."""

    start: str
    parts: tuple[Part, ...]


def days_of(first: date, last: date) -> list[date]:
    """The days from the first to the last, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def before(first: date, last: date) -> tuple[date, date]:
    """The span of the same length that ends the day before `first`."""
    return first - (last - first) - timedelta(days=1), first - timedelta(days=1)


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When the day begins and ends in UTC: 23, 24 or 25 hours apart, or what else the zone makes of it."""
    start, end = (datetime.combine(one, time(), zone).astimezone(UTC) for one in (day, day + timedelta(days=1)))
    return start, end


def cut(first: date, last: date, granularity: Granularity, zone: ZoneInfo, home: ZoneInfo) -> list[Step]:
    """The steps of a span of days of `zone`, in order, without gaps and without overlap; `home` is the workspace's zone.

    A week begins on Monday and a month on its first, and is named by that day even where the span begins later.
    """
    if granularity == "hour":
        return list(_hours(bounds(first, zone)[0], bounds(last, zone)[1], zone))
    steps: dict[str, list[date]] = {}
    for day in days_of(first, last):
        steps.setdefault(str(_beginning(day, granularity)), []).append(day)
    return [
        Step(start, _covering(bounds(days[0], zone)[0], bounds(days[-1], zone)[1], home))
        for start, days in steps.items()
    ]


def _beginning(day: date, granularity: Granularity) -> date:
    if granularity == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if granularity == "month" else day


def _covering(start: datetime, end: datetime, home: ZoneInfo) -> tuple[Part, ...]:
    """The days of `home` that lie between two moments whole, and the hours before and behind them."""
    first, last = start.astimezone(home).date(), end.astimezone(home).date() - timedelta(days=1)
    if bounds(first, home)[0] < start:
        first += timedelta(days=1)
    if first > last:
        return _between(start, end)
    whole = tuple(Part(f"day_{day}") for day in days_of(first, last))
    return (*_between(start, bounds(first, home)[0]), *whole, *_between(bounds(last, home)[1], end))


def _between(start: datetime, end: datetime) -> tuple[Part, ...]:
    """The hours of UTC between two moments that lie on quarters."""
    parts = []
    hour = start.replace(minute=0)
    while hour < end:
        inside = tuple(name for n, name in enumerate(QUARTERS) if start <= hour + n * QUARTER < end)
        if inside:
            parts.append(Part(f"hour_{hour:%Y-%m-%dT%H}", () if len(inside) == len(QUARTERS) else inside))
        hour += HOUR
    return tuple(parts)


def _hours(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[Step]:
    """By the zone's own clock: the hour that comes twice in autumn is two steps, the one that is missing none."""
    moment = start
    while moment < end:
        following = moment + QUARTER
        while following < end and _on_the_clock(following, zone) == _on_the_clock(moment, zone):
            following += QUARTER
        yield Step(f"{moment:%Y-%m-%dT%H:%M}:00Z", _between(moment, following))
        moment = following


def _on_the_clock(moment: datetime, zone: ZoneInfo) -> tuple[object, object]:
    local = moment.astimezone(zone)
    return local.replace(minute=0, tzinfo=None), local.utcoffset()

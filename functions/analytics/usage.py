"""Usage over time from the rollups: steps without gaps in any time zone, of all or of one agent, model, channel, …"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from functions.analytics import metrics, repository, steps
from functions.analytics.models import Bucket, Figures, Stats
from functions.analytics.query_models import MOST_DAYS, MOST_FOREIGN_DAYS, MOST_HOUR_DAYS, Cutting, Range, StatsQuery
from functions.analytics.rollups import summed
from functions.shared import clock
from functions.shared.contracts import QUARTERS, Counters, RollupCut, WorkspaceRead
from functions.shared.errors import Invalid
from functions.shared.firestore import FieldPath
from functions.shared.http import Call

DEFAULT_DAYS = 30
DIMENSIONS = {
    "agent": "agents",
    "model": "models",
    "channel": "channels",
    "industry": "industries",
    "version": "versions",
}


class Wanted:
    """What a query wants of a rollup: all of it or one key of one dimension, and by which dimension it is grouped.

    Raises Invalid for two keys at once: counters are kept by one dimension each.
    """

    def __init__(self, query: Cutting) -> None:
        given = {name: getattr(query, name) for name in DIMENSIONS if getattr(query, name) is not None}
        names = [*given, *([query.group_by] if query.group_by and query.group_by not in given else [])]
        if len(given) > 1 or (given and len(names) > 1):
            message = "Figures are kept by one dimension each: filter or group by one of them at once."
            raise Invalid(
                errors=[{"pointer": f"/{list(given)[1] if len(given) > 1 else 'group_by'}", "message": message}]
            )
        self._name: str | None = next(iter(given), None)
        self._key: str | None = next(iter(given.values()), None)
        self._group_by = query.group_by
        self.by_model = self._name == "model"
        self.groups_by_model = query.group_by == "model"
        self.dimensions = set(names)

    def fields(self, *, quarters: bool = False) -> list[FieldPath]:
        """What has to be read of a rollup for it, of an hour's also by `quarters`."""
        own = ("total",) if self._name is None else (DIMENSIONS[self._name], str(self._key))
        fields: list[FieldPath] = [("as_of_micros",), own]
        if self._group_by is not None and self._name is None:
            fields.append((DIMENSIONS[self._group_by],))
        if quarters:
            fields += [("quarters", quarter, *field) for quarter in QUARTERS for field in fields]
        return fields

    def of(self, cuts: Iterable[RollupCut]) -> Counters:
        """What was counted of it."""
        if self._name is None:
            return summed([cut.total for cut in cuts])
        found = (getattr(cut, DIMENSIONS[self._name]).get(self._key) for cut in cuts)
        return summed([one for one in found if one is not None])

    def groups(self, cuts: Iterable[RollupCut]) -> dict[str, Counters]:
        """The same by the keys of the dimension that it is grouped by."""
        parts: dict[str, list[Counters]] = {}
        for cut in cuts if self._group_by is not None else ():
            for key, counters in getattr(cut, DIMENSIONS[self._group_by or ""]).items():
                if self._key is None or key == self._key:
                    parts.setdefault(key, []).append(counters)
        return {key: summed(found) for key, found in sorted(parts.items())}


def stats(call: Call, query: StatsQuery) -> Stats:
    """Usage in steps without gaps; the sum of the steps is the total.

    Raises Invalid for a span that is empty, reversed or too long for its steps, and for what is not counted.
    """
    wanted = Wanted(query)
    home = repository.workspace(call.workspace)
    own = zone_of(home)
    zone = own if query.time_zone is None else _zone(query.time_zone)
    first, last = span(call, query, zone, MOST_HOUR_DAYS if query.granularity == "hour" else MOST_DAYS)
    made = steps.cut(first, last, query.granularity, zone, own)
    parts = [part for step in made for part in step.parts]
    check_parts(query.granularity, wanted, parts, (last - first).days + 1)
    names = list(dict.fromkeys(part.name for part in parts))
    fields = wanted.fields(quarters=any(part.quarters for part in parts))
    found = dict(zip(names, repository.rollups(call.workspace, names, fields), strict=True))
    items, every = [], []
    for step in made:
        cuts = [cut for part in step.parts for cut in part.of(found)]
        every += cuts
        groups = {
            key: metrics.filled(Figures, counted, home.currency, by_model=wanted.groups_by_model)
            for key, counted in wanted.groups(cuts).items()
        }
        figures = metrics.filled(Figures, wanted.of(cuts), home.currency, by_model=wanted.by_model)
        items.append(Bucket(start=step.start, figures=figures, groups=groups))
    return Stats(
        granularity=query.granularity,
        group_by=query.group_by,
        time_zone=zone.key,
        items=items,
        total=metrics.filled(Figures, wanted.of(every), home.currency, by_model=wanted.by_model),
        as_of=newest(every),
    )


def _zone(name: str) -> ZoneInfo:
    # Asked first, for a name is also a path below the system's own database.
    if not clock.is_time_zone(name):
        raise Invalid(
            errors=[
                {"pointer": "/time_zone", "message": "This is not a time zone of the IANA database, as Asia/Tokyo is."}
            ]
        )
    return ZoneInfo(name)


def check_parts(granularity: steps.Granularity, wanted: Wanted, parts: Iterable[steps.Part], days: int) -> None:
    """Raises Invalid for steps that would have to be put together of too much, or of what is not counted."""
    parts = list(parts)
    foreign = granularity != "hour" and any(part.name.startswith("hour_") for part in parts)
    if foreign and days > (most := MOST_FOREIGN_DAYS[granularity]):
        message = f"Days of another time zone than the workspace's are put together of hours: at most {most} by {granularity}."
        raise Invalid(errors=[{"pointer": "/from", "message": message}])
    if "version" in wanted.dimensions and any(part.quarters for part in parts):
        message = "Versions are not counted by the quarter, of which this time zone's steps would be made."
        raise Invalid(errors=[{"pointer": "/time_zone", "message": message}])


def span(call: Call, query: Range, zone: ZoneInfo, most: int) -> tuple[date, date]:
    """The days that a query is for, both included. Raises Invalid where they are reversed or more than `most`."""
    last = query.to or call.now.astimezone(zone).date()
    first = query.from_ or last - timedelta(days=min(DEFAULT_DAYS, most) - 1)
    if first > last:
        raise Invalid(errors=[{"pointer": "/from", "message": "This is after `to`."}])
    if (last - first).days >= most:
        raise Invalid(errors=[{"pointer": "/from", "message": f"At most {most} days at once with these steps."}])
    return first, last


def newest(found: Iterable[RollupCut]) -> datetime | None:
    """The time of the newest event in the figures, or None when there is none."""
    return clock.from_micros(max((rollup.as_of_micros for rollup in found), default=0))


def zone_of(home: WorkspaceRead) -> ZoneInfo:
    """The workspace's own time zone."""
    return ZoneInfo(home.time_zone)

"""Figures over time from the rollups: usage by step and dimension, performance against the span before."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from functions.analytics import repository
from functions.analytics.models import (
    MOST_DAYS,
    MOST_HOUR_DAYS,
    Bucket,
    Comparison,
    Figures,
    Performance,
    Range,
    Stats,
    StatsQuery,
)
from functions.analytics.rollups import summed
from functions.shared import clock, histogram, ids
from functions.shared.contracts import Counters, RollupRead, WorkspaceRead
from functions.shared.errors import Invalid, NotFound
from functions.shared.http import Call
from functions.shared.money import Money

DEFAULT_DAYS = 30
DIMENSIONS = {
    "agent": "agents",
    "model": "models",
    "channel": "channels",
    "industry": "industries",
    "version": "versions",
}


def stats(call: Call, query: StatsQuery) -> Stats:
    """Usage in steps without gaps. Raises Invalid for a span that is empty, reversed or too long for its steps."""
    home = repository.workspace(call.workspace)
    first, last = _span(call, query, home, MOST_HOUR_DAYS if query.granularity == "hour" else MOST_DAYS)
    if query.granularity == "hour":
        names = _hours(first, last, ZoneInfo(home.time_zone))
        label: Callable[[str], str] = lambda name: f"{name.removeprefix('hour_')}:00:00Z"  # noqa: E731
    else:
        names = [f"day_{first + timedelta(days=number)}" for number in range((last - first).days + 1)]
        label = _label(query.granularity)
    found = repository.rollups(call.workspace, names)
    steps: dict[str, list[RollupRead]] = {}
    for name, rollup in zip(names, found, strict=True):
        steps.setdefault(label(name), []).append(rollup)
    dimension = DIMENSIONS.get(query.group_by or "")
    return Stats(
        granularity=query.granularity,
        group_by=query.group_by,
        time_zone="UTC" if query.granularity == "hour" else home.time_zone,
        items=[_bucket(start, rollups, dimension, home.currency) for start, rollups in steps.items()],
        total=Figures.of(summed([rollup.total for rollup in found]), home.currency),
        as_of=newest(found),
    )


def _bucket(start: str, rollups: list[RollupRead], dimension: str | None, currency: str) -> Bucket:
    groups: dict[str, list[Counters]] = {}
    if dimension is not None:
        for rollup in rollups:
            for key, counters in getattr(rollup, dimension).items():
                groups.setdefault(key, []).append(counters)
    return Bucket(
        start=start,
        figures=Figures.of(summed([rollup.total for rollup in rollups]), currency),
        groups={key: Figures.of(summed(parts), currency) for key, parts in sorted(groups.items())},
    )


def _label(granularity: str) -> Callable[[str], str]:
    def label(name: str) -> str:
        day = date.fromisoformat(name.removeprefix("day_"))
        if granularity == "week":
            return str(day - timedelta(days=day.weekday()))
        return str(day.replace(day=1)) if granularity == "month" else str(day)

    return label


def _hours(first: date, last: date, zone: ZoneInfo) -> list[str]:
    start, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, last + timedelta(days=1)))
    hour = start.replace(minute=0, second=0)
    names = []
    while hour < end:
        names.append(f"hour_{hour:%Y-%m-%dT%H}")
        hour += timedelta(hours=1)
    return names


def _span(call: Call, query: Range, home: WorkspaceRead, most: int) -> tuple[date, date]:
    today = call.now.astimezone(ZoneInfo(home.time_zone)).date()
    last = query.to or today
    first = query.from_ or last - timedelta(days=min(DEFAULT_DAYS, most) - 1)
    if first > last:
        raise Invalid(errors=[{"pointer": "/from", "message": "This is after `to`."}])
    if (last - first).days >= most:
        raise Invalid(errors=[{"pointer": "/from", "message": f"At most {most} days at once with these steps."}])
    return first, last


def newest(rollups: list[RollupRead]) -> datetime | None:
    """The time of the newest event in the figures, or None when there is none."""
    return clock.from_micros(max((rollup.as_of_micros for rollup in rollups), default=0))


def performance(call: Call, query: Range, agent: str | None = None) -> Comparison:
    """How well it went, for the workspace or one agent, beside the span of the same length before.

    Raises NotFound when there is no such agent, Invalid as `stats` does.
    """
    if agent is not None and not (ids.valid("agent", agent) and repository.has_agent(call.workspace, agent)):
        raise NotFound("There is no such agent.")
    home = repository.workspace(call.workspace)
    first, last = _span(call, query, home, MOST_DAYS)
    days = (last - first).days + 1
    names = [f"day_{first + timedelta(days=number)}" for number in range(-days, days)]
    found = repository.rollups(call.workspace, names)

    def of(rollups: list[RollupRead]) -> Performance:
        parts = [rollup.total if agent is None else rollup.agents.get(agent, Counters()) for rollup in rollups]
        return _performance(summed(parts), home.currency)

    return Comparison(
        current=of(found[days:]), before=of(found[:days]), time_zone=home.time_zone, as_of=newest(found[days:])
    )


def _performance(counted: Counters, currency: str) -> Performance:
    errors = counted.failed + counted.abandoned
    rated = counted.feedback_up + counted.feedback_down

    def each(nanos: int) -> Money | None:
        return Money.of_nanos(nanos // counted.conversations, currency) if counted.conversations else None

    return Performance(
        turns=counted.turns,
        conversations=counted.conversations,
        latency_p50_ms=histogram.percentile(counted.latency, 50),
        latency_p95_ms=histogram.percentile(counted.latency, 95),
        latency_p99_ms=histogram.percentile(counted.latency, 99),
        first_token_p50_ms=histogram.percentile(counted.first_token, 50),
        first_token_p95_ms=histogram.percentile(counted.first_token, 95),
        error_rate=_share(errors, counted.turns + errors),
        hand_off_rate=_share(counted.handed_off, counted.conversations),
        resolution_rate=_share(counted.resolved, counted.conversations),
        helpful_rate=_share(counted.feedback_up, rated),
        leads=counted.leads,
        ratings=counted.ratings,
        rating=round(counted.rating_sum / counted.ratings, 2) if counted.ratings else None,
        cost_per_conversation=each(counted.cost_nanos),
        charge_per_conversation=each(counted.charge_nanos),
    )


def _share(part: int, whole: int) -> Any:
    return round(part / whole, 4) if whole else None

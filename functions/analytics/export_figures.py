"""The figures of each day as rows of an export: usage by dimension, performance by agent, and both by industry."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from functions.analytics import metrics, repository
from functions.analytics.export_formats import Column, Row
from functions.analytics.export_sources import Cursor, Page, Span
from functions.shared.contracts import Counters, RollupRead

DAYS_PAGE = 50

_DIMENSIONS = {
    "agents": "agent",
    "models": "model",
    "channels": "channel",
    "industries": "industry",
    "versions": "version",
}
_COUNTED = (
    "conversations", "turns", "visitors", "returning", "errors", "handed_off", "leads", "resolved", "unresolved", "ratings",
    "feedback_up", "feedback_down", "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens", "pending",
    "estimated", "cost_nanos", "charge_nanos",
)  # fmt: skip
_TIMES = [f"{name}_p{share}_ms" for name in ("latency", "first_token") for share in (50, 95, 99)]
_SHARES = ("error_rate", "hand_off_rate", "resolution_rate", "helpful_rate", "rating")
ROLLED = [(name,) for name in RollupRead.model_fields if name != "quarters"]
"""The fields of a rollup that rows are made of."""

_USAGE = [*(Column(name, "integer") for name in _COUNTED), Column("currency", "text")]
_PERFORMANCE = [*(Column(name, "integer") for name in _TIMES), *(Column(name, "number") for name in _SHARES)]
STATS = [Column("day", "text"), Column("dimension", "text"), Column("key", "text"), *_USAGE]
PERFORMANCE = [Column("day", "text"), Column("agent_id", "text"), *_USAGE, *_PERFORMANCE]
INDUSTRIES = [Column("day", "text"), Column("industry", "text"), *_USAGE, *_PERFORMANCE]


@dataclass(frozen=True)
class Days:
    """Rows for each day, in the workspace's time zone, that the span touches; a day without usage has none."""

    columns: Sequence[Column]
    rows: Callable[[str, RollupRead, str], Iterator[Row]]
    span: Span

    def expected(self) -> int | None:
        return None

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        home = repository.workspace(self.span.workspace)
        zone = ZoneInfo(home.time_zone)
        first, end = (moment.astimezone(zone) for moment in (self.span.since, self.span.until))
        day = date.fromisoformat(cursor[0]) + timedelta(days=1) if cursor else first.date()
        last = (end - timedelta(microseconds=1)).date() if end > first else end.date()
        while True:
            days = [day + timedelta(days=number) for number in range(min(DAYS_PAGE, (last - day).days + 1))]
            rollups = repository.rollups(self.span.workspace, [f"day_{one}" for one in days], ROLLED)
            found = zip(days, rollups, strict=True)
            rows = [row for one, rollup in found for row in self.rows(str(one), rollup, home.currency)]
            yield Page(self.columns, rows, [str(days[-1])] if days else cursor or [])
            if not days or days[-1] >= last:
                return
            day = days[-1] + timedelta(days=1)


def stats(span: Span) -> Days:
    """Usage of each day: in total, and by agent, model, channel, industry and version."""

    def rows(day: str, rollup: RollupRead, currency: str) -> Iterator[Row]:
        if _empty(rollup.total):
            return
        yield {"day": day, "dimension": "total", "key": "", **_usage(rollup.total, currency)}
        for name in _DIMENSIONS:
            for key, counted in sorted(getattr(rollup, name).items()):
                yield {"day": day, "dimension": _DIMENSIONS[name], "key": key, **_usage(counted, currency)}

    return Days(STATS, rows, span)


def performance(span: Span) -> Days:
    """How well it went each day: the whole workspace (without `agent_id`), then each agent."""

    def rows(day: str, rollup: RollupRead, currency: str) -> Iterator[Row]:
        if _empty(rollup.total):
            return
        yield {"day": day, "agent_id": None, **_performance(rollup.total, currency)}
        for agent, counted in sorted(rollup.agents.items()):
            yield {"day": day, "agent_id": agent, **_performance(counted, currency)}

    return Days(PERFORMANCE, rows, span)


def industries(span: Span) -> Days:
    """Usage and performance of each day by industry."""

    def rows(day: str, rollup: RollupRead, currency: str) -> Iterator[Row]:
        for industry, counted in sorted(rollup.industries.items()):
            yield {"day": day, "industry": industry, **_performance(counted, currency)}

    return Days(INDUSTRIES, rows, span)


def _empty(counted: Counters) -> bool:
    return counted == Counters()


def _usage(counted: Counters, currency: str) -> Row:
    return {**{name: getattr(counted, name) for name in _COUNTED}, "currency": currency}


def _performance(counted: Counters, currency: str) -> Row:
    return {**_usage(counted, currency), **{name: metrics.value(name, counted) for name in (*_TIMES, *_SHARES)}}

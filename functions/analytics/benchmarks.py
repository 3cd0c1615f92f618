"""What is typical of an industry across workspaces, such that no single workspace's figure can be read from it.

Made once a day, by the first page that asks, out of the warehouse: two queries for all workspaces and industries. It is
kept as one document of the day, so every other page costs one read. Of a workspace's figures nothing is kept: each
industry has the middle of its workspaces' figures, only where at least LEAST_WORKSPACES have one, and the middle is the
mean of the three or four in it, since the middle one alone would be somebody's own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from threading import Lock
from typing import Any, Literal

from functions.analytics import metrics, repository
from functions.analytics.models import Benchmark, Compared
from functions.analytics.rollups import summed
from functions.shared import bigquery, clock, firestore, logs
from functions.shared.contracts import LATENCY_BOUNDS_MS, Counters

LEAST_WORKSPACES = 5
LEAST_TURNS = 50
"""A workspace with fewer in an industry says little of it, and does not contribute."""
DAYS = 30
KEPT = timedelta(days=3)
SIMILAR = 0.1
PATIENCE = 600.0
"""Seconds in which this instance does not ask a warehouse again that did not answer."""

COMPARED = (
    "latency_p50_ms",
    "latency_p95_ms",
    "first_token_p50_ms",
    "error_rate",
    "hand_off_rate",
    "resolution_rate",
    "helpful_rate",
    "rating",
    "turns_per_conversation",
)
"""No money among them: currencies differ, and what others pay is theirs to know."""

Position = Literal["lower", "similar", "higher"]

_USAGE = """
SELECT workspace_id, industry,
  COUNTIF(outcome IN ('completed', 'interrupted')) AS turns,
  COUNTIF(outcome = 'failed') AS failed,
  COUNTIF(outcome = 'abandoned') AS abandoned,
  COUNTIF(new_conversation) AS conversations,
  COUNTIF(handed_off) AS handed_off,
  {buckets}
FROM `{dataset}.usage_of_all`(@since, @until)
WHERE type = 'turn' AND industry IS NOT NULL
GROUP BY workspace_id, industry
"""

_CONVERSATIONS = """
SELECT workspace_id, industry,
  COUNTIF(type = 'hand_off') AS handed_off,
  COUNTIF(type = 'resolved') AS resolved,
  COUNTIF(type = 'unresolved') AS unresolved,
  COUNTIF(type = 'feedback' AND rating > 0) - COUNTIF(type = 'feedback' AND replaces > 0) AS feedback_up,
  COUNTIF(type = 'feedback' AND rating < 0) - COUNTIF(type = 'feedback' AND replaces < 0) AS feedback_down,
  COUNTIF(type = 'rating' AND replaces IS NULL) AS ratings,
  SUM(IF(type = 'rating', rating - IFNULL(replaces, 0), 0)) AS rating_sum
FROM `{dataset}.conversations_of_all`(@since, @until)
WHERE industry IS NOT NULL AND (counts_at IS NULL OR counts_at >= @since)
GROUP BY workspace_id, industry
"""


@dataclass(frozen=True)
class Comparison:
    """A figure that is made of other figures: its definition in words, and the function that computes it."""

    name: str
    unit: str
    definition: str
    of: Callable[..., object]


def typical(values: Sequence[float]) -> float | None:
    """The middle of many figures, None for fewer than LEAST_WORKSPACES of them."""
    if len(values) < LEAST_WORKSPACES:
        return None
    ordered, half = sorted(values), len(values) // 2
    middle = ordered[half - 1 : half + 2] if len(values) % 2 else ordered[half - 2 : half + 2]
    return round(sum(middle) / len(middle), 4)


def position(own: float | None, of: float) -> Position | None:
    """Where an own figure lies beside the typical one."""
    if own is None:
        return None
    if abs(own - of) <= SIMILAR * abs(of):
        return "similar"
    return "lower" if own < of else "higher"


COMPARISONS = (
    Comparison(
        "change",
        "share of 1",
        "How much a figure grew against the span of the same length before, divided by what it was then; null where that "
        "was nothing or either is unknown.",
        metrics.change,
    ),
    Comparison(
        "typical",
        "as the figure",
        f"What is typical of the industry over {DAYS} days of UTC: the mean of the middle three (of an even number: four) "
        f"figures of the workspaces that had at least {LEAST_TURNS} turns in it. Shown only where at least "
        f"{LEAST_WORKSPACES} workspaces contribute to that very figure; made once a day.",
        typical,
    ),
    Comparison(
        "own",
        "as the figure",
        f"The same figure of your workspace over the same {DAYS} days, by your time zone.",
        metrics.value,
    ),
    Comparison(
        "position",
        "lower, similar or higher",
        f"Your own figure beside the typical one; similar within {SIMILAR:.0%} of it.",
        position,
    ),
)

_making = Lock()
_away_until = 0.0


@dataclass(frozen=True)
class Benchmarks:
    """Those of one day; `industries` is None where the warehouse did not answer."""

    first: date
    last: date
    as_of: datetime | None
    industries: Mapping[str, Mapping[str, Any]] | None

    def beside(self, industry: str, own: Counters) -> Benchmark:
        """One industry's, with the own figures of the same days beside them."""
        if self.industries is None:
            return Benchmark(state="unavailable", workspaces=None, figures={})
        found = self.industries.get(industry)
        if found is None:
            return Benchmark(state="too_few", workspaces=None, figures={})
        figures = {}
        for name, usual in found["typical"].items():
            mine = metrics.value(name, own)
            figures[name] = Compared(typical=usual, own=mine, position=position(mine, usual))
        return Benchmark(state="compared", workspaces=found["workspaces"], figures=figures)


def days(now: datetime) -> tuple[date, date]:
    """The days of UTC that today's benchmarks are of: those before today."""
    today = now.astimezone(UTC).date()
    return today - timedelta(days=DAYS), today - timedelta(days=1)


def of_day(now: datetime) -> Benchmarks:
    """Today's: read, or made by the first that asks. Never raises for a warehouse that is away; that is a state."""
    first, last = days(now)
    kept = repository.benchmark(str(now.date()))
    if not kept.exists:
        with _making:
            # Who waited for the lock finds what its holder made.
            kept = repository.benchmark(str(now.date()))
            if not kept.exists:
                kept = _made(first, last, now) or kept
    if not kept.exists:
        return Benchmarks(first, last, None, None)
    return Benchmarks(first, last, kept.data["as_of"], kept.data["industries"])


def _made(first: date, last: date, now: datetime) -> firestore.Snapshot | None:
    global _away_until
    if clock.monotonic() < _away_until:
        return None
    since = datetime.combine(first, time(), UTC)
    until = datetime.combine(last, time(), UTC) + timedelta(days=1)
    try:
        industries = computed(since, until)
    except Exception as error:  # noqa: BLE001 - whatever the warehouse lacks, the workspace's own figures are shown
        logs.warning("no benchmarks were made", reason=type(error).__name__)
        _away_until = clock.monotonic() + PATIENCE
        return None
    document = {"industries": industries, "as_of": now, "expire_at": now + KEPT}
    return repository.keep_benchmark(str(now.date()), document)


def computed(since: datetime, until: datetime) -> dict[str, dict[str, Any]]:
    """What is typical by industry, of events of a half-open span. Raises what `bigquery.query` raises."""
    span = {"since": since, "until": until}
    rows = bigquery.query(_USAGE.replace("{buckets}", ",\n  ".join(_buckets())), span)
    rows += bigquery.query(_CONVERSATIONS, span)
    parts: dict[str, dict[str, list[Counters]]] = {}
    for row in rows:
        parts.setdefault(row["industry"], {}).setdefault(row["workspace_id"], []).append(_counters(row))
    made = {}
    for industry, by_workspace in parts.items():
        counted = [summed(found) for found in by_workspace.values()]
        if found := _typical([one for one in counted if one.turns >= LEAST_TURNS]):
            made[industry] = found
    return made


def _typical(counted: Sequence[Counters]) -> dict[str, Any] | None:
    if len(counted) < LEAST_WORKSPACES:
        return None
    figures: dict[str, float] = {}
    for name in COMPARED:
        known = [figure for one in counted if (figure := metrics.value(name, one)) is not None]
        if (found := typical(known)) is not None:
            figures[name] = found
    return {"workspaces": len(counted), "typical": figures}


def _buckets() -> list[str]:
    """The columns that count latencies in the buckets of functions/shared/histogram.py."""
    columns = []
    for name in ("latency", "first_token"):
        lower = -1
        for bound in LATENCY_BOUNDS_MS:
            columns.append(f"COUNTIF({name}_ms > {lower} AND {name}_ms <= {bound}) AS {name}_{bound}")
            lower = bound
        columns.append(f"COUNTIF({name}_ms > {lower}) AS {name}_inf")
    return columns


def _counters(row: Mapping[str, Any]) -> Counters:
    histograms: dict[str, dict[str, int]] = {"latency": {}, "first_token": {}}
    plain: dict[str, Any] = {}
    for column, number in row.items():
        name, _, bound = column.rpartition("_")
        if name in histograms:
            histograms[name][bound] = number
        elif column in Counters.model_fields:
            plain[column] = number
    return Counters(**plain, **histograms)

"""Every figure against every other, by workspace and day: events, charges, rollups, warehouse (MONEY 11).

What a consumer has not counted is published again, which is harmless, and the day stays on a list. A difference that
the next day's run still finds is an alarm: nothing here makes two figures equal by writing one of them.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from functions.billing import charges, repository
from functions.billing.books import Books
from functions.billing.models import UsageEvent
from functions.shared import bigquery, clock, events, firestore, logs
from functions.shared.contracts import BUCKETS, Counters
from functions.shared.events import Event

KEPT_DAYS = 35
"""A day that still differs after so long stays alarmed and is no longer compared."""

_SUMS = (*BUCKETS, "cost_nanos", "charge_nanos")
Sums = dict[str, int]

_BY_DAY = """
SELECT CAST(DATE(occurred_at) AS STRING) AS day, COUNT(*) AS number, SUM(IFNULL(input_tokens, 0)) AS input_tokens,
  SUM(IFNULL(cached_input_tokens, 0)) AS cached_input_tokens, SUM(IFNULL(output_tokens, 0)) AS output_tokens,
  SUM(IFNULL(reasoning_tokens, 0)) AS reasoning_tokens, SUM(cost_nanos) AS cost_nanos, SUM(charge_nanos) AS charge_nanos
FROM `{dataset}.usage`(@workspace, @since, @until)
GROUP BY day
"""

_IDS = "SELECT event_id FROM `{dataset}.usage`(@workspace, @since, @until)"


def reconcile(books: Books, touched: Sequence[str]) -> None:
    """Compare the days of this run and those that differed in the last one; mend, remember, alarm."""
    listed: dict[str, str] = dict(books.data.get("differences", {}))
    oldest = clock.day_of(books.as_of - timedelta(days=KEPT_DAYS))
    found = _events_by_day(books, {day for day in {*touched, *listed} if day >= oldest})
    warehouse = _warehouse(books, sorted(found))
    now_listed = {}
    for day, of_day in sorted(found.items()):
        differing = _compare(books, day, of_day, warehouse)
        if not differing:
            continue
        now_listed[day] = min(listed.get(day, clock.to_text(books.as_of)), clock.to_text(books.as_of))
        if now_listed[day] < clock.to_text(books.as_of):
            logs.alarm("figures still differ", workspace_id=books.workspace, day=day, differing=differing)
        _mend(books, of_day, differing)
    if now_listed != listed:
        books.commit(firestore.Batch(), differences=now_listed)


def _events_by_day(books: Books, days: Iterable[str]) -> dict[str, list[Event]]:
    """The events of these days by the day they happened on, and of the days that touch them through corrections."""
    wanted = set(days)
    for day in set(wanted):
        wanted |= books.others.get(day, set())
    found: dict[str, list[Event]] = {day: [] for day in wanted}
    for day in sorted(wanted | {day for day, others in books.others.items() if others & wanted}):
        for event in books.events_of(day):
            happened = clock.day_of(clock.from_text(event.row["occurred_at"]))
            if happened in found:
                found[happened].append(event)
    return found


def _compare(books: Books, day: str, of_day: Sequence[Event], warehouse: dict[str, Sums] | None) -> dict[str, Any]:
    """Where the day's figures differ from its events, and by how much: other minus events."""
    usage = [UsageEvent.model_validate(event.row) for event in of_day]
    tally = charges.tally(usage, books.home.currency)
    differing: dict[str, Any] = {}
    ((counted, _),) = repository.tallies(books.workspace, [f"day_{day}"], books.home.currency)
    cells = charges.difference(tally, counted)
    if cells:
        differing["charges"] = -sum(cell.charge_nanos for cell in cells.values())
    total = {**{name: getattr(tally.total, name) for name in _SUMS}, "messages": tally.total.messages}
    rolled = _rolled_up([hour.total for hour in repository.hours(books.workspace, day)])
    if rolled != total:
        differing["rollups"] = rolled["charge_nanos"] - total["charge_nanos"]
    if warehouse is not None:
        stored = warehouse.get(day, dict.fromkeys((*_SUMS, "number"), 0))
        if stored != {**{name: total[name] for name in _SUMS}, "number": len(usage)}:
            differing["warehouse"] = stored["charge_nanos"] - total["charge_nanos"]
    return differing


def _rolled_up(hours: Sequence[Counters]) -> Sums:
    sums = {name: sum(getattr(hour, name) for hour in hours) for name in _SUMS}
    return sums | {"messages": sum(hour.turns for hour in hours)}


def _warehouse(books: Books, days: Sequence[str]) -> dict[str, Sums] | None:
    """The sums by day in BigQuery: one query for all days; None when it does not answer."""
    if not days:
        return None
    rows = _ask(_BY_DAY, books, days[0], days[-1])
    if rows is None:
        return None
    return {row["day"]: {name: int(row[name]) for name in (*_SUMS, "number")} for row in rows}


def _ask(sql: str, books: Books, first: str, last: str) -> list[dict[str, Any]] | None:
    since, until = clock.start_of_day(first), clock.start_of_day(clock.next_day(last))
    try:
        return bigquery.query(sql, {"workspace": str(books.workspace), "since": since, "until": until})
    except Exception as error:  # noqa: BLE001 - the warehouse is a witness: whatever it lacks, the books are closed
        logs.warning("the warehouse was not compared", workspace_id=books.workspace, reason=type(error).__name__)
        return None


def _mend(books: Books, of_day: Sequence[Event], differing: dict[str, Any]) -> None:
    """Publish what somebody has not counted; who has counted it knows it by its id."""
    ids = [event.id for event in of_day]
    missing: set[str] = set()
    for name, consumer in (("charges", "billing"), ("rollups", "analytics")):
        if name in differing:
            missing |= repository.unmarked(books.workspace, consumer, ids)
    if "warehouse" in differing and of_day:
        day = clock.day_of(clock.from_text(of_day[0].row["occurred_at"]))
        stored = {row["event_id"] for row in _ask(_IDS, books, day, day) or []}
        missing |= set(ids) - stored
    events.publish_all(event for event in of_day if event.id in missing)

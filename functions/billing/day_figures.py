"""The figures of one UTC day against its events: charges, rollups, ledger, warehouse; and silence, which has no events."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.billing import charges, ledger, repository, warehouse
from functions.billing.books import AHEAD, Books
from functions.billing.models import LedgerEntry, UsageEvent
from functions.shared import clock, logs
from functions.shared.contracts import BUCKETS, Counters, RollupRead
from functions.shared.events import Event

_SUMS = (*BUCKETS, "cost_nanos", "charge_nanos")

EXAMINED = 100
"""Silent days that one query asks about."""

Differing = dict[str, int | None]
"""By figure, how many nanos it has more than the events; 0 where something else than the amount differs, None where it
could not be compared."""


def events_by_day(books: Books, days: Iterable[str]) -> dict[str, list[Event]]:
    """The events of these days by the day they happened on, and of the days that touch them through corrections."""
    wanted = set(days)
    for day in set(wanted):
        wanted |= books.others.get(day, set())
    found: dict[str, list[Event]] = {day: [] for day in wanted}
    booked = sorted(wanted | {day for day, others in books.others.items() if others & wanted})
    books.read_ahead(booked)
    for day in booked:
        for event in books.events_of(day):
            happened = clock.day_of(clock.from_text(event.row["occurred_at"]))
            if happened in found:
                found[happened].append(event)
    return found


@dataclass(frozen=True)
class Counted:
    """What the books say of days, by day: the tallies of charges, the rollups' hours and the ledger's usage entries."""

    tallies: dict[str, charges.Tally]
    hours: dict[str, list[RollupRead]]
    entries: dict[str, list[LedgerEntry]]


def counted(books: Books, days: Iterable[str]) -> Counted:
    """Read what the books say of these days: one request for all tallies, one of hours and one of entries for a week."""
    names = sorted(days)
    tallies = repository.tallies(books.workspace, [f"day_{day}" for day in names], books.home.currency)
    found = Counted({day: tally for day, (tally, _) in zip(names, tallies, strict=True)}, {}, {})
    for first, last in clock.runs(names, AHEAD):
        found.hours.update(repository.hours(books.workspace, first, last))
        found.entries.update(repository.entries_by_day(books.workspace, first, last))
    return found


def compare(
    books: Books, day: str, of_day: Sequence[Event], counted: Counted, held: warehouse.Held | None
) -> Differing:
    """Where the day's figures differ from its events; `held` is what the warehouse has, None when it did not answer."""
    usage = [UsageEvent.model_validate(event.row) for event in of_day]
    tally = charges.tally(usage, books.home.currency)
    differing: Differing = {}
    cells = charges.difference(tally, counted.tallies[day])
    if cells:
        differing["charges"] = -sum(cell.charge_nanos for cell in cells.values())
    total = {**{name: getattr(tally.total, name) for name in _SUMS}, "messages": tally.total.messages}
    rolled = _rolled_up([hour.total for hour in counted.hours.get(day, ())])
    if rolled != total:
        differing["rollups"] = rolled["charge_nanos"] - total["charge_nanos"]
    if held is None:
        differing["warehouse"] = None
    else:
        wanted = warehouse.added(warehouse.USAGE_SUMS, [event.row for event in of_day])
        stored = held.usage.get(day, dict.fromkeys(warehouse.USAGE_SUMS, 0))
        if stored != wanted:
            differing["warehouse"] = stored["charge_nanos"] - wanted["charge_nanos"]
    return differing | _ledger(books, day, counted.entries.get(day, ()))


def _rolled_up(hours: Sequence[Counters]) -> dict[str, int]:
    sums = {name: sum(getattr(hour, name) for hour in hours) for name in _SUMS}
    return sums | {"messages": sum(hour.turns for hour in hours)}


def _ledger(books: Books, day: str, entries: Sequence[LedgerEntry]) -> Differing:
    """A day's entries against the events that are booked on it, which are not quite those that happened on it."""
    if day > (books.last_closed or ""):
        return {}
    booked = [UsageEvent.model_validate(event.row) for event in books.events_of(day)]
    wanted = ledger.bookable(charges.tally(booked, books.home.currency).total)
    sums = ledger.booked(entries)
    return {} if sums == wanted else {"ledger": sums.charge_nanos - wanted.charge_nanos}


def mend(books: Books, day: str, of_day: Sequence[Event], differing: Differing) -> list[Event]:
    """The events that somebody has not counted: published again they are counted once, by their id."""
    ids = [event.id for event in of_day]
    missing: set[str] = set()
    for name, consumer in (("charges", "billing"), ("rollups", "analytics")):
        if name in differing:
            missing |= repository.unmarked(books.workspace, consumer, ids)
    if differing.get("warehouse") is not None and of_day:
        begin = clock.start_of_day(day)
        missing |= set(ids) - warehouse.ids(books.workspace, "usage", (begin, begin + timedelta(days=1)))
    return [event for event in of_day if event.id in missing]


def listen(books: Books, days: Iterable[str]) -> None:
    """Alarm of silence: people talked on a day that has no event of usage at all."""
    for first, last in clock.runs((day for day in days if not books.events_of(day)), EXAMINED):
        # Mostly nobody talked on any of them, and one query says so.
        silent = first != last and not repository.moved_between(books.workspace, *_span(first, last))
        for day in () if silent else clock.days_between(first, last):
            if repository.talked_between(books.workspace, *_span(day, day)):
                logs.alarm("traffic without usage events", workspace_id=books.workspace, day=day)


def _span(first: str, last: str) -> tuple[datetime, datetime]:
    return clock.start_of_day(first), clock.start_of_day(clock.next_day(last))

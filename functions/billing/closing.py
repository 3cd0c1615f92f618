"""The close of one workspace: days in order, what came late, then the months that have ended, then the comparison.

`as_of` comes from the message and is the only clock. Every step leaves the books so that the next run, after a crash
or a second delivery, goes on where this one stopped and writes nothing twice.
"""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta

from functions.billing import (
    cap_alerts,
    charges,
    crediting,
    credits,
    dunning,
    finalizing,
    ledger,
    reconciling,
    repository,
    voiding,
)
from functions.billing.books import Books, post, tell
from functions.billing.models import ClosingMark, LedgerEntry, UsageEvent
from functions.shared import clock, events, firestore, logs, metering
from functions.shared.contracts import SpendRead
from functions.shared.errors import Unavailable
from functions.shared.events import Event
from functions.shared.identity import WorkspaceId

EXAMINED_DAYS = 35
"""How long after its close a day is still looked at for events that came late."""

PER_COMMIT = (firestore.MAX_WRITES - 10) // 2
"""Entries in one commit: each is a document and its event."""

ATTEMPTS = 6


def request_all(as_of: datetime) -> int:
    """Ask for the close of every workspace that is not erased; returns how many. Raises what Pub/Sub raises."""
    moment = clock.to_text(as_of)
    rows = ((workspace, {"workspace_id": str(workspace), "as_of": moment}) for workspace, _ in repository.workspaces())
    return events.request_all("close-requested", rows)


def close(workspace: WorkspaceId, as_of: datetime) -> None:
    """Close everything that is due at `as_of`. Running it again changes nothing.

    Raises Unavailable when turns of a day that is over are still running, or when other runs are in the way: the
    message then comes again.
    """
    for _ in range(ATTEMPTS):
        books = Books.open(workspace, as_of)
        if books is None:
            return
        try:
            _run(books)
        except (firestore.Changed, firestore.AlreadyExists, finalizing.Moved):
            logs.info("another close of this workspace came first", workspace_id=workspace)
            continue
        return
    raise Unavailable("Other closes of this workspace are in the way.", retry_after=10)


def _run(books: Books) -> None:
    finalizing.finish(books.workspace, books.as_of)
    crediting.finish(books.workspace)
    voiding.finish(books)
    held = _sweep(books)
    touched = _examine(books)
    due = ledger.days_due(books.first_day, books.last_closed, books.as_of)
    free = list(itertools.takewhile(lambda day: day not in held, due))
    _book(books, free)
    touched += free
    credits.expire(books)
    finalizing.months(books)
    voiding.finish_reissues(books)
    # What was held for these invoices and is more than they took.
    credits.expire(books)
    metering.set_apart(books.workspace, books.as_of)
    dunning.dun(books)
    reconciling.reconcile(books, touched)
    cap_alerts.look_back(books.workspace, books.as_of)
    if len(free) < len(due):
        raise Unavailable("Turns of a day that is over are still running.", retry_after=60)


def _sweep(books: Books) -> set[str]:
    """Turn dead holds into their events; returns the days that still have live ones."""
    last = books.last_closed
    month = (clock.next_day(last) if last else books.first_day)[:7]
    held: set[str] = set()
    while month <= clock.month_of(books.as_of):
        if metering.sweep(books.workspace, month, books.as_of):
            path = metering.spend_path(books.workspace, clock.start_of_month(month))
            spend = SpendRead.model_validate(firestore.get(path).data)
            held |= {clock.day_of(hold["occurred_at"]) for hold in spend.holds.values()}
        month = clock.next_month(month)
    return held


def _examine(books: Books) -> list[str]:
    """Book what came late for closed days. Returns the days that had more.

    A day costs the read of its mark, and all days together one count: events are only added, so days whose sum agrees
    agree one by one. Only when it does not are they counted one by one.
    """
    if books.last_closed is None:
        return []
    last = clock.start_of_day(books.last_closed)
    days = [clock.day_of(last - timedelta(days=back)) for back in range(EXAMINED_DAYS - 1, -1, -1)]
    days = [day for day in days if day >= books.first_day]
    marks = repository.read([repository.mark_path(books.workspace, day) for day in days])
    # A day whose mark is gone has less than no events, so no sum agrees with it.
    counts = {day: mark.data.get("count", -1) for day, mark in zip(days, marks, strict=True)}
    for day, mark in zip(days, marks, strict=True):
        books.others[day] = set(mark.data.get("other_days", ()))
    if events.count_of_days(books.workspace, days[0], days[-1]) == sum(counts.values()):
        return []
    late = [day for day in days if events.count_of_days(books.workspace, day, day) != counts[day]]
    _book(books, late)
    return late


def _book(books: Books, days: Sequence[str]) -> None:
    """Bring the ledger to the events of these days, in order, with as many in one commit as it takes.

    A day's mark comes with its last entries. Idempotent, whatever is there.
    """
    batch, told, closed = firestore.Batch(), list[Event](), books.last_closed
    books.read_ahead(days, entries=True)
    for day in days:
        found = [UsageEvent.model_validate(event.row) for event in books.events_of(day)]
        entries = entries_for(books, day, found)
        for start in range(0, max(1, len(entries)), PER_COMMIT):
            part = entries[start : start + PER_COMMIT]
            if len(batch) + 2 * len(part) > 2 * PER_COMMIT:
                _commit(books, batch, told, closed)
                batch, told = firestore.Batch(), []
            told += post(batch, books.workspace, part, books.as_of)
        mark = _mark(books, day, found)
        batch.set(repository.mark_path(books.workspace, day), mark.to_document())
        books.others[day] = set(mark.other_days)
        closed = max(day, closed or day)
    _commit(books, batch, told, closed)


def _commit(books: Books, batch: firestore.Batch, told: Sequence[Event], closed: str | None) -> None:
    if len(batch):
        books.commit(batch, **({"last_closed": closed} if closed else {}))
        tell(told)


def entries_for(books: Books, day: str, found: Sequence[UsageEvent]) -> list[LedgerEntry]:
    """The entries that are missing for the events booked on a day, by the month in which each happened."""
    posted = books.posted_of(day)
    entries = []
    for month in sorted({event.day[:7] for event in found} | {entry.usage_period for entry in posted}):
        own = [event for event in found if event.day[:7] == month]
        entries += ledger.close_day(
            workspace_id=books.workspace,
            day=day,
            tally=charges.tally(own, books.home.currency),
            digests=charges.cell_digests(own),
            posted=[entry for entry in posted if entry.usage_period == month],
            period=books.period_for(month),
            booked_at=books.as_of,
            usage_period=month,
        )
    return entries


def _mark(books: Books, day: str, found: Sequence[UsageEvent]) -> ClosingMark:
    return ClosingMark(
        workspace_id=books.workspace,
        day=day,
        closed_at=books.as_of,
        count=len(found),
        cost_nanos=sum(event.cost_nanos for event in found),
        charge_nanos=sum(event.charge_nanos for event in found),
        digest=charges.day_digest(found),
        other_days=tuple(sorted({event.day for event in found} - {day})),
    )

"""Every figure against every other, by workspace and day, month and invoice (MONEY 11): what to compare, mend and alarm.

What somebody has not counted or stored is published again, which is harmless, and what differed stays on a list. A
difference that the next day's run still finds is an alarm: nothing here makes two figures equal by writing one of them.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from functions.billing import credit_figures, day_figures, period_figures, warehouse
from functions.billing.books import Books
from functions.billing.day_figures import Differing
from functions.shared import clock, events, firestore, logs
from functions.shared.events import Event

KEPT_DAYS = 35
"""A day that still differs after so long stays alarmed and is no longer compared."""

_BOOKED = "booked "
_DAY, _MONTH = len("2026-11-25"), len("2026-11")


def reconcile(books: Books, touched: Sequence[str]) -> None:
    """Compare the days of this run and what differed in the last one; mend, remember, alarm.

    The list has days `2026-11-25`, months `2026-11`, days of booking `booked 2026-11-26`, invoices and credit notes by
    their ids, and `credit`.
    """
    listed: dict[str, str] = dict(books.data.get("differences", {}))
    now = clock.to_text(books.as_of)
    now_listed = {}
    for name, differing, missing in _compared(books, touched, listed):
        now_listed[name] = min(listed.get(name, now), now)
        if now_listed[name] < now:
            logs.alarm("figures still differ", workspace_id=books.workspace, of=name, differing=differing)
        events.publish_all(missing)
    day_figures.listen(books, sorted(set(touched)))
    if now_listed != listed:
        books.commit(firestore.Batch(), differences=now_listed)


def _compared(
    books: Books, touched: Sequence[str], listed: dict[str, str]
) -> Iterator[tuple[str, Differing, list[Event]]]:
    """What differs, by name, with the events that would mend it."""
    oldest = clock.day_of(books.as_of - timedelta(days=KEPT_DAYS))
    days = {day for day in {*touched, *(name for name in listed if _is_day(name))} if day >= oldest}
    by_day = day_figures.events_by_day(books, days)
    filed = period_figures.filed(books, listed)
    held = warehouse.held(books.workspace, _span(by_day), filed.booked, filed.issued)
    counted = day_figures.counted(books, by_day)
    for day, of_day in sorted(by_day.items()):
        if differing := day_figures.compare(books, day, of_day, counted, held):
            yield day, differing, day_figures.mend(books, day, of_day, differing)
    months = {clock.month_of(books.as_of), *(day[:_MONTH] for day in by_day), *filter(_is_month, listed)}
    for month, differing in sorted(period_figures.months(books, months).items()):
        if differing:
            yield month, differing, []
    for day in sorted(filed.entries.keys() | (held.ledger.keys() if held else set())):
        if differing := period_figures.compare_entries(filed, day, held):
            yield _BOOKED + day, differing, period_figures.missing_entries(books, filed, day)
    for invoice in filed.invoices:
        if differing := period_figures.compare_invoice(books, filed, invoice, held):
            missing = period_figures.missing_lines(books, invoice) if "warehouse" in differing else []
            yield invoice.invoice_id, differing, missing
    for note in filed.notes:
        if differing := credit_figures.compare_note(books, note, held):
            missing = period_figures.missing_lines(books, note) if "warehouse" in differing else []
            yield note.note_id, differing, missing
    if differing := credit_figures.compare_account(books, filed.recent, listed=credit_figures.CREDIT in listed):
        yield credit_figures.CREDIT, differing, []


def _is_day(name: str) -> bool:
    return len(name) == _DAY and name[:1].isdigit()


def _is_month(name: str) -> bool:
    return len(name) == _MONTH and name[:1].isdigit()


def _span(by_day: dict[str, list[Event]]) -> warehouse.Span | None:
    if not by_day:
        return None
    return clock.start_of_day(min(by_day)), clock.start_of_day(clock.next_day(max(by_day)))

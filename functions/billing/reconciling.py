"""Every figure against every other, by workspace and day, month and invoice (MONEY 11): what to compare, mend and alarm.

What somebody has not counted or stored is published again, which is harmless, and what differed stays on a list. A
difference that the next day's run still finds is an alarm: nothing here makes two figures equal by writing one of them.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from functions.billing import credit_figures, day_figures, period_figures, rollup_figures, warehouse
from functions.billing.books import Books
from functions.billing.day_figures import Differing
from functions.billing.models import Invoice
from functions.billing.notes import CreditNote
from functions.billing.period_figures import BOOKED
from functions.shared import clock, events, firestore, logs
from functions.shared.events import Event

KEPT_DAYS = 35
"""A day that still differs, or still could not be compared, after so long has been alarmed and is no longer compared."""

_DAY, _MONTH = len("2026-11-25"), len("2026-11")


def reconcile(books: Books, touched: Sequence[str]) -> None:
    """Compare the days of this run and what is listed; mend, remember, alarm.

    Two lists have since when: `differences` what differed, `uncompared` what could not be compared as a whole, because
    the warehouse did not answer or figures moved meanwhile. What is on one of them is compared by each run until it is
    compared and agrees, and alarms from the second day on. They have days `2026-11-25`, months `2026-11`, days of booking
    `booked 2026-11-26`, invoices and credit notes by their ids, and `credit`.
    """
    differed: dict[str, str] = books.data.get("differences", {})
    open_before: dict[str, str] = books.data.get("uncompared", {})
    now = clock.to_text(books.as_of)
    differing_now, uncompared = dict[str, str](), dict[str, str]()
    for name, found, missing in _compared(books, touched, {*differed, *open_before}):
        differing = {figure: nanos for figure, nanos in found.items() if nanos is not None}
        unknown = sorted(found.keys() - differing.keys())
        if differing or (unknown and name in differed):
            differing_now[name] = min(differed.get(name, now), now)
        if differing and differing_now[name] < now:
            logs.alarm("figures still differ", workspace_id=books.workspace, of=name, differing=differing)
        if unknown:
            uncompared[name] = min(open_before.get(name, now), now)
            if uncompared[name] < now:
                logs.alarm("figures were not compared", workspace_id=books.workspace, of=name, figures=unknown)
        events.publish_all(missing)
    day_figures.listen(books, sorted(set(touched)))
    lists = {"differences": differing_now, "uncompared": uncompared}
    changed = {name: value for name, value in lists.items() if value != books.data.get(name, {})}
    if changed:
        books.commit(firestore.Batch(), **changed)


def _compared(books: Books, touched: Sequence[str], listed: set[str]) -> Iterator[tuple[str, Differing, list[Event]]]:
    """What differs or could not be compared, by name, with the events that would mend it."""
    oldest = clock.day_of(books.as_of - timedelta(days=KEPT_DAYS))
    days = {day for day in {*touched, *filter(_is_day, listed)} if day >= oldest}
    booked = {name for name in listed if name.startswith(BOOKED) and name >= BOOKED + oldest}
    by_day = day_figures.events_by_day(books, days)
    filed = period_figures.filed(books, booked | {name for name in listed if not name.startswith(BOOKED)})
    held = warehouse.held(books.workspace, _span(by_day), filed.booked, filed.issued)
    counted = day_figures.counted(books, by_day)
    rolled = rollup_figures.compare_days(books, by_day)
    for day, of_day in sorted(by_day.items()):
        differing = day_figures.compare(books, day, of_day, counted, held)
        if differing := differing | rolled.get(day, {}):
            yield day, differing, day_figures.mend(books, day, of_day, differing)
    months = {clock.month_of(books.as_of), *(day[:_MONTH] for day in by_day), *filter(_is_month, listed)}
    for month, differing in sorted(period_figures.months(books, months).items()):
        if differing := differing | rollup_figures.compare_month(books, month):
            yield month, differing, []
    told = {name.removeprefix(BOOKED) for name in booked} if held is None else held.ledger.keys()
    for day in sorted(filed.entries.keys() | told):
        if differing := period_figures.compare_entries(filed, day, held):
            missing = [] if held is None else period_figures.missing_entries(books, filed, day)
            yield BOOKED + day, differing, missing
    for invoice in filed.invoices:
        if differing := period_figures.compare_invoice(books, filed, invoice, held):
            yield invoice.invoice_id, differing, _missing_lines(books, invoice, differing)
    for note in filed.notes:
        if differing := credit_figures.compare_note(books, note, held):
            yield note.note_id, differing, _missing_lines(books, note, differing)
    if differing := credit_figures.compare_account(books, filed.recent, listed=credit_figures.CREDIT in listed):
        yield credit_figures.CREDIT, differing, []


def _missing_lines(books: Books, one: Invoice | CreditNote, differing: Differing) -> list[Event]:
    return [] if differing.get("warehouse") is None else period_figures.missing_lines(books, one)


def _is_day(name: str) -> bool:
    return len(name) == _DAY and name[:1].isdigit()


def _is_month(name: str) -> bool:
    return len(name) == _MONTH and name[:1].isdigit()


def _span(by_day: dict[str, list[Event]]) -> warehouse.Span | None:
    if not by_day:
        return None
    return clock.start_of_day(min(by_day)), clock.start_of_day(clock.next_day(max(by_day)))

"""What goes beyond a day: spend and month tally against the ledger, invoices against entries and payments, the warehouse's
copy of both. Every invoice on which something was booked lately is compared, and every one that is not settled.

Spend moves with every turn, so it is read before and after the events that it must equal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from functions.billing import charges, credit_figures, invoicing, ledger, repository, warehouse
from functions.billing.books import Books
from functions.billing.day_figures import Differing
from functions.billing.models import Account, EntryKind, Invoice, InvoiceState, LedgerEntry, LineKind, Period
from functions.billing.notes import CreditNote
from functions.shared import clock, events, metering
from functions.shared.contracts import SpendRead
from functions.shared.events import Event
from functions.shared.money import minor_to_nanos

ATTEMPTS = 3
"""Turns may settle between two reads of the spend; a day on which they always do is compared on the next one."""

BOOKED_DAYS = 8
"""So long after it was booked an entry is compared with the warehouse's copy, and with its invoice or credit note; an
invoice as long as it is open, too."""

ON_ITS_WAY = timedelta(hours=1)
"""What was booked or issued less than that ago may not have reached the warehouse."""

BOOKED = "booked "
"""What a day of booking is called on the list of what differs, before the day."""

_INVOICE, _NOTE = "inv_", "crn_"

UNSETTLED = (InvoiceState.OPEN, InvoiceState.OVERDUE, InvoiceState.UNCOLLECTIBLE)


def months(books: Books, wanted: Iterable[str]) -> dict[str, Differing]:
    """By month where the spend or the month's tally differs from the ledger and the events that are not booked yet."""
    names = sorted(set(wanted))
    paths = {month: metering.spend_path(books.workspace, clock.start_of_month(month)) for month in names}
    for _ in range(ATTEMPTS):
        before = repository.read(list(paths.values()))
        unbooked = events.after_day(books.workspace, books.last_closed or "")
        booked = {month: _usage(repository.entries_of_usage_period(books.workspace, month)) for month in names}
        if [one.etag for one in repository.read(list(paths.values()))] == [one.etag for one in before]:
            break
    else:
        return {month: {"spend": None} for month in names}
    found = {}
    for month, stored in zip(names, before, strict=True):
        spend = SpendRead.model_validate(stored.data)
        rows = [event.row for event in unbooked if clock.month_of(clock.from_text(event.row["occurred_at"])) == month]
        charged = sum(entry.on(Account.UNBILLED) for entry in booked[month]) + sum(row["charge_nanos"] for row in rows)
        cost = sum(entry.cost_nanos for entry in booked[month]) + sum(row["cost_nanos"] for row in rows)
        found[month] = _tallied(books, month)
        if (spend.spent_nanos, spend.cost_nanos) != (charged, cost):
            found[month]["spend"] = spend.spent_nanos - charged
    return found


def _usage(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    return [entry for entry in entries if entry.kind == EntryKind.USAGE]


def _tallied(books: Books, month: str) -> Differing:
    """The month's tally against its days': consumers move both in one commit, and one read sees both."""
    names = [f"month_{month}", *(f"day_{day}" for day in Period(month=month).days)]
    whole, *days = (
        charges.Tally.from_document({"currency": books.home.currency, **stored.data})
        for stored in repository.tallies_stored(books.workspace, names)
    )
    summed = charges.Tally(currency=books.home.currency, cells={})
    for day in days:
        summed = summed.plus(day)
    cells = charges.difference(summed, whole)
    return {"charges": -sum(cell.charge_nanos for cell in cells.values())} if cells else {}


@dataclass(frozen=True)
class Filed:
    """Entries, invoices and credit notes that are compared with the warehouse, with the spans in which they lie."""

    entries: dict[str, list[LedgerEntry]]
    booked: warehouse.Span | None
    invoices: list[Invoice]
    issued: warehouse.Span | None
    due: dict[str, int] = field(default_factory=dict)
    """By invoice, what its document says is due, for whoever reads it."""
    notes: list[CreditNote] = field(default_factory=list)

    @property
    def recent(self) -> list[LedgerEntry]:
        """The entries of the last days."""
        return [entry for own in self.entries.values() for entry in own]


def filed(books: Books, listed: Iterable[str]) -> Filed:
    """Entries of the last days, and since the first `listed` day of booking, with their invoices and credit notes, and the
    invoices that are not settled, of the last month, or `listed`."""
    until = books.as_of - ON_ITS_WAY
    days = [clock.day_of(books.as_of - timedelta(days=BOOKED_DAYS))]
    days += [name.removeprefix(BOOKED) for name in listed if name.startswith(BOOKED)]
    since = clock.start_of_day(min(days))
    entries: dict[str, list[LedgerEntry]] = {}
    for entry in repository.entries_booked(books.workspace, since, until):
        entries.setdefault(clock.day_of(entry.booked_at), []).append(entry)
    stored = {one.id: one for one in repository.invoices_in(books.workspace, *UNSETTLED)}
    newest = invoicing.invoice_id(books.workspace, _month_before(books.period))
    recent = [entry for own in entries.values() for entry in own]
    named = {name for name in listed if name.startswith(_INVOICE)} | {
        one.invoice_id for one in recent if one.invoice_id
    }
    more = sorted({newest, *named} - stored.keys())
    for one in repository.read([repository.invoice_path(books.workspace, name) for name in more]):
        if one.exists:
            stored[one.id] = one
    invoices = [repository.invoice_of(stored[name]) for name in sorted(stored)]
    invoices = [one for one in invoices if one.issued_at and one.state != InvoiceState.FINALIZING]
    noted = sorted({name for name in listed if name.startswith(_NOTE)} | credit_figures.noted(recent))
    found = repository.read([repository.note_path(books.workspace, name) for name in noted])
    notes = [CreditNote.model_validate(one.data) for one in found if one.exists]
    issued = [at for one in invoices if (at := one.issued_at)] + [one.issued_at for one in notes]
    span = (min(issued), max(issued) + timedelta(seconds=1)) if issued else None
    due = {name: int(one.data.get("due_minor", 0)) for name, one in stored.items()}
    return Filed(entries, (since, until) if entries else None, invoices, span, due, notes)


def _month_before(month: str) -> str:
    return clock.month_of(clock.start_of_month(month) - timedelta(days=1))


def compare_entries(found: Filed, day: str, held: warehouse.Held | None) -> Differing:
    """What was booked on a day against the warehouse's copy of it."""
    if held is None:
        return {"warehouse": None}
    wanted = warehouse.added(warehouse.LEDGER_SUMS, [entry.to_row() for entry in found.entries.get(day, ())])
    stored = held.ledger.get(day, dict.fromkeys(warehouse.LEDGER_SUMS, 0))
    return {} if stored == wanted else {"warehouse": stored["amount_nanos"] - wanted["amount_nanos"]}


def compare_invoice(books: Books, found: Filed, invoice: Invoice, held: warehouse.Held | None) -> Differing:
    """An invoice's lines against its entries, what is paid and due against the ledger, and the warehouse's copy.

    Of a void one all of that stands, and nothing is due."""
    differing: Differing = {}
    entries = repository.entries_of_period(books.workspace, invoice.period)
    lines = sum(line.amount_nanos for line in invoice.lines if line.kind != LineKind.TAX)
    if lines != ledger.unbilled(entries):
        differing["invoice_lines"] = lines - ledger.unbilled(entries)
    # Finalizing takes all of it off, a void gives and takes the same, and so does a reissue.
    if left := sum(entry.on(Account.UNBILLED) for entry in entries):
        differing["unbilled"] = left
    owed = ledger.due(repository.entries_of_invoice(books.workspace, invoice.invoice_id), invoice.invoice_id)
    stated = found.due[invoice.invoice_id]
    if minor_to_nanos(stated, invoice.currency) != owed:
        differing["due"] = minor_to_nanos(stated, invoice.currency) - owed
    if stated != invoice.due_minor or sum(line.amount_minor for line in invoice.lines) != invoice.total_minor:
        differing["paid_and_due"] = minor_to_nanos(stated - invoice.due_minor, invoice.currency)
    if held is None:
        differing["warehouse"] = None
    elif invoice.issued_at is not None and invoice.issued_at <= books.as_of - ON_ITS_WAY:
        wanted = warehouse.added(warehouse.LINE_SUMS, [*invoice.to_rows()])
        stored = held.line.get(invoice.invoice_id, dict.fromkeys(warehouse.LINE_SUMS, 0))
        if stored != wanted:
            differing["warehouse"] = stored["amount_nanos"] - wanted["amount_nanos"]
    return differing


def missing_entries(books: Books, found: Filed, day: str) -> list[Event]:
    """The entries of a day that the warehouse has not, to be told again."""
    begin = clock.start_of_day(day)
    there = warehouse.ids(books.workspace, "ledger", (begin, begin + timedelta(days=1)))
    own = found.entries.get(day, ())
    return [_told(books, "ledger-recorded", one.entry_id, one.to_row()) for one in own if one.entry_id not in there]


def missing_lines(books: Books, one: Invoice | CreditNote) -> list[Event]:
    """The lines of an invoice or credit note that the warehouse has not, to be told again."""
    at: datetime = one.issued_at or books.as_of
    there = warehouse.ids(books.workspace, "line", (at, at + timedelta(seconds=1)))
    rows = one.to_rows()
    return [_told(books, "invoice-recorded", row["line_id"], row) for row in rows if row["line_id"] not in there]


def _told(books: Books, topic: Any, event_id: str, row: dict[str, Any]) -> Event:
    return Event(books.workspace, topic, event_id, row)

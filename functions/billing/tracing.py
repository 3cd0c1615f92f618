"""From a turn's event to the ledger entry that books it and the invoice line that bills it: the way back from a line."""

from datetime import datetime

from functions.billing import billed, evidence_api, past_usage, repository
from functions.billing.models import InvoiceState, LedgerEntry
from functions.shared import clock
from functions.shared.errors import NotFound
from functions.shared.events import Event
from functions.shared.http import Call
from functions.shared.identity.workspace import is_name
from functions.shared.money import Money


def trace(call: Call, event_id: str) -> evidence_api.BilledEvent:
    """Where the books have one event, by its id, which is its turn's. Raises NotFound, Unavailable when it is not among
    those of the last 100 days and the warehouse does not answer."""
    found = past_usage.find(call.workspace, event_id, call.now) if is_name(event_id) else None
    if found is None:
        raise NotFound("There is no such event of usage here.")
    event, day = found
    row = event.row
    entry = _entry_of(event, day, call.now)
    shown = evidence_api.BilledEvent(
        id=event.id,
        conversation_id=row.get("conversation_id"),
        occurred_at=clock.from_text(row["occurred_at"]),
        period=billed.month_of(event),
        day=day,
        charge=Money.of_nanos(row["charge_nanos"], row["currency"]),
        digest=row["digest"],
        state="unbooked" if entry is None else "booked",
        entry_id=entry.entry_id if entry else None,
        invoice_id=None,
        invoice_number=None,
        line_id=None,
    )
    return shown if entry is None else _on_invoice(shown, call, entry)


def _entry_of(event: Event, day: str, now: datetime) -> LedgerEntry | None:
    month, key = billed.month_of(event), billed.key_of(event)
    entries = repository.entries_of_day(event.workspace, day)
    chain = [entry for entry in entries if entry.usage_period == month and entry.key == key]
    if not chain:
        return None
    days = {day: sum(entry.count for entry in chain)}
    ((_, of_day),) = past_usage.of_days(event.workspace, key.agent_id, days, now)
    beside = [one for one in of_day if _cell(one) == (month, key)]
    return next((entry for entry, own in billed.booked(chain, beside) if any(one.id == event.id for one in own)), None)


def _cell(event: Event) -> tuple[object, ...]:
    return billed.month_of(event), billed.key_of(event)


def _on_invoice(shown: evidence_api.BilledEvent, call: Call, entry: LedgerEntry) -> evidence_api.BilledEvent:
    """The same with its invoice, once there is one: a draft follows the end of its month."""
    invoices = repository.invoices_of_period(call.workspace, entry.period)
    # One that was issued in place of a void one bills it now.
    for invoice in sorted(invoices, key=lambda one: one.state == InvoiceState.VOID):
        for line in invoice.lines:
            if billed.is_under(entry, line):
                return shown.model_copy(
                    update={
                        "state": invoice.state.value,
                        "invoice_id": invoice.invoice_id,
                        "invoice_number": invoice.number,
                        "line_id": line.line_id,
                    }
                )
    return shown

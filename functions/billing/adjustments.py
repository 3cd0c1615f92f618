"""The ledger's rules for what is not usage and not an invoice: prepaid credit, credit notes, write-offs, reissues.

    granted      revenue → customer credit        (what is bought is a payment)
    expired      customer credit → revenue        (what was bought is earned, what was granted is reversed)
    credit note  revenue and tax → receivable     what was not due: receivable → customer credit
    write-off    revenue and tax → receivable     a payment first brings it back, a refund adds to it
    reissue      unbilled → revenue               what a void invoice took back, line by line

(debit → credit.) A debt that nobody expects any more is no revenue and no tax: both are reversed for what was due, in
the proportion of the invoice. So it needs no account of its own, and the kind of the entries says how much it was.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from functions.billing.aftermath import CreditPart, WriteOff
from functions.billing.ledger import entry
from functions.billing.models import Account, EntryKind, Invoice, LedgerEntry, LineKind, Period
from functions.shared.money import allocate, minor_to_nanos

CREDIT, RECEIVABLE, REVENUE = Account.CUSTOMER_CREDIT, Account.RECEIVABLE, Account.REVENUE


def _on(workspace_id: str, currency: str, at: datetime) -> dict[str, Any]:
    month = Period.of(at).month
    return {
        "workspace_id": workspace_id,
        "period": month,
        "usage_period": month,
        "booked_at": at,
        "currency": currency,
    }


def granted(workspace_id: str, nanos: int, currency: str, grant_id: str, at: datetime) -> LedgerEntry:
    """Credit that was given: revenue that there will not be."""
    common = _on(workspace_id, currency, at)
    return entry(
        kind=EntryKind.CREDIT_GRANTED,
        debit=REVENUE,
        credit=CREDIT,
        amount_nanos=nanos,
        payment_id=grant_id,
        **common,
    )


def expired(
    workspace_id: str,
    part: CreditPart,
    currency: str,
    *,
    grant_entry: str | None,
    open_month: str,
    at: datetime,
    left: int = 0,
) -> LedgerEntry:
    """Credit whose time is over. `grant_entry` is what it reverses, for credit that was given.

    `open_month` is the first without a final invoice, `left` what is still held for invoices: what one of them had to
    leave expires after it, as another entry of the same day.
    """
    common = _on(workspace_id, currency, at) | {"usage_period": open_month, "day": at.date().isoformat()}
    return entry(
        kind=EntryKind.CREDIT_EXPIRED,
        left=left,
        debit=CREDIT,
        credit=REVENUE,
        amount_nanos=part.nanos,
        payment_id=part.grant_id,
        corrects=grant_entry,
        **common,
    )


def noted(
    invoice: Invoice, note_id: str, net_minor: int, tax_minor: int, rest_minor: int, at: datetime
) -> list[LedgerEntry]:
    """A credit note: what it takes off revenue and tax, and the rest that was not due any more and becomes credit."""
    common = _on(invoice.workspace_id, invoice.currency, at)
    moves = (
        (EntryKind.CREDIT_NOTE, REVENUE, RECEIVABLE, net_minor),
        (EntryKind.CREDIT_NOTE_TAX, Account.TAX, RECEIVABLE, tax_minor),
        (EntryKind.CREDIT_NOTE_REST, RECEIVABLE, CREDIT, rest_minor),
    )
    return [
        entry(
            kind=kind,
            debit=debit,
            credit=credit,
            amount_nanos=minor_to_nanos(minor, invoice.currency),
            invoice_id=invoice.invoice_id,
            payment_id=note_id,
            **common,
        )
        for kind, debit, credit, minor in moves
        if minor
    ]


def written_off(invoice: Invoice, write_off: WriteOff) -> list[LedgerEntry]:
    """What was due, taken off revenue and tax in the proportion of the invoice."""
    net, tax = allocate(write_off.amount_minor, [invoice.net_minor, invoice.tax_minor])
    common = _on(invoice.workspace_id, invoice.currency, write_off.at)
    moves = ((EntryKind.WRITE_OFF, REVENUE, net), (EntryKind.WRITE_OFF_TAX, Account.TAX, tax))
    return [
        entry(
            kind=kind,
            debit=account,
            credit=RECEIVABLE,
            amount_nanos=minor_to_nanos(minor, invoice.currency),
            invoice_id=invoice.invoice_id,
            payment_id=write_off.act_id,
            **common,
        )
        for kind, account, minor in moves
        if minor
    ]


def recovered(invoice: Invoice, write_off: WriteOff, payment_id: str, at: datetime) -> list[LedgerEntry]:
    """The reverse of a write-off, entry by entry: somebody pays after all."""
    common = _on(invoice.workspace_id, invoice.currency, at)
    return [
        entry(
            kind=EntryKind.RECOVERED,
            debit=item.credit_account,
            credit=item.debit_account,
            amount_nanos=item.amount_nanos,
            invoice_id=invoice.invoice_id,
            payment_id=payment_id,
            corrects=item.entry_id,
            **common,
        )
        for item in written_off(invoice, write_off)
    ]


def reissued(invoice: Invoice, period_lines: Iterable[str], at: datetime) -> list[LedgerEntry]:
    """What the void invoice took back is unbilled again, one entry for each line of the one in its place.

    `corrects` names the line of the period's first invoice that it brings back; `period_lines` are those, in the order
    of the new invoice's lines.
    """
    return [
        entry(
            kind=EntryKind.REISSUE,
            debit=Account.UNBILLED,
            credit=REVENUE,
            amount_nanos=line.amount_nanos,
            booked_at=at,
            workspace_id=invoice.workspace_id,
            period=invoice.period,
            usage_period=line.usage_period,
            agent_id=line.agent_id,
            model=line.model,
            price_version=line.price_version,
            invoice_id=invoice.invoice_id,
            currency=invoice.currency,
            corrects=first,
        )
        for line, first in zip(invoice.lines, period_lines, strict=True)
        if line.kind != LineKind.TAX and line.amount_nanos
    ]

"""What money that comes and goes does to an uncollectible invoice, pure (uncollectible.py says why)."""

from datetime import datetime

from functions.billing.adjustments import recovered, written_off
from functions.billing.aftermath import WriteOff
from functions.billing.invoicing import move
from functions.billing.models import Invoice, InvoiceState, LedgerEntry


def revived(invoice: Invoice, payment_id: str, at: datetime) -> tuple[Invoice, list[LedgerEntry]]:
    """An invoice on which money has come, with what was written off due again, and the entries of that. A void took the
    write-off back with everything else: such an invoice stays as it is."""
    written = invoice.after.write_offs
    if not written or invoice.state == InvoiceState.VOID:
        return invoice, []
    after = invoice.after.model_copy(update={"write_off": None, "refunded_since": ()})
    alive = move(invoice, InvoiceState.OVERDUE).model_copy(update={"after": after})
    return alive, [item for one in written for item in recovered(invoice, one, payment_id, at)]


def given_back(invoice: Invoice, refund_id: str, at: datetime) -> tuple[Invoice, list[LedgerEntry]]:
    """An invoice after a refund: what that made due on an uncollectible one is written off as well."""
    if invoice.state != InvoiceState.UNCOLLECTIBLE or not invoice.due_minor:
        return invoice, []
    added = WriteOff(act_id=refund_id, at=at, amount_minor=invoice.due_minor)
    after = invoice.after.model_copy(update={"refunded_since": (*invoice.after.refunded_since, added)})
    return invoice.model_copy(update={"after": after}), written_off(invoice, added)


def returned_to(invoice: Invoice, refund_id: str, at: datetime) -> tuple[Invoice, list[LedgerEntry]]:
    """An invoice before the money of a failed refund pays it again: the refund's own part of the write-off is due once
    more. One that was written off after the refund is paid like by any money that comes."""
    written = [one for one in invoice.after.refunded_since if one.act_id == refund_id]
    if not written:
        return revived(invoice, refund_id, at)
    left = tuple(one for one in invoice.after.refunded_since if one.act_id != refund_id)
    after = invoice.after.model_copy(update={"refunded_since": left})
    entries = [item for one in written for item in recovered(invoice, one, refund_id, at)]
    return invoice.model_copy(update={"after": after}), entries

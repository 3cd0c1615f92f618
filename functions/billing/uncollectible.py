"""Invoices that nobody expects to be paid any more: written off by the operator, and alive again when money comes.

A write-off takes what is due off revenue and tax (adjustments.py), so nothing is due and nothing is receivable. The
invoice stays payable: a payment first brings back what was written off.

What is given back of its payments, by us or by the payer's bank, is written off as well. The operator has said that this
invoice is not paid any more: whoever gives money back on it does not want it dunned, and a debt that counts as due would
be one that no list of debts expects. So an uncollectible invoice has nothing due, whatever was done to it. A refund that
did not reach the payer takes its own part of the write-off back.
"""

from functions.billing import adjustments, invoicing, repository
from functions.billing.aftermath import WriteOff
from functions.billing.auditing import audit
from functions.billing.books import post, tell
from functions.billing.models import InvoiceState
from functions.shared import firestore
from functions.shared.errors import Conflict, NotFound
from functions.shared.events import Event
from functions.shared.http import Call
from functions.shared.identity import WorkspaceId


def write_off(call: Call, workspace: WorkspaceId, invoice_id: str, reason: str) -> None:
    """Write off what is due on an open or overdue invoice. Again it changes nothing. Raises NotFound, Conflict."""
    path = repository.invoice_path(workspace, invoice_id)

    def work(transaction: firestore.Transaction) -> list[Event]:
        found = transaction.get(path)
        if not found.exists:
            raise NotFound("There is no such invoice.")
        invoice = repository.invoice_of(found)
        if invoice.state == InvoiceState.UNCOLLECTIBLE:
            return []
        if invoice.state not in (InvoiceState.OPEN, InvoiceState.OVERDUE) or found.data.get("voiding"):
            raise Conflict(f"An invoice that is {invoice.state} cannot be written off.", code="invoice_state")
        written = WriteOff(act_id=f"wof_{call.idempotency_id}", at=call.now, amount_minor=invoice.due_minor)
        after = invoice.after.model_copy(update={"write_off": written})
        marked = invoicing.move(invoice, InvoiceState.UNCOLLECTIBLE).model_copy(update={"after": after})
        transaction.set(path, repository.invoice_document(marked))
        told = post(transaction, workspace, adjustments.written_off(invoice, written), call.now)
        audit(
            transaction,
            call,
            workspace,
            "invoice.written_off",
            invoice,
            {"state": marked.state.value, "due_minor": marked.due_minor, "reason": reason},
        )
        return told

    tell(firestore.transact(work))

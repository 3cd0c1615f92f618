"""Money that came in: the operator's act, one transaction, told in the audit log."""

from datetime import UTC, datetime, timedelta

from functions.billing import credits, invoicing, ledger, repository, written_off
from functions.billing import payment_api_models as payment_api
from functions.billing.accounts import invalid
from functions.billing.auditing import audit
from functions.billing.books import post, tell
from functions.billing.models import Invoice, InvoiceState
from functions.billing.payment_models import Payment, Refund
from functions.shared import activity, clock, firestore, metering, notifications
from functions.shared.errors import Conflict, NotFound
from functions.shared.events import Event
from functions.shared.http import Call
from functions.shared.identity import Principal, WorkspaceId
from functions.shared.money import Money, MoneyError

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
MOST_AHEAD = timedelta(days=400)
"""As far as a close may run ahead (close_routes); what lies outside of both is a slip in the year."""

PAYABLE = (InvoiceState.OPEN, InvoiceState.OVERDUE, InvoiceState.PAID, InvoiceState.UNCOLLECTIBLE)


def shown(paid: Payment) -> payment_api.Payment:
    """A payment as it is shown."""
    return payment_api.Payment(
        id=paid.payment_id,
        invoice_id=paid.invoice_id,
        amount=Money.of_minor(paid.amount_minor, paid.currency),
        received_at=paid.received_at,
        method=paid.method,
        reference=paid.provider_id,
        note=paid.note,
        state=paid.state.value,
        refunded=Money.of_minor(paid.refunded_minor, paid.currency),
        refunds=[
            payment_api.Refund(
                id=one.refund_id,
                amount=Money.of_minor(one.amount_minor, paid.currency),
                at=one.at,
                state=one.state.value,
                reference=one.provider_id,
                note=one.note,
                disputed=one.disputed,
            )
            for one in paid.refunds
        ],
    )


def record(call: Call, workspace: WorkspaceId, new: payment_api.NewPayment) -> tuple[payment_api.Payment, str]:
    """Book a payment once: its id comes from the caller's key, so neither a repeat nor a crash books it twice. The payment
    as it is then, and its etag.

    What is due is paid, the rest becomes credit. The first payment ends a trial. Raises NotFound, Invalid, Conflict.
    """
    payment_id = f"pay_{call.idempotency_id}"
    received_at = _when(new, call.now)
    paths = [
        repository.payment_path(workspace, payment_id),
        repository.invoice_path(workspace, new.invoice_id),
        repository.account_path(workspace),
        metering.spend_path(workspace, call.now),
    ]

    def work(transaction: firestore.Transaction) -> list[Event]:
        known, found, account, spend = transaction.get_all(paths)
        if known.exists:
            _check_same(repository.payment_of(known), new)
            return []
        invoice, revived = written_off.revived(_payable(found), payment_id, call.now)
        paid = Payment(
            payment_id=payment_id,
            workspace_id=workspace,
            invoice_id=invoice.invoice_id,
            amount_minor=_amount(new, invoice),
            currency=invoice.currency,
            received_at=received_at,
            method=new.method,
            provider_id=new.reference,
            note=new.note,
        )
        on_invoice = min(paid.amount_minor, invoice.due_minor)
        paid = paid.model_copy(update={"on_invoice_minor": on_invoice})
        entries = ledger.payment(paid, invoice.due_minor, call.now)
        settled = invoicing.settle(invoice, invoice.paid_minor + on_invoice, call.now)
        transaction.create(known.path, paid.to_document())
        transaction.set(found.path, repository.invoice_document(settled))
        credits.move(
            transaction,
            workspace,
            account,
            spend,
            ledger.credit(entries),
            paid=True,
            source=payment_id,
            at=call.now,
        )
        told = post(transaction, workspace, [*revived, *entries], call.now)
        told.append(announce_payment(transaction, workspace, paid, settled, call.now))
        audit(
            transaction,
            call,
            workspace,
            "payment.recorded",
            invoice,
            {"payment_id": payment_id, "amount": shown(paid).amount.amount, "state": settled.state.value},
        )
        return told

    tell(firestore.transact(work))
    (booked,) = repository.read(paths[:1])
    return shown(repository.payment_of(booked)), booked.etag


def announce_payment(
    batch: firestore.Batch, workspace: WorkspaceId, paid: Payment, invoice: Invoice | None, now: datetime
) -> Event:
    """Tell the business in this commit that its payment is here; publish the event after it."""
    facts: notifications.Facts = {
        "invoice_id": paid.invoice_id,
        "invoice_number": invoice.number if invoice else None,
        "amount": shown(paid).amount.amount,
        "currency": paid.currency,
        "method": paid.method,
        "received_at": clock.to_text(paid.received_at),
        "invoice_state": invoice.state.value if invoice else None,
    }
    return notifications.record(batch, workspace, "payment.received", subject=paid.payment_id, facts=facts, now=now)


def announce_refund(
    batch: firestore.Batch, workspace: WorkspaceId, paid: Payment, given: Refund, now: datetime
) -> Event:
    """Tell the business in this commit that money goes back; publish the event after it."""
    facts: notifications.Facts = {
        "refund_id": given.refund_id,
        "invoice_id": paid.invoice_id,
        "amount": Money.of_minor(given.amount_minor, paid.currency).amount,
        "currency": paid.currency,
        "disputed": given.disputed,
        "payment_state": paid.state.value,
    }
    return notifications.record(
        batch, workspace, "payment.refunded", subject=paid.payment_id, once=given.refund_id, facts=facts, now=now
    )


def tell_audit(
    batch: firestore.Batch,
    principal: Principal | None,
    workspace: WorkspaceId,
    action: str,
    paid: Payment,
    invoice: Invoice | None,
    now: datetime,
    **more: str,
) -> None:
    """What became of a payment, in the audit log of the workspace; without a principal the card service said it."""
    activity.record(
        batch,
        workspace,
        principal,
        action,
        kind="payment",
        subject=paid.payment_id,
        name=(invoice.number or "") if invoice else "",
        after={
            "state": paid.state.value,
            "amount": shown(paid).amount.amount,
            "refunded": shown(paid).refunded.amount,
            "invoice_id": paid.invoice_id,
            "invoice_state": invoice.state.value if invoice else None,
            **more,
        },
        now=now,
    )


def _check_same(known: Payment, new: payment_api.NewPayment) -> None:
    if known.invoice_id != new.invoice_id or shown(known).amount != new.amount:
        raise Conflict("This Idempotency-Key booked another payment.", code="idempotency_conflict")


def _payable(found: firestore.Snapshot) -> Invoice:
    if not found.exists:
        raise NotFound("There is no such invoice.")
    invoice = repository.invoice_of(found)
    if invoice.state not in PAYABLE or found.data.get("voiding"):
        raise Conflict(f"An invoice that is {invoice.state} cannot be paid.", code="invoice_state")
    return invoice


def _amount(new: payment_api.NewPayment, invoice: Invoice) -> int:
    if new.amount.currency != invoice.currency:
        raise invalid("/amount/currency", f"The invoice is in {invoice.currency}.")
    try:
        minor = new.amount.minor
    except MoneyError as error:
        raise invalid("/amount/amount", str(error)) from error
    if minor <= 0:
        raise invalid("/amount/amount", "A payment is more than nothing.")
    return minor


def _when(new: payment_api.NewPayment, now: datetime) -> datetime:
    if new.received_at is None:
        return now
    if not EARLIEST <= new.received_at <= now + MOST_AHEAD:
        raise invalid("/received_at", "Look at the year: a payment comes in this century, and not in years from now.")
    return new.received_at.astimezone(UTC)

"""A business pays by card: an invoice, with what is due now, or credit for later; on a page of the card service's own.

Nothing is booked here. What was paid, the card service says when it is asked (card_payments).
"""

from typing import Any

from functions.billing import card_payments, cards, repository
from functions.billing import payment_api_models as payment_api
from functions.billing.accounts import invalid
from functions.billing.models import InvoiceState
from functions.shared import activity, contracts, firestore, ids
from functions.shared.config import settings
from functions.shared.contracts import WorkspaceRead
from functions.shared.errors import Conflict, NotFound
from functions.shared.http import Call
from functions.shared.money import Money, MoneyError, minor_digits

PAYABLE = (InvoiceState.OPEN, InvoiceState.OVERDUE, InvoiceState.UNCOLLECTIBLE)

LEAST_CREDIT, MOST_CREDIT = 5, 100_000
"""Credit is bought in whole and broken units of the currency between these."""


def begin(call: Call, new: payment_api.NewCheckout) -> payment_api.Checkout:
    """The page on which to pay; a repeat with the same key is the same page.

    Raises Invalid, NotFound, Conflict (`invoice_state`, `amount_not_by_card`, `card_payments_off`), Unavailable.
    """
    if (new.invoice_id is None) == (new.credit is None):
        raise invalid("", "Name an invoice or an amount of credit, and not both.")
    home, *found = repository.read(
        [
            contracts.workspace_path(call.workspace),
            *([] if new.invoice_id is None else [repository.invoice_path(call.workspace, new.invoice_id)]),
        ]
    )
    workspace = WorkspaceRead.model_validate(home.data)
    if found:
        amount, says = _due(found[0])
    else:
        assert new.credit is not None
        amount, says = _credit(new.credit, workspace.currency)
    if not cards.payable(amount.minor, amount.currency):
        raise cards.NotByCard("This amount is not taken by card. Pay it by transfer.")
    order = cards.Order(
        amount_minor=amount.minor,
        currency=amount.currency,
        says=f"{settings().seller['name']}, {says}",
        metadata=card_payments.stated(call.workspace, amount.minor, amount.currency, new.invoice_id),
        success_url=_back("paid"),
        cancel_url=_back("cancelled"),
        email=call.principal.email or None,
    )
    page = cards.open_checkout(order, ids.hashed("checkout", call.workspace, call.idempotency_id))
    _tell(call, new, amount)
    return payment_api.Checkout(id=page.id, url=page.url, amount=amount, expires_at=page.expires_at)


def _due(found: firestore.Snapshot) -> tuple[Money, str]:
    if not found.exists:
        raise NotFound("There is no such invoice.")
    invoice = repository.invoice_of(found)
    if invoice.state not in PAYABLE or found.data.get("voiding") or not invoice.due_minor:
        raise Conflict(f"An invoice that is {invoice.state} has nothing to pay.", code="invoice_state")
    return Money.of_minor(invoice.due_minor, invoice.currency), f"invoice {invoice.number}"


def _credit(wanted: Money, currency: str) -> tuple[Money, str]:
    if wanted.currency != currency:
        raise invalid("/credit/currency", f"Credit is in the workspace's currency, {currency}.")
    try:
        minor = wanted.minor
    except MoneyError as error:
        raise invalid("/credit/amount", str(error)) from error
    unit = 10 ** minor_digits(currency)
    if not LEAST_CREDIT * unit <= minor <= MOST_CREDIT * unit:
        raise invalid("/credit/amount", f"Buy credit for {LEAST_CREDIT} to {MOST_CREDIT} {currency}.")
    return Money.of_minor(minor, currency), "credit"


def _back(outcome: str) -> str:
    """Where the payer comes back to: the console, which reads from the fragment what to say."""
    console = settings().console_url
    return f"{console}{'' if console.endswith('.html') else '/'}#/billing?checkout={outcome}"


def _tell(call: Call, new: payment_api.NewCheckout, amount: Money) -> None:
    """Who began to pay what stands in the audit log."""
    after: dict[str, Any] = {"amount": amount.amount, "currency": amount.currency, "invoice_id": new.invoice_id}
    batch = firestore.Batch()
    activity.record(
        batch,
        call.workspace,
        call.principal,
        "checkout.begun",
        kind="invoice" if new.invoice_id else "billing",
        subject=new.invoice_id or "account",
        after=after,
        now=call.now,
    )
    batch.commit()

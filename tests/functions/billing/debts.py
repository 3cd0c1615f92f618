"""What the operator does to an invoice, and what must be true of the books whatever was done."""

from datetime import datetime
from typing import Any

from functions.billing import credit_api_models as credit_api
from functions.billing import crediting, ledger, payments, refunding, repository, voiding
from functions.billing import payment_api_models as payment_api
from functions.billing.models import Account, Invoice
from functions.shared import contracts, firestore, metering
from functions.shared.http import Call
from functions.shared.identity import Caller
from functions.shared.money import Money, minor_to_nanos
from tests.functions.billing.story import Story, at

PAID = at("2026-12-03")


def operator(story: Story, key: str | None = None, now: datetime = PAID) -> Call:
    """A call of the operator."""
    return story.cloud.call(None, kind=Caller.OPERATOR, now=now, key=key, operator=True)


def money(minor: int) -> Money:
    """Cents of the story's currency."""
    return Money.of_minor(minor, "USD")


def pay(story: Story, invoice: Invoice, minor: int, key: str | None = None) -> payment_api.Payment:
    """A payment on an invoice."""
    new = payment_api.NewPayment(invoice_id=invoice.invoice_id, amount=money(minor))
    return payments.record(operator(story, key), story.workspace, new)[0]


def refund(story: Story, payment_id: str, minor: int | None, key: str = "r") -> payment_api.Payment:
    """Give a payment back, in whole without an amount."""
    new = payment_api.NewRefund(amount=None if minor is None else money(minor))
    return refunding.refund(operator(story, key), story.workspace, payment_id, new)[0]


def credit(
    story: Story, invoice: Invoice, minor: int | None = None, key: str = "n", line: int = 0
) -> credit_api.CreditNote:
    """A credit note over one line of an invoice; without an amount over all that is left of it."""
    wanted = credit_api.NewNoteLine(
        line_id=invoice.lines[line].line_id, amount=None if minor is None else money(minor), reason="Wrong"
    )
    new = credit_api.NewCreditNote(lines=(wanted,))
    return crediting.issue(operator(story, key), story.workspace, invoice.invoice_id, new)[0]


def void(story: Story, invoice: Invoice, **more: Any) -> None:
    """Take an invoice back."""
    voiding.void(operator(story), story.workspace, invoice.invoice_id, **more)


def account(story: Story) -> contracts.BillingRead:
    """The account as metering reads it."""
    return contracts.BillingRead.model_validate(firestore.get(repository.account_path(story.workspace)).data)


def stored(story: Story, invoice: Invoice) -> Invoice:
    """The invoice as it is now."""
    return repository.invoice_of(firestore.get(repository.invoice_path(story.workspace, invoice.invoice_id)))


def acts(story: Story) -> list[str]:
    """What the audit log has."""
    found = firestore.find(firestore.Query(contracts.path(story.workspace, "activity"), order=("at",)))
    return [one.data["action"] for one in found]


def books_hold(story: Story, now: datetime = PAID) -> dict[Account, int]:
    """Debits are credits; what is due is receivable; credit is one figure, and no grant is below zero."""
    entries = story.entries()
    found = ledger.balances(entries)
    assert sum(found.values()) == 0
    invoices = [one for one in story.invoices() if one.number is not None]
    for one in invoices:
        assert ledger.due(entries, one.invoice_id) == minor_to_nanos(one.due_minor, one.currency), one.state
    assert found[Account.RECEIVABLE] == sum(minor_to_nanos(one.due_minor, one.currency) for one in invoices)
    data = firestore.get(repository.account_path(story.workspace)).data
    grants = data.get("grants", [])
    assert all(one["remaining_nanos"] > 0 for one in grants)
    assert account(story).credit_nanos == sum(one["remaining_nanos"] for one in grants) == ledger.credit(entries)
    assert metering.current(story.workspace, now).credit_nanos == account(story).credit_nanos
    return found

"""Money that came in is booked once; what is too much is credit; the first payment ends the trial."""

from typing import Any

import pytest

from functions.billing import auditing, finalizing, ledger, payments, repository
from functions.billing import payment_api_models as payment_api
from functions.billing.models import Account, Invoice
from functions.shared import clock, contracts, firestore, metering
from functions.shared.errors import Conflict, Invalid, NotFound
from functions.shared.http import Call
from functions.shared.identity import Caller
from functions.shared.money import Money
from tests.cloud import Cloud
from tests.functions.billing.story import FINAL, NEXT_FINAL, NIGHT, Story, at, owing

PAID = at("2026-12-03")


@pytest.fixture
def story(house: Cloud) -> Story:
    """A workspace that owes 10 dollars for November."""
    return owing(house)


def operator(story: Story, key: str | None = None, **fields: Any) -> Call:
    now = fields.pop("now", PAID)
    return story.cloud.call(None, kind=Caller.OPERATOR, now=now, key=key, operator=True)


def money(amount: str) -> Money:
    return Money(amount=amount, currency="USD")


def pay(story: Story, amount: str, key: str | None = None, call: Call | None = None) -> payment_api.Payment:
    new = payment_api.NewPayment(invoice_id=invoice(story).invoice_id, amount=money(amount), reference="SEPA 17")
    return payments.record(call or operator(story, key), story.workspace, new)[0]


def invoice(story: Story) -> Invoice:
    return story.invoices()[0]


def account(story: Story) -> contracts.BillingRead:
    return contracts.BillingRead.model_validate(firestore.get(repository.account_path(story.workspace)).data)


def balances(story: Story) -> dict[Account, int]:
    found = ledger.balances(story.entries())
    assert sum(found.values()) == 0
    return found


def acts(story: Story) -> list[str]:
    found = firestore.find(firestore.Query(contracts.path(story.workspace, "activity"), order=("at",)))
    return [one.data["action"] for one in found]


def test_a_payment_pays_the_invoice_and_ends_the_trial(story: Story) -> None:
    reserve = metering.current(story.workspace, PAID)
    assert reserve.trial_nanos is not None
    shown = pay(story, "10.00")
    assert (shown.amount.amount, shown.state, shown.reference) == ("10.00", "succeeded", "SEPA 17")
    assert (invoice(story).state, invoice(story).due_minor) == ("paid", 0)
    assert balances(story)[Account.CASH] == 10_000_000_000
    assert balances(story)[Account.RECEIVABLE] == 0
    assert account(story).paid_once
    assert metering.current(story.workspace, PAID).trial_nanos is None
    assert acts(story) == ["payment.recorded"]


def test_the_same_key_books_once_even_after_a_crash(story: Story) -> None:
    first = pay(story, "4.00", key="k1")
    assert pay(story, "4.00", key="k1") == first
    assert invoice(story).paid_minor == 400
    assert balances(story)[Account.CASH] == 4_000_000_000
    with pytest.raises(Conflict):
        pay(story, "5.00", key="k1")
    pay(story, "4.00", key="k2")
    assert invoice(story).paid_minor == 800


def test_a_payment_is_told_once_and_in_the_same_commit(story: Story) -> None:
    paid = pay(story, "4.00", key="k1")
    pay(story, "4.00", key="k1")
    (told,) = [
        one for one in story.cloud.published("notifications", story.workspace) if one["type"] == "payment.received"
    ]
    assert told["subject"] == paid.id
    assert told["facts"] == {
        "invoice_id": invoice(story).invoice_id,
        "invoice_number": invoice(story).number,
        "amount": "4.00",
        "currency": "USD",
        "method": paid.method,
        "received_at": clock.to_text(paid.received_at),
        "invoice_state": "open",
    }


def test_a_partial_payment_leaves_the_rest_due(story: Story) -> None:
    pay(story, "3.50")
    assert (invoice(story).state, invoice(story).due_minor) == ("open", 650)
    assert firestore.get(repository.invoice_path(story.workspace, invoice(story).invoice_id)).data["due_minor"] == 650
    assert balances(story)[Account.RECEIVABLE] == 6_500_000_000


def test_an_overpayment_is_credit_that_the_next_invoice_uses(story: Story) -> None:
    pay(story, "12.34")
    assert account(story).credit_nanos == 2_340_000_000 == ledger.credit(story.entries())
    assert metering.current(story.workspace, PAID).credit_nanos == 2_340_000_000
    story.turn(at("2026-12-05"), charge_nanos=5_000_000_000)
    story.close(NEXT_FINAL)
    december = story.invoices()[1]
    assert (december.total_minor, december.credit_minor, december.due_minor) == (500, 234, 266)
    assert account(story).credit_nanos == 0 == ledger.credit(story.entries())
    assert balances(story)[Account.RECEIVABLE] == 2_660_000_000


@pytest.mark.parametrize("amount", ["0", "-1", "1.001"])
def test_an_amount_that_nobody_can_pay_is_refused(story: Story, amount: str) -> None:
    with pytest.raises(Invalid):
        pay(story, amount)
    assert invoice(story).paid_minor == 0


def test_another_currency_and_another_workspaces_invoice_are_refused(story: Story) -> None:
    new = payment_api.NewPayment(invoice_id=invoice(story).invoice_id, amount=Money(amount="1", currency="EUR"))
    with pytest.raises(Invalid):
        payments.record(operator(story), story.workspace, new)
    other = Story(story.cloud)
    with pytest.raises(NotFound):
        payments.record(operator(story), other.workspace, new)


def test_an_invoice_becomes_overdue(story: Story) -> None:
    story.close(at("2026-12-15", 0, 10))
    assert invoice(story).state == "open"
    story.close(at("2026-12-17", 0, 10))
    assert invoice(story).state == "overdue"
    pay(story, "10")
    assert invoice(story).state == "paid"


def test_the_operator_finalizes_a_draft_without_waiting(house: Cloud) -> None:
    story = Story(house)
    story.turn(at("2026-11-26"), charge_nanos=10_000_000_000)
    story.close(NIGHT)
    call = operator(story, now=at("2026-12-01", 9))
    own = invoice(story).invoice_id
    also = auditing.audit_finalized(call, story.workspace, own)
    finalizing.finalize_by_hand(story.workspace, own, call.now, also)
    once = story.everything()
    finalizing.finalize_by_hand(story.workspace, own, call.now, also)
    assert story.everything() == once
    assert (invoice(story).state, invoice(story).number) == ("open", "TEST-2026-0001")
    assert acts(story) == ["invoice.finalized"]
    story.close(FINAL)
    assert len(story.invoices()) == 1

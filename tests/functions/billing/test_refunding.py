"""The operator gives money back, once for each key; crashes in between lose nothing and book nothing twice."""

from dataclasses import replace
from typing import Any

import pytest

from functions.billing import accounts, card_payments, cards, payments, refunding, voiding
from functions.billing import api_models as api
from functions.billing import payment_api_models as payment_api
from functions.billing.models import Account
from functions.shared import firestore, metering
from functions.shared.errors import Conflict, Invalid, NotFound, Unavailable
from functions.shared.http import Call
from functions.shared.identity import Caller
from functions.shared.money import Money
from tests.cloud import Cloud
from tests.functions.billing.card_books import acts, balances, credit, invoice, paid
from tests.functions.billing.story import Story, at, owing
from tests.functions.billing.till import PAID, Till


@pytest.fixture
def story(house: Cloud) -> Story:
    """A workspace that owes 10 dollars for November."""
    return owing(house)


def operator(story: Story, key: str | None = None) -> Call:
    return story.cloud.call(None, kind=Caller.OPERATOR, now=PAID, key=key, operator=True)


def transfer(story: Story, amount: str) -> str:
    new = payment_api.NewPayment(invoice_id=invoice(story).invoice_id, amount=Money(amount=amount, currency="USD"))
    return payments.record(operator(story), story.workspace, new)[0].id


def give(
    story: Story, payment: str, amount: str | None = None, key: str | None = None, **more: Any
) -> payment_api.Payment:
    wanted = None if amount is None else Money(amount=amount, currency=more.pop("currency", "USD"))
    new = payment_api.NewRefund(amount=wanted, **more)
    return refunding.refund(operator(story, key), story.workspace, payment, new)[0]


def by_card(story: Story, till: Till) -> str:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    till.told(story, intent)
    return card_payments.payment_id_of(intent)


def test_a_transfer_is_given_back_in_parts_and_due_again(story: Story) -> None:
    payment = transfer(story, "10.00")
    part = give(story, payment, "4.00", note="Agreed by telephone")
    assert (part.state, part.refunded.amount, part.refunds[0].note) == (
        "partly_refunded",
        "4.00",
        "Agreed by telephone",
    )
    assert (invoice(story).state, invoice(story).due_minor) == ("open", 400)
    whole = give(story, payment)
    assert (whole.state, whole.refunded.amount) == ("refunded", "10.00")
    assert invoice(story).due_minor == 1000
    assert balances(story)[Account.CASH] == 0
    assert acts(story) == ["payment.recorded", "payment.refunded", "payment.refunded"]
    told = [one["type"] for one in story.cloud.published("notifications", story.workspace)]
    assert told.count("payment.refunded") == 2


def test_credit_is_given_back_first(story: Story) -> None:
    payment = transfer(story, "12.50")
    assert credit(story) == 2_500_000_000
    give(story, payment, "3.00")
    assert (credit(story), invoice(story).due_minor) == (0, 50)
    assert balances(story)[Account.CASH] == 9_500_000_000


def test_the_same_key_gives_once(story: Story) -> None:
    payment = transfer(story, "10.00")
    first = give(story, payment, "4.00", key="k1")
    assert give(story, payment, "4.00", key="k1") == first
    assert invoice(story).due_minor == 400
    with pytest.raises(Conflict) as refused:
        give(story, payment, "5.00", key="k1")
    assert refused.value.code == "idempotency_conflict"


@pytest.mark.parametrize("amount", ["0", "-1", "10.01", "1.001"])
def test_no_more_than_is_left_is_given_back(story: Story, amount: str) -> None:
    payment = transfer(story, "10.00")
    with pytest.raises(Invalid):
        give(story, payment, amount)
    with pytest.raises(Invalid):
        give(story, payment, "1", currency="EUR")
    with pytest.raises(NotFound):
        give(Story(story.cloud), payment)
    give(story, payment)
    with pytest.raises(Conflict) as refused:
        give(story, payment)
    assert refused.value.code == "payment_state"


def test_a_void_invoice_whose_payment_went_back_leaves_no_credit(story: Story) -> None:
    payment = transfer(story, "4.00")
    give(story, payment, "1.00")
    voiding.void(operator(story), story.workspace, invoice(story).invoice_id)
    assert credit(story) == 3_000_000_000
    assert balances(story)[Account.CASH] == 3_000_000_000
    give(story, payment)
    assert (credit(story), balances(story)[Account.CASH]) == (0, 0)
    assert balances(story)[Account.RECEIVABLE] == 0


def test_a_card_payment_is_given_back_by_the_service(story: Story, till: Till) -> None:
    payment = by_card(story, till)
    shown = give(story, payment, "4.00", key="k1", note="Sorry")
    assert (shown.state, shown.refunded.amount, len(shown.refunds)) == ("partly_refunded", "4.00", 1)
    assert (shown.refunds[0].state, shown.refunds[0].note) == ("booked", "Sorry")
    assert (shown.refunds[0].reference or "").startswith("re_")
    assert invoice(story).due_minor == 400
    assert acts(story) == ["payment.recorded", "payment.refund_requested", "payment.refunded"]
    assert give(story, payment, "4.00", key="k1") == shown
    till.told(story, str(paid(story)[0].provider_id))
    assert len(paid(story)[0].refunds) == 1
    assert balances(story)[Account.CASH] == 6_000_000_000


@pytest.mark.parametrize("heir", ["the operator", "the webhook"])
def test_a_crash_after_the_service_gave_the_money_is_repaired(
    story: Story, till: Till, monkeypatch: pytest.MonkeyPatch, heir: str
) -> None:
    payment = by_card(story, till)
    intent = str(paid(story)[0].provider_id)
    with monkeypatch.context() as broken:
        broken.setattr(card_payments, "settle", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            give(story, payment, "4.00", key="k1")
    assert [one.state for one in paid(story)[0].refunds] == ["requested"]
    assert balances(story)[Account.CASH] == 10_000_000_000
    if heir == "the webhook":
        till.told(story, intent)
    else:
        give(story, payment, "4.00", key="k1")
    once = story.everything()
    till.told(story, intent)
    give(story, payment, "4.00", key="k1")
    assert story.everything() == once
    assert [one.state for one in paid(story)[0].refunds] == ["booked"]
    assert balances(story)[Account.CASH] == 6_000_000_000


def test_a_service_that_does_not_answer_is_asked_again_with_the_same_key(
    story: Story, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = by_card(story, till)
    monkeypatch.setattr(cards, "RETRIES", 0)
    with monkeypatch.context() as gone:
        gone.setattr(cards, "refund", lambda *_: (_ for _ in ()).throw(Unavailable()))
        with pytest.raises(Unavailable):
            give(story, payment, key="k1")
    assert [one.state for one in give(story, payment, key="k1").refunds] == ["booked"]
    assert balances(story)[Account.CASH] == 0


def test_what_the_service_refuses_is_taken_away_again(story: Story, till: Till) -> None:
    payment = by_card(story, till)
    till.act(str(paid(story)[0].provider_id), "refund")
    with pytest.raises(cards.NotRefundable):
        give(story, payment, key="k1")
    assert paid(story)[0].refunds == ()
    till.told(story, str(paid(story)[0].provider_id))
    assert (paid(story)[0].state, invoice(story).due_minor) == ("refunded", 1000)


def test_credit_that_is_spent_is_not_given_back(story: Story, till: Till) -> None:
    intent = till.pays(story, credit="25.00")
    till.told(story, intent)
    from tests.functions.billing.story import NEXT_FINAL, at

    story.turn(at("2026-12-05"), charge_nanos=20_000_000_000)
    story.close(NEXT_FINAL)
    with pytest.raises(Conflict) as refused:
        give(story, card_payments.payment_id_of(intent))
    assert refused.value.code == "credit_spent"
    assert give(story, card_payments.payment_id_of(intent), "5.00").state == "partly_refunded"
    assert credit(story) == 0


def test_credit_that_the_months_turns_have_used_is_not_given_back_before_its_invoice(house: Cloud, till: Till) -> None:
    story = Story(house, made=at("2026-12-01", 9), adds=True)
    intent = till.pays(story, credit="25.00")
    till.told(story, intent)
    payment = card_payments.payment_id_of(intent)
    for cap in ("0", "8"):
        call = story.cloud.call(story.workspace, now=PAID)
        _, etag = accounts.budgets(call)
        change = api.BudgetsChange(cap=Money(amount=cap, currency="USD"))
        accounts.set_budgets(replace(call, if_match=etag), change)
        if cap == "0":
            story.turn(at("2026-12-02"), charge_nanos=20_000_000_000)
            story.spend()
        # What the cap itself pays for rests on no credit.
        with pytest.raises(Conflict) as refused:
            give(story, payment)
        assert refused.value.code == "credit_spent"
        assert f"at most {5 + int(cap)}.00 USD" in str(refused.value.detail)
    assert give(story, payment, "13.00").state == "partly_refunded"
    assert credit(story) == 12_000_000_000
    left = metering.Spend.stored(firestore.get(metering.spend_path(story.workspace, PAID)).data)
    assert left.credit_at(PAID) + 8_000_000_000 == left.spent

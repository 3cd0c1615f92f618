"""What the card service says of payments is booked once, whatever order it says it in."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.billing import (
    card_payments,
    cards,
    credit_api_models,
    credits,
    ledger,
    payment_api_models,
    refunding,
    repository,
    uncollectible,
    voiding,
)
from functions.billing.models import Account
from functions.shared import contracts, firestore, logs, metering
from functions.shared.errors import Unavailable
from functions.shared.identity import Caller
from functions.shared.money import Money
from tests.cloud import Cloud
from tests.functions.billing.card_books import acts, balances, credit, invoice, nothing_moved, paid, stray
from tests.functions.billing.story import Story, at, owing
from tests.functions.billing.till import PAID, Till


@pytest.fixture
def story(house: Cloud) -> Story:
    """A workspace that owes 10 dollars for November."""
    return owing(house)


def test_a_card_pays_the_invoice_and_ends_the_trial(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    till.told(story, intent)
    (payment,) = paid(story)
    assert (payment.state, payment.method, payment.provider_id, payment.amount_minor) == (
        "succeeded",
        "card",
        intent,
        1000,
    )
    assert (invoice(story).state, invoice(story).due_minor) == ("paid", 0)
    assert balances(story)[Account.CASH] == 10_000_000_000
    assert metering.current(story.workspace, PAID).trial_nanos is None
    assert acts(story) == ["payment.recorded"]
    told = [one["type"] for one in story.cloud.published("notifications", story.workspace)]
    assert told.count("payment.received") == 1


def test_credit_is_bought(story: Story, till: Till) -> None:
    till.told(story, till.pays(story, credit="25.00"))
    (payment,) = paid(story)
    assert (payment.invoice_id, payment.state) == (None, "succeeded")
    assert credit(story) == metering.current(story.workspace, PAID).credit_nanos == 25_000_000_000
    assert invoice(story).due_minor == 1000


def test_a_repeated_webhook_books_nothing_more(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    till.told(story, intent)
    once = story.everything()
    for _ in range(3):
        till.told(story, intent)
    assert story.everything() == once
    assert acts(story) == ["payment.recorded"]


def test_two_checkouts_of_one_invoice_at_once_pay_it_and_make_credit(story: Story, till: Till) -> None:
    first, second = (till.open(story, invoice_id=invoice(story).invoice_id) for _ in range(2))
    for session in (first, second):
        till.told(story, till.click(session))
    assert (invoice(story).state, invoice(story).paid_minor) == ("paid", 1000)
    assert credit(story) == 10_000_000_000
    assert len(paid(story)) == 2
    assert balances(story)[Account.CASH] == 20_000_000_000


def test_a_void_invoice_that_is_paid_late_becomes_credit(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    call = story.cloud.call(None, kind=Caller.OPERATOR, now=PAID, operator=True)
    voiding.void(call, story.workspace, invoice(story).invoice_id)
    till.told(story, intent)
    assert (invoice(story).state, invoice(story).paid_minor) == ("void", 0)
    assert credit(story) == 10_000_000_000
    assert balances(story)[Account.RECEIVABLE] == 0


def test_a_void_that_has_begun_lets_the_payment_wait(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    path = repository.invoice_path(story.workspace, invoice(story).invoice_id)
    batch = firestore.Batch()
    batch.update(path, {("voiding",): True})
    batch.commit()
    with pytest.raises(Unavailable):
        till.told(story, intent)
    assert paid(story) == []


def test_a_declined_card_leaves_nothing_and_the_next_one_pays(story: Story, till: Till) -> None:
    session = till.open(story, invoice_id=invoice(story).invoice_id)
    till.told(story, till.click(session, "declined"))
    nothing_moved(story)
    till.told(story, till.click(session))
    assert invoice(story).state == "paid"


def test_a_debit_is_pending_until_its_money_comes(story: Story, till: Till) -> None:
    intent = till.pays(story, "debit", invoice_id=invoice(story).invoice_id)
    till.told(story, intent)
    assert [one.state for one in paid(story)] == ["pending"]
    assert invoice(story).state == "open"
    assert balances(story)[Account.CASH] == 0
    till.act(intent, "arrive")
    till.told(story, intent)
    assert [one.state for one in paid(story)] == ["succeeded"]
    assert invoice(story).state == "paid"


def test_a_debit_whose_money_does_not_come_has_failed(story: Story, till: Till) -> None:
    intent = till.pays(story, "debit", invoice_id=invoice(story).invoice_id)
    till.told(story, intent)
    till.act(intent, "fail")
    till.told(story, intent)
    assert [one.state for one in paid(story)] == ["failed"]
    assert (invoice(story).state, balances(story)[Account.CASH]) == ("open", 0)
    assert acts(story) == ["payment.begun", "payment.failed"]


def test_a_refund_that_is_heard_of_before_its_payment_books_both(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    till.act(intent, "refund")
    (refund,) = [one for one in till.events(intent) if one["type"] == "refund.created"]
    till.deliver(story, refund)
    (payment,) = paid(story)
    assert (payment.state, payment.refunded_minor) == ("refunded", 1000)
    assert (invoice(story).state, invoice(story).due_minor) == ("open", 1000)
    assert balances(story)[Account.CASH] == 0
    once = story.everything()
    till.told(story, intent)
    assert story.everything() == once


def test_a_refund_that_comes_back_pays_again(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    till.act(intent, "refund")
    till.told(story, intent)
    till.act(intent, "fail-refund")
    till.told(story, intent)
    till.told(story, intent)
    (payment,) = paid(story)
    assert (payment.state, [one.state for one in payment.refunds]) == ("succeeded", ["failed"])
    assert (invoice(story).state, balances(story)[Account.CASH]) == ("paid", 10_000_000_000)


def test_a_lost_dispute_takes_the_money_back(story: Story, till: Till, alarms: list[str]) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    till.told(story, intent)
    till.act(intent, "dispute")
    till.told(story, intent)
    assert (paid(story)[0].state, invoice(story).state) == ("disputed", "paid")
    assert alarms == ["a card payment is disputed: "]
    till.act(intent, "lose")
    till.told(story, intent)
    (payment,) = paid(story)
    assert (payment.state, payment.refunds[0].disputed) == ("refunded", True)
    assert (invoice(story).state, invoice(story).due_minor) == ("open", 1000)
    assert balances(story)[Account.CASH] == 0
    assert acts(story) == ["payment.recorded", "payment.disputed", "payment.refunded"]


def test_a_lost_dispute_that_the_payer_withdraws_pays_again(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    till.told(story, intent)
    for act in ("dispute", "lose"):
        till.act(intent, act)
        till.told(story, intent)
    assert invoice(story).due_minor == 1000
    till.act(intent, "withdraw")
    for _ in range(2):
        till.told(story, intent)
    (payment,) = paid(story)
    assert (payment.state, [one.state for one in payment.refunds]) == ("succeeded", ["failed"])
    assert (invoice(story).state, invoice(story).due_minor, credit(story)) == ("paid", 0, 0)
    assert balances(story)[Account.CASH] == 10_000_000_000


def test_a_dispute_of_what_was_given_back_already_takes_all_that_is_left(
    story: Story, till: Till, monkeypatch: pytest.MonkeyPatch, alarms: list[str]
) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    till.told(story, intent)
    call = story.cloud.call(None, kind=Caller.OPERATOR, now=PAID, operator=True)
    part = payment_api_models.NewRefund(amount=Money(amount="4", currency="USD"))
    refunding.refund(call, story.workspace, paid(story)[0].payment_id, part)
    for act in ("dispute", "lose"):
        till.act(intent, act)
    found = cards.payment(intent)
    assert found is not None
    whole = replace(found, disputes=tuple(replace(one, amount_minor=1000) for one in found.disputes))
    monkeypatch.setattr(cards, "payment", lambda _: whole)
    for _ in range(2):
        card_payments.settle(intent, PAID)
    assert (paid(story)[0].state, paid(story)[0].refunded_minor) == ("refunded", 1000)
    assert (invoice(story).paid_minor, invoice(story).due_minor) == (0, 1000)
    assert balances(story)[Account.CASH] == 0
    assert "more was given back of a card payment than had been paid: " in alarms


def test_what_becomes_of_a_payment_of_an_erased_workspace_is_booked(
    story: Story, till: Till, alarms: list[str]
) -> None:
    begun = till.open(story, invoice_id=invoice(story).invoice_id)
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    till.told(story, intent)
    batch = firestore.Batch()
    batch.update(contracts.workspace_path(story.workspace), {("state",): "erased"})
    batch.commit()
    call = story.cloud.call(None, kind=Caller.OPERATOR, now=PAID, operator=True)
    part = payment_api_models.NewRefund(amount=Money(amount="4", currency="USD"))
    refunding.refund(call, story.workspace, paid(story)[0].payment_id, part)
    assert [one.state for one in paid(story)[0].refunds] == ["booked"]
    for act in ("dispute", "lose"):
        till.act(intent, act)
    till.told(story, intent)
    assert (invoice(story).due_minor, balances(story)[Account.CASH]) == (1000, 0)
    assert alarms == []
    # What nobody here knew when it was erased is looked at by hand.
    late = till.click(begun)
    till.told(story, late)
    assert stray(late)["why"] == "there is no such workspace"


def test_a_won_dispute_changes_no_books(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    till.told(story, intent)
    once = story.entries()
    till.act(intent, "dispute")
    till.told(story, intent)
    till.act(intent, "win")
    till.told(story, intent)
    assert (paid(story)[0].state, story.entries()) == ("succeeded", once)


@pytest.mark.parametrize("end", ["win", "lose"])
def test_an_older_answer_does_not_open_what_is_decided(
    story: Story, till: Till, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    till.act(intent, "dispute")
    old = cards.payment(intent)
    till.act(intent, end)
    till.told(story, intent)
    once = (paid(story), story.everything())
    with monkeypatch.context() as late:
        late.setattr(cards, "payment", lambda _: old)
        card_payments.settle(intent, PAID)
    assert (paid(story), story.everything()) == once
    assert paid(story)[0].state == ("succeeded" if end == "win" else "refunded")


def test_a_webhook_reads_few_documents_and_a_repeat_writes_none(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    with logs.request() as first:
        card_payments.settle(intent, PAID)
    with logs.request() as again:
        card_payments.settle(intent, PAID)
    # Three of the first are of the month, which nobody has opened: workspace, books and drafts.
    assert (first["firestore_reads"] <= 8, again["firestore_reads"]) == (True, 5)
    assert (first["firestore_writes"] <= 12, again["firestore_writes"]) == (True, 0)


def test_credit_that_was_spent_and_is_taken_back_is_owed(story: Story, till: Till, alarms: list[str]) -> None:
    intent = till.pays(story, credit="25.00")
    till.told(story, intent)
    story.turn(at("2026-12-05"), charge_nanos=20_000_000_000)
    story.close(at("2027-01-02", 0, 10))
    assert credit(story) == 5_000_000_000
    till.act(intent, "dispute")
    till.act(intent, "lose")
    till.told(story, intent)
    assert credit(story) == 0
    found = ledger.balances(story.entries())
    assert (found[Account.CASH], found[Account.RECEIVABLE]) == (0, 30_000_000_000)
    assert "credit that is spent was taken back, and no invoice asks for it: " in alarms


def test_what_was_given_is_never_paid_out(story: Story, till: Till) -> None:
    new = credit_api_models.NewCredit(amount=Money(amount="7", currency="USD"), reason="Welcome")
    credits.grant(story.cloud.call(None, kind=Caller.OPERATOR, now=PAID, operator=True), story.workspace, new)
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    till.act(intent, "refund")
    till.told(story, intent)
    assert (credit(story), invoice(story).due_minor) == (7_000_000_000, 1000)


def test_an_invoice_that_was_written_off_is_paid_after_all(story: Story, till: Till) -> None:
    session = till.open(story, invoice_id=invoice(story).invoice_id)
    call = story.cloud.call(None, kind=Caller.OPERATOR, now=PAID, operator=True)
    uncollectible.write_off(call, story.workspace, invoice(story).invoice_id, "Insolvent")
    till.told(story, till.click(session))
    assert (invoice(story).state, invoice(story).paid_minor) == ("paid", 1000)
    assert balances(story)[Account.REVENUE] == -10_000_000_000


def test_an_invoice_that_was_written_off_and_then_taken_back_takes_a_late_payment_as_credit(
    story: Story, till: Till
) -> None:
    session = till.open(story, invoice_id=invoice(story).invoice_id)
    call = story.cloud.call(None, kind=Caller.OPERATOR, now=PAID, operator=True)
    uncollectible.write_off(call, story.workspace, invoice(story).invoice_id, "Insolvent")
    voiding.void(call, story.workspace, invoice(story).invoice_id)
    till.told(story, till.click(session))
    assert (invoice(story).state, invoice(story).paid_minor) == ("void", 0)
    assert credit(story) == 10_000_000_000
    assert balances(story)[Account.REVENUE] == 0


def test_a_service_that_does_not_answer_makes_the_webhook_come_again(
    story: Story, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    events = till.events(intent)
    monkeypatch.setattr(cards, "RETRIES", 0)
    monkeypatch.setenv("STRIPE_API_BASE", "http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        till.deliver(story, *events)
    nothing_moved(story)
    monkeypatch.setenv("STRIPE_API_BASE", till.address)
    till.deliver(story, *events)
    assert invoice(story).state == "paid"


def test_a_crash_before_the_commit_books_nothing_and_the_next_webhook_all(
    story: Story, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    with monkeypatch.context() as broken:
        broken.setattr(card_payments.credits, "move", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            till.told(story, intent)
    nothing_moved(story)
    till.told(story, intent)
    assert invoice(story).state == "paid"


MONTH = (
    ("debit", ("arrive", "refund", "fail-refund", "refund")),
    ("card", ("dispute", "lose", "withdraw", "refund")),
    ("card", ("refund",)),
)
"""What happens to three payments of one invoice."""


@settings(max_examples=5, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_webhooks_in_any_order_and_number_leave_the_same_books(house: Cloud, till: Till, data: st.DataObject) -> None:
    story = owing(house)
    sessions = [till.open(story, invoice_id=invoice(story).invoice_id) for _ in MONTH]
    intents = []
    for session, (how, happens) in zip(sessions, MONTH, strict=True):
        intents.append(till.click(session, how))
        for act in happens:
            till.act(intents[-1], act)
    events = list(itertools.chain.from_iterable(till.events(intent) for intent in intents))
    repeated = data.draw(st.lists(st.sampled_from(events), max_size=6), label="repeated")
    till.deliver(story, *data.draw(st.permutations([*events, *repeated]), label="order"))
    assert (invoice(story).state, invoice(story).due_minor, credit(story)) == ("open", 1000, 0)
    found = balances(story)
    assert (found[Account.CASH], found[Account.RECEIVABLE]) == (0, 10_000_000_000)
    assert sorted(one.state for one in paid(story)) == ["refunded"] * 3
    assert sorted(len(one.refunds) for one in paid(story)) == [1, 1, 2]

"""What the card service says of payments is booked once, whatever order it says it in, and to nobody else."""

import itertools
import json
import time
from dataclasses import replace
from typing import Any

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
    payment_routes,
    refunding,
    repository,
    uncollectible,
    voiding,
)
from functions.billing.models import Account, Invoice
from functions.billing.payment_models import Payment
from functions.shared import contracts, firestore, ids, logs, metering
from functions.shared.errors import Unavailable
from functions.shared.identity import Caller
from functions.shared.money import Money
from local.cards.sender import signed
from tests.cloud import Cloud
from tests.functions.billing.story import Story, at, owing
from tests.functions.billing.till import OLD_SECRET, PAID, SECRET, Till, raw, webhook


@pytest.fixture
def story(house: Cloud) -> Story:
    """A workspace that owes 10 dollars for November."""
    return owing(house)


def invoice(story: Story) -> Invoice:
    return story.invoices()[0]


def paid(story: Story) -> list[Payment]:
    found = firestore.find(firestore.Query(contracts.path(story.workspace, "payments")))
    return [repository.payment_of(one) for one in found]


def credit(story: Story) -> int:
    found = firestore.get(repository.account_path(story.workspace)).data.get("credit_nanos", 0)
    assert found == ledger.credit(story.entries())
    return int(found)


def balances(story: Story) -> dict[Account, int]:
    found = ledger.balances(story.entries())
    assert sum(found.values()) == 0
    due = sum(one.due_minor for one in story.invoices()) * 10_000_000
    assert found[Account.RECEIVABLE] == due
    return found


def acts(story: Story) -> list[str]:
    found = firestore.find(firestore.Query(contracts.path(story.workspace, "activity"), order=("at",)))
    return [one.data["action"] for one in found if not one.data["action"].startswith("checkout")]


def stray(intent: str) -> dict[str, Any]:
    return firestore.get(f"strays/{ids.hashed('stripe', intent)}").data


def nothing_moved(story: Story) -> None:
    assert paid(story) == []
    assert balances(story)[Account.CASH] == 0
    assert invoice(story).paid_minor == 0


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(logs, "alarm", lambda message, **fields: said.append(f"{message}: {fields.get('why', '')}"))
    return said


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


def test_a_forged_signature_is_refused(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    content = json.dumps(till.events(intent)[-1])
    now = int(time.time())
    right = signed(content, SECRET, now)
    bad = ["", "t=1", "v1=00", f"t={now}", f"t={now},v1=00", signed(content, "whsec_other", now), right[:-1] + "g"]
    bad += [signed(content + " ", SECRET, now), right.replace("v1=", "v0="), f"t={now + 1},{right.partition(',')[2]}"]
    for signature in bad:
        with pytest.raises(cards.WrongSignature):
            payment_routes.take_webhook(webhook(story, signature), raw(content))
    with pytest.raises(cards.WrongSignature):
        payment_routes.take_webhook(webhook(story, right), raw(b"\xff" + content.encode()))
    nothing_moved(story)


def test_a_replay_that_is_years_old_is_refused(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    content = json.dumps(till.events(intent)[-1])
    for age in (cards.TOLERANCE_SECONDS + 60, 3 * 365 * 86400):
        old = signed(content, SECRET, int(time.time()) - age)
        with pytest.raises(cards.WrongSignature):
            payment_routes.take_webhook(webhook(story, old), raw(content))
    nothing_moved(story)


def test_both_secrets_are_taken_while_they_are_rotated(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    for secret in (OLD_SECRET, SECRET):
        content = json.dumps(till.events(intent)[-1])
        payment_routes.take_webhook(webhook(story, signed(content, secret, int(time.time()))), raw(content))
    assert invoice(story).state == "paid"


def test_another_workspaces_invoice_is_not_paid(story: Story, till: Till, alarms: list[str]) -> None:
    other = owing(story.cloud)
    about = {"workspace": other.workspace, "invoice": invoice(story).invoice_id, "purpose": "invoice"}
    # Invoices of one month have names of their own, so this one is not in the other workspace.
    intent = till.made(metadata=about)
    till.told(story, intent)
    till.told(story, intent)
    nothing_moved(story)
    nothing_moved(other)
    assert stray(intent)["why"] == "the workspace has no such invoice"
    assert len(alarms) == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"workspace": "ws_" + "0" * 26}, "no such workspace"),
        ({"workspace": "../x"}, "names no workspace"),
        ({"invoice": "inv_" + "0" * 26}, "no such invoice"),
        ({"invoice": "../x"}, "names no invoice"),
        ({"agenthub_installation": "somebody/prod"}, "another installation"),
        ({"amount_minor": "1"}, "the amount"),
        ({"currency": "EUR"}, "the currency"),
        ({"purpose": "credit"}, "what it is for"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_kept_aside_and_alarmed(
    story: Story, till: Till, alarms: list[str], change: dict[str, str], why: str
) -> None:
    fits = {"workspace": str(story.workspace), "invoice": invoice(story).invoice_id, "purpose": "invoice"}
    intent = till.made(metadata={**fits, **change})
    till.told(story, intent)
    nothing_moved(story)
    assert why in stray(intent)["why"]
    assert why in alarms[0]


def test_another_currency_is_kept_aside(story: Story, till: Till, alarms: list[str]) -> None:
    fits = {"workspace": str(story.workspace), "invoice": invoice(story).invoice_id, "purpose": "invoice"}
    intent = till.made(metadata=fits, currency="EUR")
    till.told(story, intent)
    nothing_moved(story)
    assert "another currency" in stray(intent)["why"]


def test_a_draft_was_never_offered(house: Cloud, till: Till, alarms: list[str]) -> None:
    story = Story(house)
    story.turn(at("2026-11-26"), charge_nanos=10_000_000_000)
    story.close(at("2026-12-01", 0, 10))
    about = {"workspace": str(story.workspace), "invoice": invoice(story).invoice_id, "purpose": "invoice"}
    till.told(story, till.made(metadata=about))
    assert paid(story) == []
    assert len(alarms) == 1


def test_a_payment_of_the_same_account_that_is_not_ours_is_passed_over(
    story: Story, till: Till, alarms: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = cards.open_checkout(
        cards.Order(700, "USD", "a shirt", {"workspace": "x"}, "http://x.test/", "http://x.test/"), ids.secret()
    )
    intent = till.click(page.id)
    till.told(story, intent)
    assert (stray(intent), alarms) == ({}, [])


def test_a_payment_that_the_account_does_not_have_is_kept_aside(story: Story, till: Till, alarms: list[str]) -> None:
    name = f"pi_{ids.secret(8)}"
    event = {"id": "evt_1", "type": "charge.refunded", "data": {"object": {"id": "ch_1", "payment_intent": name}}}
    till.deliver(story, event)
    assert "no such payment" in stray(name)["why"]
    assert len(alarms) == 1


@pytest.mark.parametrize("kind", ["payment_intent.succeeded", "customer.created", "radar.early_fraud_warning.created"])
def test_an_event_that_moves_no_money_is_taken(story: Story, till: Till, kind: str) -> None:
    till.deliver(story, {"id": "evt_1", "type": kind, "data": {"object": {"id": "x", "payment_intent": "pi_x"}}})
    till.deliver(story, {"id": "evt_2", "type": "charge.refunded", "data": {"object": {"payment_intent": None}}})
    nothing_moved(story)


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

"""A payment that fits nothing here is booked to nobody: it is kept aside and alarmed, or passed over when it is not ours."""

import pytest

from functions.billing import cards
from functions.shared import ids
from tests.cloud import Cloud
from tests.functions.billing.card_books import invoice, nothing_moved, paid, stray
from tests.functions.billing.story import Story, at, owing
from tests.functions.billing.till import Till


@pytest.fixture
def story(house: Cloud) -> Story:
    """A workspace that owes 10 dollars for November."""
    return owing(house)


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

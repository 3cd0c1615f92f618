"""What can be paid by card, by whom, and what the card service is told of it."""

import pytest

from functions.billing import card_payments, cards, checkout
from functions.billing import payment_api_models as payment_api
from functions.shared import config
from functions.shared.errors import Conflict, Invalid, NotFound
from functions.shared.money import Money
from tests.cloud import Cloud
from tests.functions.billing.card_books import invoice
from tests.functions.billing.story import Story, at, owing
from tests.functions.billing.till import PAID, Till


@pytest.fixture
def story(house: Cloud) -> Story:
    """A workspace that owes 10 dollars for November."""
    return owing(house)


def begin(story: Story, key: str | None = None, **new: object) -> payment_api.Checkout:
    return checkout.begin(
        story.cloud.call(story.workspace, now=PAID, key=key), payment_api.NewCheckout.model_validate(new)
    )


def money(amount: str, currency: str = "USD") -> Money:
    return Money(amount=amount, currency=currency)


def test_an_invoice_is_offered_with_what_is_due_now(story: Story, till: Till) -> None:
    shown = begin(story, invoice_id=invoice(story).invoice_id)
    assert (shown.amount.amount, shown.url) == ("10.00", f"{till.address}/checkout/{shown.id}")
    made = till.asked(f"/v1/checkout/sessions/{shown.id}")
    assert (made["amount_total"], made["currency"], made["client_reference_id"]) == (1000, "usd", story.workspace)
    assert made["metadata"] == card_payments.stated(story.workspace, 1000, "USD", invoice(story).invoice_id)
    assert made["success_url"].startswith("http://localhost:8000/#/billing")
    assert made["cancel_url"].startswith("http://localhost:8000/#/billing")


def test_the_same_key_opens_the_same_page(story: Story, till: Till) -> None:
    first = begin(story, key="k1", credit=money("10"))
    assert begin(story, key="k1", credit=money("10")) == first
    assert begin(story, key="k2", credit=money("10")).id != first.id
    with pytest.raises(Conflict) as refused:
        begin(story, key="k1", credit=money("11"))
    assert refused.value.code == "idempotency_conflict"


@pytest.mark.parametrize("new", [{}, {"invoice_id": "inv_" + "0" * 26, "credit": money("10")}])
def test_one_thing_is_paid_at_a_time(story: Story, till: Till, new: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        begin(story, **new)


@pytest.mark.parametrize("amount", ["4.99", "100000.01", "-5", "5.001"])
def test_credit_has_bounds(story: Story, till: Till, amount: str) -> None:
    with pytest.raises(Invalid):
        begin(story, credit=money(amount))
    with pytest.raises(Invalid):
        begin(story, credit=money("10", "EUR"))


def test_what_is_paid_or_unknown_or_a_draft_is_not_payable(story: Story, till: Till) -> None:
    with pytest.raises(NotFound):
        begin(story, invoice_id="inv_" + "0" * 26)
    with pytest.raises(NotFound):
        begin(Story(story.cloud), invoice_id=invoice(story).invoice_id)
    till.told(story, till.pays(story, invoice_id=invoice(story).invoice_id))
    with pytest.raises(Conflict) as refused:
        begin(story, invoice_id=invoice(story).invoice_id)
    assert refused.value.code == "invoice_state"
    fresh = Story(story.cloud)
    fresh.turn(at("2026-11-26"), charge_nanos=10_000_000_000)
    fresh.close(at("2026-12-01", 0, 10))
    with pytest.raises(Conflict):
        begin(fresh, invoice_id=invoice(fresh).invoice_id)


def test_an_amount_below_what_cards_take_is_told_so(house: Cloud, till: Till) -> None:
    story = Story(house)
    story.turn(at("2026-11-26"), charge_nanos=300_000_000)
    story.close(at("2026-12-02", 0, 10))
    with pytest.raises(cards.NotByCard):
        begin(story, invoice_id=invoice(story).invoice_id)


@pytest.mark.parametrize("missing", ["STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"])
def test_without_an_account_it_says_what_to_set(
    story: Story, till: Till, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.delenv(missing)
    config.settings.cache_clear()
    with pytest.raises(cards.CardsOff, match=missing):
        begin(story, invoice_id=invoice(story).invoice_id)
    with pytest.raises(cards.CardsOff):
        cards.verified(b"{}", "t=1,v1=0")


@pytest.mark.parametrize(
    ("minor", "currency", "taken"),
    [
        (1, "USD", True),
        (99_999_999, "EUR", True),
        (100_000_000, "EUR", False),
        (0, "USD", False),
        (500, "JPY", True),
        (500, "ISK", False),
        (500, "KWD", False),
        (500, "MGA", False),
    ],
)
def test_currencies_that_are_counted_in_other_coins_are_not_taken(minor: int, currency: str, taken: bool) -> None:
    assert cards.payable(minor, currency) is taken

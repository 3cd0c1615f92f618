"""Prepaid credit is bought, given, burned by invoices and expires with the close; account, ledger and cap agree."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.billing import accounts, credits, ledger, repository
from functions.billing import api_models as models
from functions.billing import credit_api_models as api
from functions.billing.books import post, tell
from functions.billing.grants import GrantKind
from functions.billing.models import Account, EntryKind
from functions.shared import clock, contracts, firestore, metering
from functions.shared.config import settings
from functions.shared.errors import Conflict, Invalid, NotFound
from functions.shared.http import Call, Page
from functions.shared.identity import Caller
from functions.shared.identity.workspace import from_directory
from functions.shared.metering.limits import Spend, room
from functions.shared.money import Money, minor_to_nanos
from tests.cloud import Cloud
from tests.functions.billing.story import FINAL, NEXT_FINAL, Story, at
from tests.functions.billing.test_accounts import publish

GIVEN = at("2026-11-25", 12)


@pytest.fixture
def story(house: Cloud) -> Story:
    return Story(house)


def operator(story: Story, key: str = "k", now: datetime = GIVEN) -> Call:
    return story.cloud.call(None, kind=Caller.OPERATOR, now=now, key=key, operator=True)


def give(story: Story, amount: str, expires_at: datetime | None = None, key: str = "k", **more: Any) -> api.CreditGrant:
    new = api.NewCredit(
        amount=Money(amount=amount, currency=more.pop("currency", "USD")), reason="Welcome", expires_at=expires_at
    )
    return credits.grant(operator(story, key, **more), story.workspace, new)[0]


def buy(story: Story, minor: int, source: str, now: datetime = GIVEN, days: int = 0) -> None:
    """As a payment without an invoice books it."""
    paths = [repository.account_path(story.workspace), metering.spend_path(story.workspace, now)]
    entry = ledger.entry(
        kind=EntryKind.PAYMENT,
        debit=Account.CASH,
        credit=Account.CUSTOMER_CREDIT,
        amount_nanos=minor_to_nanos(minor, "USD"),
        booked_at=now,
        workspace_id=story.workspace,
        period=clock.month_of(now),
        usage_period=clock.month_of(now),
        payment_id=source,
        currency="USD",
    )

    def work(transaction: firestore.Transaction) -> Any:
        account, spend = transaction.get_all(paths)
        named = {"kind": GrantKind.PURCHASED, "source": source, "at": now}
        credits.move(transaction, story.workspace, account, spend, entry.amount_nanos, paid=True, **named)
        return post(transaction, story.workspace, [entry], now)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREDIT_DAYS", str(days))
        settings.cache_clear()
        tell(firestore.transact(work))
    settings.cache_clear()


def account(story: Story) -> contracts.BillingRead:
    return contracts.BillingRead.model_validate(firestore.get(repository.account_path(story.workspace)).data)


def agreeing(story: Story, now: datetime = GIVEN) -> int:
    """The one figure, the same in the account, the grants, the running period and the ledger."""
    entries = story.entries()
    assert sum(ledger.balances(entries).values()) == 0
    known = account(story).credit_nanos
    stored = firestore.get(repository.account_path(story.workspace)).data
    assert known == sum(one["remaining_nanos"] for one in stored.get("grants", []))
    assert known == ledger.credit(entries) == metering.current(story.workspace, now).credit_nanos
    return known


def seen(story: Story, now: datetime = GIVEN, **query: Any) -> api.Credits:
    return credits.show(story.cloud.call(story.workspace, now=now), Page(**query))


def test_given_credit_is_booked_once_and_told(story: Story) -> None:
    first = give(story, "5.00")
    assert give(story, "5.00") == first
    assert (first.kind, first.remaining.amount, first.state) == ("promotional", "5.00", "live")
    assert agreeing(story) == 5_000_000_000
    (entry,) = story.entries()
    assert (entry.debit_account, entry.credit_account) == (Account.REVENUE, Account.CUSTOMER_CREDIT)
    acts = firestore.find(firestore.Query(contracts.path(story.workspace, "activity")))
    assert [one.data["action"] for one in acts] == ["credit.granted"]
    with pytest.raises(Conflict):
        give(story, "6.00")


def test_credit_that_cannot_be_is_refused(story: Story) -> None:
    for refused in (
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "0.001"},
        {"amount": "1", "currency": "EUR"},
        {"amount": "1", "expires_at": GIVEN},
        {"amount": "1", "expires_at": GIVEN + timedelta(days=9000)},
    ):
        with pytest.raises(Invalid):
            give(story, **refused)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        credits.grant(
            operator(story),
            from_directory("ws_01k00000000000000000000000"),
            api.NewCredit(amount=Money(amount="1", currency="USD"), reason="Welcome"),
        )
    assert story.entries() == []


def test_bought_credit_is_cash_and_ends_the_trial(story: Story) -> None:
    buy(story, 2000, "pay_1")
    assert account(story).paid_once
    assert metering.current(story.workspace, GIVEN).trial_nanos is None
    assert agreeing(story) == 20_000_000_000
    assert ledger.balances(story.entries())[Account.CASH] == 20_000_000_000


def test_an_invoice_burns_what_ends_first_and_each_grant_shows_it(story: Story) -> None:
    buy(story, 400, "pay_1")
    give(story, "3.00", expires_at=at("2027-02-01"))
    story.turn(at("2026-11-26"), charge_nanos=5_000_000_000)
    story.close(FINAL)
    (invoice,) = story.invoices()
    assert (invoice.credit_minor, invoice.due_minor, invoice.state) == (500, 0, "paid")
    assert [(part.kind, part.nanos) for part in invoice.after.credit_parts] == [
        ("promotional", 3_000_000_000),
        ("purchased", 2_000_000_000),
    ]
    assert agreeing(story, FINAL) == 2_000_000_000
    applied = [one for one in story.entries() if one.kind == EntryKind.CREDIT_APPLIED]
    assert {one.payment_id: one.amount_nanos for one in applied} == {
        part.grant_id: part.nanos for part in invoice.after.credit_parts
    }


def test_what_was_not_used_in_time_expires_with_the_close_and_only_once(story: Story) -> None:
    give(story, "3.00", expires_at=at("2026-11-27", 0))
    buy(story, 400, "pay_1", now=at("2026-11-25", 0), days=3)
    story.turn(at("2026-11-26"), charge_nanos=1_000_000_000)
    story.close(at("2026-11-27", 0, 10))
    assert agreeing(story) == 5_000_000_000
    assert [one.state for one in seen(story, at("2026-11-27", 1)).grants] == ["held", "live"]
    for _ in range(2):
        story.close(at("2026-11-28", 0, 10))
    assert agreeing(story) == 1_000_000_000
    expired = {one.payment_id: one for one in story.entries() if one.kind == EntryKind.CREDIT_EXPIRED}
    assert sorted(one.amount_nanos for one in expired.values()) == [2_000_000_000, 4_000_000_000]
    (granted,) = [one for one in story.entries() if one.kind == EntryKind.CREDIT_GRANTED]
    assert [one.corrects for one in expired.values() if one.corrects] == [granted.entry_id]
    story.close(FINAL)
    assert agreeing(story, FINAL) == 0
    assert (story.invoices()[0].credit_minor, story.invoices()[0].due_minor) == (100, 0)


def test_what_was_held_and_not_needed_expires_after_its_invoice(story: Story) -> None:
    give(story, "3.00", expires_at=at("2026-11-27", 0))
    story.turn(at("2026-11-26"), charge_nanos=1_005_000_000)
    story.close(FINAL)
    assert story.invoices()[0].credit_minor == 101
    assert agreeing(story, FINAL) == 0
    before = story.everything()
    story.close(FINAL)
    assert story.everything() == before


def test_expired_credit_opens_no_room_also_before_the_close_has_booked_it(story: Story) -> None:
    ends = at("2026-11-26", 12)
    give(story, "3.00", expires_at=ends)
    spend = metering.current(story.workspace, GIVEN)
    document = {**spend.model_dump(), "cap_nanos": 10, "trial_nanos": None}
    assert room(Spend.stored(document), "agt", ends - timedelta(seconds=1)) == 3_000_000_010
    assert room(Spend.stored(document), "agt", ends) == 10
    assert (spend.credit_at(ends - timedelta(seconds=1)), spend.credit_at(ends)) == (3_000_000_000, 0)
    assert seen(story, ends).grants[0].state == "expiring"


def tiered(story: Story) -> None:
    """From now on two messages at 1, further ones at 0.25; a cap of 10."""
    call = story.cloud.call(story.workspace, now=GIVEN)
    name, etag = publish(story), accounts.budgets(call)[1]
    change = models.BudgetsChange(cap=Money(amount="10", currency="USD"))
    _, etag = accounts.set_budgets(story.cloud.call(story.workspace, now=GIVEN, if_match=etag), change)
    accounts.choose_plan(story.cloud.call(story.workspace, now=GIVEN, if_match=etag), models.PlanChoice(plan=name))


def test_credit_pays_what_prices_by_quantity_leave_and_the_rest_of_it_expires(story: Story) -> None:
    """Four messages are 4.00 at list and 2.50 by their number: of 3.00 a half is left."""
    give(story, "3.00", expires_at=at("2026-11-27", 0))
    tiered(story)
    for minute in range(4):
        story.turn(at("2026-11-26", 10, minute), charge_nanos=1_000_000_000)
    story.close(at("2026-11-28", 0, 10))
    assert agreeing(story) == 2_500_000_000
    story.close(FINAL)
    assert (story.invoices()[0].credit_minor, story.invoices()[0].due_minor) == (250, 0)


def test_room_by_quantity_counts_on_no_credit_which_may_end(story: Story) -> None:
    """10 buy 34 messages, 24 more than at list; with credit the limit moves, and only what is included is sure."""
    tiered(story)
    assert metering.current(story.workspace, GIVEN).allowance_nanos == 24_000_000_000
    give(story, "3.00", expires_at=at("2026-12-10", 0))
    assert metering.current(story.workspace, GIVEN).allowance_nanos == 0


def test_credit_that_last_month_has_used_makes_no_room_in_the_next_before_its_invoice_takes_it(story: Story) -> None:
    buy(story, 1000, "pay_1")
    change = firestore.Batch()
    change.update(metering.spend_path(story.workspace, GIVEN), {("spent_nanos",): 8_000_000_000})
    change.commit()
    story.turn(at("2026-11-26"), charge_nanos=8_000_000_000)
    december = at("2026-12-01", 0)
    opened = metering.current(story.workspace, december)
    assert (opened.credit_nanos, opened.credit_apart_nanos) == (10_000_000_000, 8_000_000_000)
    assert opened.credit_at(december) == 2_000_000_000
    document = {**opened.model_dump(), "cap_nanos": 0, "trial_nanos": None}
    assert room(Spend.stored(document), "agt", december) == 2_000_000_000
    for night in (at("2026-12-01", 0, 10), FINAL, FINAL):
        story.close(night)
        now = metering.current(story.workspace, night)
        assert now.credit_at(night) == 2_000_000_000
    assert (now.credit_nanos, now.credit_apart_nanos) == (2_000_000_000, 0)


def test_movements_come_in_pages_the_latest_first(story: Story) -> None:
    for number in range(5):
        buy(story, 100 + number, f"pay_{number}", now=GIVEN + timedelta(minutes=number))
    story.turn(at("2026-11-26"), charge_nanos=2_000_000_000)
    story.close(FINAL)
    amounts, token = [], None
    while True:
        page = seen(story, NEXT_FINAL, page_size=2, page_token=token)
        amounts += [one.amount.amount for one in page.movements]
        token = page.next_page_token
        if token is None:
            break
    # Of one moment are what the invoice took of two grants, in the order of their ids.
    assert sorted(amounts[:2]) == ["-1.00", "-1.00"]
    assert amounts[2:] == ["1.04", "1.03", "1.02", "1.01", "1.00"]
    assert page.balance.amount == "3.10"
    with pytest.raises(Invalid):
        seen(story, page_token="bm9uZQ")

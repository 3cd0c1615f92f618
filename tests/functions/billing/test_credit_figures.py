"""Whatever becomes of invoices and credit over three months, the nightly comparison is silent, and one nano is not."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.billing import (
    accounts,
    crediting,
    credits,
    payments,
    refunding,
    repository,
    uncollectible,
    verifying,
    voiding,
)
from functions.billing import api_models as api
from functions.billing import credit_api_models as credit_api
from functions.billing import payment_api_models as payment_api
from functions.billing.models import EntryKind, Invoice, LineKind
from functions.shared import bigquery, clock, firestore, metering
from functions.shared.config import settings
from functions.shared.money import Money
from tests.cloud import Cloud
from tests.functions.billing.debts import books_hold, money, operator, stored
from tests.functions.billing.differences import told
from tests.functions.billing.story import FINAL, NEXT_FINAL, Story, at
from tests.functions.billing.test_accounts import publish
from tests.functions.billing.test_credits import buy, give
from tests.functions.billing.till import Till

MESSAGE = 1_000_000_000
JANUARY_FINAL = at("2027-02-02", 0, 10)


def choose(story: Story) -> None:
    """A fee, two messages at 1 and further ones at 0.25, something included, a discount and a minimum."""
    terms = {"monthly_fee": "3", "included": "0.333333333", "discount": "0.1", "minimum": "8", "tax_rate": "0.19"}
    name = publish(story, **terms)
    call = story.cloud.call(story.workspace, now=at("2026-11-25", 11), if_match=firestore.ABSENT)
    accounts.choose_plan(call, api.PlanChoice(plan=name))


def turns(story: Story, day: str, number: int, **more: Any) -> None:
    for minute in range(number):
        story.turn(at(day, 10, minute), charge_nanos=MESSAGE, **more)


def note(story: Story, invoice: Invoice, kind: LineKind, amount: Money | None, now: datetime) -> str:
    (line,) = [one for one in invoice.lines if one.kind == kind]
    wanted = credit_api.NewNoteLine(line_id=line.line_id, amount=amount, reason="Agreed")
    new = credit_api.NewCreditNote(lines=(wanted,))
    return crediting.issue(operator(story, f"note{now}", now), story.workspace, invoice.invoice_id, new)[0].id


def pay(story: Story, invoice: Invoice, minor: int, now: datetime) -> str:
    new = payment_api.NewPayment(invoice_id=invoice.invoice_id, amount=money(minor))
    return payments.record(operator(story, f"pay{now}", now), story.workspace, new)[0].id


def live(story: Story, period: str) -> Invoice:
    (found,) = [one for one in story.invoices() if one.period == period and one.state != "void"]
    return found


@pytest.mark.timeout(300)
def test_three_months_of_everything_differ_nowhere_and_every_invoice_is_verified(
    story_with_till: tuple[Story, Till], capsys: pytest.CaptureFixture[str]
) -> None:
    story, till = story_with_till
    story.adds = True

    def nights(first: datetime, number: int = 2) -> None:
        """After so many nights nothing differs any more, and nothing was said."""
        for night in range(number):
            story.close(first + timedelta(days=night))
        out = capsys.readouterr().out
        assert "figures still differ" not in out, out
        assert "does not add up" not in out
        assert story.state().get("differences", {}) == {}
        books_hold(story, first + timedelta(days=number))

    choose(story)
    give(story, "2.00", expires_at=at("2026-11-28", 0))
    buy(story, 500, "pay_bought", now=at("2026-11-25", 13), days=3)
    turns(story, "2026-11-26", 5)
    story.turn(at("2026-11-26", 12), outcome="failed", charge_nanos=0)
    nights(at("2026-11-29", 0, 10))
    nights(at("2026-12-01", 0, 10))
    november = live(story, "2026-11")
    kinds = {line.kind.value for line in november.lines}
    assert {"usage", "tier_adjustment", "fee", "allowance", "discount", "minimum", "tax"} <= kinds
    used = november.credit_minor
    assert 0 < used < 700

    voiding.void(operator(story, now=at("2026-12-02", 12)), story.workspace, november.invoice_id, reissue=True)
    nights(at("2026-12-03", 0, 10))
    again = live(story, "2026-11")
    # The credit had been used in time, so what is issued in place of the void one uses it, although it has ended since.
    assert (again.after.replaces, again.credit_minor) == (november.invoice_id, used)
    assert [line.amount_nanos for line in again.lines] == [line.amount_nanos for line in november.lines]

    note(story, again, LineKind.FEE, money(100), at("2026-12-05", 9))
    intent = till.pays(story, invoice_id=again.invoice_id)
    till.told(story, intent)
    till.act(intent, "refund")
    till.told(story, intent)
    lost = till.pays(story, credit="20")
    till.told(story, lost)
    till.act(lost, "dispute")
    till.act(lost, "lose")
    till.told(story, lost)
    assert stored(story, again).due_minor > 0
    paid = pay(story, again, stored(story, again).due_minor + 150, at("2026-12-06", 9))
    given = payment_api.NewRefund(amount=money(50))
    refunding.refund(operator(story, "back", at("2026-12-06", 10)), story.workspace, paid, given)
    nights(at("2026-12-07", 0, 10))

    turns(story, "2026-11-27", 3, recorded_at=clock.to_text(at("2026-12-10")))
    turns(story, "2026-12-20", 12)
    nights(at("2026-12-22", 0, 10))
    nights(NEXT_FINAL)
    december = live(story, "2026-12")
    assert {"late_usage", "tier_adjustment"} <= {line.kind.value for line in december.lines}
    uncollectible.write_off(operator(story, "off", at("2027-01-20")), story.workspace, december.invoice_id, "Gone")
    nights(at("2027-01-21", 0, 10))
    pay(story, december, 100, at("2027-01-22", 9))
    turns(story, "2027-01-22", 4)
    turns(story, "2026-12-21", 1, recorded_at=clock.to_text(at("2027-01-22", 8)))
    nights(at("2027-01-23", 0, 10))
    nights(JANUARY_FINAL)
    january = live(story, "2027-01")
    pay(story, january, january.due_minor, at("2027-02-04", 9))
    note(story, january, LineKind.FEE, None, at("2027-02-04", 10))
    nights(at("2027-02-05", 0, 10))

    for invoice in story.invoices():
        assert verifying.verify(story.cloud.call(story.workspace), invoice.invoice_id).verified, invoice.number
    assert {entry.kind for entry in story.entries()} == set(EntryKind)


@pytest.fixture
def story(house: Cloud) -> Story:
    return Story(house)


@pytest.fixture
def story_with_till(story: Story, till: Till) -> tuple[Story, Till]:
    return story, till


def changed(path: str, *field: str) -> None:
    batch = firestore.Batch()
    batch.update(path, {field: firestore.Increment(1)})
    batch.commit()


def in_the_account(story: Story) -> dict[str, Any]:
    changed(repository.account_path(story.workspace), "credit_nanos")
    # A nano without a grant counts as an overpayment, so account and grants still agree.
    return {"credit": {"spend": -1, "ledger": -1}}


def in_the_running_period(story: Story) -> dict[str, Any]:
    changed(metering.spend_path(story.workspace, at("2026-12-05")), "credit_nanos")
    return {"credit": {"spend": 1}}


def in_a_note(story: Story) -> dict[str, Any]:
    (found,) = repository.notes_of(story.workspace, live(story, "2026-11").invoice_id)
    changed(found.path, "total_minor")
    return {found.id: {"ledger": -10_000_000}}


def in_the_warehouses_note(story: Story) -> dict[str, Any]:
    (found,) = repository.notes_of(story.workspace, live(story, "2026-11").invoice_id)
    rows = crediting.note_of(found).to_rows()
    rows[0]["amount_nanos"] += 1
    assert bigquery.client().insert_rows_json(f"{settings().project}.{settings().dataset}.invoice_lines", rows) == []
    return {found.id: {"warehouse": 1}}


@pytest.mark.parametrize("plant", [in_the_account, in_the_running_period, in_a_note, in_the_warehouses_note])
def test_the_least_difference_in_what_was_given_is_an_alarm_on_the_second_day(
    story: Story, capsys: pytest.CaptureFixture[str], plant: Callable[[Story], dict[str, Any]]
) -> None:
    story.adds = True
    buy(story, 1000, "pay_1")
    story.turn(at("2026-11-26"), charge_nanos=2 * MESSAGE)
    story.close(FINAL)
    story.turn(at("2026-12-02"), charge_nanos=MESSAGE)
    note(story, live(story, "2026-11"), LineKind.USAGE, money(100), at("2026-12-02", 9))
    story.stores_notes = plant is not in_the_warehouses_note
    story.store()
    expected = plant(story)
    story.close(at("2026-12-03", 0, 10))
    assert told(capsys) == {}
    story.close(at("2026-12-04", 0, 10))
    assert told(capsys) == expected


def test_a_note_that_the_warehouse_lacks_is_told_again_and_then_all_is_well(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.turn(at("2026-11-26"), charge_nanos=2 * MESSAGE)
    story.close(FINAL)
    name = note(story, live(story, "2026-11"), LineKind.USAGE, money(100), at("2026-12-02", 9))
    story.cloud.published("invoice-recorded", story.workspace)
    story.stores_notes = False
    story.close(at("2026-12-03", 0, 10))
    assert list(story.state()["differences"]) == [name]
    assert {row["invoice_id"] for row in story.cloud.published("invoice-recorded", story.workspace)} == {name}
    story.stores_notes = True
    story.close(at("2026-12-04", 0, 10))
    assert story.state()["differences"] == {}
    assert told(capsys) == {}


def test_credit_that_differs_and_moves_while_it_is_read_keeps_its_first_date(
    story: Story, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    story.adds = True
    buy(story, 1000, "pay_1")
    story.turn(at("2026-11-26"))
    in_the_account(story)
    story.close(at("2026-11-27", 0, 10))
    first = story.state()["differences"]
    assert list(first) == ["credit"]
    real = credits.wallet_of

    def while_it_moves(*given: Any) -> Any:
        changed(repository.account_path(story.workspace), "moved")
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr("functions.billing.credit_figures.credits.wallet_of", while_it_moves)
        story.close(at("2026-11-28", 0, 10))
    assert story.state()["differences"] == first
    assert list(story.state()["uncompared"]) == ["credit"]
    assert told(capsys) == {}
    story.close(at("2026-11-29", 0, 10))
    assert (story.state()["differences"], story.state()["uncompared"], list(told(capsys))) == (first, {}, ["credit"])

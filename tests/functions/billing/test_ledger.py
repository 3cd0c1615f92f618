"""The books balance whatever happens, nothing is booked twice, and what comes late is booked as what it is."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.billing import charges, ledger
from functions.billing.models import Account, EntryKind, LedgerEntry, UsageEvent
from functions.billing.payment_models import Payment
from functions.shared.plans import PlanTerms, period_charges
from tests.functions.billing.making import (
    DAYS,
    FINAL,
    MONTH,
    WORKSPACE,
    close,
    draft,
    event,
    events,
    freeze,
    plans,
    post,
    terms,
)


def payment(amount_minor: int, payment_id: str = "pay_1") -> Payment:
    return Payment(
        payment_id=payment_id,
        workspace_id=WORKSPACE,
        invoice_id=draft(terms(), []).invoice_id,
        amount_minor=amount_minor,
        currency="USD",
        received_at=FINAL,
        method="bank_transfer",
    )


def closed(found: list[UsageEvent], posted: list[LedgerEntry] | None = None, period: str | None = None):
    entries = list(posted or [])
    for day in DAYS:
        entries += close(found, day, entries, period)
    return entries


def balanced(entries: list[LedgerEntry]) -> bool:
    assert len({item.entry_id for item in entries}) == len(entries)
    return sum(ledger.balances(entries).values()) == 0


@settings(max_examples=40)
@given(events())
def test_a_closed_day_has_what_was_charged_and_nothing_is_left_for_a_repeat(found: list[UsageEvent]) -> None:
    entries = closed(found)
    assert balanced(entries)
    assert ledger.unbilled(entries) == sum(item.charge_nanos for item in found)
    assert sum(item.cost_nanos for item in entries) == sum(item.cost_nanos for item in found)
    assert sum(item.count for item in entries) == len(found)
    assert closed(found, entries) == entries
    assert closed(list(reversed(found))) == entries


@settings(max_examples=40)
@given(events(), st.integers(0, 14), st.integers(0, 14))
def test_late_events_are_booked_as_corrections_and_the_end_is_the_same(
    found: list[UsageEvent], first: int, second: int
) -> None:
    entries = closed(found[: min(first, second)])
    entries = closed(found[: max(first, second)], entries)
    entries = closed(found, entries)
    assert balanced(entries)
    once = charges.tally(found, "USD").total
    assert ledger.unbilled(entries) == once.charge_nanos
    assert sum(item.output_tokens for item in entries) == once.output_tokens
    by_id = {item.entry_id: item for item in entries}
    for item in entries:
        assert item.corrects is None or by_id[item.corrects].key == item.key


@settings(max_examples=40)
@given(events(), plans, st.lists(st.integers(1, 40_000), max_size=3), st.booleans())
def test_the_books_balance_through_invoice_and_payments(
    found: list[UsageEvent], plan: PlanTerms, amounts: list[int], voided: bool
) -> None:
    entries = closed(found)
    entries += post(plan, entries)
    invoice = freeze(draft(plan, entries))
    entries += ledger.finalize(invoice, FINAL)
    assert balanced(entries)
    assert ledger.balances(entries)[Account.UNBILLED] == 0
    due = invoice.due_minor
    for number, amount in enumerate(amounts):
        entries += ledger.payment(payment(amount, f"pay_{number}"), due, FINAL)
        due = max(0, due - amount)
        assert ledger.due(entries, invoice.invoice_id) == due * 10_000_000
    assert balanced(entries)
    assert ledger.balances(entries)[Account.CASH] == sum(amounts) * 10_000_000
    if voided:
        before = ledger.credit(entries)
        paid = sum(item.amount_nanos for item in entries if item.kind == EntryKind.PAYMENT and item.invoice_id)
        entries += ledger.void(invoice, entries, FINAL)
        assert balanced(entries)
        after = ledger.balances(entries)
        assert [after[a] for a in (Account.UNBILLED, Account.RECEIVABLE, Account.TAX, Account.ROUNDING)] == [0] * 4
        assert after[Account.REVENUE] == 0
        assert ledger.credit(entries) == before + paid - credit_of(invoice)


def credit_of(invoice) -> int:
    """Credit that the invoice itself had made, which voiding takes back."""
    return -min(invoice.total_minor, 0) * 10_000_000


def test_posting_a_period_again_posts_nothing() -> None:
    plan = terms(monthly_fee="19", included="5", discount="0.1")
    entries = closed([event(charge_nanos=7_000_000_000)])
    entries += post(plan, entries)
    kinds = [(item.kind, item.on(Account.UNBILLED)) for item in entries]
    assert kinds == [
        ("usage", 7_000_000_000),
        ("fee", 19_000_000_000),
        ("allowance", -5_000_000_000),
        ("discount", -2_100_000_000),
    ]
    assert post(plan, entries) == []


def test_a_fee_is_owed_without_any_usage() -> None:
    (fee,) = post(terms(monthly_fee="19", included="5"), [])
    assert (fee.kind, fee.amount_nanos) == (EntryKind.FEE, 19_000_000_000)


def test_late_usage_goes_on_the_next_invoice_and_uses_the_rest_of_its_own_allowance() -> None:
    plan = terms(included="5")
    on_time = event(event_id="a", charge_nanos=3_000_000_000)
    late = event(event_id="b", charge_nanos=4_000_000_000)
    entries = closed([on_time])
    entries += post(plan, entries)
    entries += ledger.finalize(freeze(draft(plan, entries)), FINAL)
    assert ledger.balances(entries)[Account.RECEIVABLE] == 0
    entries = closed([on_time, late], entries, period="2027-01")
    entries += post(plan, entries, usage_period=MONTH, period="2027-01")
    assert balanced(entries)
    january = draft(plan, entries, "2027-01")
    assert [(line.kind, line.amount_minor, line.usage_period) for line in january.lines] == [
        ("late_usage", 400, MONTH),
        ("allowance", -200, MONTH),
    ]


def messages(number: int, first: int = 0, nanos: int = 40_000_000) -> list[UsageEvent]:
    """So many turns at this list price."""
    return [event(event_id=f"m{first + n}", charge_nanos=nanos) for n in range(number)]


def test_late_usage_goes_on_where_the_tiers_of_its_period_were() -> None:
    """10 at 0.04, 5 of them above the fifth at 0.01: -0.15; 10 more, all above: -0.30 on the next invoice."""
    tiers = [{"up_to": 5, "price": "0.04"}, {"price": "0.01"}]
    plan = terms(cost_plus=None, unit_prices=[{"meter": "messages", "scheme": "graduated", "tiers": tiers}])
    entries = closed(messages(10))
    entries += post(plan, entries)
    assert [(item.kind, item.on(Account.UNBILLED)) for item in entries if item.kind != "usage"] == [
        ("tier_adjustment", -150_000_000)
    ]
    assert post(plan, entries) == []
    entries += ledger.finalize(freeze(draft(plan, entries)), FINAL)
    entries = closed(messages(20), entries, period="2027-01")
    entries += post(plan, entries, usage_period=MONTH, period="2027-01")
    assert balanced(entries)
    january = draft(plan, entries, "2027-01")
    assert [(line.kind, line.amount_nanos, line.description) for line in january.lines] == [
        ("late_usage", 400_000_000, "Late usage: Front desk, offline-extractive (2026-12)"),
        ("tier_adjustment", -300_000_000, "Prices by quantity (2026-12)"),
    ]
    assert post(plan, entries, usage_period=MONTH, period="2027-01") == []


def test_late_usage_gives_back_what_was_asked_for_the_minimum() -> None:
    plan = terms(minimum="50")
    entries = closed([event(charge_nanos=20_000_000_000)])
    entries += post(plan, entries)
    assert ledger.unbilled(entries) == 50_000_000_000
    entries += ledger.finalize(freeze(draft(plan, entries)), FINAL)
    found = [event(charge_nanos=20_000_000_000), event(event_id="late", charge_nanos=35_000_000_000)]
    entries = closed(found, entries, period="2027-01")
    entries += post(plan, entries, usage_period=MONTH, period="2027-01")
    assert balanced(entries)
    january = draft(plan, entries, "2027-01")
    assert [(line.kind, line.amount_minor) for line in january.lines] == [("late_usage", 3500), ("minimum", -3000)]
    assert january.lines[1].description == "Monthly minimum (2026-12)"


def test_turns_that_were_not_charged_fill_no_tier() -> None:
    tiers = [{"up_to": 1000, "price": "0.001"}, {"price": "0.0001"}]
    plan = terms(cost_plus=None, unit_prices=[{"meter": "input_tokens", "scheme": "graduated", "tiers": tiers}])
    paid = event(event_id="a", input_tokens=1000, charge_nanos=1_000_000_000)
    failed = event(event_id="b", input_tokens=9000, outcome="failed", charge_nanos=0)
    entries = closed([paid, failed])
    assert sum(item.input_tokens for item in entries) == 10_000
    assert post(plan, entries) == []


@settings(max_examples=40)
@given(events(), plans)
def test_the_provisional_month_is_what_the_close_posts(found: list[UsageEvent], plan: PlanTerms) -> None:
    """The statement adds up billing's tallies, the close its entries: the same function, the same sums."""
    tally = charges.tally(found, "USD")
    provisional = period_charges(plan, tally.total.charge_nanos, tally.counted, MONTH)
    entries = closed(found)
    entries += post(plan, entries)
    assert ledger.unbilled(entries) == provisional.net
    assert post(plan, entries) == []
    by_kind = {kind: sum(item.on(Account.UNBILLED) for item in entries if item.kind == kind) for kind in EntryKind}
    assert by_kind[EntryKind.TIER_ADJUSTMENT] == provisional.tiers
    assert by_kind[EntryKind.MINIMUM] == provisional.minimum


@settings(max_examples=40)
@given(events(), st.integers(0, 14), plans)
def test_two_months_together_are_what_one_month_would_have_been(
    found: list[UsageEvent], on_time: int, plan: PlanTerms
) -> None:
    entries = closed(found[:on_time])
    entries += post(plan, entries)
    december = draft(plan, entries)
    entries += ledger.finalize(freeze(december), FINAL)
    entries = closed(found, entries, period="2027-01")
    entries += post(plan, entries, usage_period=MONTH, period="2027-01")
    january = draft(plan, entries, "2027-01")
    entries += ledger.finalize(freeze(january), FINAL)
    assert balanced(entries)
    assert ledger.balances(entries)[Account.UNBILLED] == 0
    at_once = closed(found)
    at_once += post(plan, at_once)
    lines = [line for line in december.lines + january.lines if line.kind != "tax"]
    assert sum(line.amount_nanos for line in lines) == ledger.unbilled(at_once)
    assert sum(line.input_tokens for line in lines) == sum(item.input_tokens or 0 for item in found)


def test_days_are_closed_in_order_and_none_is_skipped() -> None:
    as_of = datetime(2026, 12, 4, 0, 10, tzinfo=UTC)
    assert ledger.days_due("2026-12-01", None, as_of) == ["2026-12-01", "2026-12-02", "2026-12-03"]
    assert ledger.days_due("2026-12-01", "2026-12-02", as_of) == ["2026-12-03"]
    assert ledger.days_due("2026-12-01", "2026-12-03", as_of) == []
    assert ledger.days_due("2026-12-04", None, as_of) == []


def test_an_overpayment_is_credit_that_the_next_invoice_uses() -> None:
    plan = terms(monthly_fee="10")
    entries = post(plan, [])
    invoice = freeze(draft(plan, entries))
    entries += ledger.finalize(invoice, FINAL)
    entries += ledger.payment(payment(1500), invoice.due_minor, FINAL)
    assert ledger.credit(entries) == 5_000_000_000
    fee = post(plan, [], usage_period="2027-01", period="2027-01")
    january = freeze(draft(plan, fee, "2027-01"), credit_minor=500)
    entries += fee + ledger.finalize(january, FINAL)
    assert (january.due_minor, ledger.credit(entries)) == (500, 0)
    assert ledger.due(entries, january.invoice_id) == 5_000_000_000
    assert balanced(entries)


def test_an_invoice_below_zero_is_credit() -> None:
    entries = close([event(corrects="turn0", charge_nanos=-2_000_000_000)], DAYS[0])
    invoice = freeze(draft(terms(), entries))
    entries += ledger.finalize(invoice, FINAL)
    assert (invoice.total_minor, invoice.due_minor) == (-200, 0)
    assert ledger.credit(entries) == 2_000_000_000
    assert ledger.due(entries, invoice.invoice_id) == 0


def test_entries_of_another_day_or_period_are_refused() -> None:
    entries = close([event()], DAYS[0])
    with pytest.raises(ValueError, match="not an entry"):
        ledger.close_day(
            workspace_id=WORKSPACE,
            day=DAYS[1],
            tally=charges.tally([], "USD"),
            digests={},
            posted=entries,
            period=MONTH,
            booked_at=FINAL,
        )
    with pytest.raises(ValueError, match="not an entry"):
        ledger.post_period(
            workspace_id=WORKSPACE,
            usage_period="2027-01",
            terms=terms(),
            usage=entries,
            posted=[],
            period="2027-01",
            booked_at=FINAL,
        )


def test_an_entry_speaks_for_its_day_with_a_digest_that_can_be_recomputed() -> None:
    turn = event()
    (entry,) = close([turn], DAYS[0])
    assert entry.digest == charges.day_digest([turn])

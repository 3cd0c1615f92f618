"""An invoice is its entries to the nano, the same every time, and moves only where it may."""

import json
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.billing import invoicing, ledger
from functions.billing.models import InvoiceState, LineKind, Party, UsageEvent
from functions.shared import config, metering
from functions.shared.money import minor_to_nanos, parse_decimal
from functions.shared.plans import PlanTerms
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


def month(found: list[UsageEvent], plan: PlanTerms) -> list:
    entries = [entry for day in DAYS for entry in close(found, day)]
    return entries + post(plan, entries)


@settings(max_examples=50)
@given(events(), plans)
def test_an_invoice_is_the_sum_of_its_entries_to_the_nano(found: list[UsageEvent], plan: PlanTerms) -> None:
    entries = month(found, plan)
    invoice = draft(plan, entries)
    lines = [line for line in invoice.lines if line.kind != LineKind.TAX]
    assert sum(line.amount_nanos for line in lines) == ledger.unbilled(entries)
    assert minor_to_nanos(invoice.net_minor, "USD") + invoice.rounding_nanos == ledger.unbilled(entries)
    assert sum(line.amount_minor for line in invoice.lines) == invoice.total_minor
    assert sum(line.tax_minor for line in lines) == invoice.tax_minor
    assert sum(line.count for line in lines) == len(found)
    for line in lines:
        assert abs(line.amount_nanos - minor_to_nanos(line.amount_minor, "USD")) * 2 <= 10_000_000


@settings(max_examples=30)
@given(events(), plans, st.randoms(use_true_random=False))
def test_the_same_entries_give_the_same_bytes(found: list[UsageEvent], plan: PlanTerms, random) -> None:
    entries = month(found, plan)
    once = freeze(draft(plan, entries)).frozen_bytes()
    shuffled = month(list(reversed(found)), plan)
    random.shuffle(shuffled)
    assert freeze(draft(plan, shuffled)).frozen_bytes() == once
    assert b"." not in b"".join(str(v).encode() for v in json.loads(once).values() if isinstance(v, int | float))


@settings(max_examples=30)
@given(events(), plans)
def test_what_a_customer_pays_is_never_below_zero(found: list[UsageEvent], plan: PlanTerms) -> None:
    assert draft(plan, month(found, plan)).due_minor >= 0


INCLUDED_TO_THE_NANO = (
    [event(event_id="a", charge_nanos=166_666_667), event(event_id="b", charge_nanos=166_666_666, agent_id="agt_2")],
    terms(included="0.333333333"),
)
"""Two lines that are rounded up and an allowance that is rounded down leave a cent of nothing."""


@example(*INCLUDED_TO_THE_NANO)
@given(events(), plans)
def test_no_invoice_takes_more_credit_than_metering_sets_apart_for_it(found: list[UsageEvent], plan: PlanTerms) -> None:
    """By the month's charges alone, each line rounded up, whatever tax comes on top."""
    if plan.unit_prices:
        # Here charges do not follow from quantities, so what quantities change has no bound.
        plan = plan.model_copy(update={"unit_prices": (), "included_units": {}})
    # Metering never adds less than nothing.
    found = [one.model_copy(update={"charge_nanos": abs(one.charge_nanos)}) for one in found]
    invoice = draft(plan, month(found, plan))
    spent = {"spent_nanos": sum(one.charge_nanos for one in found)}
    agents = {"spent_by_agent": {one.agent_id: one.charge_nanos for one in found}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SELLER_COUNTRY", "GB")
        patch.setenv("SELLER_VAT_ID", "GB123")
        config.settings.cache_clear()
        net, rounding = metering.apart.of_usage(spent | agents, plan, MONTH)
        most = metering.invoiced_at_most(net + rounding, plan, MONTH)
        drafted = metering.invoiced_at_most(invoice.net_minor, plan, MONTH)
    config.settings.cache_clear()
    assert minor_to_nanos(invoice.total_minor, "USD") <= drafted <= most


def test_lines_are_by_agent_model_and_price_version_and_say_what_they_are() -> None:
    plan = terms(monthly_fee="19", included="5", discount="0.1", tax_rate="0.19")
    found = [
        event(event_id="a", charge_nanos=6_005_000_000),
        event(event_id="b", charge_nanos=1_000_000_000, price_version="2026-12-01"),
        event(event_id="c", charge_nanos=2_000_000_000, agent_id="agt_2"),
    ]
    invoice = draft(plan, month(found, plan))
    assert [(line.description, line.amount_minor) for line in invoice.lines] == [
        ("Front desk, offline-extractive", 601),
        ("Front desk, offline-extractive", 100),
        ("agt_2, offline-extractive", 200),
        ("Plan P, monthly price", 1900),
        ("Included in the plan", -500),
        ("Discount 10 %", -230),
        ("Tax 19 %", 393),
    ]
    assert [line.price_version for line in invoice.lines[:2]] == ["2026-01-01", "2026-12-01"]
    assert (invoice.net_minor, invoice.tax_minor, invoice.total_minor) == (2071, 393, 2464)
    assert invoice.rounding_nanos == -5_500_000


PER_MESSAGE = [{"meter": "messages", "price": "0.08"}]


@pytest.mark.parametrize(
    ("prices", "charges", "found"),
    [
        (PER_MESSAGE, [80_000_000, 80_000_000], ("messages", 80_000_000)),
        # Whatever was charged otherwise has no price of a unit: another plan before, or a price of another meter too.
        (PER_MESSAGE, [80_000_000, 70_000_000], (None, None)),
        ([{"meter": "messages", "price": "8", "per": 100}], [80_000_000], ("messages", 80_000_000)),
        ([{"meter": "messages", "price": "0.1", "per": 3}], [33_333_333], (None, None)),
        ([{"meter": "messages", "price": "0.08", "model": "another"}], [80_000_000], (None, None)),
        ([{"meter": "messages", "price": "0"}], [0], (None, None)),
    ],
)
def test_a_line_that_is_units_times_a_price_says_which(prices: list, charges: list[int], found: tuple) -> None:
    plan = terms(cost_plus=None, monthly_fee="1", unit_prices=prices)
    turns = [event(event_id=f"e{n}", charge_nanos=charge) for n, charge in enumerate(charges)]
    usage, fee = draft(plan, month(turns, plan)).lines
    assert (usage.meter, usage.unit_price_nanos) == found
    assert (fee.meter, fee.unit_price_nanos) == (None, None)


def test_a_correction_in_the_same_period_is_part_of_its_line_and_speaks_for_its_day() -> None:
    first, second = event(event_id="a"), event(event_id="b")
    entries = close([first], DAYS[0])
    entries += close([first, second], DAYS[0], entries)
    corrected = draft(terms(), entries)
    at_once = draft(terms(), close([first, second], DAYS[0]))
    assert corrected == at_once


def test_reverse_charge_means_no_tax() -> None:
    plan = terms(monthly_fee="19", tax_rate="0.19", reverse_charge=True)
    invoice = draft(plan, post(plan, []))
    assert (invoice.tax_minor, invoice.total_minor, invoice.reverse_charge) == (0, 1900, True)


def test_a_month_with_everything_says_what_each_line_is_for() -> None:
    tiers = [{"up_to": 1, "price": "10"}, {"price": "4"}]
    plan = terms(
        cost_plus=None,
        unit_prices=[{"meter": "messages", "scheme": "graduated", "tiers": tiers}],
        monthly_fee="5",
        discount="0.1",
        discount_amount="3",
        minimum="40",
    )
    turns = [event(event_id=name, charge_nanos=10_000_000_000) for name in "abc"]
    invoice = draft(plan, month(turns, plan))
    assert [(line.kind, line.description, line.amount_minor) for line in invoice.lines] == [
        ("usage", "Front desk, offline-extractive", 3000),
        ("tier_adjustment", "Prices by quantity", -1200),
        ("fee", "Plan P, monthly price", 500),
        ("discount", "Discount 10 % and 3.00 USD", -530),
        ("minimum", "To the monthly minimum of 40.00 USD", 2230),
    ]
    assert invoice.net_minor == 4000


@pytest.mark.parametrize(
    ("seller", "buyer", "rate", "reverse_charge"),
    [
        (("DE", "DE123456789"), ("DE", None), "0.19", False),
        (("DE", "DE123456789"), ("FR", "FRAB123456789"), "0", True),
        (("DE", "DE123456789"), ("FR", None), "0.2", False),
        (("DE", "DE123456789"), ("US", None), "0", False),
        (("DE", None), ("DE", None), "0", False),
    ],
)
def test_without_an_agreed_rate_the_countries_decide_about_the_tax(
    seller: tuple[str, str | None], buyer: tuple[str, str | None], rate: str, reverse_charge: bool
) -> None:
    plan = terms(monthly_fee="100")
    invoice = invoicing.draft(
        workspace_id=WORKSPACE,
        period=MONTH,
        entries=post(plan, []),
        terms=plan,
        agent_names={},
        seller=Party(name="S", country=seller[0], vat_id=seller[1]),
        bill_to=Party(name="B", country=buyer[0], vat_id=buyer[1]),
        payment_terms="",
        as_of=FINAL,
    )
    assert (invoice.tax_rate, invoice.reverse_charge) == (parse_decimal(rate), reverse_charge)
    assert invoice.total_minor == 10_000 + invoice.tax_minor
    assert reverse_charge == ("Article" in (invoice.tax_note or "") and "196" in (invoice.tax_note or ""))
    agreed = draft(terms(monthly_fee="100", tax_rate="0.05"), post(plan, []))
    assert (agreed.tax_rate, agreed.lines[-1].description) == (parse_decimal("0.05"), "Tax 5 %")


def test_entries_of_other_periods_do_not_count_and_foreign_ones_are_refused() -> None:
    entries = close([event()], DAYS[0])
    assert draft(terms(), entries, "2027-01").lines == ()
    with pytest.raises(ValueError, match="another workspace"):
        draft(terms(currency="EUR"), entries)


def test_numbers_have_no_gap_and_grow_beyond_four_digits() -> None:
    assert invoicing.number("ABC", FINAL, 0) == "ABC-2027-0001"
    assert invoicing.number("ABC", FINAL, 9999) == "ABC-2027-10000"
    code = invoicing.series_code("ws_1")
    assert code == invoicing.series_code("ws_1") != invoicing.series_code("ws_2")
    assert len(code) == 8


def test_one_workspace_has_one_invoice_a_period() -> None:
    assert invoicing.invoice_id("ws_1", MONTH) == invoicing.invoice_id("ws_1", MONTH)
    assert invoicing.invoice_id("ws_1", MONTH) != invoicing.invoice_id("ws_2", MONTH)


@pytest.mark.parametrize("state", list(InvoiceState))
def test_an_invoice_moves_only_where_it_may(state: InvoiceState) -> None:
    invoice = draft(terms(), []).model_copy(update={"state": state})
    for target in InvoiceState:
        if target in invoicing.FOLLOWERS[state]:
            assert invoicing.move(invoice, target).state == target
        else:
            with pytest.raises(invoicing.TransitionRefused):
                invoicing.move(invoice, target)


@given(st.sampled_from(list(InvoiceState)), st.integers(0, 4000), st.integers(0, 40))
def test_payments_move_an_invoice_along_its_states(state: InvoiceState, paid: int, days: int) -> None:
    plan = terms(monthly_fee="19")
    invoice = freeze(draft(plan, post(plan, []))).model_copy(update={"state": state})
    settled = invoicing.settle(invoice, paid, FINAL + timedelta(days=days))
    assert settled.state == state or settled.state in invoicing.FOLLOWERS[state]
    if state in (InvoiceState.OPEN, InvoiceState.OVERDUE, InvoiceState.UNCOLLECTIBLE):
        assert (settled.state == InvoiceState.PAID) == (paid >= 1900)


def test_an_open_invoice_is_overdue_from_its_due_date_on() -> None:
    plan = terms(monthly_fee="19")
    invoice = invoicing.move(freeze(draft(plan, post(plan, []))), InvoiceState.OPEN)
    assert invoicing.settle(invoice, 1899, FINAL + timedelta(days=13)).state == InvoiceState.OPEN
    assert invoicing.settle(invoice, 1899, FINAL + timedelta(days=14)).state == InvoiceState.OVERDUE


def test_only_a_draft_is_frozen() -> None:
    frozen = freeze(draft(terms(), []))
    with pytest.raises(invoicing.TransitionRefused):
        freeze(frozen)

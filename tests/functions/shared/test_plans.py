"""A charge depends on its event alone, never passes the hold, and what a plan includes is never charged."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from functions.shared.money import NANOS, CurrencyMismatch, parse_decimal
from functions.shared.plans import (
    DEFAULT_PLAN,
    Meter,
    PlanTerms,
    UnknownPlan,
    allowance,
    charge,
    discount,
    highest_charge,
    per_million,
    period_charges,
    plan_at,
    projection,
    published_plans,
    quantities,
    surely_included,
)
from functions.shared.pricing import Price, Usage, book, price_at, rate

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
PRICES = book().prices_at(NOW)
PUBLISHED = published_plans(NOW)
OFFLINE = price_at("offline", "offline-extractive", None, NOW)


def terms(**fields: object) -> PlanTerms:
    return PlanTerms.model_validate(
        {"plan": "p", "plan_version": "p-1", "name": "P", "currency": "USD", "cost_plus": "0.2"} | fields
    )


rates = st.integers(0, 3 * NANOS)
unit_prices = st.lists(
    st.fixed_dictionaries(
        {
            "meter": st.sampled_from(list(Meter)),
            "model": st.sampled_from([None, "offline-extractive", "gemini-4-argon"]),
            "price": rates,
            "per": st.sampled_from([1, 1000, 1_000_000]),
        }
    ),
    max_size=6,
    unique_by=lambda price: (price["meter"], price["model"]),
)
plans = st.builds(
    lambda fee, plus, units: terms(monthly_fee=fee, cost_plus=plus, unit_prices=units), rates, rates, unit_prices
)
counts = st.none() | st.integers(0, 50_000)
usages = st.builds(
    Usage, input_tokens=counts, cached_input_tokens=counts, output_tokens=counts, reasoning_tokens=counts
)


def test_cost_plus_adds_a_share_of_the_cost() -> None:
    usage = Usage(input_tokens=1000, cached_input_tokens=0, output_tokens=500, reasoning_tokens=0)
    cost = rate(usage, OFFLINE)
    assert charge(usage, cost, plan_at(DEFAULT_PLAN, NOW), model=OFFLINE.model) == parse_decimal("0.018")


def test_a_models_own_unit_price_comes_before_the_general_one() -> None:
    plan = plan_at("per_unit", NOW)
    usage = Usage(input_tokens=1_000_000, cached_input_tokens=0, output_tokens=0, reasoning_tokens=0)
    assert charge(usage, 0, plan, model="gemini-4-argon") == parse_decimal("6")
    assert charge(usage, 0, plan, model="gemini-3.5-flash-lite") == parse_decimal("0.5")


def test_messages_and_conversations_can_be_the_unit() -> None:
    plan = terms(
        cost_plus=None,
        unit_prices=[
            {"meter": "messages", "price": "0.04"},
            {"meter": "conversations", "price": "0.1"},
            {"meter": "resolved_conversations", "price": "0.9"},
        ],
    )
    assert charge(Usage(), 5, plan, model="m", conversations=1) == parse_decimal("0.14")
    assert charge(Usage(), 5, plan, model="m", messages=0, resolved=1) == parse_decimal("0.9")


@given(usages, usages, plans, st.sampled_from(PRICES))
def test_more_usage_is_never_charged_less(one: Usage, other: Usage, plan: PlanTerms, price: Price) -> None:
    both = one + other
    assert charge(one, rate(one, price), plan, model=price.model) >= 0
    assert charge(one, rate(one, price), plan, model=price.model) <= charge(
        both, rate(both, price), plan, model=price.model, conversations=1
    )


@given(st.lists(usages, min_size=1, max_size=3), plans, st.sampled_from(PRICES), st.integers(0, 1))
def test_no_charge_passes_its_hold(calls: list[Usage], plan: PlanTerms, price: Price, conversations: int) -> None:
    bound = max(call.total_input for call in calls)
    most = max((call.output_tokens or 0) + (call.reasoning_tokens or 0) for call in calls)
    total = sum(calls, Usage())
    charged = charge(total, rate(calls, price), plan, model=price.model, conversations=conversations)
    assert charged <= highest_charge(plan, price, bound, most, len(calls))


@given(usages, st.integers(0, 10**12), plans)
def test_a_charge_is_rounded_once(usage: Usage, cost: int, plan: PlanTerms) -> None:
    exact = Fraction(cost * (NANOS + (plan.cost_plus or 0)), NANOS)
    for meter, quantity in quantities(usage, messages=1).items():
        price = plan.unit_price(meter, "offline-extractive")
        exact += Fraction(price.price * quantity, price.per) if price else 0
    assert abs(charge(usage, cost, plan, model="offline-extractive") - exact) <= Fraction(1, 2)


@given(st.integers(-(10**10), 10**13), st.integers(0, 10**11), st.integers(0, 2000), st.integers(0, 2000))
def test_an_allowance_covers_what_was_charged_and_no_more(
    charged: int, included: int, messages: int, more: int
) -> None:
    plan = terms(
        included=included, unit_prices=[{"meter": "messages", "price": "0.04"}], included_units={"messages": 1000}
    )
    first = allowance(plan, charged, {Meter.MESSAGES: messages})
    later = allowance(plan, charged + more, {Meter.MESSAGES: messages + more})
    assert 0 <= first <= max(charged, 0)
    assert first <= later <= included + parse_decimal("40")


@given(st.integers(0, 3000), st.integers(0, 10**11))
def test_what_is_surely_included_is_free_when_it_is_all_that_was_charged(messages: int, included: int) -> None:
    prices = [{"meter": "messages", "price": "0.04"}]
    plan = terms(cost_plus=None, included=included, unit_prices=prices, included_units={"messages": 1000})
    charged = messages * parse_decimal("0.04")
    assert allowance(plan, charged, {Meter.MESSAGES: messages}) == min(charged, surely_included(plan))


def test_included_units_of_one_meter_leave_no_room_for_another() -> None:
    prices = [{"meter": "messages", "price": "0.04"}, {"meter": "output_tokens", "price": "1"}]
    both = terms(cost_plus=None, included=7, unit_prices=prices, included_units={"messages": 1000})
    assert surely_included(both) == 7
    assert surely_included(terms(included=7, unit_prices=prices[:1], included_units={"messages": 1000})) == 7


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), 100 * 720),
        (datetime(2026, 11, 16, tzinfo=UTC), 200),
        (datetime(2028, 2, 15, 12, tzinfo=UTC), 200),
        (datetime(2026, 11, 30, 23, tzinfo=UTC), 100),
    ],
)
def test_the_projection_goes_on_at_the_pace_so_far(now: datetime, expected: int) -> None:
    assert projection(100, now) == expected


def test_a_discount_is_a_share() -> None:
    assert discount(terms(discount="0.1"), parse_decimal("19.99")) == parse_decimal("1.999")


@given(st.integers(0, 10**13), st.sampled_from(PUBLISHED), st.integers(0, 5000))
def test_a_period_is_usage_and_fee_less_what_is_included_and_discounted(
    charged: int, plan: PlanTerms, messages: int
) -> None:
    period = period_charges(plan, charged, {Meter.MESSAGES: messages})
    assert period.net == charged + plan.monthly_fee - period.allowance - period.discount
    assert plan.monthly_fee <= period.net <= charged + plan.monthly_fee


def test_plan_and_price_book_must_speak_of_the_same_money() -> None:
    with pytest.raises(CurrencyMismatch):
        highest_charge(terms(currency="EUR"), OFFLINE, 100, 100)


@pytest.mark.parametrize(
    "fields",
    [
        {"cost_plus": None},
        {"cost_plus": 0.2},
        {"tax_rate": "1.1"},
        {"discount": "-0.1"},
        {"included_units": {"messages": 5}},
        {"included_units": {"messages": 5}, "unit_prices": [{"meter": "messages", "model": "m", "price": "1"}]},
        {"unit_prices": [{"meter": "messages", "price": "1"}, {"meter": "messages", "price": "2"}]},
        {"surprise": 1},
    ],
)
def test_terms_that_make_no_sense_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        terms(**fields)


@pytest.mark.parametrize("plan", PUBLISHED, ids=lambda plan: plan.plan)
def test_published_terms_survive_a_document(plan: PlanTerms) -> None:
    assert PlanTerms.model_validate(plan.model_dump(mode="json")) == plan
    assert plan_at(plan.plan, NOW) == plan


def test_a_plan_that_is_not_published_is_an_error() -> None:
    for plan, at in [("gold", NOW), (DEFAULT_PLAN, datetime(2020, 1, 1, tzinfo=UTC))]:
        with pytest.raises(UnknownPlan):
            plan_at(plan, at)


def test_a_unit_price_can_be_shown_by_the_million() -> None:
    price = plan_at("per_unit", NOW).unit_price(Meter.INPUT, None)
    assert price is not None
    assert per_million(price) == parse_decimal("6")

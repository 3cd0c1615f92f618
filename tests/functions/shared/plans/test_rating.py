"""A charge depends on its event alone, is at list price whatever the scheme, and never passes the hold."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.money import NANOS, CurrencyMismatch, parse_decimal
from functions.shared.plans import (
    DEFAULT_PLAN,
    Meter,
    PlanTerms,
    charge,
    highest_charge,
    per_million,
    plan_at,
    quantities,
)
from functions.shared.pricing import Price, Usage, book, price_at, rate
from tests.functions.shared.plans.making import NOW, graduated, package, prices, terms, volume

PRICES = book().prices_at(NOW)
OFFLINE = price_at("offline", "offline-extractive", None, NOW)


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
by_quantity = st.lists(
    st.sampled_from([meter.value for meter in Meter]).flatmap(prices),
    max_size=4,
    unique_by=lambda price: price["meter"],
)
plans = st.builds(
    lambda fee, plus, units: terms(monthly_fee=fee, cost_plus=plus, unit_prices=units),
    rates,
    rates,
    unit_prices | by_quantity,
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


@given(usages, st.integers(0, 10**12), plans, st.sampled_from(PRICES), *[st.integers(0, 1)] * 3)
def test_a_charge_is_what_exact_fractions_give(
    usage: Usage, cost: int, plan: PlanTerms, price: Price, messages: int, conversations: int, resolved: int
) -> None:
    exact = Fraction(cost) * (1 + Fraction(plan.cost_plus, NANOS)) if plan.cost_plus is not None else Fraction(0)
    units = {"messages": messages, "conversations": conversations, "resolved": resolved}
    for meter, quantity in quantities(usage, **units).items():
        of_meter = {one.model: one for one in plan.unit_prices if one.meter == meter}
        found = of_meter.get(price.model) or of_meter.get(None)
        exact += Fraction(found.price, found.per) * quantity if found else 0
    expected = int(exact + Fraction(1, 2))  # Half away from zero, of what is never negative.
    assert charge(usage, cost, plan, model=price.model, **units) == expected


def test_plan_and_price_book_must_speak_of_the_same_money() -> None:
    with pytest.raises(CurrencyMismatch):
        highest_charge(terms(currency="EUR"), OFFLINE, 100, 100)


def test_a_unit_price_can_be_shown_by_the_million() -> None:
    price = plan_at("per_unit", NOW).unit_price(Meter.INPUT, None)
    assert price is not None
    assert per_million(price) == parse_decimal("6")


def test_a_turn_is_charged_at_list_price_whatever_the_scheme() -> None:
    for price in (
        graduated((10, "0.05"), (None, "0.02")),
        volume((10, "0.03"), (None, "0.05")),
        package(100, "5"),
        {"meter": "messages", "price": "0.05"},
    ):
        plan = terms(cost_plus=None, unit_prices=[price])
        assert charge(Usage(), 0, plan, model="m") == parse_decimal("0.05")
        assert highest_charge(plan, OFFLINE, 0, 0) == parse_decimal("0.05")

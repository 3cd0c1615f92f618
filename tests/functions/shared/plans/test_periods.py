"""What depends on the whole period: by hand for each model and meter, and for any plan what must always hold."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.money import allocate, parse_decimal
from functions.shared.plans import (
    Meter,
    PlanTerms,
    allowance,
    by_quantity,
    discount,
    net_at_most,
    period_charges,
    projection,
    published_plans,
    surely_included,
    tier_adjustment,
)
from tests.functions.shared.plans.making import (
    MODEL,
    NOW,
    by_units,
    counted,
    graduated,
    package,
    plans,
    prices,
    terms,
    volume,
)

PUBLISHED = published_plans(NOW)
TIERS: tuple[tuple[int | None, str], ...] = ((1000, "0.04"), (5000, "0.03"), (None, "0.02"))
METERS = [meter.value for meter in Meter]

numbers = st.integers(0, 100)
usages = st.dictionaries(
    st.sampled_from([MODEL, "gemini-4-argon"]), st.dictionaries(st.sampled_from(list(Meter)), numbers), max_size=2
)


def at_list(plan: PlanTerms, found: dict[str, dict[Meter, int]]) -> int:
    """What events with these quantities are charged, each a unit of its own."""
    total = 0
    for model, of in found.items():
        for meter, number in of.items():
            price = plan.unit_price(meter, model)
            total += int(price.exact(number)) if price else 0
    return total


@given(st.integers(-(10**10), 10**13), st.integers(0, 10**11), st.integers(0, 2000), st.integers(0, 2000))
def test_an_allowance_covers_what_was_charged_and_no_more(
    charged: int, included: int, messages: int, more: int
) -> None:
    plan = terms(
        included=included, unit_prices=[{"meter": "messages", "price": "0.04"}], included_units={"messages": 1000}
    )
    first = allowance(plan, charged, counted(messages))
    later = allowance(plan, charged + more, counted(messages + more))
    assert 0 <= first <= max(charged, 0)
    assert first <= later <= included + parse_decimal("40")


@given(st.integers(0, 3000), st.integers(0, 10**11))
def test_what_is_surely_included_is_free_when_it_is_all_that_was_charged(messages: int, included: int) -> None:
    prices = [{"meter": "messages", "price": "0.04"}]
    plan = terms(cost_plus=None, included=included, unit_prices=prices, included_units={"messages": 1000})
    charged = messages * parse_decimal("0.04")
    assert allowance(plan, charged, counted(messages)) == min(charged, surely_included(plan))


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
    period = period_charges(plan, charged, counted(messages))
    assert period.net == charged + plan.monthly_fee - period.allowance - period.discount
    assert plan.monthly_fee <= period.net <= charged + plan.monthly_fee


@pytest.mark.parametrize("meter", METERS)
@pytest.mark.parametrize(
    ("make", "quantity", "usage", "tiers"),
    [
        (lambda meter: graduated(*TIERS, meter=meter), 6000, "240", "-60"),
        (lambda meter: volume(*TIERS, meter=meter), 6000, "240", "-120"),
        (lambda meter: package(500, "10", meter=meter), 501, "10.02", "9.98"),
        (lambda meter: {"meter": meter, "price": "0.04"}, 6000, "240", "0"),
    ],
)
def test_every_meter_works_in_every_model(meter: str, make: Any, quantity: int, usage: str, tiers: str) -> None:
    plan = by_units(make(meter))
    found = counted(quantity, Meter(meter))
    charged = at_list(plan, found)
    assert charged == parse_decimal(usage)
    assert tier_adjustment(plan, charged, found) == parse_decimal(tiers)
    assert period_charges(plan, charged, found).net == parse_decimal(usage) + parse_decimal(tiers)


def test_a_whole_month_by_hand() -> None:
    """6000 messages: 240 at list; graduated 180; 5 included; fee 19; 10 % and 4 off: 194 - 19.40 - 4 = 170.60."""
    plan = by_units(graduated(*TIERS), included="5", monthly_fee="19", discount="0.1", discount_amount="4")
    period = period_charges(plan, parse_decimal("240"), counted(6000))
    assert period.model_dump() == {
        "usage": parse_decimal("240"),
        "tiers": parse_decimal("-60"),
        "fee": parse_decimal("19"),
        "allowance": parse_decimal("5"),
        "discount": parse_decimal("23.4"),
        "minimum": 0,
    }
    assert period.net == parse_decimal("170.6")


def test_included_units_are_taken_off_before_tiers_count() -> None:
    """3000 used, 1000 free: 2000 at graduated prices are 1000 x 0.04 + 1000 x 0.03."""
    plan = by_units(graduated(*TIERS), included_units={"messages": 1000})
    assert period_charges(plan, parse_decimal("120"), counted(3000)).net == parse_decimal("70")
    plan = by_units(package(500, "10"), included_units={"messages": 1000})
    assert period_charges(plan, parse_decimal("30"), counted(1500)).net == parse_decimal("10")
    assert period_charges(plan, parse_decimal("20"), counted(1000)).net == 0


def test_a_models_own_tiers_count_its_units_alone() -> None:
    own = graduated((10, "1"), (None, "0.5"), model="gemini-4-argon")
    plan = by_units(graduated((10, "0.1"), (None, "0.05")), own)
    found = counted(15) | counted(20, model="gemini-4-argon") | counted(5, model="another")
    period = period_charges(plan, at_list(plan, found), found)
    assert period.net == parse_decimal("1.5") + parse_decimal("15")
    assert [(one.price.model, one.quantity) for one in by_quantity(plan, found)] == [(None, 20), ("gemini-4-argon", 20)]


def test_a_minimum_is_what_a_month_comes_to_at_least() -> None:
    plan = terms(minimum="50", monthly_fee="10", discount="0.5")
    assert period_charges(plan, 0, {}).minimum == parse_decimal("45")
    assert period_charges(plan, parse_decimal("60"), {}).net == parse_decimal("50")
    assert period_charges(plan, parse_decimal("200"), {}).net == parse_decimal("105")


def test_a_fixed_discount_takes_no_more_than_there_is() -> None:
    plan = terms(discount="0.5", discount_amount="10")
    assert discount(plan, parse_decimal("100")) == parse_decimal("60")
    assert discount(plan, parse_decimal("12")) == parse_decimal("12")
    assert discount(plan, parse_decimal("-12")) == parse_decimal("-6")


def test_a_discount_for_some_months_ends() -> None:
    plan = terms(discount="0.1", discount_months=3)
    agreed = plan.agreed_from("2026-11")
    assert agreed.discount_until == "2027-01"
    taken = [discount(agreed, 1000, month) for month in ("2026-11", "2026-12", "2027-01", "2027-02", None)]
    assert taken == [100, 100, 100, 0, 0]
    assert discount(plan, 1000, "2026-11") == 0
    assert terms(discount="0.1", discount_months=1).agreed_from("2026-12").discount_until == "2026-12"


@given(plans(), usages, usages, st.integers(0, 10**9))
def test_using_more_never_costs_less_but_where_a_volume_tier_begins(
    plan: PlanTerms, one: dict[str, dict[Meter, int]], more: dict[str, dict[Meter, int]], cost: int
) -> None:
    if any(price.scheme == "volume" for price in plan.unit_prices):
        return
    both = {
        model: {meter: one.get(model, {}).get(meter, 0) + more.get(model, {}).get(meter, 0) for meter in Meter}
        for model in {*one, *more}
    }
    first = period_charges(plan, at_list(plan, one), one).net
    later = period_charges(plan, at_list(plan, both) + cost, both).net
    # Each of the steps is rounded once, so a nano may stand the other way.
    assert first <= later + 3


@given(plans(), usages, st.integers(0, 10**9))
def test_a_period_is_its_parts_and_stays_in_its_bounds(
    plan: PlanTerms, found: dict[str, dict[Meter, int]], cost: int
) -> None:
    usage = at_list(plan, found) + cost
    period = period_charges(plan, usage, found)
    parts = (period.usage, period.tiers, -period.allowance, period.fee, -period.discount, period.minimum)
    assert period.net == sum(parts)
    assert period.charged >= 0
    assert period.net >= plan.minimum
    assert period.discount <= period.charged + period.fee
    assert period.minimum == 0 or period.net == plan.minimum


@given(plans(), usages, st.lists(st.integers(1, 10**6), min_size=1, max_size=5))
def test_what_quantity_prices_change_can_be_shared_out_without_loss(
    plan: PlanTerms, found: dict[str, dict[Meter, int]], weights: list[int]
) -> None:
    change = tier_adjustment(plan, at_list(plan, found), found)
    assert sum(allocate(change, weights)) == change


@given(plans(), usages, st.integers(0, 10**8))
def test_prices_by_quantity_replace_the_list_price(
    plan: PlanTerms, found: dict[str, dict[Meter, int]], cost: int
) -> None:
    """Without what is included, usage and adjustment are what each price says of its whole quantity, and cost."""
    bare = plan.model_copy(update={"included": 0, "included_units": {}})
    usage = at_list(bare, found) + cost
    linear = usage - sum(int(one.at_list) for one in by_quantity(bare, found))
    whole = sum(one.amount for one in by_quantity(bare, found))
    assert abs(period_charges(bare, usage, found).charged - linear - whole) <= 1


one_price = st.sampled_from(METERS).flatmap(lambda meter: prices(meter))
all_graduated = st.lists(
    st.sampled_from(METERS).flatmap(lambda meter: prices(meter, ("graduated",))),
    min_size=1,
    max_size=3,
    unique_by=lambda price: price["meter"],
)
any_mix = st.lists(one_price, max_size=3, unique_by=lambda price: price["meter"])


@given(
    one_price.map(lambda price: [price]) | all_graduated | any_mix,
    st.sampled_from([None, "0.2"]),
    st.sampled_from(["0", "1.5"]),
    st.integers(0, 15),
    st.integers(0, 40 * 10**9),
    st.lists(st.tuples(st.sampled_from(list(Meter)), st.integers(1, 40)), max_size=40),
    st.integers(0, 10**10),
)
def test_a_month_within_its_room_never_passes_the_limit(
    own: list[dict[str, Any]],
    cost_plus: str | None,
    included: str,
    free: int,
    limit: int,
    turns: list[tuple[Meter, int]],
    cost: int,
) -> None:
    """As metering does it: a turn is let in as long as all charges at list stay within limit and what is surely known."""
    if not own and cost_plus is None:
        return
    units = {own[0]["meter"]: free} if own else {}
    plan = terms(unit_prices=own, cost_plus=cost_plus, included=included, included_units=units)
    room = limit + surely_included(plan, limit)
    spent = min(cost, max(room, 0)) if cost_plus is not None else 0
    found: dict[str, dict[Meter, int]] = {MODEL: dict.fromkeys(Meter, 0)}
    for meter, number in turns:
        price = plan.unit_price(meter, MODEL)
        charge = int(price.exact(number)) if price else 0
        if spent + charge <= room:
            spent += charge
            found[MODEL][meter] += number
        assert period_charges(plan, spent, found).charged <= limit


@given(
    one_price.map(lambda price: [price]) | all_graduated | any_mix,
    st.sampled_from([None, "0.2"]),
    st.fixed_dictionaries(
        {
            "included": st.sampled_from(["0", "1.5"]),
            "monthly_fee": st.sampled_from(["0", "19", "0.005"]),
            "minimum": st.sampled_from(["0", "12.345"]),
            "discount": st.sampled_from(["0", "0.1", "1"]),
            "discount_amount": st.sampled_from(["0", "3"]),
            "discount_months": st.sampled_from([None, 2]),
        }
    ),
    st.integers(0, 15),
    st.lists(st.tuples(st.sampled_from(list(Meter)), st.integers(1, 40)), max_size=40),
    st.integers(0, 10**10),
    st.integers(0, 10**9),
)
def test_a_month_comes_to_no_more_than_is_known_of_it_by_its_charges_at_list(
    own: list[dict[str, Any]],
    cost_plus: str | None,
    beside: dict[str, Any],
    free: int,
    turns: list[tuple[Meter, int]],
    cost: int,
    more: int,
) -> None:
    if not own and cost_plus is None:
        return
    if beside["discount"] == beside["discount_amount"] == "0":
        beside = beside | {"discount_months": None}
    units = {own[0]["meter"]: free} if own else {}
    plan = terms(unit_prices=own, cost_plus=cost_plus, included_units=units, **beside).agreed_from("2026-11")
    spent = cost if cost_plus is not None else 0
    found: dict[str, dict[Meter, int]] = {MODEL: dict.fromkeys(Meter, 0)}
    for meter, number in turns:
        price = plan.unit_price(meter, MODEL)
        spent += int(price.exact(number)) if price else 0
        found[MODEL][meter] += number
    for month in ("2026-12", "2027-01"):
        net = period_charges(plan, spent, found, month).net
        # Also when some is held that then costs less.
        assert net <= net_at_most(plan, spent, month) <= net_at_most(plan, spent + more, month)
        nothing = net_at_most(plan, None, month)
        assert nothing == max(0, period_charges(plan, 0, {}, month).net) <= net_at_most(plan, 0, month)


@pytest.mark.parametrize(
    ("plan", "limit", "expected"),
    [
        # 40 buys 1000 at list; 50 buys 1333 for 1000 x 0.04 + 333 x 0.03, which are 53.32 at list.
        (by_units(graduated(*TIERS)), "40", "0"),
        (by_units(graduated(*TIERS)), "50", "3.32"),
        # 1000 cost 40; with 45 one may go on: 1500 x 0.03, which are 60 at list.
        (by_units(volume(*TIERS)), "45", "15"),
        # With 39.99 a thousandth unit, 40 in all, is already too much, although 1001 would cost less.
        (by_units(volume(*TIERS)), "39.99", "-0.03"),
        (by_units(package(500, "10")), "25", "-5"),
        (by_units(package(500, "10")), "9", "-9"),
        (by_units(package(500, "10"), included_units={"messages": 100}), "10", "2"),
        (by_units(graduated((10, "1"), (None, "0"))), "10", str(2**61 // 10**9)),
        # Two meters: at worst both fill their dear tiers first.
        (
            by_units(graduated((10, "1"), (None, "0.5")), graduated((5, "1"), (None, "0.5"), meter="conversations")),
            "20",
            "5",
        ),
        # Where something else has a price, all may go there; a begun package may come on top.
        (by_units(package(10, "1"), {"meter": "conversations", "price": "1"}, included="3"), "20", "2.1"),
        (terms(unit_prices=[graduated(*TIERS)], included="3"), "20", "3"),
    ],
)
def test_what_is_surely_known_by_hand(plan: PlanTerms, limit: str, expected: str) -> None:
    found = surely_included(plan, parse_decimal(limit))
    assert found >= parse_decimal(expected) if found > 2**60 else found == parse_decimal(expected)

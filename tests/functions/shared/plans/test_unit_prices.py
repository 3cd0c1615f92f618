"""A period's units come to what each scheme says, by hand and for any tiers."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from functions.shared.money import parse_decimal
from functions.shared.plans import Scheme, UnitPrice
from tests.functions.shared.plans.making import graduated, package, prices, unit_price, volume

UNIT = {"meter": "messages", "price": "0.04"}
TIERS: tuple[tuple[int | None, str], ...] = ((1000, "0.04"), (5000, "0.03"), (None, "0.02"))
numbers = st.integers(0, 200)


@pytest.mark.parametrize(
    ("price", "quantity", "expected"),
    [
        (UNIT, 0, "0"),
        (UNIT, 1500, "60"),
        (graduated(*TIERS), 1000, "40"),  # 1000 × 0.04
        (graduated(*TIERS), 1001, "40.03"),
        (graduated(*TIERS), 6000, "180"),  # 1000 × 0.04 + 4000 × 0.03 + 1000 × 0.02
        (volume(*TIERS), 1000, "40"),
        (volume(*TIERS), 1001, "30.03"),  # all at 0.03: less than a thousand cost
        (volume(*TIERS), 6000, "120"),
        (package(500, "10"), 0, "0"),
        (package(500, "10"), 1, "10"),
        (package(500, "10"), 500, "10"),
        (package(500, "10"), 501, "20"),
    ],
)
def test_worked_examples(price: dict[str, Any], quantity: int, expected: str) -> None:
    assert unit_price(price).whole(quantity) == parse_decimal(expected)


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (graduated((10, "0.02"), (None, "0.05")), "0.05"),
        (graduated(*TIERS), "0.04"),
        (volume((10, "0.02"), (20, "0.07"), (None, "0.05")), "0.07"),
        (package(500, "10"), "0.02"),
        (UNIT, "0.04"),
    ],
)
def test_the_list_price_is_the_highest_that_a_unit_can_cost(price: dict[str, Any], expected: str) -> None:
    found = unit_price(price)
    assert found.exact(1) == parse_decimal(expected)
    assert UnitPrice.model_validate(found.model_dump(mode="json")) == found


@given(prices(), numbers)
def test_a_whole_period_never_passes_its_charges_at_list_but_for_a_begun_package(
    data: dict[str, Any], quantity: int
) -> None:
    price = unit_price(data)
    assert 0 <= price.whole(quantity) <= price.exact(quantity) + price.above_list
    assert price.above_list == 0 or price.scheme == Scheme.PACKAGE


@given(prices(schemes=("unit", "graduated", "package")), numbers, numbers)
def test_more_never_costs_less_but_by_volume(data: dict[str, Any], one: int, more: int) -> None:
    price = unit_price(data)
    assert price.whole(one) <= price.whole(one + more)


@given(prices(schemes=("graduated",)), numbers)
def test_graduated_prices_have_no_step(data: dict[str, Any], quantity: int) -> None:
    """One more unit costs what the tier that it falls into says, wherever tiers begin."""
    price = unit_price(data)
    step = price.whole(quantity + 1) - price.whole(quantity)
    assert step == next(tier.rate for tier in price.tiers if tier.up_to is None or quantity < tier.up_to)


@given(prices(schemes=("volume",)), numbers)
def test_a_volume_price_may_fall_only_where_a_tier_begins(data: dict[str, Any], quantity: int) -> None:
    price = unit_price(data)
    if quantity not in {tier.up_to for tier in price.tiers}:
        assert price.whole(quantity) <= price.whole(quantity + 1)


@given(prices(), st.integers(-5, 10**11))
def test_so_many_units_cost_no_more_and_one_more_does(data: dict[str, Any], nanos: int) -> None:
    price = unit_price(data)
    most = price.most_within(nanos)
    if most is None:
        assert all(price.whole(number) <= max(nanos, 0) for number in (1, 10, 10**6))
        return
    assert all(price.whole(number) <= max(nanos, 0) for number in {*range(min(most, 130)), most})
    assert nanos < 0 or price.whole(most + 1) > nanos


def test_a_price_by_the_million_is_exact() -> None:
    million = [{"up_to": 2_000_000, "price": "6", "per": 1_000_000}, {"price": "1", "per": 3_000_000}]
    price = unit_price({"meter": "input_tokens", "scheme": "graduated", "tiers": million})
    assert price.whole(2_000_001) == parse_decimal("12") + Fraction(1000, 3)


@pytest.mark.parametrize(
    "data",
    [
        {"meter": "messages"},
        {"meter": "messages", "scheme": "graduated", "price": "1"},
        {"meter": "messages", "scheme": "volume", "tiers": []},
        {"meter": "messages", "price": "1", "tiers": [{"price": "1"}]},
        graduated((10, "1")),
        graduated((10, "1"), (10, "2"), (None, "3")),
        graduated((20, "1"), (10, "2"), (None, "3")),
        graduated((None, "1"), (10, "2"), (None, "3")),
        graduated((10, "1"), (None, "2"), price="1"),
        package(3, "10"),
        {"meter": "messages", "scheme": "graduated", "tiers": [{"price": "1", "per": 3}]},
        {"meter": "messages", "scheme": "steps", "price": "1"},
    ],
)
def test_prices_that_make_no_sense_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        unit_price(data)

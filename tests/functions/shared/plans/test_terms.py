"""Terms that make no sense are refused, and those that do survive a document."""

import pytest
from pydantic import ValidationError

from functions.shared.plans import PlanTerms
from tests.functions.shared.plans.making import by_units, graduated, package, terms


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
        {"discount_months": 3},
        {"discount": "0.1", "discount_until": "2026-11"},
        {"discount": "0.1", "discount_months": 0},
        {"minimum": "-1"},
    ],
)
def test_terms_that_make_no_sense_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        terms(**fields)


def test_a_plan_may_be_a_minimum_alone() -> None:
    assert terms(cost_plus=None, minimum="50").minimum == 50_000_000_000


@pytest.mark.parametrize(
    "plan",
    [
        by_units(graduated((10, "1"), (None, "0.5")), package(100, "5", meter="conversations"), included="1"),
        terms(discount="0.1", discount_amount="5", discount_months=3, minimum="20", tax_rate="0"),
        terms(discount="0.1", discount_months=3).agreed_from("2026-11"),
    ],
)
def test_terms_survive_a_document(plan: PlanTerms) -> None:
    assert PlanTerms.model_validate(plan.model_dump(mode="json")) == plan


def test_prices_by_quantity_count_a_whole_month() -> None:
    assert by_units(package(100, "5")).counts_the_month
    assert not terms().counts_the_month
    assert not by_units({"meter": "messages", "price": "1"}).counts_the_month

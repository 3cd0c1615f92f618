"""The plans that ship can be read, and one that is not there is an error."""

from datetime import UTC, datetime

import pytest

from functions.shared.plans import DEFAULT_PLAN, PlanTerms, UnknownPlan, plan_at, published_plans
from tests.functions.shared.plans.making import NOW

PUBLISHED = published_plans(NOW)


@pytest.mark.parametrize("plan", PUBLISHED, ids=lambda plan: plan.plan)
def test_published_terms_survive_a_document(plan: PlanTerms) -> None:
    assert PlanTerms.model_validate(plan.model_dump(mode="json")) == plan
    assert plan_at(plan.plan, NOW) == plan


def test_a_plan_that_is_not_published_is_an_error() -> None:
    for plan, at in [("gold", NOW), (DEFAULT_PLAN, datetime(2020, 1, 1, tzinfo=UTC))]:
        with pytest.raises(UnknownPlan):
            plan_at(plan, at)


def test_a_plan_is_there_from_its_day_on() -> None:
    day = datetime(2026, 12, 1, tzinfo=UTC)
    assert "scale" not in {plan.plan for plan in PUBLISHED}
    assert plan_at("scale", day).counts_the_month

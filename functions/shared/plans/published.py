"""The plans that ship with this version: plans.yaml, each version with the time from which customers can choose it."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path

from functions.shared.money import exact_json
from functions.shared.plans.terms import PlanTerms


class UnknownPlan(LookupError):
    """No plan of this name is published at this time."""

    code = "unknown_plan"


class PublishedPlan(PlanTerms):
    """A version of a plan that customers can choose from `effective_from` on."""

    effective_from: datetime

    def terms(self) -> PlanTerms:
        """What a customer who chooses it agrees to."""
        return PlanTerms.model_validate(self.model_dump(exclude={"effective_from"}))


@lru_cache(maxsize=1)
def shipped() -> tuple[PublishedPlan, ...]:
    """Every version in plans.yaml, in the file's order."""
    data = exact_json(Path(__file__).parent.with_name("plans.yaml").read_text("utf-8"))
    return tuple(PublishedPlan.model_validate(row) for row in data["plans"])


def published_plans(at: datetime) -> list[PlanTerms]:
    """The newest shipped version of each plan at that time, by name of the plan."""
    newest: dict[str, PublishedPlan] = {}
    for row in sorted(shipped(), key=lambda row: row.effective_from):
        if row.effective_from <= at:
            newest[row.plan] = row
    return [newest[name].terms() for name in sorted(newest)]


def plan_at(plan: str, at: datetime) -> PlanTerms:
    """The terms of a shipped plan at that time. Raises UnknownPlan."""
    for terms in published_plans(at):
        if terms.plan == plan:
            return terms
    raise UnknownPlan(f"no plan {plan} is published at {at.isoformat()}")

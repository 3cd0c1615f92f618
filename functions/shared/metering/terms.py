"""What an account has agreed, as the running period's spend document holds it."""

from __future__ import annotations

from typing import Any

from functions.shared import clock
from functions.shared.contracts import BillingRead
from functions.shared.plans import DEFAULT_PLAN, PlanTerms, included_at_any_limit, plan_at, surely_included


def agreed(terms: BillingRead, month: str) -> BillingRead:
    """The account with the plan that is in force in a month; the default plan before the first that was agreed."""
    if terms.plans:
        before = [plan for plan in terms.plans if plan.from_month <= month]
        plan, plan_terms = (before[-1].plan, before[-1].plan_terms) if before else (DEFAULT_PLAN, {})
        terms = terms.model_copy(update={"plan": plan, "plan_terms": plan_terms})
    return terms if terms.plan_terms else terms.model_copy(update={"plan_terms": default_terms(month)})


def default_terms(month: str) -> dict[str, Any]:
    """The plan of a workspace that chose none, as published when the period begins."""
    return plan_at(DEFAULT_PLAN, clock.start_of_month(month)).model_dump(mode="json")


def fields(terms: BillingRead) -> dict[str, Any]:
    """The fields of a spend document that follow from what was agreed for its month."""
    return {
        "plan": terms.plan,
        "plan_terms": terms.plan_terms,
        "cap_nanos": terms.cap_nanos,
        "allowance_nanos": _beyond(terms),
        "credit_nanos": terms.credit_nanos,
        "credit_ends": terms.credit_ends,
        "alerts": list(terms.alerts),
        "agent_alerts": {agent: list(shares) for agent, shares in terms.agent_alerts.items()},
        "agent_caps": terms.agent_caps,
        "visitor_hour_permille": terms.visitor_hour_permille,
        "visitor_day_permille": terms.visitor_day_permille,
    }


def _beyond(terms: BillingRead) -> int:
    """What may be charged at list beyond cap and credit, in nanos, so that the period passes neither.

    Credit ends and is used by earlier months while the period runs, so with it only what holds at any limit counts.
    """
    plan = PlanTerms.model_validate(terms.plan_terms)
    if terms.credit_nanos:
        return included_at_any_limit(plan)
    return surely_included(plan, terms.cap_nanos)

"""Which plans a workspace can choose: those that ship and those that the operator published, its own among them.

A turn never asks here: the terms of a period are in its spend document, those agreed in the account.
"""

from datetime import datetime

from functions.billing import repository
from functions.shared.identity import WorkspaceId
from functions.shared.plans import PlanTerms, UnknownPlan, shipped


def available(workspace: WorkspaceId, at: datetime) -> list[PlanTerms]:
    """The newest version of each plan that is in force, by name of the plan; of two with one start the one that was published
    later. One read for each published version."""
    in_force = [one for one in (*shipped(), *repository.plans_for(workspace)) if one.effective_from <= at]
    in_force.sort(key=lambda one: one.effective_from)
    newest = {one.plan: one for one in in_force}
    return [newest[name].terms() for name in sorted(newest)]


def plan_at(workspace: WorkspaceId, plan: str, at: datetime) -> PlanTerms:
    """The terms that choosing a plan agrees to. Raises UnknownPlan, also for one that is another workspace's."""
    for terms in available(workspace, at):
        if terms.plan == plan:
            return terms
    raise UnknownPlan(f"no plan {plan} is offered at {at.isoformat()}")

"""The operator publishes versions of plans, for everybody or for one workspace.

Versions are only ever added, and each takes effect at least a day after it was published, so that nobody meets a price
that was not there yesterday. Who chose a plan has its terms in the account; a later version changes nothing for them.
"""

from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from functions.billing import plan_models, repository
from functions.billing.accounts import invalid, shown_plan
from functions.shared import activity, contracts, firestore, paging, pricing
from functions.shared.errors import Conflict, Invalid
from functions.shared.http import Call, Items, Page
from functions.shared.identity import WorkspaceId
from functions.shared.identity.authenticate import workspace_of_operator
from functions.shared.plans import DEFAULT_PLAN, PublishedPlan, shipped

NOTICE = timedelta(days=1)
MOST_AHEAD = timedelta(days=400)
"""As far as a close may run ahead (close_routes); what lies beyond is a slip in the year."""


def versions() -> plan_models.PlanVersions:
    """Every version of every plan, shipped and published, by plan and time; one read for each that was published."""
    found = [_shown(one, {}) for one in shipped()]
    found += [_shown(repository.plan_of(one), one.data) for one in repository.all_plans()]
    return plan_models.PlanVersions(
        versions=sorted(found, key=lambda one: (one.terms.plan, one.effective_from, one.terms.version))
    )


def publish(call: Call, new: plan_models.NewPlan) -> plan_models.PlanVersion:
    """Add a version; the same again changes nothing.

    Raises Invalid for terms that make no sense, for a start within a day and for the default plan, which ships with the
    installation so that a turn never has to look for it; Conflict for a version that is there with other terms.
    """
    workspace = None if new.workspace_id is None else _workspace(call, new.workspace_id)
    plan = _terms(new)
    path = repository.plan_path(plan.plan_version)
    (stored,) = repository.read([path])
    if not stored.exists:
        _check(call, plan)
        document = {
            "plan": plan.plan,
            "workspace_id": str(workspace or ""),
            "effective_from": plan.effective_from,
            "published_at": call.now,
            "published_by": call.principal.actor,
            "terms": plan.terms().model_dump(mode="json"),
        }
        batch = firestore.Batch()
        batch.create(path, document)
        after = {"plan": plan.plan, "effective_from": plan.effective_from}
        if workspace is None:
            activity.record_operators_act(
                batch,
                call.principal,
                "plan.published",
                workspace=None,
                subject=plan.plan_version,
                name=plan.name,
                after=after,
                now=call.now,
            )
        else:
            activity.record(
                batch,
                workspace,
                call.principal,
                "plan.offered",
                kind="billing",
                subject=plan.plan_version,
                name=plan.name,
                after=after,
                now=call.now,
            )
        try:
            batch.commit()
            return _shown(plan, document)
        except firestore.AlreadyExists:
            (stored,) = repository.read([path])
    if repository.plan_of(stored) != plan or stored.data["workspace_id"] != str(workspace or ""):
        raise Conflict("A version of this name was published with other terms; it stays.", code="plan_version_taken")
    return _shown(plan, stored.data)


def acts(query: Page) -> Items[plan_models.OperatorAct]:
    """The operator's own audit log, the latest first. Raises Invalid for a token that is not of this list."""
    after = paging.place_of(query.page_token, "operator_acts")
    found = repository.page_of_operators_acts(query.page_size + 1, after)
    page = found[: query.page_size]
    shown = [
        plan_models.OperatorAct(
            id=one.id,
            workspace_id=one.data["workspace_id"] or None,
            figures=one.data.get("figures", {}),
            **{name: one.data[name] for name in ("at", "action", "actor", "actor_name", "subject", "name")},
        )
        for one in page
    ]
    return Items(items=shown, next_page_token=paging.next_token(page[-1], "at") if len(found) > len(page) else None)


def _workspace(call: Call, name: str) -> WorkspaceId:
    workspace = workspace_of_operator(call.principal, name)
    (home,) = repository.read([contracts.workspace_path(workspace)])
    if not home.exists or home.data.get("state") == "erased":
        raise invalid("/workspace_id", "There is no such workspace.")
    return workspace


def _terms(new: plan_models.NewPlan) -> PublishedPlan:
    try:
        return PublishedPlan.model_validate(new.model_dump(exclude={"workspace_id"}, exclude_none=True))
    except ValidationError as error:
        raise Invalid(errors=[_fault(one) for one in error.errors(include_url=False)]) from None


def _fault(error: Any) -> dict[str, str]:
    """A fault that the plan's own model found, as the edge tells of one."""
    where = "".join(f"/{part}" for part in error["loc"])
    return {"pointer": where, "message": str(error["msg"]).removeprefix("Value error, ")}


def _check(call: Call, plan: PublishedPlan) -> None:
    if plan.plan == DEFAULT_PLAN:
        raise invalid("/plan", "The plan of those who chose none ships with the installation.")
    if any(plan.plan_version == one.plan_version for one in shipped()):
        raise invalid("/plan_version", "A version of this name ships with the installation.")
    if plan.currency != pricing.book().currency:
        raise invalid("/currency", f"Models are priced in {pricing.book().currency}, and nothing is exchanged.")
    if not call.now + NOTICE <= plan.effective_from <= call.now + MOST_AHEAD:
        raise invalid("/effective_from", "A version takes effect a day from now at the earliest, and within 400 days.")
    known = {one.model for version in pricing.book().versions for one in version.models}
    for number, price in enumerate(plan.unit_prices):
        if price.model is not None and price.model not in known:
            raise invalid(f"/unit_prices/{number}/model", "The price book has no such model.")


def _shown(plan: PublishedPlan, document: dict[str, Any]) -> plan_models.PlanVersion:
    return plan_models.PlanVersion(
        effective_from=plan.effective_from,
        source="published" if document else "shipped",
        workspace_id=document.get("workspace_id") or None,
        published_at=document.get("published_at"),
        published_by=document.get("published_by"),
        terms=shown_plan(plan.terms()),
    )

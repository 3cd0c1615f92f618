"""Each act of an operator stands in the log of both (MONEY 16): in the workspace's and in the operators' own.

The routes come from the contract, so a new one asks for its act here; every act is done as its handler does it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from functions.billing import auditing, pending, publishing, uncollectible, voiding
from functions.billing import credit_api_models as credit_api
from functions.billing import credits as given_credit
from functions.billing.operator_api_models import UsageReport
from functions.billing.plan_models import NewPlan
from functions.dashboard import suspending
from functions.dashboard.models import Suspension
from functions.shared import activity, contracts, firestore, ids
from functions.shared.identity import Caller, WorkspaceId
from infra import openapi
from tests.cloud import Cloud
from tests.functions.billing import debts
from tests.functions.billing.debts import operator
from tests.functions.billing.story import Story, at, owing

PRIVATE = "Ann Linden, private"
"""What is typed as a reason or a note; the operators' log has none of it."""

HOME = "/api/operator/workspaces/{workspace}"


def record(story: Story) -> None:
    debts.pay(story, story.invoices()[0], 300)


def refund(story: Story) -> None:
    debts.refund(story, debts.pay(story, story.invoices()[0], 300).id, 100)


def grant(story: Story) -> None:
    new = credit_api.NewCredit(amount=debts.money(500), reason=PRIVATE)
    given_credit.grant(operator(story), story.workspace, new)


def finalize(story: Story) -> None:
    story.turn(at("2026-12-05"), charge_nanos=10_000_000_000)
    story.close(at("2027-01-01", 0, 10))
    (draft,) = [one for one in story.invoices() if one.number is None]
    call = operator(story, now=at("2027-01-01", 1))
    also = auditing.audit_finalized(call, story.workspace, draft.invoice_id)
    voiding.finalize_by_hand(story.workspace, draft.invoice_id, call.now, also)


def void(story: Story) -> None:
    debts.void(story, story.invoices()[0], reissue=True)


def write_off(story: Story) -> None:
    uncollectible.write_off(operator(story), story.workspace, story.invoices()[0].invoice_id, PRIVATE)


def credit(story: Story) -> None:
    debts.credit(story, story.invoices()[0], 100)


def report(story: Story) -> None:
    turn = story.turn(at("2026-12-02", 12), output_tokens=None, cost_nanos=5_000_000, charge_nanos=6_000_000)
    told = UsageReport(output_tokens=200, reason=PRIVATE)
    pending.report(operator(story), story.workspace, turn.id, told)


def suspend(story: Story) -> None:
    call = operator(story)
    for suspended in (True, False):
        suspending.decide(call, story.workspace, Suspension(suspended=suspended, reason=PRIVATE))


def publish(story: Story) -> None:
    name = f"own_{ids.hashed(story.workspace)[:12]}"
    plan: dict[str, Any] = {
        "plan": name,
        "plan_version": f"{name}-1",
        "name": "Own",
        "currency": "USD",
        "effective_from": debts.PAID + timedelta(days=3),
        "cost_plus": "0.1",
        "workspace_id": str(story.workspace),
    }
    publishing.publish(operator(story), NewPlan(**plan))


ACTS: dict[str, Callable[[Story], None]] = {
    f"POST {HOME}/payments": record,
    f"POST {HOME}/payments/{{payment}}/refund": refund,
    f"POST {HOME}/credits": grant,
    f"POST {HOME}/invoices/{{invoice}}/finalize": finalize,
    f"POST {HOME}/invoices/{{invoice}}/void": void,
    f"POST {HOME}/invoices/{{invoice}}/uncollectible": write_off,
    f"POST {HOME}/invoices/{{invoice}}/credit-notes": credit,
    f"POST {HOME}/pending/{{turn}}": report,
    f"PUT {HOME}/suspension": suspend,
    "PUT /api/operator/plans": publish,
}


def kept(workspace: WorkspaceId) -> list[dict[str, Any]]:
    """What the operators' log has of a workspace."""
    where: Any = (("workspace_id", "==", str(workspace)),)
    return [one.data for one in firestore.find(firestore.Query("operator_acts", where=where))]


def told(workspace: WorkspaceId) -> list[dict[str, Any]]:
    """What the workspace's audit log has of operators."""
    found = firestore.find(firestore.Query(contracts.path(workspace, "activity")))
    return [one.data for one in found if one.data["actor"].startswith("operator:")]


def facts(entry: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(entry[name] for name in ("at", "action", "actor", "actor_name", "subject"))


def test_every_route_by_which_an_operator_changes_something_is_asked_here() -> None:
    changing = {
        f"{route.method} {route.path}"
        for api in openapi.declared()
        for route in api.routes
        if route.external and route.method != "GET" and Caller.OPERATOR in route.callers
    }
    assert changing == ACTS.keys()


@pytest.mark.parametrize("route", sorted(ACTS))
def test_an_operators_act_stands_in_both_logs_and_stays_in_theirs(house: Cloud, route: str) -> None:
    story = owing(house)
    ACTS[route](story)
    here, there = told(story.workspace), kept(story.workspace)
    assert here
    assert sorted(map(facts, here)) == sorted(map(facts, there))
    assert PRIVATE not in str(there)
    states = {facts(entry): entry["after"] for entry in here}
    for entry in there:
        assert entry["figures"].items() <= states[facts(entry)].items()
        assert entry["figures"]
    activity_gone(story.workspace)
    assert (told(story.workspace), kept(story.workspace)) == ([], there)


def activity_gone(workspace: WorkspaceId) -> None:
    """As erasing does it."""
    while activity.erase(workspace, 100):
        pass

"""The operator publishes versions of plans, a day ahead, never changed; who has chosen one keeps what was agreed."""

from datetime import timedelta
from typing import Any

import pytest

from functions.billing import accounts, publishing
from functions.billing import api_models as api
from functions.billing.plan_models import NewPlan
from functions.shared import contracts, firestore, metering
from functions.shared.errors import Conflict, Invalid, NotFound
from functions.shared.http import Call, Page
from functions.shared.identity import Caller
from tests.cloud import Cloud
from tests.functions.billing.story import Story, at

NOW = at("2026-11-26", 12)


@pytest.fixture
def story(cloud: Cloud) -> Story:
    return Story(cloud)


def operator_call(story: Story, now: Any = NOW) -> Call:
    return story.cloud.call(story.workspace, now=now, kind=Caller.OPERATOR, operator=True)


def new_plan(story: Story, **fields: Any) -> dict[str, Any]:
    """A plan of a name that no other test uses."""
    name = f"gold_{str(story.workspace)[-12:]}".lower()
    return {
        "plan": name,
        "plan_version": f"{name}-1",
        "name": "Gold",
        "effective_from": NOW + timedelta(days=1),
        "currency": "USD",
        "cost_plus": "0.1",
    } | fields


def test_a_version_is_added_once_and_stays(story: Story) -> None:
    tiers = [{"up_to": 1000, "price": "0.04"}, {"price": "0.02"}]
    unit_prices = [{"meter": "messages", "scheme": "graduated", "tiers": tiers}]
    plan = new_plan(story, unit_prices=unit_prices, discount="0.1", discount_months=3, minimum="20")
    shown = publishing.publish(operator_call(story), NewPlan(**plan))
    assert (shown.source, shown.workspace_id, shown.terms.minimum.amount) == ("published", None, "20.00")
    assert [(one.up_to, one.price.amount) for one in shown.terms.unit_prices[0].tiers] == [
        (1000, "0.04"),
        (None, "0.02"),
    ]
    # The same again, days later, is the same; anything else under this name is refused.
    assert publishing.publish(operator_call(story, NOW + timedelta(days=9)), NewPlan(**plan)) == shown
    with pytest.raises(Conflict) as refused:
        publishing.publish(operator_call(story), NewPlan(**{**plan, "cost_plus": "0.2"}))
    assert refused.value.code == "plan_version_taken"
    with pytest.raises(Conflict):
        publishing.publish(operator_call(story), NewPlan(**plan, workspace_id=str(story.workspace)))
    listed = {one.terms.version: one for one in publishing.versions().versions}
    assert listed[plan["plan_version"]] == shown
    assert listed["starter-1"].source == "shipped"


def test_each_publication_stands_once_in_the_operators_own_log(story: Story) -> None:
    for_all = new_plan(story)
    own = new_plan(story, plan_version=f"{for_all['plan']}-2", workspace_id=str(story.workspace))
    for plan, hour in ((for_all, 12), (for_all, 13), (own, 14)):
        publishing.publish(
            operator_call(story, at("2026-11-26", hour)), NewPlan(**{**plan, "effective_from": at("2026-11-29")})
        )
    told, token = [], None
    while not told or token:
        page = publishing.acts(Page(page_size=1, page_token=token))
        told, token = [*told, *page.items], page.next_page_token
    mine = [one for one in told if one.subject.startswith(for_all["plan"])]
    assert [(one.action, one.subject, one.workspace_id, one.at) for one in mine] == [
        ("plan.offered", own["plan_version"], str(story.workspace), at("2026-11-26", 14)),
        ("plan.published", for_all["plan_version"], None, at("2026-11-26", 12)),
    ]
    assert {one.actor for one in mine} == {operator_call(story).principal.actor}
    with pytest.raises(Invalid):
        publishing.acts(Page(page_token="nonsense"))


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"effective_from": NOW + timedelta(hours=23)}, "/effective_from"),
        ({"effective_from": NOW + timedelta(days=500)}, "/effective_from"),
        ({"plan": "pay_as_you_go"}, "/plan"),
        ({"plan_version": "starter-1"}, "/plan_version"),
        ({"currency": "EUR"}, "/currency"),
        ({"currency": "XXX"}, "/currency"),  # ISO 4217 for no currency at all.
        ({"cost_plus": None}, ""),
        ({"discount": "1.1"}, ""),
        ({"unit_prices": [{"meter": "messages", "price": "1", "model": "nobody"}]}, "/unit_prices/0/model"),
        ({"unit_prices": [{"meter": "messages", "scheme": "package", "price": "10", "per": 3}]}, "/unit_prices/0"),
    ],
)
def test_what_makes_no_sense_is_refused_and_not_stored(story: Story, fields: dict[str, Any], pointer: str) -> None:
    plan = new_plan(story, **fields)
    with pytest.raises(Invalid) as refused:
        publishing.publish(operator_call(story), NewPlan(**plan))
    assert refused.value.errors[0]["pointer"] == pointer
    assert not firestore.get(f"plans/{plan['plan_version']}").exists or plan["plan_version"] == "starter-1"


def test_a_negotiated_plan_stands_in_its_workspaces_audit_log(story: Story) -> None:
    plan = new_plan(story, workspace_id=str(story.workspace))
    publishing.publish(operator_call(story), NewPlan(**plan))
    (told,) = firestore.find(firestore.Query(contracts.path(story.workspace, "activity")))
    assert (told.data["action"], told.data["subject"]) == ("plan.offered", plan["plan_version"])
    with pytest.raises(NotFound):
        publishing.publish(operator_call(story), NewPlan(**new_plan(story, workspace_id="nowhere")))
    nobody = f"ws_{'0' * 26}"
    with pytest.raises((Invalid, NotFound)):
        publishing.publish(operator_call(story), NewPlan(**new_plan(story, workspace_id=nobody)))


def test_who_has_chosen_a_plan_keeps_what_was_agreed(story: Story) -> None:
    plan = new_plan(story, monthly_fee="10")
    publishing.publish(operator_call(story), NewPlan(**plan))
    later = at("2026-11-28")
    call = story.cloud.call(story.workspace, now=later, if_match=firestore.ABSENT)
    shown, _ = accounts.choose_plan(call, api.PlanChoice(plan=plan["plan"]))
    assert (shown.current.version, shown.current.monthly_fee.amount) == (plan["plan_version"], "10.00")
    dearer = {**plan, "plan_version": f"{plan['plan']}-2", "monthly_fee": "99", "effective_from": at("2026-11-30")}
    publishing.publish(operator_call(story), NewPlan(**dearer))
    for moment in (at("2026-11-30", 12), at("2027-01-05")):
        assert metering.current(story.workspace, moment).plan_terms["plan_version"] == plan["plan_version"]
    shown, _ = accounts.plan(story.cloud.call(story.workspace, now=at("2026-11-30", 12)))
    assert [one.version for one in shown.available if one.plan == plan["plan"]] == [dearer["plan_version"]]

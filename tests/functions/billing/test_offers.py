"""A workspace can choose what ships, what was published for all, and what was published for it alone."""

from datetime import timedelta

import pytest

from functions.billing import offers, publishing
from functions.billing.plan_models import NewPlan
from functions.shared.clock import now as clock_now
from functions.shared.plans import UnknownPlan, published_plans
from tests.cloud import Cloud
from tests.functions.billing.story import Story
from tests.functions.billing.test_publishing import NOW, new_plan, operator_call

LATER = NOW + timedelta(days=3)


def test_without_anything_published_there_is_what_ships(cloud: Cloud) -> None:
    workspace = Story(cloud).workspace
    shown = {one.plan for one in offers.available(workspace, clock_now())}
    assert {one.plan for one in published_plans(clock_now())} <= shown


def test_a_version_counts_from_its_day_on_and_the_newest_wins(cloud: Cloud) -> None:
    story = Story(cloud)
    plan = new_plan(story)
    publishing.publish(operator_call(story), NewPlan(**plan))
    second = {**plan, "plan_version": f"{plan['plan_version']}b", "cost_plus": "0.05"}
    publishing.publish(operator_call(story), NewPlan(**{**second, "effective_from": LATER}))
    with pytest.raises(UnknownPlan):
        offers.plan_at(story.workspace, plan["plan"], plan["effective_from"] - timedelta(seconds=1))
    found = [offers.plan_at(story.workspace, plan["plan"], at) for at in (plan["effective_from"], LATER)]
    assert [one.plan_version for one in found] == [plan["plan_version"], second["plan_version"]]


def test_of_two_versions_with_one_start_the_one_published_later_is_offered(cloud: Cloud) -> None:
    story = Story(cloud)
    plan = new_plan(story, effective_from=LATER)
    for minutes, number in enumerate(("9", "10")):
        version = {**plan, "plan_version": f"{plan['plan']}-{number}", "cost_plus": f"0.{number}"}
        publishing.publish(operator_call(story, NOW + timedelta(minutes=minutes)), NewPlan(**version))
    assert offers.plan_at(story.workspace, plan["plan"], LATER).plan_version == f"{plan['plan']}-10"


def test_a_negotiated_plan_is_seen_by_its_workspace_alone(cloud: Cloud) -> None:
    mine, other = Story(cloud), Story(cloud)
    plan = new_plan(mine, workspace_id=str(mine.workspace))
    publishing.publish(operator_call(mine), NewPlan(**plan))
    assert offers.plan_at(mine.workspace, plan["plan"], LATER).plan_version == plan["plan_version"]
    assert plan["plan"] not in {one.plan for one in offers.available(other.workspace, LATER)}

"""A conversation becomes resolved once: with one event, with one charge where the plan has a price, never past a cap."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.agents import erasure, hand_offs, repository, sweeping
from functions.agents.handling import Handling
from functions.shared import clock, contracts, events, firestore, metering, plans
from functions.shared.contracts import BillingRead
from functions.shared.identity import WorkspaceId
from functions.shared.plans import Meter, PlanTerms, UnitPrice
from functions.shared.resolution import RULE
from tests.cloud import Cloud
from tests.functions.agents.talking import Visitor, an_agent, write
from tests.functions.agents.test_feedback import answer_of, ask, rate, stars

PRICE = 990_000_000


def tomorrow() -> datetime:
    return clock.now() + RULE.quiet + timedelta(minutes=1)


def sweep(workspace: WorkspaceId, as_of: datetime | None = None) -> None:
    sweeping.sweep(workspace, as_of or tomorrow(), clock.now())


def told(cloud: Cloud, workspace: WorkspaceId) -> list[str]:
    """What was published of conversations looked at, since the last time."""
    kinds = [row["type"] for row in cloud.published("conversation-recorded", workspace)]
    return [kind for kind in kinds if kind in ("resolved", "unresolved")]


def resolved(cloud: Cloud, workspace: WorkspaceId) -> int:
    return told(cloud, workspace).count("resolved")


def charges(cloud: Cloud, workspace: WorkspaceId) -> list[int]:
    rows = cloud.published("usage-recorded", workspace)
    return [row["charge_nanos"] for row in rows if row["type"] == plans.RESOLVED_TYPE]


def priced(workspace: WorkspaceId, **account: Any) -> None:
    """The workspace has a plan that charges a resolved conversation, and nothing else."""
    price = UnitPrice(meter=Meter.RESOLVED, price=PRICE)
    agreed = PlanTerms(plan="p", plan_version="1", name="P", currency="USD", unit_prices=(price,))
    terms = BillingRead(plan="p", plan_terms=agreed.model_dump(mode="json"), paid_once=True, **account)
    write(contracts.path(workspace, "billing", "account"), terms.model_dump())


def test_a_quiet_conversation_becomes_resolved_once(cloud: Cloud, workspace: WorkspaceId, visitor: Visitor) -> None:
    visitor.turn()
    sweep(workspace, clock.now())
    assert not visitor.home()["resolved"]
    as_of = tomorrow()
    for _ in range(3):
        sweep(workspace, as_of)
    home = visitor.home()
    assert (home["resolved"], "quiet_at" in home) == (True, False)
    (row,) = (row for row in cloud.published("conversation-recorded", workspace) if row["type"] == "resolved")
    (turn,) = visitor.turns()
    assert (row["version_id"], row["channel"], row["industry"]) == (turn["version_id"], "widget", home["industry"])
    assert (home["version_id"], home["outcome"]) == (turn["version_id"], "completed")
    assert charges(cloud, workspace) == []
    # It goes on, and stays resolved.
    visitor.turn()
    sweep(workspace)
    assert resolved(cloud, workspace) == 0
    assert visitor.home()["resolved"]


def test_a_conversation_that_waits_is_looked_at_again_when_a_colleague_is_done(
    cloud: Cloud, workspace: WorkspaceId, visitor: Visitor
) -> None:
    visitor.turn()
    ask(visitor)
    sweep(workspace)
    assert "quiet_at" not in visitor.home()
    assert told(cloud, workspace) == ["unresolved"]
    hand_offs.change(cloud.call(workspace), visitor.conversation, Handling(state="done"))
    sweep(workspace)
    assert told(cloud, workspace) == ["resolved"]


def test_a_thumb_and_stars_make_it_looked_at_again(cloud: Cloud, workspace: WorkspaceId, visitor: Visitor) -> None:
    visitor.turn()
    rate(visitor, answer_of(visitor), "down")
    sweep(workspace)
    assert not visitor.home()["resolved"]
    rate(visitor, answer_of(visitor), "up")
    stars(visitor, 1)
    sweep(workspace)
    assert not visitor.home()["resolved"]
    stars(visitor, 5)
    sweep(workspace)
    assert visitor.home()["resolved"]
    assert sorted(told(cloud, workspace)) == ["resolved", "unresolved"]


def test_a_resolved_conversation_is_charged_at_the_plans_price_once(cloud: Cloud, workspace: WorkspaceId) -> None:
    priced(workspace)
    visitor = Visitor(cloud, workspace, an_agent(workspace))
    visitor.turn()
    as_of = tomorrow()
    sweep(workspace, as_of)
    sweep(workspace, as_of)
    assert charges(cloud, workspace) == [PRICE]
    event = events.read(workspace, visitor.conversation)
    assert event is not None
    assert (event.row["type"], event.row["conversation_id"]) == (plans.RESOLVED_TYPE, visitor.conversation)
    assert event in events.of_day(workspace, clock.day_of(as_of))
    spend = firestore.get(metering.spend_path(workspace, as_of)).data
    assert (spend["spent_nanos"], spend["spent_by_agent"]) == (PRICE, {visitor.agent: PRICE})


@pytest.mark.parametrize(("cap", "charged"), [(PRICE - 1, PRICE - 1), (PRICE, PRICE), (0, 0)])
def test_a_charge_is_cut_to_what_the_cap_leaves(cloud: Cloud, workspace: WorkspaceId, cap: int, charged: int) -> None:
    visitor = Visitor(cloud, workspace, an_agent(workspace))
    visitor.turn()
    firestore.delete_tree([metering.spend_path(workspace, clock.now())])
    priced(workspace, cap_nanos=cap)
    as_of = tomorrow()
    sweep(workspace, as_of)
    assert visitor.home()["resolved"]
    assert charges(cloud, workspace) == [charged]
    assert firestore.get(metering.spend_path(workspace, as_of)).data["spent_nanos"] == charged <= cap


def test_a_conversation_that_was_erased_and_goes_on_counts_once(
    cloud: Cloud, workspace: WorkspaceId, visitor: Visitor
) -> None:
    visitor.turn()
    sweep(workspace)
    erasure.erase_conversation(cloud.call(workspace), visitor.conversation)
    visitor.turn(key="again")
    sweep(workspace)
    assert (visitor.home()["resolved"], "quiet_at" in visitor.home()) == (True, False)
    assert resolved(cloud, workspace) == 1


def test_one_that_was_erased_counts_as_unresolved_once_too(
    cloud: Cloud, workspace: WorkspaceId, visitor: Visitor
) -> None:
    visitor.turn()
    ask(visitor)
    sweep(workspace)
    assert told(cloud, workspace) == ["unresolved"]
    erasure.erase_conversation(cloud.call(workspace), visitor.conversation)
    visitor.turn(key="again")
    ask(visitor)
    for _ in range(2):
        sweep(workspace)
    home = visitor.home()
    assert (home["resolved"], home["unresolved"], "quiet_at" in home) == (False, True, False)
    assert told(cloud, workspace) == []


def test_a_conversation_of_the_playground_is_neither(cloud: Cloud, workspace: WorkspaceId, visitor: Visitor) -> None:
    visitor.turn()
    write(repository.conversation_path(workspace, visitor.conversation), {**visitor.home(), "channel": "playground"})
    sweep(workspace)
    assert (told(cloud, workspace), "quiet_at" in visitor.home()) == ([], False)


def test_a_conversation_of_a_failed_turn_or_none_is_let_go(workspace: WorkspaceId, visitor: Visitor) -> None:
    visitor.turn()
    firestore.delete_tree(repository.turn_paths(workspace, visitor.conversation))
    sweep(workspace)
    assert (visitor.home()["resolved"], "quiet_at" in visitor.home()) == (False, False)

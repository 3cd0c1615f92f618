"""The last 90 days under other prices: few reads, sums that agree with the bill, and what is not known is said."""

import pytest

from functions.billing import accounts, simulating
from functions.billing import api_models as api
from functions.billing.simulation_models import Simulate
from functions.shared import logs
from functions.shared.errors import Invalid
from tests.cloud import Cloud
from tests.functions.billing.story import AGENT, Story, at

NOW = at("2027-02-10", 12)
"""90 days before: 2026-11-13. The workspace was made on 2026-11-25."""


@pytest.fixture
def story(house: Cloud) -> Story:
    story = Story(house)
    # At 9 a million in cost each: 0.009, charged 0.0108.
    for day in ("2026-11-26", "2026-12-05", "2026-12-31", "2027-02-10"):
        story.turn(at(day), new_conversation=False)
    story.turn(at("2026-12-06"), agent_id="agt_" + "0" * 25 + "2")
    return story


def ask(story: Story, **fields: str):
    return simulating.simulate(story.cloud.call(story.workspace, now=NOW), Simulate(**fields))


def test_another_plan_by_month_and_agent(story: Story) -> None:
    found = ask(story, plan="starter")
    assert [(one.month, one.days, one.days_of_month) for one in found.by_month] == [
        ("2026-11", 6, 30),
        ("2026-12", 31, 31),
        ("2027-01", 31, 31),
        ("2027-02", 10, 28),
    ]
    # A fee of 19 a month, by days where a month is not whole; what is included covers all usage.
    assert [one.net.amount for one in found.by_month] == ["3.80", "19.00", "19.00", "6.785714286"]
    assert found.total.usage == found.total.usage_was
    assert (found.total.usage.amount, found.total.net_was.amount) == ("0.054", "0.054")
    assert sum(one.net.nanos for one in found.by_agent) == found.total.net.nanos
    assert [(one.agent_id, one.name) for one in found.by_agent] == [
        (AGENT, "Front desk"),
        ("agt_" + "0" * 25 + "2", None),
        (None, None),
    ]
    assert [note.code for note in found.unknown] == []
    assert {"part_of_a_month", "tax", "caps", "rounding"} == {note.code for note in found.caveats}
    assert found.as_of == at("2027-02-10")


def test_another_model_for_one_agent(story: Story) -> None:
    found = ask(story, model="gemini-3.5-flash-lite", agent=AGENT)
    assert found.price_version is not None
    by_agent = {one.agent_id: one for one in found.by_agent}
    assert by_agent[AGENT].difference.nanos < 0
    assert by_agent["agt_" + "0" * 25 + "2"].difference.nanos == 0
    assert {"tokens", "reasoning", "answers"} <= {note.code for note in found.unknown}
    assert "prices_of_today" in {note.code for note in found.caveats}


def test_the_plan_of_each_month_is_the_one_it_had(story: Story) -> None:
    accounts.choose_plan(
        story.cloud.call(story.workspace, now=at("2027-02-01"), if_match="0"), api.PlanChoice(plan="starter")
    )
    found = ask(story, plan="starter")
    assert [one.plan for one in found.by_month] == ["pay_as_you_go"] * 3 + ["starter"]
    assert found.by_month[-1].difference.nanos == 0


def test_it_costs_few_reads(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 0
    counted = logs.count

    def count(name: str, number: int = 1) -> None:
        nonlocal reads
        reads += number if name == "firestore_reads" else 0
        counted(name, number)

    monkeypatch.setattr(logs, "count", count)
    ask(story, plan="starter")
    assert 5 < reads <= 50


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({}, "/plan"),
        ({"plan": "gold"}, "/plan"),
        ({"model": "nobody"}, "/model"),
        ({"model": "gemini-embedding-001"}, "/model"),
        ({"plan": "starter", "agent": AGENT}, "/agent"),
        ({"model": "offline-extractive", "agent": "somebody"}, "/agent"),
    ],
)
def test_what_cannot_be_simulated_is_refused(house: Cloud, fields: dict[str, str], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        ask(Story(house), **fields)
    assert refused.value.errors[0]["pointer"] == pointer


def test_a_new_workspace_has_a_simulation_too(house: Cloud) -> None:
    found = simulating.simulate(
        Story(house).cloud.call(Story(house).workspace, now=at("2026-11-25", 12)), Simulate(plan="starter")
    )
    assert (found.days, found.by_agent[0].agent_id, found.as_of) == (1, None, None)

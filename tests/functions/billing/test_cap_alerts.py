"""A business is told when a cap is nearly used and when it is used up: once each, soon, and again for another cap."""

from typing import Any

import pytest

from functions.billing import cap_alerts
from functions.shared import firestore, logs, metering
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud, envelope
from tests.functions.billing.story import Story, at
from tests.functions.rooms import Room, open_room
from tests.functions.shared.http import callers

NOW = at("2026-11-26", 12)
DOLLAR = 10**9


@pytest.fixture(autouse=True)
def fresh() -> None:
    """As an instance that has just started."""
    cap_alerts._quiet_until.clear()
    cap_alerts._told.clear()


def spent(workspace: WorkspaceId, nanos: int, **fields: Any) -> None:
    batch = firestore.Batch()
    document = {"currency": "USD", "spent_nanos": nanos, "spent_by_agent": {}, **fields}
    batch.set(metering.spend_path(workspace, NOW), document)
    batch.commit()


def told(cloud: Cloud, workspace: WorkspaceId) -> list[tuple[Any, ...]]:
    names = ("share_percent", "spent", "cap", "agent_id")
    return [tuple(row["facts"][name] for name in names) for row in cloud.published("notifications", workspace)]


def test_each_share_of_a_cap_is_told_once(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    for dollars, new in ((7, 0), (8, 1), (9, 0), (10, 1), (11, 0)):
        spent(workspace, dollars * DOLLAR, cap_nanos=10 * DOLLAR)
        assert cap_alerts.look(workspace, NOW) == new
        cap_alerts._told.clear()  # Another instance sees the same.
    assert told(cloud, workspace) == [(80, "8.00", "10.00", None), (100, "10.00", "10.00", None)]


def test_a_raised_cap_is_another_cap_and_an_agent_has_its_own(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    spent(workspace, 10 * DOLLAR, cap_nanos=10 * DOLLAR)
    assert cap_alerts.look(workspace, NOW) == 2
    raised = {"cap_nanos": 20 * DOLLAR, "agent_caps": {"agt_1": 5 * DOLLAR}, "spent_by_agent": {"agt_1": 4 * DOLLAR}}
    spent(workspace, 15 * DOLLAR, **raised)
    assert cap_alerts.look(workspace, NOW) == 1
    spent(workspace, 16 * DOLLAR, **raised)
    assert cap_alerts.look(workspace, NOW) == 1
    assert told(cloud, workspace)[2:] == [(80, "4.00", "5.00", "agt_1"), (80, "16.00", "20.00", None)]


def test_what_plan_and_credit_pay_does_not_count_against_the_cap(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    spent(workspace, 10 * DOLLAR, cap_nanos=10 * DOLLAR, allowance_nanos=2 * DOLLAR, credit_nanos=DOLLAR)
    assert cap_alerts.look(workspace, NOW) == 0


def test_the_business_chooses_the_shares_for_the_cap_and_for_each_agent(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    chosen = {
        "cap_nanos": 10 * DOLLAR,
        "alerts": [105, 500],
        "agent_caps": {"agt_1": 10 * DOLLAR, "agt_2": 10 * DOLLAR},
        "agent_alerts": {"agt_1": [300]},
    }
    spent(workspace, 4 * DOLLAR, spent_by_agent={"agt_1": 3 * DOLLAR, "agt_2": DOLLAR}, **chosen)
    assert cap_alerts.look(workspace, NOW) == 2
    spent(workspace, 12 * DOLLAR, spent_by_agent={"agt_1": 4 * DOLLAR, "agt_2": 8 * DOLLAR}, **chosen)
    assert cap_alerts.look(workspace, NOW) == 2
    assert [(share, agent) for share, _, _, agent in told(cloud, workspace)] == [
        ("10.5", None),
        (30, "agt_1"),
        (50, None),
        (80, "agt_2"),
    ]


def test_credit_that_has_expired_no_longer_pays(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    ends = {"2026-11-26T12:00:00.000000Z": 3 * DOLLAR}
    spent(workspace, 9 * DOLLAR, cap_nanos=10 * DOLLAR, credit_nanos=3 * DOLLAR, credit_ends=ends)
    assert cap_alerts.look(workspace, at("2026-11-26", 11)) == 0
    assert cap_alerts.look(workspace, NOW) == 1


def test_without_a_cap_or_far_from_it_the_next_turns_cost_no_read(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    for fields in ({}, {"cap_nanos": 10 * DOLLAR}):
        cap_alerts._quiet_until.clear()
        spent(workspace, DOLLAR, **fields)
        assert cap_alerts.look(workspace, NOW) == 0
        with logs.request(route="test") as operations:
            assert cap_alerts.look(workspace, NOW) == 0
        assert operations.get("firestore_reads", 0) == 0


def test_the_turn_that_meets_the_cap_is_the_one_that_tells(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    edge: Room = open_room("billing-usage", monkeypatch)
    story = Story(cloud)
    event = story.record(NOW)
    spent(story.workspace, event.row["charge_nanos"], cap_nanos=event.row["charge_nanos"])
    monkeypatch.setattr("functions.shared.clock.now", lambda: NOW)
    for _ in range(2):
        answer = edge.client.post("/events/usage-recorded", json=envelope(event.row), headers=callers.invoker("push"))
        assert answer.status_code == 204
    assert [share for share, *_ in told(cloud, story.workspace)] == [80, 100]

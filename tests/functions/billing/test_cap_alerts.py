"""A business is told when a cap is nearly used and when it is used up: once each, soon, and again for another cap."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.billing import cap_alerts, closing
from functions.shared import contracts, firestore, logs, metering
from functions.shared.identity import WorkspaceId
from functions.shared.metering import alerts
from tests.cloud import Cloud, envelope
from tests.functions.billing.story import Story, at
from tests.functions.rooms import Room, open_room
from tests.functions.shared.http import callers

NOW = at("2026-11-26", 12)
MONTH = "2026-11"
DOLLAR = 10**9


@pytest.fixture(autouse=True)
def fresh() -> None:
    """As an instance that has just started."""
    alerts._told.clear()


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
        assert cap_alerts.look(workspace, MONTH, NOW) == new
        alerts._told.clear()  # Another instance sees the same.
    assert told(cloud, workspace) == [(80, "8.00", "10.00", None), (100, "10.00", "10.00", None)]


def test_a_raised_cap_is_another_cap_and_an_agent_has_its_own(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    spent(workspace, 10 * DOLLAR, cap_nanos=10 * DOLLAR)
    assert cap_alerts.look(workspace, MONTH, NOW) == 2
    raised = {"cap_nanos": 20 * DOLLAR, "agent_caps": {"agt_1": 5 * DOLLAR}, "spent_by_agent": {"agt_1": 4 * DOLLAR}}
    spent(workspace, 15 * DOLLAR, **raised)
    assert cap_alerts.look(workspace, MONTH, NOW) == 1
    spent(workspace, 16 * DOLLAR, **raised)
    assert cap_alerts.look(workspace, MONTH, NOW) == 1
    assert told(cloud, workspace)[2:] == [(80, "4.00", "5.00", "agt_1"), (80, "16.00", "20.00", None)]


def test_what_plan_and_credit_pay_does_not_count_against_the_cap(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    spent(workspace, 10 * DOLLAR, cap_nanos=10 * DOLLAR, allowance_nanos=2 * DOLLAR, credit_nanos=DOLLAR)
    assert cap_alerts.look(workspace, MONTH, NOW) == 0


def test_the_business_chooses_the_shares_for_the_cap_and_for_each_agent(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    chosen = {
        "cap_nanos": 10 * DOLLAR,
        "alerts": [105, 500],
        "agent_caps": {"agt_1": 10 * DOLLAR, "agt_2": 10 * DOLLAR},
        "agent_alerts": {"agt_1": [300]},
    }
    spent(workspace, 4 * DOLLAR, spent_by_agent={"agt_1": 3 * DOLLAR, "agt_2": DOLLAR}, **chosen)
    assert cap_alerts.look(workspace, MONTH, NOW) == 2
    spent(workspace, 12 * DOLLAR, spent_by_agent={"agt_1": 4 * DOLLAR, "agt_2": 8 * DOLLAR}, **chosen)
    assert cap_alerts.look(workspace, MONTH, NOW) == 2
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
    assert cap_alerts.look(workspace, MONTH, at("2026-11-26", 11)) == 0
    assert cap_alerts.look(workspace, MONTH, NOW) == 1


def test_a_look_costs_one_read(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    spent(workspace, DOLLAR, cap_nanos=10 * DOLLAR)
    with logs.request(route="test") as operations:
        assert cap_alerts.look(workspace, MONTH, NOW) == 0
    assert operations == {"firestore_reads": 1}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(charges=st.lists(st.integers(0, 12), min_size=1, max_size=8), cap=st.integers(1, 30))
def test_however_large_turns_come_within_a_moment_the_last_one_before_the_cap_has_told(
    cloud: Cloud, charges: list[int], cap: int
) -> None:
    workspace, so_far = cloud.workspace(), 0
    for number, charge in enumerate(charges):
        if so_far + charge > cap:
            break  # It is refused, and makes no event.
        so_far += charge
        spent(workspace, so_far * DOLLAR, cap_nanos=cap * DOLLAR)
        cap_alerts.look(workspace, MONTH, NOW + timedelta(milliseconds=number))
    wanted = [share for share in (80, 100) if so_far * 100 >= share * cap]
    assert [share for share, *_ in told(cloud, workspace)] == wanted


def test_what_is_told_stands_in_the_activity_too(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    spent(workspace, 9 * DOLLAR, cap_nanos=10 * DOLLAR, agent_caps={"agt_1": DOLLAR}, spent_by_agent={"agt_1": DOLLAR})
    for _ in range(2):
        cap_alerts.look(workspace, MONTH, NOW)
        alerts._told.clear()
    entries = [one.data for one in firestore.find(firestore.Query(contracts.path(workspace, "activity")))]
    assert {(one["action"], one["actor"], one["kind"], one["subject"]) for one in entries} == {
        ("cap.alerted", "system", "budget", MONTH)
    }
    assert sorted((one["name"], one["after"]["agent_id"] or "") for one in entries) == [
        ("100 %", "agt_1"),
        ("80 %", ""),
        ("80 %", "agt_1"),
    ]


def test_what_credit_paid_until_it_ended_is_told_of_a_month_that_is_over(cloud: Cloud) -> None:
    story = Story(cloud, made=at("2026-11-30", 9))
    cap = {
        "cap_nanos": 10 * DOLLAR,
        "credit_nanos": 9 * DOLLAR,
        "credit_ends": {"2026-12-01T00:00:00.000000Z": 9 * DOLLAR},
    }
    spent(story.workspace, 9 * DOLLAR, **cap)
    assert cap_alerts.look(story.workspace, MONTH, at("2026-11-30", 23)) == 0
    for _ in range(2):
        cap_alerts.look_back(story.workspace, at("2026-12-01", 0, 10))
    assert [share for share, *_ in told(cloud, story.workspace)] == [80]


def test_a_close_looks_at_the_caps(cloud: Cloud) -> None:
    story = Story(cloud)
    spent(story.workspace, 0, cap_nanos=10 * DOLLAR, agent_caps={"agt_1": DOLLAR}, spent_by_agent={"agt_1": DOLLAR})
    closing.close(story.workspace, at("2026-11-27", 0, 10))
    assert [share for share, *_ in told(cloud, story.workspace)] == [80, 100]


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


def test_a_months_last_turn_tells_of_its_own_month(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    edge: Room = open_room("billing-usage", monkeypatch)
    story = Story(cloud)
    event = story.record(NOW)
    spent(story.workspace, DOLLAR, cap_nanos=DOLLAR)
    monkeypatch.setattr("functions.shared.clock.now", lambda: at("2026-12-01"))
    answer = edge.client.post("/events/usage-recorded", json=envelope(event.row), headers=callers.invoker("push"))
    assert answer.status_code == 204
    assert [share for share, *_ in told(cloud, story.workspace)] == [80, 100]

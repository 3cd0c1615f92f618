"""A business hears once a day of each agent that failed too often the day before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.dashboard import sweeping
from functions.shared import contracts, failing, ids
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.rooms import agent, write

AS_OF = datetime(2026, 11, 26, 1, 40, tzinfo=UTC)
BAD: dict[str, Any] = {"turns": 20, "failed": 2, "abandoned": 1}


def counted(workspace: WorkspaceId, day: str, **agents: dict[str, Any]) -> None:
    write(contracts.path(workspace, "rollups", f"day_{day}"), {"agents": agents})


def told(cloud: Cloud, workspace: WorkspaceId) -> list[tuple[str, Any]]:
    return [(row["subject"], row["facts"]) for row in cloud.published("notifications", workspace)]


def test_it_is_told_once_a_day(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name = agent(workspace)
    counted(workspace, "2026-11-25", **{name: BAD})
    for later in (0, 1, 5):
        sweeping.sweep(workspace, AS_OF + timedelta(hours=later))
    assert told(cloud, workspace) == [(name, {"day": "2026-11-25", "turns": 20, "errors": 3})]
    counted(workspace, "2026-11-26", **{name: {**BAD, "failed": 9}})
    sweeping.sweep(workspace, AS_OF + timedelta(days=1))
    assert told(cloud, workspace) == [(name, {"day": "2026-11-26", "turns": 20, "errors": 10})]


def test_the_day_is_the_workspaces_own(cloud: Cloud) -> None:
    workspace = cloud.workspace(time_zone="America/Los_Angeles")
    name = agent(workspace)
    counted(workspace, "2026-11-24", **{name: BAD})
    sweeping.sweep(workspace, AS_OF)
    assert told(cloud, workspace) == [(name, {"day": "2026-11-24", "turns": 20, "errors": 3})]


@pytest.mark.parametrize(
    ("counters", "fails"),
    [
        ({"turns": 27, "failed": 3}, False),
        ({"turns": 26, "failed": 3}, True),
        ({"turns": 0, "failed": 2}, False),
        ({"turns": 0, "abandoned": 3}, True),
        ({"turns": 9}, False),
    ],
)
def test_failing_is_more_than_one_in_ten_and_at_least_three(counters: dict[str, int], fails: bool) -> None:
    rollup = contracts.RollupRead.model_validate({"agents": {"agt_1": counters}})
    assert failing.failing(rollup) == (["agt_1"] if fails else [])


def test_whoever_does_not_answer_anyway_is_not_told_of(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    names = [agent(workspace, status=status) for status in ("paused", "archived", "draft", None)]
    gone = agent(workspace)
    write(contracts.path(workspace, "fleet", gone), {"status": "active", "deleted_at": AS_OF})
    counted(workspace, "2026-11-25", **dict.fromkeys((*names, gone, ids.new("agent")), BAD))
    sweeping.sweep(workspace, AS_OF)
    assert told(cloud, workspace) == []


def test_of_a_workspace_that_does_not_work_nothing_is_told(cloud: Cloud) -> None:
    for state in ("suspended", "closing", "erased"):
        workspace = cloud.workspace(state=state)
        counted(workspace, "2026-11-25", **{agent(workspace): BAD})
        sweeping.sweep(workspace, AS_OF)
        assert told(cloud, workspace) == []

"""The daily sweep forgets what is due, whoever of the rooms comes first, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.my_agents import service, sweeping
from functions.shared import clock, contracts, firestore, ids
from functions.shared.firestore import Query
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud, envelope
from tests.functions.rooms import Room, agent, write
from tests.functions.shared.http import callers

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def fleet(workspace: WorkspaceId) -> set[str]:
    return {one.id for one in firestore.find(Query(contracts.path(workspace, "fleet"), fields=()))}


def remove(workspace: WorkspaceId, name: str) -> None:
    """The wizard's room clears an agent away."""
    batch = firestore.Batch()
    batch.delete(contracts.path(workspace, "agents", name))
    batch.commit()


def test_a_deleted_agent_is_forgotten_after_thirty_days_once_the_agent_itself_has_gone(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    kept, old, young = (agent(workspace) for _ in range(3))
    service.delete(cloud.call(workspace, now=NOW), old)
    service.delete(cloud.call(workspace, now=NOW + timedelta(days=5)), young)
    late = NOW + timedelta(days=31)
    # The fleet comes first: the agent is still there and must not come back as an untouched draft.
    assert sweeping.sweep(workspace, late) == 0
    remove(workspace, old)
    remove(workspace, young)
    assert sweeping.sweep(workspace, NOW + timedelta(days=30)) == 0
    assert sweeping.sweep(workspace, late) == 1
    assert fleet(workspace) == {kept, young}
    assert sweeping.sweep(workspace, late) == 0


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"state": "closing", "erase_at": NOW}, False),
        ({"state": "erased", "erase_at": NOW}, False),
        ({"state": "closing", "erase_at": NOW + timedelta(seconds=1)}, True),
        ({"state": "closing"}, True),
        ({"state": "suspended", "erase_at": NOW}, True),
        ({"erase_at": NOW}, True),
    ],
)
def test_a_workspace_that_is_to_be_erased_loses_its_fleet(cloud: Cloud, fields: dict, left: bool) -> None:
    workspace, other = cloud.workspace(**fields), cloud.workspace()
    names, untouched = {agent(workspace) for _ in range(3)}, agent(other)
    assert sweeping.sweep(workspace, NOW) == (0 if left else 3)
    assert fleet(workspace) == (names if left else set())
    assert fleet(other) == {untouched}
    assert sweeping.sweep(workspace, NOW) == 0


def test_the_sweep_comes_by_pubsub_and_may_come_twice(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name = agent(workspace, status=None)
    write(contracts.path(workspace, "fleet", name), {"status": "paused", "deleted_at": NOW})
    remove(workspace, name)
    row = {"workspace_id": str(workspace), "as_of": clock.to_text(NOW + timedelta(days=40))}
    headers = callers.invoker("push")
    for _ in range(2):
        body = {"message": {**envelope(row, event_id="x")["message"], "attributes": {**row, "event_id": ""}}}
        sent = room.client.post("/events/sweep-requested", json=body, headers=headers)
        assert sent.status_code == 204, sent.text
    assert fleet(workspace) == set()
    bad = envelope({"workspace_id": str(workspace)}, event_id=ids.new("event"))
    assert room.client.post("/events/sweep-requested", json=bad, headers=headers).status_code == 400

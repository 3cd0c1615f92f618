"""The daily schedule asks every room to sweep each workspace that is not erased, as of the time it stands for."""

import pytest

from functions.dashboard import repository
from functions.shared import contracts, firestore
from tests.cloud import Cloud
from tests.functions.rooms import Room, open_room
from tests.functions.shared.http import callers

AS_OF = "2026-11-25T01:40:00.000000Z"


@pytest.fixture
def edge(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The deployment dashboard-sweep."""
    return open_room("dashboard-sweep", monkeypatch)


def test_every_workspace_but_an_erased_one_is_asked_for(cloud: Cloud, edge: Room) -> None:
    living, erased = cloud.workspace(), cloud.workspace()
    batch = firestore.Batch()
    batch.update(contracts.workspace_path(erased), {("state",): "erased"})
    batch.commit()
    headers = {**callers.invoker("scheduler"), "X-CloudScheduler-ScheduleTime": AS_OF}
    assert edge.client.post("/schedules/dashboard-sweep", headers=headers).status_code == 204
    assert cloud.published("sweep-requested", living) == [{"workspace_id": str(living), "as_of": AS_OF}]
    assert cloud.published("sweep-requested", erased) == []
    assert erased not in set(repository.workspaces())


def test_a_run_without_its_time_asks_for_nothing(cloud: Cloud, edge: Room) -> None:
    workspace = cloud.workspace()
    assert edge.client.post("/schedules/dashboard-sweep", headers=callers.invoker("scheduler")).status_code == 400
    assert cloud.published("sweep-requested", workspace) == []

"""The daily sweep takes what deleted widgets left, and everything of a workspace that is to be erased."""

from datetime import timedelta
from typing import Any

import pytest

from functions.shared import clock, directory, firestore, storage
from functions.shared.identity import WorkspaceId
from functions.widgets import avatars, public_files, service, sweeping
from functions.widgets.models import NewWidget
from tests.cloud import Cloud, envelope
from tests.functions.rooms import Room, agent, content, write
from tests.functions.shared.http import callers


def made(cloud: Cloud, workspace: WorkspaceId) -> tuple[str, str]:
    """A widget with a public file and a picture."""
    widget = service.create(cloud.call(workspace), NewWidget(agent_id=agent(workspace)))[0].id
    name = avatars.name_of(widget, b"picture")
    avatars.write(name, b"picture")
    batch = firestore.Batch()
    path = f"workspaces/{workspace}/widgets/{widget}"
    batch.update(path, {("avatar",): name, ("avatars",): [name]})
    batch.commit()
    return widget, name


def exists(workspace: WorkspaceId, widget: str) -> bool:
    return firestore.get(f"workspaces/{workspace}/widgets/{widget}").exists


def test_what_a_deletion_left_behind_is_taken_away_and_the_document_after_a_month(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    widget, picture = made(cloud, workspace)
    kept, _ = made(cloud, workspace)
    batch = firestore.Batch()
    # As after a crash between the deletion's commit and the deletion of its files.
    batch.update(f"workspaces/{workspace}/widgets/{widget}", {("deleted_at",): clock.now()})
    batch.commit()
    later = clock.now() + timedelta(hours=1)
    for _ in range(2):
        sweeping.sweep(workspace, later)
        assert storage.read("cdn", public_files.name_of(widget)) is None
        assert storage.read("cdn", picture) is None
        assert exists(workspace, widget)
    sweeping.sweep(workspace, later + sweeping.TOMBSTONE_KEPT)
    assert (exists(workspace, widget), exists(workspace, kept)) == (False, True)
    assert storage.read("cdn", public_files.name_of(kept)) is not None


@pytest.mark.parametrize("state", ["closing", "erased"])
def test_a_workspace_that_is_erased_keeps_no_widget_file_or_visitor(cloud: Cloud, room: Room, state: str) -> None:
    now = clock.now()
    workspace = cloud.workspace(state=state, erase_at=now)
    other = cloud.workspace()
    gone, picture = made(cloud, workspace)
    kept, _ = made(cloud, other)
    for number in range(3):
        write(f"workspaces/{workspace}/visitors/vis_{number}", {"seen_at": now})
        write(f"workspaces/{other}/visitors/vis_{number}", {"seen_at": now})

    def ask(as_of: Any) -> int:
        sent = envelope({"workspace_id": str(workspace), "as_of": clock.to_text(as_of)}, event_id="sweep")
        answer = room.client.post("/events/sweep-requested", json=sent, headers=callers.invoker("push"))
        return answer.status_code

    assert ask(now - timedelta(days=1)) == 204
    assert exists(workspace, gone)
    for _ in range(2):
        assert ask(now) == 204
    assert not exists(workspace, gone)
    assert directory.find(gone, "widget") is None
    assert (storage.read("cdn", public_files.name_of(gone)), storage.read("cdn", picture)) == (None, None)
    assert firestore.find(firestore.Query(f"workspaces/{workspace}/visitors")) == []
    assert exists(other, kept)
    assert len(firestore.find(firestore.Query(f"workspaces/{other}/visitors"))) == 3


def test_a_sweep_that_has_no_more_time_goes_on_the_next_day(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = cloud.workspace(state="closing", erase_at=clock.now())
    widget, _ = made(cloud, workspace)
    monkeypatch.setattr(sweeping, "SECONDS", -1)
    sweeping.sweep(workspace, clock.now())
    assert exists(workspace, widget)
    monkeypatch.setattr(sweeping, "SECONDS", 40)
    sweeping.sweep(workspace, clock.now())
    assert not exists(workspace, widget)


def test_a_sweep_without_its_time_is_refused(cloud: Cloud, room: Room) -> None:
    workspace = cloud.workspace()
    for row in ({"workspace_id": str(workspace)}, {"workspace_id": str(workspace), "as_of": 7}):
        sent = envelope(row, event_id="sweep")
        answer = room.client.post("/events/sweep-requested", json=sent, headers=callers.invoker("push"))
        assert (answer.status_code, content(answer)["code"]) == (400, "not_an_event")

"""The agents' part of the daily sweep: retention, deleted agents, closed workspaces; in pages, repeatable, in time."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.agents import repository, sweeping
from functions.agents.sweeping import Unfinished
from functions.dashboard import sweeping as dashboard
from functions.shared import clock, contracts, firestore, ids, metering
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud, envelope
from tests.functions.agents.talking import HOURS, Visitor, an_agent, usage_events, write
from tests.functions.rooms import open_room
from tests.functions.shared.http import callers


def sweep(workspace: WorkspaceId, as_of: datetime | None = None, **options: Any) -> None:
    sweeping.sweep(workspace, as_of or clock.now(), clock.now(), **options)


def keep(workspace: WorkspaceId, days: int | None) -> None:
    """Change the workspace's retention as the dashboard does."""
    batch = firestore.Batch()
    batch.update(contracts.workspace_path(workspace), {("retention_days",): days})
    batch.commit()
    batch = firestore.Batch()
    home = firestore.get(contracts.workspace_path(workspace)).data
    metering.write_standing(batch, workspace, home, firestore.get(metering.spend_path(workspace, clock.now())))
    batch.commit()


def expiries(visitor: Visitor) -> list[int | None]:
    """Days until each turn and then the conversation expire."""
    home = visitor.home()
    found = [*((turn.get("expire_at"), turn["completed_at"]) for turn in visitor.turns())]
    found.append((home.get("expire_at"), home["updated_at"]))
    return [None if ends is None else round((ends - begun).total_seconds() / 86400) for ends, begun in found]


def test_what_is_said_expires_by_the_retention_that_holds_when_it_is_said(cloud: Cloud) -> None:
    workspace = cloud.workspace(retention_days=30)
    visitor = Visitor(cloud, workspace, an_agent(workspace))
    visitor.turn()
    assert expiries(visitor) == [30, 30]
    keep(workspace, 7)
    visitor.turn()
    assert expiries(visitor) == [30, 7, 7]


def test_without_a_retention_nothing_expires(visitor: Visitor) -> None:
    visitor.turn()
    assert expiries(visitor) == [None, None]


def test_a_changed_retention_is_carried_to_what_was_said_before(cloud: Cloud) -> None:
    workspace = cloud.workspace(retention_days=30)
    agent = an_agent(workspace)
    visitors = [Visitor(cloud, workspace, agent) for _ in range(3)]
    for visitor in visitors:
        visitor.turn()
    for days in (7, None, 90):
        keep(workspace, days)
        # It goes on before the sweep comes, and its older turns are still found.
        visitors[0].turn()
        sweep(workspace)
        assert expiries(visitors[0])[1:] == [days] * (len(visitors[0].turns()))
        assert [expiries(visitor) for visitor in visitors[1:]] == [[days, days]] * 2
        assert repository.kept_otherwise(workspace, days or 0, 10) == []


def test_pages_follow_each_other_until_nothing_is_left(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "AT_ONCE", 2)
    workspace = cloud.workspace(retention_days=5)
    names = [ids.conversation_of(str(number)) for number in range(5)]
    for name in names:
        document = {"agent_id": "agt_a", "channel": "api", "created_at": clock.now(), "kept_days": 0}
        write(repository.conversation_path(workspace, name), {**document, "updated_at": clock.now()})
    sweep(workspace)
    assert all(
        "expire_at" in one.data for one in repository.read(*(repository.conversation_path(workspace, n) for n in names))
    )


def test_a_run_whose_time_is_up_says_so_and_the_next_goes_on(cloud: Cloud, visitor: Visitor) -> None:
    visitor.turn()
    keep(visitor.workspace, 3)
    with pytest.raises(Unfinished):
        sweep(visitor.workspace, seconds=-1.0)
    sweep(visitor.workspace)
    assert expiries(visitor) == [3, 3]


def below(workspace: WorkspaceId, agent: str) -> int:
    return len(repository.below_agent(workspace, agent))


def test_an_agent_is_forgotten_when_it_cannot_be_restored_any_more(cloud: Cloud, workspace: WorkspaceId) -> None:
    now = clock.now()
    gone, fresh, living = (an_agent(workspace, knowledge=(HOURS,)) for _ in range(3))
    for agent in (gone, fresh, living):
        write(repository.version_path(workspace, agent, "ver_1"), {"number": 1})
        write(repository.item_path(workspace, agent, "kno_1"), {"title": "x"})
    visitor = Visitor(cloud, workspace, gone)
    visitor.turn()
    for agent, days in ((gone, 31), (fresh, 29)):
        fleet = contracts.path(workspace, "fleet", agent)
        write(fleet, {"status": "archived", "deleted_at": now - timedelta(days=days)})
    for _ in range(2):
        sweep(workspace, now)
    assert (below(workspace, gone), firestore.get(repository.agent_path(workspace, gone)).exists) == (0, False)
    assert below(workspace, fresh) == below(workspace, living) == 3
    # What was said and metered is not the agent's.
    assert len(visitor.turns()) == len(usage_events(workspace)) == 1


@pytest.mark.parametrize(
    ("days", "state", "erased"),
    [(-1, "closing", True), (1, "closing", False), (-1, "active", False), (-1, "erased", True)],
)
def test_a_closed_workspace_is_erased_but_for_its_books(cloud: Cloud, days: int, state: str, erased: bool) -> None:
    workspace = cloud.workspace()
    visitor = Visitor(cloud, workspace, an_agent(workspace, knowledge=(HOURS,)))
    visitor.turn()
    spent = usage_events(workspace)
    batch = firestore.Batch()
    fields = {("state",): state, ("erase_at",): clock.now() + timedelta(days=days)}
    batch.update(contracts.workspace_path(workspace), fields)
    batch.commit()
    for _ in range(2):
        sweep(workspace)
    assert (visitor.home() == {}, visitor.turns() == []) == (erased, erased)
    assert (below(workspace, visitor.agent) == 0) is erased
    assert firestore.get(repository.agent_path(workspace, visitor.agent)).exists is not erased
    assert usage_events(workspace) == spent
    assert firestore.get(contracts.workspace_path(workspace)).exists


def test_a_closed_workspace_whose_sweep_does_not_come_to_its_end_stays_closing(cloud: Cloud) -> None:
    now = clock.now()
    workspace = cloud.workspace(state="closing", erase_at=now)
    write(contracts.path(workspace, "billing", "state"), {"period": "2999-01"})
    for number in range(3):
        name = ids.conversation_of(str(number))
        write(repository.conversation_path(workspace, name), {"agent_id": "agt_a"})
    for days in range(3):
        with pytest.raises(Unfinished):
            sweep(workspace, now + timedelta(days=days), seconds=-1.0)
        dashboard.sweep(workspace, now + timedelta(days=days))
        assert firestore.get(contracts.workspace_path(workspace)).data["state"] == "closing"
    sweep(workspace, now + timedelta(days=3))
    dashboard.sweep(workspace, now + timedelta(days=3))
    assert firestore.get(contracts.workspace_path(workspace)).data["state"] == "erased"


def test_pubsub_wakes_the_sweep_and_nobody_else_may(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    room = open_room("agents-api", monkeypatch)
    workspace = cloud.workspace(retention_days=5)
    visitor = Visitor(cloud, workspace, an_agent(workspace))
    visitor.turn()
    keep(workspace, 9)
    body = envelope({"workspace_id": str(workspace), "as_of": clock.to_text(clock.now())}, event_id="request")
    for headers in (callers.invoker("gateway"), callers.invoker("scheduler")):
        assert room.client.post("/events/sweep-requested", json=body, headers=headers).status_code in (401, 403)
    assert room.client.post("/events/sweep-requested", json=body, headers=callers.invoker("push")).status_code == 204
    assert expiries(visitor) == [9, 9]
    lacking = envelope({"workspace_id": str(workspace)}, event_id="request")
    assert room.client.post("/events/sweep-requested", json=lacking, headers=callers.invoker("push")).status_code == 400

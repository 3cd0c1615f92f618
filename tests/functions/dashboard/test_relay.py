"""The relay publishes what a crash left unsent, not what somebody is publishing, and counts what nobody could take."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.dashboard import relay, repository
from functions.shared import clock, contracts, events, firestore, ids
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.rooms import Room, content, open_room, usage
from tests.functions.shared.http import callers


def left(workspace: WorkspaceId, at: datetime, topic: Any = "usage-recorded") -> events.Event:
    """An event that was recorded and not published."""
    row = usage(workspace, ids.new("agent"), at)
    event = events.Event(workspace, topic, row["event_id"], row)
    batch = firestore.Batch()
    events.record(batch, event, now=at)
    batch.commit()
    return event


def unsent(event: events.Event) -> bool:
    return "unsent" in firestore.get(contracts.path(event.workspace, "events", event.id)).data


@pytest.fixture
def edge(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The deployment dashboard-relay."""
    return open_room("dashboard-relay", monkeypatch)


def test_what_a_crash_left_is_published_and_what_is_in_flight_is_left_alone(cloud: Cloud) -> None:
    workspace, now = cloud.workspace(), clock.now()
    old = [left(workspace, now - timedelta(seconds=31)), left(cloud.workspace(), now - timedelta(days=3))]
    young = left(workspace, now - timedelta(seconds=29))
    assert relay.relay(now) >= 2
    assert not any(map(unsent, old))
    assert unsent(young)
    assert cloud.published("usage-recorded", workspace) == [old[0].row]
    relay.relay(now + timedelta(seconds=2))
    assert not unsent(young)
    assert firestore.get(repository.RELAY).data["unsent"] == 0


def test_more_than_one_round_is_published_and_counted(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "AT_ONCE", 2)
    now = clock.now()
    relay.relay(now)
    before = firestore.get(repository.RELAY).data.get("sent", 0)
    found = [left(cloud.workspace(), now - timedelta(minutes=1)) for _ in range(5)]
    assert relay.relay(now) == 5
    assert not any(map(unsent, found))
    state = firestore.get(repository.RELAY).data
    assert (state["sent"] - before, state["unsent"], state["ran_at"]) == (5, 0, now)


def test_what_pubsub_does_not_take_ends_the_run_and_is_counted(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = clock.now()
    relay.relay(now)
    bad = left(cloud.workspace(), now - timedelta(minutes=2), "no-such-topic")
    good = left(cloud.workspace(), now - timedelta(minutes=1))
    monkeypatch.setattr(relay, "AT_ONCE", 2)
    assert relay.relay(now) == 1
    assert unsent(bad)
    assert not unsent(good)
    assert firestore.get(repository.RELAY).data["unsent"] == 1
    assert '"alarm": true' in capsys.readouterr().out
    events.unmark_all([bad])
    assert relay.relay(now) == 0
    assert firestore.get(repository.RELAY).data["unsent"] == 0


def test_the_schedule_runs_it_and_nobody_else_does(edge: Room, cloud: Cloud) -> None:
    event = left(cloud.workspace(), clock.now() - timedelta(minutes=1))
    for name in ("gateway", "push"):
        refused = edge.client.post("/schedules/dashboard-relay", headers=callers.invoker(name))
        assert refused.status_code == 403
    assert unsent(event)
    ran = edge.client.post("/schedules/dashboard-relay", headers=callers.invoker("scheduler"))
    assert ran.status_code == 204
    assert not unsent(event)


def letter(**message: Any) -> dict[str, Any]:
    attributes = {"CloudPubSubDeadLetterSourceSubscription": "usage-recorded.billing"}
    return {"message": {"messageId": "7", "data": "bm9uc2Vuc2U=", "attributes": attributes, **message}}


def test_a_dead_letter_is_counted_and_alarms(edge: Room, cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    before = firestore.get(repository.RELAY).data.get("dead_letters", 0)
    for body in (letter(), letter(attributes=None)):
        taken = edge.client.post("/events/dead-letters", json=body, headers=callers.invoker("push"))
        assert taken.status_code == 204
    assert firestore.get(repository.RELAY).data["dead_letters"] == before + 2
    out = capsys.readouterr().out
    assert '"subscription": "usage-recorded.billing"' in out
    assert "nonsense" not in out


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b'{"message": 5}', b'{"message": {}}'])
def test_what_is_no_envelope_is_a_problem(edge: Room, body: bytes) -> None:
    headers = {**callers.invoker("push"), "Content-Type": "application/json"}
    refused = edge.client.post("/events/dead-letters", data=body, headers=headers)
    assert (refused.status_code, refused.mimetype) == (400, "application/problem+json")
    assert content(refused)["code"] in ("malformed", "not_an_event")

"""Events: published with their names, taken once, kept aside when they come again with another content."""

import json
from datetime import timedelta
from typing import Any

import pytest

from functions.shared import clock, config, contracts, events, firestore, ids, logs
from functions.shared.errors import Malformed
from functions.shared.identity import WorkspaceId
from tests.cloud import PROJECT, Cloud, envelope
from tests.functions.rooms import usage


def event(workspace: WorkspaceId, **fields: Any) -> events.Event:
    row = usage(workspace, ids.new("agent"), clock.now(), **fields)
    return events.Event(workspace, "usage-recorded", row["event_id"], row)


def record(found: events.Event, *, ago: timedelta = timedelta()) -> None:
    batch = firestore.Batch()
    events.record(batch, found, now=clock.now() - ago)
    batch.commit()


def counter(workspace: WorkspaceId) -> int:
    return int(firestore.get(contracts.path(workspace, "rollups", "x")).data.get("n", 0))


def add_one(workspace: WorkspaceId) -> Any:
    return lambda batch: batch.merge(contracts.path(workspace, "rollups", "x"), {"n": firestore.Increment(1)})


def alarms(text: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("alarm")]


def test_a_published_event_has_lost_its_mark_and_names_itself_in_its_attributes(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    found = event(workspace)
    record(found)
    events.publish(found)
    assert "unsent" not in firestore.get(contracts.path(workspace, "events", found.id)).data
    assert cloud.published("usage-recorded", workspace) == [found.row]


def test_the_attributes_are_type_event_and_workspace(cloud: Cloud) -> None:
    from google.cloud import pubsub_v1

    workspace, topic = cloud.workspace(), f"projects/{PROJECT}/topics/attributes-{ids.secret(6)}"
    subscription = topic.replace("/topics/", "/subscriptions/")
    events.publisher().create_topic(name=topic)
    with pubsub_v1.SubscriberClient() as subscriber:
        subscriber.create_subscription(name=subscription, topic=topic)
        found = event(workspace)
        events._send(events.Event(workspace, topic.rpartition("/")[2], found.id, found.row)).result(timeout=10)  # type: ignore[arg-type]
        pulled = subscriber.pull(subscription=subscription, max_messages=1)
    attributes = dict(pulled.received_messages[0].message.attributes)
    assert attributes == {"event_type": "turn", "event_id": found.id, "workspace_id": str(workspace)}


def test_what_pubsub_does_not_take_keeps_its_mark(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = cloud.workspace()
    good, bad = event(workspace), event(workspace)
    nowhere = events.Event(workspace, "no-such-topic", bad.id, bad.row)  # type: ignore[arg-type]
    record(good)
    record(nowhere)
    assert events.publish_all([nowhere, good]) == 1
    assert "unsent" in firestore.get(contracts.path(workspace, "events", bad.id)).data
    assert "unsent" not in firestore.get(contracts.path(workspace, "events", good.id)).data
    assert "event not published yet" in capsys.readouterr().out
    events.unmark_all([nowhere])


def test_an_event_takes_effect_once_however_often_it_comes(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    found = event(workspace)
    took = [events.once(found, "test", add_one(workspace), now=clock.now()) for _ in range(3)]
    assert took == [True, False, False]
    assert events.once(found, "another", add_one(workspace), now=clock.now())
    assert counter(workspace) == 2


def test_another_content_under_the_same_id_is_kept_aside_and_alarms(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = cloud.workspace()
    first = event(workspace)
    other = events.Event(workspace, first.topic, first.id, {**first.row, "charge_nanos": 1})
    assert events.once(first, "test", add_one(workspace), now=clock.now())
    assert not alarms(capsys.readouterr().out)
    assert not events.once(other, "test", add_one(workspace), now=clock.now())
    assert counter(workspace) == 1
    [alarm] = alarms(capsys.readouterr().out)
    assert (alarm["event_id"], alarm["consumer"]) == (first.id, "test")
    mark = contracts.path(workspace, "processed", f"test_{first.id}")
    assert firestore.get(mark).data["digest"] == events.content_digest(first)
    aside = firestore.get(f"{mark}.{events.content_digest(other)[:16]}")
    assert aside.data["row"] == other.row


def test_the_same_content_written_in_another_way_is_no_other_content(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    found = event(workspace)
    spelt = {key: found.row[key] for key in reversed(found.row) if found.row[key] is not None}
    spelt["occurred_at"] = spelt["occurred_at"].replace("Z", "+00:00")
    assert events.content_digest(found) == events.content_digest(
        events.Event(workspace, "usage-recorded", found.id, spelt)
    )


def test_an_event_older_than_the_marks_changes_nothing_and_alarms(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = cloud.workspace()
    found = event(workspace)
    assert not events.once(found, "test", add_one(workspace), now=clock.now() + timedelta(days=30, minutes=1))
    assert counter(workspace) == 0
    assert len(alarms(capsys.readouterr().out)) == 1
    assert events.once(found, "test", add_one(workspace), now=clock.now() + timedelta(days=29))


def test_an_envelope_of_ours_is_decoded(cloud: Cloud) -> None:
    found = event(cloud.workspace())
    assert events.decode(envelope(found.row), "usage-recorded") == found


def broken() -> dict[str, Any]:
    from functions.shared.identity.workspace import founded

    row = event(founded()).row
    whole = envelope(row)
    message = whole["message"]
    return {
        "no object": [1],
        "no message": {},
        "a message that is none": {"message": 5},
        "no data": {"message": {"attributes": message["attributes"]}},
        "data that is no base64": {"message": {**message, "data": "%"}},
        "data that is no object": {"message": {**message, "data": "W10="}},
        "no attributes": {"message": {"data": message["data"]}},
        "another workspace in the attributes": envelope(row, workspace=str(founded())),
        "a workspace that is none": envelope({**row, "workspace_id": "ws_1"}),
        "another event in the attributes": envelope(row, event_id="evt_2"),
        "an id that is a path": envelope({**row, "event_id": "a/b"}),
        "an id that is a number": envelope({**row, "event_id": 5}),
        "a time that is none": envelope({**row, "occurred_at": "yesterday"}),
        "a time without a zone": envelope({**row, "recorded_at": "2026-11-25T00:00:00"}),
    }


@pytest.mark.parametrize("name", broken())
def test_an_envelope_that_is_not_ours_is_malformed(name: str) -> None:
    with pytest.raises(Malformed) as refused:
        events.decode(broken()[name], "usage-recorded")
    assert refused.value.code == "not_an_event"


def test_an_event_that_expired_while_it_was_published_is_no_error(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    config.settings.cache_clear()
    assert events.publish_all([event(cloud.workspace())]) == 1
    assert "expired" in capsys.readouterr().out


def test_many_are_published_at_once_and_unmarked_in_one_commit_also_when_one_of_them_expired(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    found = [event(workspace) for _ in range(3)]
    for one in found:
        record(one)
    with logs.request() as operations:
        assert events.publish_all(found) == 3
    assert (operations["pubsub_publishes"], operations["firestore_writes"]) == (3, 3)
    late = event(workspace)
    record(late)
    assert events.publish_all([event(workspace), late]) == 2
    stored = firestore.get_all([contracts.path(workspace, "events", one.id) for one in (*found, late)])
    assert all(one.exists and "unsent" not in one.data for one in stored)


def test_the_days_that_have_events_come_once_each_in_order_with_what_the_day_alone_gives(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    for day in ("2026-11-03", "2026-10-31", "2026-11-01", "2026-11-03", "2026-12-01"):
        batch = firestore.Batch()
        events.record(batch, event(workspace), now=clock.now(), day=day)
        batch.commit()
    found = list(events.by_day(workspace, "2026-11-01", "2026-11-30"))
    assert [(day, len(own)) for day, own in found] == [("2026-11-01", 1), ("2026-11-03", 2)]
    assert found == [(day, events.of_day(workspace, day)) for day in ("2026-11-01", "2026-11-03")]
    assert list(events.by_day(workspace, "2026-11-04", "2026-11-30")) == []

"""A notification is recorded with its change, once, and carries no content."""

import pytest

from functions.shared import clock, events, firestore, notifications
from tests.cloud import Cloud


def test_a_notification_is_an_event_that_waits_to_be_published(cloud: Cloud) -> None:
    workspace, batch, now = cloud.workspace(), firestore.Batch(), clock.now()
    made = notifications.record(
        batch, workspace, "cap.alert", subject="2026-11", once="80", facts={"share": "0.8"}, now=now
    )
    batch.commit()
    stored = events.read(workspace, notifications.name("cap.alert", "2026-11", "80"))
    assert stored == made
    assert made.row["facts"] == {"share": "0.8"}
    assert made in events.unsent_before(clock.now(), 500)


def test_the_same_occasion_is_announced_once(cloud: Cloud) -> None:
    workspace, now = cloud.workspace(), clock.now()
    for once in ("80", "100"):
        batch = firestore.Batch()
        notifications.record(batch, workspace, "cap.alert", subject="2026-11", once=once, now=now)
        batch.commit()
    batch = firestore.Batch()
    notifications.record(batch, workspace, "cap.alert", subject="2026-11", once="80", now=now)
    with pytest.raises(firestore.AlreadyExists):
        batch.commit()

"""Dead letters are published again to where they came from, lose nothing, and leave those of others alone."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import yaml
from google.api_core import exceptions
from google.cloud import pubsub_v1

from functions.shared import ids
from infra import replay
from tests.cloud import Cloud

CATALOGUE = yaml.load(replay.CATALOGUE.read_text("utf-8"), Loader=yaml.CSafeLoader)
ATTEMPTS = 5


class Queues:
    """A project of its own with two consumers of one topic, whose messages become real dead letters."""

    def __init__(self) -> None:
        self.project = f"replay-{ids.secret(4).lower().strip('-_')}"
        self.publisher = pubsub_v1.PublisherClient()
        self.subscriber = pubsub_v1.SubscriberClient()
        for topic in ("usage-recorded", "dead-letters"):
            self.publisher.create_topic(name=self.topic(topic))
        policy = {"dead_letter_topic": self.topic("dead-letters"), "max_delivery_attempts": ATTEMPTS}
        for name in ("usage-recorded.billing", "usage-recorded.analytics"):
            self.subscribe(name, "usage-recorded", dead_letter_policy=policy)
        self.subscribe(replay.KEPT, "dead-letters")

    def topic(self, name: str) -> str:
        return f"projects/{self.project}/topics/{name}"

    def path(self, name: str) -> str:
        return f"projects/{self.project}/subscriptions/{name}"

    def subscribe(self, name: str, topic: str, **definition: object) -> None:
        request = {"name": self.path(name), "topic": self.topic(topic), "ack_deadline_seconds": 60, **definition}
        self.subscriber.create_subscription(request=request)

    def publish(self, data: bytes, **attributes: str) -> None:
        self.publisher.publish(self.topic("usage-recorded"), data, **attributes).result(timeout=10)

    def refuse(self, name: str) -> None:
        """Refuse everything that a subscription has until Pub/Sub gives up on it."""
        for _ in range(ATTEMPTS):
            self.release(name, self.pull(name))

    def pull(self, name: str) -> list[pubsub_v1.types.ReceivedMessage]:
        try:
            pulled = self.subscriber.pull(subscription=self.path(name), max_messages=100, timeout=2, retry=None)
        except exceptions.DeadlineExceeded:
            return []
        return list(pulled.received_messages)

    def release(self, name: str, received: list[pubsub_v1.types.ReceivedMessage]) -> None:
        if received:
            ack_ids = [one.ack_id for one in received]
            self.subscriber.modify_ack_deadline(subscription=self.path(name), ack_ids=ack_ids, ack_deadline_seconds=0)

    def kept(self) -> set[bytes]:
        received = self.pull(replay.KEPT)
        self.release(replay.KEPT, received)
        return {one.message.data for one in received}

    def replay(self, **options: bool) -> replay.Replayed:
        return replay.replay(self.project, "usage-recorded.billing", seconds=0.5, **options)


@pytest.fixture
def queues(cloud: Cloud) -> Iterator[Queues]:
    made = Queues()
    yield made
    made.subscriber.close()


def test_a_dead_letter_goes_back_to_its_topic_as_it_was_and_is_kept_no_longer(queues: Queues) -> None:
    queues.publish(b"refused", event_id="evt_1", workspace_id="ws_1")
    queues.refuse("usage-recorded.billing")
    assert queues.kept() == {b"refused"}
    assert queues.replay() == replay.Replayed("usage-recorded", 1, 0)
    (again,) = queues.pull("usage-recorded.billing")
    assert again.message.data == b"refused"
    assert dict(again.message.attributes) == {"event_id": "evt_1", "workspace_id": "ws_1"}
    assert queues.kept() == set()
    assert queues.replay().published == 0


def test_those_of_another_subscription_stay(queues: Queues) -> None:
    queues.publish(b"one")
    queues.refuse("usage-recorded.billing")
    queues.refuse("usage-recorded.analytics")
    assert queues.replay() == replay.Replayed("usage-recorded", 1, 1)
    assert queues.kept() == {b"one"}
    left = replay.replay(queues.project, "usage-recorded.analytics", seconds=0.5)
    assert (left.published, left.left) == (1, 0)


def test_a_look_changes_nothing_and_hides_nothing_from_the_run_after_it(queues: Queues) -> None:
    for number in range(3):
        queues.publish(b"%d" % number)
    queues.refuse("usage-recorded.billing")
    assert queues.replay(dry_run=True).published == 3
    assert queues.pull("usage-recorded.billing") == []
    assert queues.replay().published == 3
    assert {one.message.data for one in queues.pull("usage-recorded.billing")} == {b"0", b"1", b"2"}


def test_what_is_not_published_is_still_kept(queues: Queues) -> None:
    queues.publish(b"kept")
    queues.refuse("usage-recorded.billing")
    queues.publisher.delete_topic(topic=queues.topic("usage-recorded"))
    with pytest.raises(exceptions.NotFound):
        queues.replay()
    received = queues.subscriber.pull(subscription=queues.path(replay.KEPT), max_messages=1, return_immediately=False)
    assert [one.message.data for one in received.received_messages] == [b"kept"]


def test_only_subscriptions_with_dead_letters_are_taken(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.topic_of("close-requested.billing", CATALOGUE) == "close-requested"
    for name in ("dead-letters.relay", "no-such.thing"):
        with pytest.raises(replay.UnknownSubscription):
            replay.topic_of(name, CATALOGUE)
    assert replay.main(["no-such.thing", "--project", "p"]) == 2
    assert "no-such.thing" in capsys.readouterr().err


def test_the_command_says_what_it_did(queues: Queues) -> None:
    queues.publish(b"secret words", event_id="evt_9", workspace_id="ws_9")
    queues.refuse("usage-recorded.billing")
    command = [sys.executable, "-m", "infra.replay", "usage-recorded.billing", "--project", queues.project]
    ran = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), timeout=100, check=True)
    assert "evt_9  ws_9" in ran.stdout
    assert "1 published again to usage-recorded; 0 of other subscriptions stay." in ran.stdout
    assert "secret words" not in ran.stdout

"""The life of a message, directly on the database: nothing is lost, nothing is out of order."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from local.pubsub.backlog import Backlog, Delivery, Holder
from local.pubsub.database import Database, backlog
from local.pubsub.errors import Refused
from local.pubsub.messages import PubsubMessage, Subscription, Topic
from local.pubsub.registry import Registry

TOPIC, DEAD = "projects/p/topics/live", "projects/p/topics/dead"
SUBSCRIPTION, GRAVEYARD = "projects/p/subscriptions/live", "projects/p/subscriptions/dead"


class Desk:
    """A database with one ordered subscription that buries after five attempts, and the dead letters' own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open()
        for topic in (TOPIC, DEAD):
            self.registry.create_topic(Topic(name=topic))
        body = Subscription(name=SUBSCRIPTION, topic=TOPIC, enable_message_ordering=True)
        body.dead_letter_policy.dead_letter_topic = DEAD
        self.registry.create_subscription(body)
        self.registry.create_subscription(Subscription(name=GRAVEYARD, topic=DEAD))

    def open(self) -> None:
        self.database = Database(self.folder)
        self.registry = Registry(self.database)
        self.backlog = Backlog(self.database, self.registry)
        self.holder = Holder()

    def reopen(self) -> None:
        self.database.close()
        self.open()

    @property
    def subscription(self):
        return self.registry.subscription(SUBSCRIPTION)

    def publish(self, data: bytes, ordering_key: str = "") -> int:
        return int(self.backlog.publish(TOPIC, [PubsubMessage(data=data, ordering_key=ordering_key)])[0])

    def lease(self, limit: int = 100, deadline: float = 600) -> list[Delivery]:
        return self.backlog.lease(self.subscription, limit, deadline, self.holder)

    def give_back(self, delivery: Delivery) -> None:
        self.backlog.extend(self.subscription, [(delivery.message_id, delivery.attempt)], 0)

    def stored(self) -> int:
        return self.database.rows("SELECT count(*) FROM messages")[0][0]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.database.close()


def test_a_message_without_a_subscription_gets_an_id_and_is_not_kept(desk: Desk) -> None:
    desk.registry.delete_subscription(SUBSCRIPTION)
    first = desk.publish(b"a")
    desk.reopen()
    assert desk.publish(b"b") > first
    assert desk.stored() == 0


def test_a_topic_that_is_not_there_is_refused_and_spoils_nothing(desk: Desk) -> None:
    with pytest.raises(Refused):
        desk.backlog.publish("projects/p/topics/none", [PubsubMessage(data=b"x")])
    desk.publish(b"a")
    assert len(desk.lease()) == 1


def test_a_lease_that_ended_is_a_failed_attempt_and_is_handed_out_again(desk: Desk) -> None:
    desk.publish(b"a")
    [first] = desk.lease(deadline=0)
    assert desk.holder.messages == 1
    [second] = desk.lease()
    assert (first.attempt, second.attempt) == (1, 2)
    assert desk.holder.messages == 1
    assert desk.lease() == []


def test_a_late_give_back_does_not_touch_the_newer_lease(desk: Desk) -> None:
    desk.publish(b"a")
    [first] = desk.lease(deadline=0)
    desk.lease()
    desk.give_back(first)
    assert desk.lease() == []


def test_a_late_acknowledgement_counts(desk: Desk) -> None:
    desk.publish(b"a")
    [first] = desk.lease(deadline=0)
    desk.lease()
    desk.backlog.acknowledge(desk.subscription, [first.message_id])
    assert backlog(desk.folder) == {SUBSCRIPTION: 0, GRAVEYARD: 0}
    assert (desk.holder.messages, desk.holder.bytes, desk.stored()) == (0, 0, 0)


def test_an_extended_lease_lasts(desk: Desk) -> None:
    desk.publish(b"a")
    [first] = desk.lease(deadline=0.2)
    desk.backlog.extend(desk.subscription, [(first.message_id, first.attempt)], 600)
    assert desk.backlog.next_due(desk.subscription) > 100


def test_what_is_older_than_the_retention_is_dropped(desk: Desk) -> None:
    old = desk.publish(b"old", "k")
    desk.publish(b"new", "k")
    desk.database.execute("UPDATE messages SET published = published - 8 * 86400 WHERE id = ?", old)
    desk.backlog.sweep()
    assert [d.message().data for d in desk.lease()] == [b"new"]
    assert desk.stored() == 1


def test_messages_of_a_deleted_subscription_are_swept_away(desk: Desk) -> None:
    desk.publish(b"a")
    desk.registry.delete_subscription(SUBSCRIPTION)
    desk.backlog.sweep()
    assert desk.stored() == 0


class Life(RuleBasedStateMachine):
    """Any mix of publishing, leasing, acknowledging, failing and restarting."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.desk = Desk(Path(self.folder.name))
        self.keys: dict[int, str] = {}
        self.open: set[int] = set()
        self.buried = 0
        self.leases: dict[int, Delivery] = {}

    def teardown(self) -> None:
        self.desk.database.close()
        self.folder.cleanup()

    @rule(ordering_key=st.sampled_from(["", "k", "l"]))
    def publish(self, ordering_key: str) -> None:
        number = self.desk.publish(b"x", ordering_key)
        self.keys[number] = ordering_key
        self.open.add(number)

    @rule(limit=st.integers(1, 4))
    def lease(self, limit: int) -> None:
        for delivery in self.desk.lease(limit):
            assert delivery.message_id not in self.leases
            key = self.keys[delivery.message_id]
            if key:
                assert delivery.message_id == min(n for n in self.open if self.keys[n] == key)
            self.leases[delivery.message_id] = delivery

    @precondition(lambda self: self.leases)
    @rule(choice=st.data())
    def acknowledge(self, choice: st.DataObject) -> None:
        number = choice.draw(st.sampled_from(sorted(self.leases)))
        del self.leases[number]
        self.desk.backlog.acknowledge(self.desk.subscription, [number])
        self.open.remove(number)

    @precondition(lambda self: self.leases)
    @rule(choice=st.data())
    def give_back(self, choice: st.DataObject) -> None:
        delivery = self.leases.pop(choice.draw(st.sampled_from(sorted(self.leases))))
        self.desk.give_back(delivery)
        if delivery.attempt >= 5:
            self.open.remove(delivery.message_id)
            self.buried += 1

    @rule()
    def restart(self) -> None:
        self.desk.reopen()
        self.leases.clear()

    @invariant()
    def nothing_is_lost(self) -> None:
        assert backlog(self.desk.folder) == {SUBSCRIPTION: len(self.open), GRAVEYARD: self.buried}
        assert self.desk.holder.messages == len(self.leases)
        assert self.desk.stored() == len(self.open) + self.buried

    @invariant()
    def every_open_message_can_be_had(self) -> None:
        heads = {min(n for n in self.open if self.keys[n] == key) for key in {self.keys[n] for n in self.open} - {""}}
        free = {n for n in self.open if not self.keys[n]} | heads
        if free - self.leases.keys():
            assert self.desk.backlog.next_due(self.desk.subscription) == 0


Life.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase

"""What the engine has answered is still there after `kill -9`."""

import sqlite3
import threading
from pathlib import Path

import pytest
from google.api_core import exceptions

from local.pubsub.database import Database, backlog
from tests import engines
from tests.local.pubsub.conftest import Cloud
from tests.local.standins import listening


def test_everything_that_was_confirmed_is_delivered_after_a_kill(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    engine = engines.start("pubsub", tmp_path)
    cloud = Cloud(engine, patch)
    topic = cloud.topic()
    name = cloud.subscription(topic, ack_deadline_seconds=600)
    enough = threading.Event()
    confirmed: list[str] = []

    def publish_until_killed(thread: int) -> None:
        try:
            for number in range(100_000):
                confirmed.extend(cloud.send(topic, [{"data": f"{thread}-{number}".encode()}]))
                if len(confirmed) >= 200:
                    enough.set()
        except exceptions.GoogleAPICallError:
            return

    threads = [threading.Thread(target=publish_until_killed, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    assert enough.wait(30)
    leased = cloud.pull(name, 50)
    done = leased[:10]
    cloud.subscriber.acknowledge(subscription=name, ack_ids=[m.ack_id for m in done])
    engine.kill()
    for thread in threads:
        thread.join(30)
    cloud.close()

    engine.start()
    cloud = Cloud(engine, patch)
    try:
        expected = set(confirmed) - {m.message.message_id for m in done}
        got: set[str] = set()
        while not expected <= got:
            messages = cloud.pull(name, 1000)
            assert messages, f"{len(expected - got)} confirmed messages are lost"
            got |= {m.message.message_id for m in messages}
        assert not got & {m.message.message_id for m in done}
    finally:
        cloud.close()
        engine.kill()


def test_a_push_that_was_under_way_is_repeated_at_once_after_a_kill(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    engine = engines.start("pubsub", tmp_path)
    cloud = Cloud(engine, patch)
    never = threading.Event()
    try:
        with listening() as listener:
            listener.answer = lambda _: (200, b"") if len(listener.requests) > 1 or never.wait(60) else (500, b"")
            topic = cloud.topic()
            cloud.subscription(topic, ack_deadline_seconds=600, push_config={"push_endpoint": listener.url})
            cloud.publish(topic, b"x")
            listener.wait(lambda r: len(r) == 1)
            engine.kill()
            engine.start()
            listener.wait(lambda r: len(r) == 2, seconds=10)
    finally:
        never.set()
        cloud.close()
        engine.kill()


def test_a_transaction_inside_another_is_undone_alone(tmp_path: Path) -> None:
    database = Database(tmp_path)

    def insert(name: str, *, durable: bool = False) -> None:
        with database.transaction(durable=durable):
            database.execute("INSERT INTO topics (name, body) VALUES (?, x'')", name)

    with database.transaction(durable=True):
        insert("a")
        with pytest.raises(sqlite3.IntegrityError):
            insert("a")
        insert("c")
    with pytest.raises(sqlite3.IntegrityError):
        insert("c", durable=True)
    insert("d")
    assert database.rows("SELECT name FROM topics ORDER BY name") == [("a",), ("c",), ("d",)]
    database.close()
    assert backlog(tmp_path) == {}

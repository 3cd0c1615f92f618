"""BigQuery subscriptions against a small server that keeps and refuses rows as BigQuery does."""

import json
import threading
from typing import Any

import pytest

from tests import engines
from tests.local.pubsub.conftest import Cloud
from tests.local.standins import Listener, Received

COLUMNS = {"event_id": True, "amount": False}
RETRY = {"minimum_backoff": {"seconds": 10}, "maximum_backoff": {"seconds": 600}}


class Table:
    """A table with a required and an optional column; refuses unknown ones unless told to ignore them."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.batches: list[int] = []
        self.down = False
        self.hold = threading.Event()
        self.hold.set()
        self.listener = Listener(self.answer)

    def answer(self, received: Received) -> tuple[int, bytes]:
        assert self.hold.wait(20)
        if self.down:
            return 503, b"down"
        assert received.path == "/bigquery/v2/projects/p/datasets/d/tables/t/insertAll"
        assert received.json["skipInvalidRows"] is True
        errors = []
        with self.listener.changed:
            self.batches.append(len(received.json["rows"]))
            for index, row in enumerate(received.json["rows"]):
                unknown = row["json"].keys() - COLUMNS and not received.json["ignoreUnknownValues"]
                if unknown or "event_id" not in row["json"]:
                    errors.append({"index": index, "errors": [{"reason": "invalid"}]})
                else:
                    self.rows[row["insertId"]] = row["json"]
            self.listener.changed.notify_all()
        return 200, json.dumps({"insertErrors": errors} if errors else {}).encode()

    def wait(self, count: int) -> list[dict[str, Any]]:
        self.listener.wait(lambda _: len(self.rows) == count)
        return list(self.rows.values())


@pytest.fixture(scope="module")
def table():
    table = Table()
    yield table
    table.listener.close()


@pytest.fixture(scope="module")
def cloud(table: Table, tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch):
    options = ("--bigquery", table.listener.url, "--min-backoff", "0.02")
    engine = engines.start("pubsub", tmp_path_factory.mktemp("pubsub"), *options)
    cloud = Cloud(engine, patch)
    yield cloud
    cloud.close()
    engine.kill()


@pytest.fixture(autouse=True)
def _fresh(table: Table) -> None:
    table.rows.clear()
    table.batches.clear()


def subscribe(cloud: Cloud, topic: str, dead: str, **config: object) -> None:
    cloud.subscription(
        topic,
        bigquery_config={"table": "p.d.t", "use_table_schema": True, **config},
        retry_policy=RETRY,
        dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 5},
    )


def test_messages_become_rows_and_what_does_not_fit_a_dead_letter(cloud: Cloud, table: Table) -> None:
    topic, dead = cloud.topic(), cloud.topic()
    graveyard = cloud.subscription(dead)
    subscribe(cloud, topic, dead)
    good = [{"event_id": "1", "amount": 5}, {"event_id": "2"}]
    bad = [b'{"event_id": "3", "other": 1}', b'{"amount": 1}', b"no json", b"[]"]
    for message in [json.dumps(row).encode() for row in good] + bad:
        cloud.publish(topic, message)
    assert sorted(table.wait(2), key=str) == sorted(good, key=str)
    buried: dict[bytes, str] = {}
    while len(buried) < 4:
        messages = cloud.pull(graveyard)
        assert messages
        for m in messages:
            buried[m.message.data] = m.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"]
    assert buried == dict.fromkeys(bad, "5")
    assert len(table.rows) == 2


def test_what_comes_while_a_batch_is_written_goes_together_in_the_next(cloud: Cloud, table: Table) -> None:
    topic, dead = cloud.topic(), cloud.topic()
    subscribe(cloud, topic, dead)
    table.hold.clear()
    before = len(table.listener.requests)
    cloud.publish(topic, b'{"event_id": "0"}')
    table.listener.wait(lambda r: len(r) == before + 1)
    for number in range(1, 30):
        cloud.publish(topic, json.dumps({"event_id": str(number)}).encode())
    table.hold.set()
    table.wait(30)
    assert table.batches == [1, 29]


def test_rows_wait_while_the_server_is_down(cloud: Cloud, table: Table) -> None:
    topic = cloud.topic()
    cloud.subscription(
        topic,
        bigquery_config={"table": "p.d.t", "use_table_schema": True, "drop_unknown_fields": True},
        retry_policy=RETRY,
    )
    table.down = True
    before = len(table.listener.requests)
    cloud.publish(topic, b'{"event_id": "9", "unknown": 1}')
    table.listener.wait(lambda r: len(r) >= before + 3)
    assert not table.rows
    table.down = False
    assert table.wait(1) == [{"event_id": "9", "unknown": 1}]


def test_metadata_are_columns_where_wanted(cloud: Cloud, table: Table) -> None:
    topic = cloud.topic()
    name = cloud.subscription(
        topic,
        bigquery_config={
            "table": "p.d.t", "use_table_schema": True, "write_metadata": True, "drop_unknown_fields": True
        },
    )  # fmt: skip
    number = cloud.publish(topic, b'{"event_id": "1"}', k="v")
    [row] = table.wait(1)
    assert row.pop("publish_time").endswith("Z")
    assert row == {"event_id": "1", "subscription_name": name, "message_id": number, "attributes": '{"k": "v"}'}

"""Push delivery through the running engine to a real HTTP server."""

import base64
import itertools
import json
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests import engines
from tests.local.pubsub.conftest import PROJECT, Cloud
from tests.local.standins import Identity, Received, listening

FAST = {"minimum_backoff": {"seconds": 10}, "maximum_backoff": {"seconds": 600}}  # cut to 0.05 s by --min-backoff
PUSHER = "agenthub-push@p.iam.gserviceaccount.com"


def data(received: Received) -> bytes:
    return base64.b64decode(received.json["message"].get("data", ""))


def test_a_message_arrives_in_pub_subs_envelope(cloud: Cloud) -> None:
    topic = cloud.topic()
    with listening() as listener:
        subscription = cloud.subscription(topic, push_config={"push_endpoint": f"{listener.url}/events/x"})
        number = cloud.publish(topic, "ä€".encode(), event_type="turn")
        [received] = listener.wait(lambda r: len(r) == 1)
    assert received.path == "/events/x"
    assert received.headers["Content-Type"] == "application/json"
    assert received.headers["Authorization"] is None
    published = received.json["message"]["publishTime"]
    assert published.endswith("Z")
    assert received.json["message"]["publish_time"] == published
    body = received.json
    assert body["subscription"] == subscription
    assert body["message"]["attributes"] == {"event_type": "turn"}
    assert body["message"]["messageId"] == body["message"]["message_id"] == number
    assert data(received) == "ä€".encode()
    assert "deliveryAttempt" not in body


def test_a_message_of_attributes_alone_has_no_data(cloud: Cloud) -> None:
    topic = cloud.topic()
    with listening() as listener:
        cloud.subscription(topic, push_config={"push_endpoint": listener.url})
        cloud.publish(topic, b"", kind="empty")
        [received] = listener.wait(lambda r: len(r) == 1)
    assert "data" not in received.json["message"]


def test_delivery_is_prompt_when_idle(cloud: Cloud) -> None:
    topic = cloud.topic()
    delays = []
    with listening() as listener:
        cloud.subscription(topic, push_config={"push_endpoint": listener.url})
        for count in range(1, 21):
            cloud.publish(topic, b"now")
            answered = time.monotonic()
            delays.append(listener.wait(lambda r, count=count: len(r) == count)[-1].at - answered)
    assert sorted(delays)[10] < 0.02


def test_a_failed_push_is_repeated_with_growing_pauses(cloud: Cloud) -> None:
    topic = cloud.topic()
    with listening() as listener:
        listener.answer = lambda _: (204 if len(listener.requests) >= 4 else 500, b"not yet")
        cloud.subscription(topic, retry_policy=FAST, push_config={"push_endpoint": listener.url})
        cloud.publish(topic, b"again")
        times = [r.at for r in listener.wait(lambda r: len(r) == 4)]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses[0] >= 0.05
    assert pauses[1] >= 0.1
    assert pauses[2] >= 0.2


def test_a_poison_message_becomes_a_dead_letter_and_blocks_nobody(cloud: Cloud) -> None:
    topic, dead = cloud.topic(), cloud.topic()
    graveyard = cloud.subscription(dead)
    with listening(lambda r: (400 if data(r) == b"poison" else 200, b"")) as listener:
        subscription = cloud.subscription(
            topic,
            retry_policy=FAST,
            dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 5},
            push_config={"push_endpoint": listener.url},
        )
        cloud.publish(topic, b"poison", who="x")
        cloud.publish(topic, b"good")
        [buried] = cloud.pull(graveyard)
        requests = listener.wait(lambda r: len(r) >= 6)
    assert Counter(map(data, requests)) == {b"poison": 5, b"good": 1}
    assert [r.json["deliveryAttempt"] for r in requests if data(r) == b"poison"] == [1, 2, 3, 4, 5]
    attributes = dict(buried.message.attributes)
    assert buried.message.data == b"poison"
    assert attributes.pop("CloudPubSubDeadLetterSourceTopicPublishTime").endswith("Z")
    assert attributes == {
        "who": "x",
        "CloudPubSubDeadLetterSourceSubscription": subscription.rsplit("/", 1)[-1],
        "CloudPubSubDeadLetterSourceSubscriptionProject": PROJECT,
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
    }


def test_without_its_dead_letter_topic_a_message_is_kept_and_tried_on(cloud: Cloud) -> None:
    topic = cloud.topic()
    with listening(lambda _: (500, b"")) as listener:
        cloud.subscription(
            topic,
            retry_policy={"minimum_backoff": {"nanos": 1000000}, "maximum_backoff": {"nanos": 2000000}},
            dead_letter_policy={"dead_letter_topic": f"{topic}-gone", "max_delivery_attempts": 5},
            push_config={"push_endpoint": listener.url},
        )
        cloud.publish(topic, b"stays")
        requests = listener.wait(lambda r: len(r) >= 8)
    assert set(map(data, requests)) == {b"stays"}


def test_one_ordering_key_is_delivered_one_by_one_in_order_also_over_a_failure(cloud: Cloud) -> None:
    topic = cloud.topic()
    with listening() as listener:
        failed = threading.Event()

        def answer(received: Received) -> tuple[int, bytes]:
            if data(received) == b"3" and not failed.is_set():
                failed.set()
                return 500, b""
            return 200, b""

        listener.answer = answer
        cloud.subscription(
            topic, enable_message_ordering=True, retry_policy=FAST, push_config={"push_endpoint": listener.url}
        )
        for number in range(8):
            cloud.publish(topic, str(number).encode(), ordering_key="k")
        requests = listener.wait(lambda r: len(r) == 9)
    assert [data(r) for r in requests] == [b"0", b"1", b"2", b"3", b"3", b"4", b"5", b"6", b"7"]
    assert {r.json["message"]["orderingKey"] for r in requests} == {"k"}


def test_a_filter_lets_only_its_messages_through(cloud: Cloud) -> None:
    topic = cloud.topic()
    with listening() as listener:
        cloud.subscription(topic, filter='attributes.kind = "a"', push_config={"push_endpoint": listener.url})
        cloud.publish(topic, b"no", kind="b")
        cloud.publish(topic, b"yes", kind="a")
        assert [data(r) for r in listener.wait(lambda r: len(r) == 1)] == [b"yes"]


def test_at_most_sixteen_pushes_of_a_subscription_are_under_way(cloud: Cloud) -> None:
    topic = cloud.topic()
    release = threading.Event()
    with listening() as listener:
        listener.answer = lambda _: (200, b"") if release.wait(20) else (500, b"")
        cloud.subscription(topic, push_config={"push_endpoint": listener.url})
        for future in [cloud.publisher.publish(topic, str(n).encode()) for n in range(40)]:
            future.result(timeout=10)
        listener.wait(lambda r: len(r) == 16)
        release.set()
        requests = listener.wait(lambda r: len(r) == 40)
        assert listener.most_active <= 16
    assert len({data(r) for r in requests}) == 40


def test_a_changed_endpoint_gets_what_the_old_one_refused(cloud: Cloud) -> None:
    topic = cloud.topic()
    with listening(lambda _: (503, b"")) as old, listening() as new:
        subscription = cloud.subscription(topic, retry_policy=FAST, push_config={"push_endpoint": old.url})
        cloud.publish(topic, b"moved")
        old.wait(lambda r: len(r) >= 1)
        cloud.subscriber.modify_push_config(subscription=subscription, push_config={"push_endpoint": new.url})
        assert [data(r) for r in new.wait(lambda r: len(r) == 1)] == [b"moved"]


def test_a_push_carries_the_accounts_id_token_and_waits_while_there_is_none(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    identity = Identity(tmp_path)
    identity.broken = True
    options = ("--identity", identity.url, "--credentials", str(identity.credentials), "--min-backoff", "0.05")
    engine = engines.start("pubsub", tmp_path / "data", *options)
    cloud = Cloud(engine, patch)
    try:
        topic = cloud.topic()
        with listening() as listener:
            token = {"service_account_email": PUSHER, "audience": listener.url}
            cloud.subscription(
                topic, retry_policy=FAST, push_config={"push_endpoint": f"{listener.url}/e", "oidc_token": token}
            )
            cloud.publish(topic, b"1")
            identity.listener.wait(lambda r: len(r) >= 2)
            assert listener.requests == []
            identity.broken = False
            listener.wait(lambda r: len(r) == 1)
            cloud.publish(topic, b"2")
            requests = listener.wait(lambda r: len(r) == 2)
            for received in requests:
                claims = identity.claims(received, listener.url)
                assert claims["email"] == PUSHER
            assert len(identity.given) == 1
            listener.answer = lambda _: (401 if len(identity.given) == 1 else 200, b"")
            cloud.publish(topic, b"3")
            listener.wait(lambda r: [data(x) for x in r].count(b"3") == 2)
            assert len(identity.given) == 2
        assert json.loads(identity.credentials.read_text())["client_email"] != PUSHER
    finally:
        cloud.close()
        engine.kill()
        identity.listener.close()

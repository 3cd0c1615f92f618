"""What Google's own tests leave out of the API, through the real client."""

import itertools
import threading

import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1

from tests.local.pubsub.conftest import PROJECT, Cloud


def test_lists_come_in_pages_that_survive_a_deletion(cloud: Cloud) -> None:
    topic = cloud.topic()
    names = sorted(cloud.subscription(topic) for _ in range(5))
    request = {"topic": topic, "page_size": 2}
    pages = cloud.publisher.list_topic_subscriptions(request=request).pages
    first = list(next(pages).subscriptions)
    cloud.subscriber.delete_subscription(subscription=first[1])
    rest = list(itertools.chain.from_iterable(page.subscriptions for page in pages))
    assert first + rest == names


def test_a_subscription_is_changed_by_its_mask_only(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscription(topic, labels={"a": "1"}, ack_deadline_seconds=20)
    change = {"name": name, "ack_deadline_seconds": 40, "labels": {"b": "2"}}
    cloud.subscriber.update_subscription(
        request={"subscription": change, "update_mask": {"paths": ["ack_deadline_seconds"]}}
    )
    found = cloud.subscriber.get_subscription(subscription=name)
    assert (found.ack_deadline_seconds, dict(found.labels)) == (40, {"a": "1"})
    cloud.subscriber.update_subscription(request={"subscription": change, "update_mask": {"paths": ["labels"]}})
    assert dict(cloud.subscriber.get_subscription(subscription=name).labels) == {"b": "2"}
    for paths in (["filter"], ["nonsense"], []):
        with pytest.raises(exceptions.InvalidArgument):
            cloud.subscriber.update_subscription(request={"subscription": change, "update_mask": {"paths": paths}})


def test_a_topic_is_changed_and_deleted_and_its_subscription_keeps_the_backlog(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscription(topic)
    cloud.publisher.update_topic(topic={"name": topic, "labels": {"x": "y"}}, update_mask={"paths": ["labels"]})
    assert cloud.publisher.get_topic(topic=topic).labels == {"x": "y"}
    cloud.publish(topic, b"left")
    cloud.publisher.delete_topic(topic=topic)
    assert cloud.subscriber.get_subscription(subscription=name).topic == "_deleted-topic_"
    assert [m.message.data for m in cloud.pull(name)] == [b"left"]
    with pytest.raises(exceptions.NotFound):
        cloud.publish(topic, b"late")


@pytest.mark.parametrize(
    ("definition", "error"),
    [
        ({"ack_deadline_seconds": 5}, exceptions.InvalidArgument),
        ({"filter": "attributes"}, exceptions.InvalidArgument),
        ({"push_config": {"push_endpoint": "ftp://x"}}, exceptions.InvalidArgument),
        ({"push_config": {"push_endpoint": "http://x", "no_wrapper": {}}}, exceptions.MethodNotImplemented),
        ({"enable_exactly_once_delivery": True}, exceptions.MethodNotImplemented),
        ({"dead_letter_policy": {"dead_letter_topic": "x"}}, exceptions.InvalidArgument),
        ({"retry_policy": {"minimum_backoff": {"seconds": 601}}}, exceptions.InvalidArgument),
        ({"message_retention_duration": {"seconds": 60}}, exceptions.InvalidArgument),
        ({"bigquery_config": {"table": "t"}}, exceptions.InvalidArgument),
        ({"bigquery_config": {"table": "p.d.t", "use_topic_schema": True}}, exceptions.MethodNotImplemented),
    ],
)
def test_a_definition_that_cannot_be_kept_is_refused(
    cloud: Cloud, definition: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        cloud.subscription(cloud.topic(), **definition)


def test_names_are_checked(cloud: Cloud) -> None:
    for name in ("x", f"projects/{PROJECT}/topics/1x", f"projects/{PROJECT}/topics/google", f"projects/{PROJECT}/a/b"):
        with pytest.raises(exceptions.InvalidArgument):
            cloud.publisher.create_topic(name=name)


def test_publish_is_bounded_as_in_the_cloud(cloud: Cloud) -> None:
    topic = cloud.topic()
    for messages in (
        [],
        [{"data": b"x"}] * 1001,
        [{}],
        [{"data": b"x", "attributes": {"k": "v" * 1025}}],
        [{"data": b"x", "attributes": {"google": "v"}}],
        [{"data": b"x", "ordering_key": "k" * 1025}],
    ):
        with pytest.raises(exceptions.InvalidArgument):
            cloud.send(topic, messages)


def test_seek_is_refused_as_not_offered(cloud: Cloud) -> None:
    with pytest.raises(exceptions.MethodNotImplemented):
        cloud.subscriber.seek(request={"subscription": cloud.subscription(cloud.topic())})


def test_a_push_subscription_cannot_be_pulled(cloud: Cloud) -> None:
    name = cloud.subscription(cloud.topic(), push_config={"push_endpoint": "http://127.0.0.1:9"})
    with pytest.raises(exceptions.FailedPrecondition):
        cloud.pull(name)


def test_a_waiting_pull_gets_what_is_published_meanwhile(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscription(topic)
    got: list[bytes] = []
    puller = threading.Thread(target=lambda: got.extend(m.message.data for m in cloud.pull(name)))
    puller.start()
    cloud.publish(topic, b"here")
    puller.join(10)
    assert got == [b"here"]


def test_an_unintelligible_ack_id_is_refused(cloud: Cloud) -> None:
    name = cloud.subscription(cloud.topic())
    with pytest.raises(exceptions.InvalidArgument):
        cloud.subscriber.acknowledge(subscription=name, ack_ids=["nonsense"])


def test_streaming_pull_keeps_order_over_a_refusal_and_hands_out_everything(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscription(topic, enable_message_ordering=True)
    seen: list[bytes] = []
    done = threading.Event()

    def callback(message: pubsub_v1.subscriber.message.Message) -> None:
        seen.append(message.data)
        if message.data == b"2" and seen.count(b"2") == 1:
            message.nack()
            return
        message.ack()
        if message.data == b"5":
            done.set()

    pulling = cloud.subscriber.subscribe(name, callback)
    for number in range(6):
        cloud.publish(topic, str(number).encode(), ordering_key="k")
    assert done.wait(20)
    pulling.cancel()
    pulling.result(timeout=10)
    assert seen == [b"0", b"1", b"2", b"2", b"3", b"4", b"5"]


def test_a_stream_of_a_deleted_subscription_ends_with_not_found(cloud: Cloud) -> None:
    name = cloud.subscription(cloud.topic())
    pulling = cloud.subscriber.subscribe(name, lambda _: None)
    cloud.subscriber.delete_subscription(subscription=name)
    with pytest.raises(exceptions.NotFound):
        pulling.result(timeout=20)


def test_delivery_attempts_are_counted_only_with_a_dead_letter_policy(cloud: Cloud) -> None:
    topic, dead = cloud.topic(), cloud.topic()
    plain = cloud.subscription(topic)
    counted = cloud.subscription(topic, dead_letter_policy={"dead_letter_topic": dead})
    cloud.publish(topic, b"x")
    [first] = cloud.pull(plain)
    assert first.delivery_attempt == 0
    for attempt in (1, 2):
        [received] = cloud.pull(counted)
        assert received.delivery_attempt == attempt
        request = {"subscription": counted, "ack_ids": [received.ack_id], "ack_deadline_seconds": 0}
        cloud.subscriber.modify_ack_deadline(request=request)

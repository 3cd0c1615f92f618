"""A running Pub/Sub and the real clients that speak to it."""

import itertools
from collections.abc import Iterator

import pytest
from google.cloud import pubsub_v1
from google.pubsub_v1 import PublisherClient as UnbatchedClient

from tests import engines

PROJECT = "test-project"
_numbers = itertools.count(1)


class Cloud:
    """The real publisher and subscriber clients of one running engine, and short ways to what tests need often."""

    def __init__(self, engine: engines.Engine, patch: pytest.MonkeyPatch) -> None:
        self.engine = engine
        patch.setenv("PUBSUB_EMULATOR_HOST", engine.address)
        self.publisher = pubsub_v1.PublisherClient()
        self.ordered_publisher = pubsub_v1.PublisherClient(
            publisher_options=pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
        )
        self.subscriber = pubsub_v1.SubscriberClient()

    def topic(self) -> str:
        name = self.publisher.topic_path(PROJECT, f"topic-{next(_numbers)}")
        return self.publisher.create_topic(name=name).name

    def subscription(self, topic: str, **definition: object) -> str:
        name = self.subscriber.subscription_path(PROJECT, f"subscription-{next(_numbers)}")
        return self.subscriber.create_subscription(request={"name": name, "topic": topic, **definition}).name

    def publish(self, topic: str, data: bytes, ordering_key: str = "", **attributes: str) -> str:
        """The id of the message, which is durable by then."""
        publisher = self.ordered_publisher if ordering_key else self.publisher
        return publisher.publish(topic, data, ordering_key=ordering_key, **attributes).result(timeout=10)

    def send(self, topic: str, messages: list[dict[str, object]]) -> list[str]:
        """The ids of the messages of one publish request, without the client's batching and retries."""
        request = {"topic": topic, "messages": messages}
        return list(UnbatchedClient.publish(self.publisher, request=request, retry=None, timeout=10).message_ids)

    def pull(self, subscription: str, count: int = 10) -> list[pubsub_v1.types.ReceivedMessage]:
        request = {"subscription": subscription, "max_messages": count}
        return list(self.subscriber.pull(request=request, timeout=30).received_messages)

    def close(self) -> None:
        self.publisher.stop()
        self.publisher.transport.close()
        self.ordered_publisher.stop()
        self.ordered_publisher.transport.close()
        self.subscriber.close()


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    engine = engines.start("pubsub", tmp_path_factory.mktemp("pubsub"), "--min-backoff", "0.05")
    cloud = Cloud(engine, patch)
    yield cloud
    cloud.close()
    engine.kill()

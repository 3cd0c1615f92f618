"""The gRPC face: Publisher, Subscriber and IAMPolicy, answered without generated servicers."""

import time
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc
from google.iam.v1 import iam_policy_pb2, policy_pb2
from google.protobuf import empty_pb2

from local.pubsub.backlog import Backlog, Holder
from local.pubsub.database import Database
from local.pubsub.errors import Refused, invalid
from local.pubsub.messages import Subscription as SubscriptionBody
from local.pubsub.messages import Topic as TopicBody
from local.pubsub.messages import raw
from local.pubsub.registry import Registry
from local.pubsub.streaming import Stream, parse_ack_ids, received
from local.pubsub.validation import check_publish

# Each open streaming pull holds a thread; idle threads are not made.
_THREADS = 256
_PULL_SECONDS = 5.0
_PAGE = 100
_EMPTY = empty_pb2.Empty


class Publisher:
    """google.pubsub.v1.Publisher"""

    def __init__(self, registry: Registry, backlog: Backlog) -> None:
        self._registry = registry
        self._backlog = backlog

    def CreateTopic(self, request: Any, _: Any) -> Any:
        return self._registry.create_topic(request)

    def UpdateTopic(self, request: Any, _: Any) -> Any:
        return self._registry.update_topic(request.topic, request.update_mask)

    def GetTopic(self, request: Any, _: Any) -> Any:
        return self._registry.topic(request.topic)

    def ListTopics(self, request: Any, _: Any) -> Any:
        topics = {topic.name: topic for topic in self._registry.topics(request.project)}
        names, token = _page(list(topics), request)
        return raw("ListTopicsResponse")(topics=[topics[name] for name in names], next_page_token=token)

    def ListTopicSubscriptions(self, request: Any, _: Any) -> Any:
        self._registry.topic(request.topic)
        names, token = _page(sorted(s.name for s in self._registry.subscriptions_of(request.topic)), request)
        return raw("ListTopicSubscriptionsResponse")(subscriptions=names, next_page_token=token)

    def DeleteTopic(self, request: Any, _: Any) -> Any:
        self._registry.delete_topic(request.topic)
        return _EMPTY()

    def Publish(self, request: Any, _: Any) -> Any:
        check_publish(request)
        return raw("PublishResponse")(message_ids=self._backlog.publish(request.topic, request.messages))


class Subscriber:
    """google.pubsub.v1.Subscriber"""

    def __init__(self, database: Database, registry: Registry, backlog: Backlog) -> None:
        self._database = database
        self._registry = registry
        self._backlog = backlog

    def CreateSubscription(self, request: Any, _: Any) -> Any:
        return self._registry.create_subscription(request)

    def UpdateSubscription(self, request: Any, _: Any) -> Any:
        return self._registry.update_subscription(request.subscription, request.update_mask)

    def ModifyPushConfig(self, request: Any, _: Any) -> Any:
        self._registry.modify_push_config(request.subscription, request.push_config)
        return _EMPTY()

    def GetSubscription(self, request: Any, _: Any) -> Any:
        return self._registry.subscription(request.subscription).body

    def ListSubscriptions(self, request: Any, _: Any) -> Any:
        found = {s.name: s.body for s in self._registry.subscriptions(request.project)}
        names, token = _page(list(found), request)
        return raw("ListSubscriptionsResponse")(subscriptions=[found[name] for name in names], next_page_token=token)

    def DeleteSubscription(self, request: Any, _: Any) -> Any:
        self._registry.delete_subscription(request.subscription)
        return _EMPTY()

    def Pull(self, request: Any, context: Any) -> Any:
        if request.max_messages <= 0:
            raise invalid("max_messages must be at least 1.")
        subscription = self._registry.require_pull(request.subscription)
        end = time.monotonic() + (0 if request.return_immediately else _PULL_SECONDS)
        with subscription.changed:
            while True:
                deadline = subscription.body.ack_deadline_seconds
                deliveries = self._backlog.lease(subscription, min(request.max_messages, 1000), deadline, Holder())
                rest = end - time.monotonic()
                if deliveries or rest <= 0:
                    messages = [received(subscription, delivery) for delivery in deliveries]
                    return raw("PullResponse")(received_messages=messages)
                # Short waits: a client that has left must not take messages with it.
                subscription.changed.wait(min(rest, 0.5, self._backlog.next_due(subscription)))
                if not context.is_active():
                    return raw("PullResponse")()
                self._registry.subscription(request.subscription)

    def Acknowledge(self, request: Any, _: Any) -> Any:
        subscription = self._registry.subscription(request.subscription)
        self._backlog.acknowledge(subscription, [message for message, _ in parse_ack_ids(request.ack_ids)])
        return _EMPTY()

    def ModifyAckDeadline(self, request: Any, _: Any) -> Any:
        if not 0 <= request.ack_deadline_seconds <= 600:
            raise invalid("ack_deadline_seconds must be 0 to 600.")
        subscription = self._registry.subscription(request.subscription)
        self._backlog.extend(subscription, parse_ack_ids(request.ack_ids), request.ack_deadline_seconds)
        return _EMPTY()

    def StreamingPull(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        return Stream(self._database, self._registry, self._backlog, requests, context).responses()


class Policies:
    """google.iam.v1.IAMPolicy: policies are kept and never enforced."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def SetIamPolicy(self, request: Any, _: Any) -> Any:
        with self._database.transaction(durable=True):
            self._database.execute(
                "INSERT OR REPLACE INTO policies (resource, body) VALUES (?, ?)",
                request.resource,
                request.policy.SerializeToString(),
            )
        return request.policy

    def GetIamPolicy(self, request: Any, _: Any) -> Any:
        rows = self._database.rows("SELECT body FROM policies WHERE resource = ?", request.resource)
        return policy_pb2.Policy.FromString(rows[0][0]) if rows else policy_pb2.Policy()

    def TestIamPermissions(self, request: Any, _: Any) -> Any:
        return iam_policy_pb2.TestIamPermissionsResponse(permissions=request.permissions)


def _page(names: list[str], request: Any) -> tuple[list[str], str]:
    """The names after the page token, which is the last name of the page before, and the next token."""
    rest = [name for name in names if name > request.page_token]
    size = request.page_size or _PAGE
    return rest[:size], rest[size - 1] if len(rest) > size else ""


def _request_type(method: str) -> Any:
    whole = {"CreateTopic": TopicBody, "CreateSubscription": SubscriptionBody}
    if method in whole:
        return whole[method]
    return getattr(iam_policy_pb2, f"{method}Request", None) or raw(f"{method}Request")


def _answer(method: Callable[[Any, Any], Any], database: Database) -> Callable[[Any, Any], Any]:
    def answer(request: Any, context: Any) -> bytes:
        try:
            # The lock, so that no answer is serialized while another thread changes what it shows.
            if method.__name__ == "Publish":
                return bytes(method(request, context).SerializeToString())
            with database.lock:
                return bytes(method(request, context).SerializeToString())
        except Refused as refused:
            context.abort(refused.code, refused.message)
            raise

    return answer


def _stream(method: Callable[[Any, Any], Iterator[Any]]) -> Callable[[Any, Any], Iterator[bytes]]:
    def answer(requests: Any, context: Any) -> Iterator[bytes]:
        try:
            for response in method(requests, context):
                yield response.SerializeToString()
        except Refused as refused:
            context.abort(refused.code, refused.message)

    return answer


def serve(database: Database, registry: Registry, backlog: Backlog, host: str, port: int) -> tuple[grpc.Server, int]:
    """Start to answer; the server and its port. Raises RuntimeError where the port is taken."""
    server = grpc.server(
        futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="rpc"),
        options=[
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ],
    )
    services = {
        "google.pubsub.v1.Publisher": Publisher(registry, backlog),
        "google.pubsub.v1.Subscriber": Subscriber(database, registry, backlog),
        "google.iam.v1.IAMPolicy": Policies(database),
    }
    for name, service in services.items():
        handlers = {}
        for method in (m for m in dir(service) if m[0].isupper()):
            function = getattr(service, method)
            if method == "StreamingPull":
                deserialize = _request_type(method).FromString
                handlers[method] = grpc.stream_stream_rpc_method_handler(_stream(function), deserialize)
            else:
                handlers[method] = grpc.unary_unary_rpc_method_handler(
                    _answer(function, database), _request_type(method).FromString
                )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
    bound = server.add_insecure_port(f"{host}:{port}")
    server.start()
    return server, bound

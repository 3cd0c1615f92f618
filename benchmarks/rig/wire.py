"""Listens on the wire: stands between functions and the local Firestore and Pub/Sub, and names what passes.

It forwards bytes and changes nothing, so what it counts is what Google would bill: each document read or written by its
collection, each message by its topic.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent import futures
from types import TracebackType
from typing import Any

import grpc
from google.cloud.firestore_v1.types import firestore, write
from google.pubsub_v1.types import PublishRequest

_STREAMED = ("BatchGetDocuments", "RunQuery", "RunAggregationQuery")


class Tap:
    """One proxy before one engine; `seen` counts by name since the last `take`. A context manager."""

    def __init__(self, engine: str) -> None:
        self.seen: Counter[str] = Counter()
        self._channel = grpc.insecure_channel(engine)
        self._server = grpc.server(futures.ThreadPoolExecutor(16))
        self._server.add_generic_rpc_handlers((_Handler(self._channel, self.seen),))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> "Tap":
        self._server.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.stop(None).wait()
        self._channel.close()

    def take(self) -> Counter[str]:
        """What has passed since the last time."""
        seen = self.seen.copy()
        self.seen.clear()
        return seen


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, channel: Any, seen: Counter[str]) -> None:
        self._channel = channel
        self._seen = seen

    def service(self, details: Any) -> Any:
        """Forward a call of one request."""
        method = details.method
        name = method.rsplit("/", 1)[-1]
        metadata = [pair for pair in details.invocation_metadata if not pair[0].startswith("grpc-")]
        if name in _STREAMED:

            def stream(request: bytes, context: Any) -> Iterator[bytes]:
                self._seen.update(_named(name, request))
                yield from self._forwarded(self._channel.unary_stream(method)(request, metadata=metadata), context)

            return grpc.unary_stream_rpc_method_handler(stream)

        def call(request: bytes, context: Any) -> bytes:
            self._seen.update(_named(name, request))
            return self._one(lambda: self._channel.unary_unary(method)(request, metadata=metadata), context)

        return grpc.unary_unary_rpc_method_handler(call)

    def _forwarded(self, answers: Any, context: Any) -> Iterator[bytes]:
        try:
            yield from answers
        except grpc.RpcError as error:
            _fail(error, context)

    def _one(self, call: Callable[[], bytes], context: Any) -> bytes:
        try:
            return call()
        except grpc.RpcError as error:
            _fail(error, context)
            raise


def _fail(error: Any, context: Any) -> None:
    context.set_trailing_metadata(error.trailing_metadata())
    context.abort(error.code(), error.details())


def _named(method: str, request: bytes) -> Counter[str]:
    """The operations of one request, as "read turns", "write events", "publish usage-recorded"."""
    found: Counter[str] = Counter({f"call {method}": 1})
    if method == "BatchGetDocuments":
        for path in firestore.BatchGetDocumentsRequest.deserialize(request).documents:
            found[f"read {_collection(path)}"] += 1
    elif method == "Commit":
        for one in firestore.CommitRequest.deserialize(request).writes:
            found[f"write {_collection(_path(one))}"] += 1
    elif method == "RunQuery":
        queried = firestore.RunQueryRequest.deserialize(request).structured_query
        found[f"query {queried.from_[0].collection_id}"] += 1
    elif method == "Publish":
        sent = PublishRequest.deserialize(request)
        found[f"publish {sent.topic.rsplit('/', 1)[-1]}"] += len(sent.messages)
    return found


def _path(one: write.Write) -> str:
    return str(one.update.name or one.delete or one.transform.document)


def _collection(path: str) -> str:
    parts = path.split("/")
    return parts[-2] if len(parts) > 1 else path

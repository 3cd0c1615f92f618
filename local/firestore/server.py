"""Firestore on the wire: gRPC handlers for the methods of `requests`, without generated code."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc
from google.cloud.firestore_v1 import types

from local.firestore.errors import Refused
from local.firestore.listen import Listener
from local.firestore.protocol import plain
from local.firestore.requests import Requests
from local.firestore.store import Store
from local.firestore.transactions import Transactions

_LOG = logging.getLogger(__name__)
_UNARY = (
    "BeginTransaction", "Rollback", "Commit", "BatchWrite", "ListDocuments", "ListCollectionIds", "PartitionQuery",
)  # fmt: skip
_STREAMING = ("BatchGetDocuments", "RunQuery", "RunAggregationQuery")
_THREADS = 1024  # a thread each for requests under way: some wait for locks, and every Listen stream has one
_MAX_STREAMS = 512
_MAX_MESSAGE = 64 * 1024 * 1024


def _refuse(context: grpc.ServicerContext, error: Exception) -> None:
    """End the call with the error's status. What we did not foresee gets one that clients do not retry."""
    if isinstance(error, Refused):
        context.abort(error.code, error.message)
    _LOG.error("A request failed.", exc_info=error)
    context.abort(grpc.StatusCode.UNKNOWN, f"The local Firestore failed: {error!r}")


def _unary(method: Callable[[Any], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
    def handle(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(request)
        except Exception as error:  # noqa: BLE001 - the client is told, the log has the trace
            _refuse(context, error)

    return handle


def _streaming(method: Callable[[Any], list[Any]]) -> Callable[[Any, grpc.ServicerContext], Iterator[Any]]:
    def handle(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            answers = method(request)
        except Exception as error:  # noqa: BLE001 - the client is told, the log has the trace
            _refuse(context, error)
        else:
            yield from answers

    return handle


def _listening(store: Store) -> Callable[[Iterator[Any], grpc.ServicerContext], Iterator[Any]]:
    places = threading.BoundedSemaphore(_MAX_STREAMS)

    def handle(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        if not places.acquire(blocking=False):
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many Listen streams for the local Firestore.")
        try:
            listener = Listener(store)
            context.add_callback(listener.close)
            yield from listener.responses(requests)
        finally:
            places.release()

    return handle


def _printed(message: Any) -> bytes:
    printed: bytes = message.SerializeToString()
    return printed


def handlers(requests: Requests, store: Store) -> grpc.GenericRpcHandler:
    """The service google.firestore.v1.Firestore; methods that are not here answer UNIMPLEMENTED."""
    methods: dict[str, grpc.RpcMethodHandler] = {}
    for name in _UNARY:
        parse = plain(getattr(types, f"{name}Request")).FromString
        methods[name] = grpc.unary_unary_rpc_method_handler(_unary(getattr(requests, name)), parse, _printed)
    for name in _STREAMING:
        parse = plain(getattr(types, f"{name}Request")).FromString
        methods[name] = grpc.unary_stream_rpc_method_handler(_streaming(getattr(requests, name)), parse, _printed)
    parse = plain(types.ListenRequest).FromString
    methods["Listen"] = grpc.stream_stream_rpc_method_handler(_listening(store), parse, _printed)
    return grpc.method_handlers_generic_handler("google.firestore.v1.Firestore", methods)


def serve(store: Store, transactions: Transactions, address: str) -> tuple[grpc.Server, int]:
    """A running server and its port; raises RuntimeError when the address (`host:port`) is taken."""
    server = grpc.server(
        futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="firestore"),
        options=[
            ("grpc.max_receive_message_length", _MAX_MESSAGE),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ],
    )
    server.add_generic_rpc_handlers((handlers(Requests(store, transactions), store),))
    port = server.add_insecure_port(address)
    server.start()
    return server, port

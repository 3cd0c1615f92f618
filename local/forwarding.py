"""Passes a request on to another server and its answer back, as gateway and IAM front both do.

The request body is read first (Google bounds it at 32 MB anyway), which leaves `receive` free to tell when the client
goes away; then the connection to the server is closed at once, so that a model's stream ends when nobody reads it.
The answer passes through piece by piece as it comes.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import httpx2

from local.serving import Receive, Scope, Send

MAX_REQUEST_BYTES = 32 * 1024 * 1024
_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
_RESET = (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError)

Headers = list[tuple[bytes, bytes]]
ErrorBody = Callable[[int, str], tuple[bytes, bytes]]


class TooLarge(Exception):
    """The request's body is over the limit."""


class Gone(Exception):
    """The client left before its request was complete."""


class Cut(Exception):
    """An answer that had begun was cut off; the server closes the client's connection on it."""


@dataclass(frozen=True)
class Outgoing:
    """What is sent on: `target` is path and query as bytes, never decoded on the way."""

    method: str
    address: str
    target: bytes
    headers: Headers
    body: bytes


async def read_body(scope: Scope, receive: Receive, limit: int = MAX_REQUEST_BYTES) -> bytes:
    """The whole request body. Raises TooLarge or Gone."""
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > limit:
            raise TooLarge
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise TooLarge
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def passing_headers(headers: Headers) -> Headers:
    """The headers that a proxy may pass on; Host and Content-Length are made anew."""
    return [(n, v) for n, v in headers if n not in _HOP_BY_HOP and n not in (b"host", b"content-length")]


async def reply(send: Send, status: int, body: bytes, content_type: bytes, extra: Headers | None = None) -> int:
    """A whole answer of our own; returns its status."""
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *(extra or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    return status


class Forwarder:
    """A pool of connections to the servers behind.

    `idle_seconds` must be less than the time after which those servers close an idle connection. `retry_resets` sends
    a request once more when its connection broke before any answer, whatever its method, as Envoy's default does.
    `connect_patience` is for how many seconds a refused connection is tried again: a server that is just starting.
    """

    def __init__(self, idle_seconds: float, *, retry_resets: bool = False, connect_patience: float = 0) -> None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=256, keepalive_expiry=idle_seconds)
        self._transport = httpx2.AsyncHTTPTransport(limits=limits, trust_env=False)
        self._retry_resets = retry_resets
        self._connect_patience = connect_patience

    async def exchange(
        self, outgoing: Outgoing, receive: Receive, send: Send, *, seconds: float, error: ErrorBody
    ) -> int:
        """Send `outgoing`, pass the answer to `send`, and return its status.

        `seconds` bound the complete answer: before it has begun the client gets 504, afterwards it is cut. Answers 503
        where the server cannot be reached. Returns 499 when the client left. `error` gives body and type of our own
        answers.
        """
        state = _Answer(send)
        leaving = asyncio.ensure_future(_left(receive))
        working = asyncio.ensure_future(self._relay(outgoing, state))
        try:
            await asyncio.wait({leaving, working}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                failure = working.exception()
                if failure is None:
                    return state.status
                if not isinstance(failure, httpx2.TransportError):
                    raise failure
                return await _failed(state, 503, _reset_reason(failure), error)
            if leaving.done():
                return 499
            await _stopped(working)
            return await _failed(state, 504, "upstream request timeout", error)
        finally:
            leaving.cancel()
            await _stopped(working)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _relay(self, outgoing: Outgoing, state: "_Answer") -> None:
        response = await self._send(outgoing)
        try:
            # The server that sends the answer to the client dates it.
            headers = [(n.lower(), v) for n, v in response.headers.raw if n.lower() not in _HOP_BY_HOP | {b"date"}]
            await state.start(response.status_code, headers)
            async for part in response.aiter_raw():
                await state.part(part)
            await state.end()
        finally:
            await response.aclose()

    async def _send(self, outgoing: Outgoing) -> httpx2.Response:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._connect_patience
        resets_left = 1 if self._retry_resets else 0
        while True:
            try:
                return await self._transport.handle_async_request(
                    httpx2.Request(
                        outgoing.method,
                        outgoing.address,
                        headers=outgoing.headers,
                        content=outgoing.body,
                        extensions={"target": outgoing.target, "timeout": {"connect": 5.0}},
                    )
                )
            except httpx2.ConnectError:
                if loop.time() >= give_up and not resets_left:
                    raise
                resets_left -= loop.time() >= give_up
            except _RESET:
                if not resets_left:
                    raise
                resets_left -= 1
            await asyncio.sleep(0.05)


class _Answer:
    """What the client has been sent so far."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.status = 0

    async def start(self, status: int, headers: Headers) -> None:
        self.status = status
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def part(self, data: bytes) -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _stopped(task: "asyncio.Future[None]") -> None:
    """Cancel a task and wait until it has closed what it held."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})


async def _failed(state: _Answer, status: int, reason: str, error: ErrorBody) -> int:
    if state.status:
        raise Cut(reason)
    body, content_type = error(status, reason)
    return await reply(state.send, status, body, content_type)


def _reset_reason(failure: BaseException) -> str:
    reset = "connection failure" if isinstance(failure, httpx2.ConnectError) else "connection termination"
    return f"upstream connect error or disconnect/reset before headers. reset reason: {reset}"

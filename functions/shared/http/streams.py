"""Server-sent events over WSGI: heartbeats while the model thinks, and a prompt end when the client leaves.

The handler's generator runs in a thread of its own and feeds a queue; the server's thread writes. So a silent model
does not stop the heartbeat, and a lost client is noticed within a second: by a write that fails, or by its socket
being closed, at which a look is taken whenever there is nothing to write. Then the generator is closed, and the
request ends only after its `finally` has run, because Cloud Run gives no CPU afterwards.
"""

import contextvars
import queue
import select
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from functions.shared import clock, logs
from functions.shared.errors import Problem
from functions.shared.http.messages import Event, Stream

HEARTBEAT_SECONDS = 15.0
_LOOK_SECONDS = 0.5
_HEARTBEAT = b": still here\n\n"


class Pump:
    """The response body of a `Stream`: an iterator of bytes for the server, with `close` for when it has ended."""

    def __init__(
        self, stream: Stream, request_id: str, environ: dict[str, Any], ended: Callable[[str], None], heartbeat: float
    ) -> None:
        self._stream = stream
        self._request_id = request_id
        self._socket = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
        self._ended = ended
        self._heartbeat = heartbeat
        self._queue: queue.Queue[bytes | None] = queue.Queue(maxsize=64)
        self._gone = threading.Event()
        self._outcome = "complete"
        self._closed = False
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._produce,), name="stream", daemon=True)
        self._thread.start()

    def _produce(self) -> None:
        try:
            for event in self._stream.events:
                self._queue.put(event.encode())
                if self._gone.is_set():
                    break
        except Problem as found:
            self._outcome = found.code
            self._queue.put(Event("error", found.body(self._request_id)).encode())
        except Exception as error:  # noqa: BLE001 - an answer has begun: the client gets an event, the log the stack trace
            if self._gone.is_set():
                logs.info("A stream broke off after its client had left", reason=type(error).__name__)
            else:
                self._outcome = "internal"
                logs.error("A stream failed", error)
                self._queue.put(Event("error", Problem().body(self._request_id)).encode())
        finally:
            self._finish()
            self._queue.put(None)

    def _finish(self) -> None:
        close = getattr(self._stream.events, "close", None)
        if close is None:
            return
        try:
            close()
        except Exception as error:  # noqa: BLE001 - the stream has ended either way; what failed is in the log
            self._outcome = "internal"
            logs.error("A stream failed while it was closed", error)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._closed:
            raise StopIteration
        quiet_since = clock.monotonic()
        while True:
            try:
                chunk = self._queue.get(timeout=min(_LOOK_SECONDS, self._heartbeat))
            except queue.Empty:
                if self._client_left():
                    self._leave()
                    raise StopIteration from None
                if clock.monotonic() - quiet_since >= self._heartbeat:
                    return _HEARTBEAT
                continue
            if chunk is None:
                self._end()
                raise StopIteration
            return chunk

    def _client_left(self) -> bool:
        if not isinstance(self._socket, socket.socket) or not hasattr(select, "poll"):
            return False
        try:
            look = select.poll()
            look.register(self._socket, select.POLLIN)
            return bool(look.poll(0)) and self._socket.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True

    def _leave(self) -> None:
        """Stop the generator and wait until it has put everything in order."""
        self._gone.set()
        if self._stream.cancel is not None:
            try:
                self._stream.cancel()
            except Exception as error:  # noqa: BLE001 - a connection that cannot be closed ends by its own deadline
                logs.warning("A stream's cancel failed", reason=type(error).__name__)
        while self._queue.get() is not None:
            pass
        if self._outcome == "complete":
            self._outcome = "client_left"
        self._end()

    def _end(self) -> None:
        if not self._closed:
            self._closed = True
            self._thread.join()
            self._ended(self._outcome)

    def close(self) -> None:
        """Called by the server when the response has ended, for whatever reason."""
        if not self._closed:
            self._leave()

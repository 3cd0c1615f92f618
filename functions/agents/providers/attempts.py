"""How long and how often a provider is tried: exact deadlines, cancelling, and repeats only while nothing has come.

A read time-out counts from the last byte, so a server that sends a byte now and then outlives it. `Cut` therefore shuts
the connection from a timer, which also ends a read that is waiting; a `Cancellation` does the same from any thread.
"""

import random
import socket
import threading
import time
from collections.abc import Callable, Generator
from types import TracebackType
from typing import TypeVar

from functions.agents.providers.errors import ModelTimeout, ModelUnavailable
from functions.agents.providers.models import StreamItem

CONNECT_SECONDS = 5.0

Answer = TypeVar("Answer")


def remaining(deadline: float) -> float:
    """The seconds until the deadline.

    Raises:
        ModelTimeout: there are none.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise ModelTimeout("the deadline has passed")
    return left


class Cancellation:
    """Lets another thread end a call that is waiting for a provider. It works once and for good."""

    def __init__(self) -> None:
        """Not cancelled."""
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._action: Callable[[], None] | None = None

    def cancel(self) -> None:
        """End what is running, and everything that would begin later."""
        with self._lock:
            self._event.set()
            action = self._action
        if action is not None:
            action()

    def attach(self, action: Callable[[], None] | None) -> None:
        """Say what ends the call that runs now, or None when none does."""
        with self._lock:
            self._action = action
            late = action is not None and self._event.is_set()
        if late and action is not None:
            action()

    def pause(self, seconds: float) -> None:
        """Wait, unless cancelled.

        Raises:
            ModelTimeout: cancelled.
        """
        if self._event.wait(seconds):
            raise ModelTimeout("cancelled")


class Cut:
    """Ends one connection when the deadline comes: `with Cut(deadline) as cut: … cut.attach(shutdown) …`."""

    def __init__(self, deadline: float, cancellation: Cancellation | None = None) -> None:
        """Armed from `with` on."""
        self._cancellation = cancellation
        self._lock = threading.Lock()
        self._shutdown: Callable[[], None] | None = None
        self._over = False
        self.fired = False
        self._timer = threading.Timer(remaining(deadline), self._fire)
        self._timer.daemon = True

    def __enter__(self) -> "Cut":
        """Start the clock."""
        self._timer.start()
        if self._cancellation is not None:
            self._cancellation.attach(self._fire)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Stop the clock; from here on the connection may serve someone else and is not touched."""
        if self._cancellation is not None:
            self._cancellation.attach(None)
        with self._lock:
            self._over = True
        self._timer.cancel()

    def attach(self, shutdown: Callable[[], None]) -> None:
        """Say how the connection is shut; at once if the deadline has passed meanwhile."""
        with self._lock:
            self._shutdown = shutdown
            late = self.fired
        if late:
            self._run(shutdown)

    def _fire(self) -> None:
        with self._lock:
            if self._over:
                return
            self.fired = True
            if self._shutdown is not None:
                self._run(self._shutdown)

    @staticmethod
    def _run(shutdown: Callable[[], None]) -> None:
        try:
            shutdown()
        except (OSError, ValueError):  # closed already, by us or by the other side
            return


def shut(connection: socket.socket) -> None:
    """End both directions below TLS, so that a read in another thread returns now."""
    socket.socket.shutdown(connection, socket.SHUT_RDWR)


def retrying(
    attempt: Callable[[Cancellation], Generator[StreamItem, None, None]],
    deadline: float,
    attempts: int,
    pause: float,
    cancellation: Cancellation | None = None,
) -> Generator[StreamItem, None, None]:
    """The items of the first attempt that gives any; up to `attempts` tries with growing, jittered pauses.

    Once an item has come, the provider bills the call, so a later failure is final.
    """
    cancellation = cancellation or Cancellation()
    for number in range(1, attempts + 1):
        items = attempt(cancellation)
        started = False
        try:
            for item in items:
                started = True
                yield item
            return
        except ModelUnavailable as problem:
            wait = pause_before(number, problem, pause)
            if started or number == attempts or time.monotonic() + wait >= deadline:
                raise
        finally:
            items.close()
        cancellation.pause(wait)


def retried(call: Callable[[], Answer], deadline: float, attempts: int, pause: float) -> Answer:
    """As `retrying`, for a call with one answer."""
    number = 1
    while True:
        try:
            return call()
        except ModelUnavailable as problem:
            wait = pause_before(number, problem, pause)
            if number >= attempts or time.monotonic() + wait >= deadline:
                raise
        time.sleep(wait)
        number += 1


def pause_before(number: int, problem: ModelUnavailable, pause: float) -> float:
    """Seconds to wait after failed try `number`: the provider's wish, or `pause` doubled each time."""
    # Jitter spreads clients that failed together; it needs no secrecy.
    backoff = pause * 2.0 ** (number - 1) * random.uniform(0.5, 1.5)  # noqa: S311
    return max(problem.retry_after or 0.0, backoff)

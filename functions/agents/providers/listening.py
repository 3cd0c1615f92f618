"""Listens to a model without being deaf to the visitor: a pulse while the model is silent, and an end at any moment.

A thinking model may say nothing for half a minute. Whoever answers a browser must write a heartbeat meanwhile, and
notice that the browser has gone. So the model is read in a thread of its own, and everything that came is kept for the
bill, also what nobody took any more.
"""

import queue
import threading
from collections.abc import Iterator
from types import TracebackType

from functions.agents.providers.attempts import Cancellation
from functions.agents.providers.models import (
    ModelRequest,
    Provider,
    StreamItem,
    TextDelta,
    Usage,
    UsageReport,
    interrupted_usage,
)

_END_SECONDS = 0.5


class Listening:
    """`with Listening(provider, request, deadline, pulse=15) as items: for item in items: …`.

    Gives the provider's items, and None after each `pulse` seconds of silence. Errors are the provider's.
    """

    def __init__(self, provider: Provider, request: ModelRequest, deadline: float, pulse: float) -> None:
        """Starts the call at once."""
        self._request = request
        self._pulse = pulse
        self._cancellation = Cancellation()
        self._items: queue.SimpleQueue[StreamItem | BaseException | None] = queue.SimpleQueue()
        self._usage: Usage | None = None
        self._texts: list[str] = []
        self._ended = False
        self._thread = threading.Thread(target=self._read, args=(provider, deadline), name="listening", daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        """Everything that the model has said so far, taken or not."""
        return "".join(self._texts)

    def usage(self, *, thinks: bool) -> Usage:
        """What to bill: the last report of a stream that ended properly, else that report completed by an estimate."""
        if self._ended:
            return self._usage or Usage()
        return interrupted_usage(self._request, self._usage, self.text, thinks=thinks)

    def __iter__(self) -> Iterator[StreamItem | None]:
        """The items, with None for each pulse of silence."""
        while True:
            try:
                item = self._items.get(timeout=self._pulse)
            except queue.Empty:
                yield None
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """End the call now, whatever it is doing; afterwards `text` and `usage` are final."""
        self._cancellation.cancel()
        self._thread.join(_END_SECONDS)

    def __enter__(self) -> "Listening":
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close."""
        self.close()

    def _read(self, provider: Provider, deadline: float) -> None:
        try:
            for item in provider.stream(self._request, deadline, self._cancellation):
                if isinstance(item, UsageReport):
                    self._usage = item.usage
                elif isinstance(item, TextDelta):
                    self._texts.append(item.text)
                self._items.put(item)
            self._ended = True
            self._items.put(None)
        except BaseException as problem:  # noqa: BLE001 - it is raised again in the thread that listens
            self._items.put(problem)

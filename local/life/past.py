"""The clock of the demo's data: it stands where the story is, and goes on only when the story or a model says so."""

import threading
from datetime import datetime, timedelta

_PATIENCE = 5.0


class Past:
    """A time that is set, never back. Of two threads, as a model and its listener are, each call is safe."""

    def __init__(self, begins: datetime) -> None:
        self._began = begins
        self._now = begins
        self._heard = threading.Event()
        self._awaited = False

    def now(self) -> datetime:
        """Where the story is."""
        return self._now

    def seconds(self) -> float:
        """The same as seconds since the story began, for latencies."""
        if self._awaited:
            self._awaited = False
            self._heard.set()
        return (self._now - self._began).total_seconds()

    def reach(self, moment: datetime) -> None:
        """Go on to this moment; one that is over is as good as now."""
        self._now = max(self._now, moment)

    def pass_by(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._now += timedelta(seconds=seconds)

    def expect_a_look(self) -> None:
        """From now on `wait_for_a_look` waits for the next call of `seconds`."""
        self._heard.clear()
        self._awaited = True

    def wait_for_a_look(self) -> None:
        """Wait until somebody has looked at the clock: a model's first word is heard before the second is said."""
        self._heard.wait(_PATIENCE)
        self._awaited = False

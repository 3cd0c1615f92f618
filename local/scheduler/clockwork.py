"""Runs jobs when they are due: a thread for each, so that a slow one delays no other and never overlaps itself."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from local.oidc import Tokens
from local.scheduler.jobs import Job, rfc3339, succeeded

_LOG = logging.getLogger("scheduler")
_RETRIES = 5
# A laptop sleeps, and its waiting threads with it: the wall clock is looked at again at least this often, in seconds.
_LOOK = 15.0


def now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


class Clockwork:
    """The running schedules."""

    def __init__(
        self,
        jobs: list[Job],
        tokens: Tokens,
        account: str,
        *,
        backoff: float = 5.0,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """`backoff` is the wait before the first retry in seconds; each further one is twice as long."""
        self._jobs = jobs
        self._tokens = tokens
        self._account = account
        self._backoff = backoff
        self._clock = clock
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin; returns at once."""
        for job in self._jobs:
            threading.Thread(target=self._run, args=(job,), name=f"schedule {job.name}", daemon=True).start()

    def stop(self) -> None:
        """Start nothing more."""
        self._stopped.set()

    def _run(self, job: Job) -> None:
        while not self._stopped.is_set():
            at = next(job.due(self._clock()))
            if self._wait_until(at):
                # Times that passed while the machine slept or the job ran are left out, as in the cloud.
                self.fire(job, at)

    def _wait_until(self, moment: datetime) -> bool:
        """Wait for a time of the wall clock; False where the scheduler stops before."""
        while (rest := (moment - self._clock()).total_seconds()) > 0:
            if self._stopped.wait(min(rest, _LOOK)):
                return False
        return True

    def fire(self, job: Job, at: datetime) -> bool:
        """Run a job for one schedule time, with up to five retries; whether it succeeded."""
        for attempt in range(_RETRIES + 1):
            answer = job.fire(at, self._tokens, self._account)
            if succeeded(answer):
                _LOG.info("%s for %s: %d", job.name, rfc3339(at), answer.status)
                return True
            _LOG.warning(
                "%s for %s: attempt %d got %s: %s",
                job.name, rfc3339(at), attempt + 1, answer.status or "no answer", answer.body[:200],
            )  # fmt: skip
            if attempt == _RETRIES or self._stopped.wait(self._backoff * 2**attempt):
                break
        return False

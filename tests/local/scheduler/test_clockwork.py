"""Schedules run when they are due, are repeated when they fail, and not for ever."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.oidc import Tokens
from local.scheduler.clockwork import Clockwork
from local.scheduler.jobs import Job
from tests.local.standins import Identity, listening


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[Tokens]:
    identity = Identity(tmp_path)
    yield Tokens(identity.url, identity.credentials)
    identity.listener.close()


def test_a_job_is_fired_when_its_time_comes_with_that_time(tokens: Tokens) -> None:
    started = datetime.now(UTC)
    shift = datetime(2026, 12, 31, 23, 59, 59, 900_000, tzinfo=UTC) - started
    with listening() as listener:
        job = Job("yearly", "0 0 1 1 *", listener.url, "/schedules/yearly", 5)
        clockwork = Clockwork([job], tokens, "scheduler@p", clock=lambda: datetime.now(UTC) + shift)
        clockwork.start()
        [received] = listener.wait(lambda r: len(r) == 1)
        clockwork.stop()
    assert received.headers["X-CloudScheduler-ScheduleTime"] == "2027-01-01T00:00:00Z"
    assert datetime.now(UTC) - started >= timedelta(seconds=0.1)


def test_a_failing_job_is_repeated_until_it_succeeds_with_the_same_time(tokens: Tokens) -> None:
    with listening() as listener:
        listener.answer = lambda _: (200 if len(listener.requests) == 3 else 500, b"")
        job = Job("x", "* * * * *", listener.url, "/", 5)
        at = datetime(2027, 1, 1, tzinfo=UTC)
        assert Clockwork([job], tokens, "scheduler@p", backoff=0.01).fire(job, at)
        times = {r.headers["X-CloudScheduler-ScheduleTime"] for r in listener.requests}
    assert len(listener.requests) == 3
    assert times == {"2027-01-01T00:00:00Z"}


def test_a_job_that_never_succeeds_is_given_up_after_five_repeats(tokens: Tokens) -> None:
    with listening(lambda _: (500, b"")) as listener:
        job = Job("x", "* * * * *", listener.url, "/", 5)
        assert not Clockwork([job], tokens, "scheduler@p", backoff=0.001).fire(job, datetime(2027, 1, 1, tzinfo=UTC))
    assert len(listener.requests) == 6

"""When the catalogue's schedules are due, and what their request looks like."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from local.deployments import read_catalogue
from local.oidc import Tokens
from local.scheduler.jobs import Job, ScheduleError, account, jobs, rfc3339, succeeded
from tests.engines import ROOT
from tests.local.standins import Identity, listening

CATALOGUE = read_catalogue(ROOT / "infra" / "catalogue.yaml")
ADDRESSES = dict.fromkeys(CATALOGUE["deployments"], "http://127.0.0.1:1")
ACCOUNT = account("agenthub-local")


@pytest.fixture
def identity(tmp_path: Path) -> Iterator[Identity]:
    identity = Identity(tmp_path)
    yield identity
    identity.listener.close()


def test_the_daily_close_is_due_ten_minutes_into_each_utc_day() -> None:
    [close] = [job for job in jobs(CATALOGUE, ADDRESSES) if job.name == "billing-close"]
    after = datetime(2026, 12, 31, 19, 0, tzinfo=timezone(timedelta(hours=-5)))
    due = [rfc3339(at) for at in itertools.islice(close.due(after), 3)]
    assert due == ["2027-01-01T00:10:00Z", "2027-01-02T00:10:00Z", "2027-01-03T00:10:00Z"]
    assert close.timeout == 540


def test_a_time_that_is_due_now_is_not_due_again() -> None:
    job = Job("x", "*/10 * * * *", "http://a", "/", 1)
    at = next(job.due(datetime(2026, 1, 1, 0, 9, 59, tzinfo=UTC)))
    assert next(job.due(at)) == at + timedelta(minutes=10)


def test_the_request_carries_schedule_time_name_and_token(identity: Identity) -> None:
    tokens = Tokens(identity.url, identity.credentials)
    with listening(lambda _: (200, b"closed")) as listener:
        job = Job("billing-close", "10 0 * * *", listener.url, "/schedules/billing-close", 5)
        answer = job.fire(datetime(2027, 1, 1, 0, 10, tzinfo=UTC), tokens, ACCOUNT)
        [received] = listener.requests
    assert succeeded(answer)
    assert answer.body == "closed"
    assert received.path == "/schedules/billing-close"
    assert received.body == b""
    assert received.headers["X-CloudScheduler"] == "true"
    assert received.headers["X-CloudScheduler-ScheduleTime"] == "2027-01-01T00:10:00Z"
    assert received.headers["X-CloudScheduler-JobName"] == "billing-close"
    assert (
        identity.claims(received, listener.url)["email"] == "agenthub-scheduler@agenthub-local.iam.gserviceaccount.com"
    )


def test_without_a_token_the_deployment_is_not_called(identity: Identity) -> None:
    identity.broken = True
    tokens = Tokens(identity.url, identity.credentials)
    with listening() as listener:
        answer = Job("x", "* * * * *", listener.url, "/", 5).fire(datetime.now(UTC), tokens, ACCOUNT)
        assert listener.requests == []
    assert answer.status == 0
    assert not succeeded(answer)


@pytest.mark.parametrize(
    ("schedule", "addresses"),
    [
        ({"cron": "10 0 * *", "deployment": "billing-close", "path": "/"}, ADDRESSES),
        ({"cron": "61 0 * * *", "deployment": "billing-close", "path": "/"}, ADDRESSES),
        ({"cron": "10 0 * * *", "deployment": "billing-close", "path": "/"}, {}),
    ],
)
def test_a_schedule_that_cannot_run_is_named(schedule: dict[str, str], addresses: dict[str, str]) -> None:
    with pytest.raises(ScheduleError, match="Schedule nightly"):
        jobs({"schedules": {"nightly": schedule}}, addresses)

"""One schedule of the catalogue: when it is due, and the request that runs it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cronsim import CronSim, CronSimError

from local.deployments import Answer, post
from local.oidc import NoToken, Tokens


class ScheduleError(Exception):
    """A schedule cannot be run; the text says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """A schedule with the address that it calls; `timeout` is the attempt deadline in seconds."""

    name: str
    cron: str
    address: str
    path: str
    timeout: float

    def due(self, after: datetime) -> Iterator[datetime]:
        """The times in UTC when it is due after the given one, without end."""
        return CronSim(self.cron, after.astimezone(UTC))

    def fire(self, at: datetime, tokens: Tokens, account: str) -> Answer:
        """Call the deployment once for the schedule time `at`, with an ID token of `account`.

        Status 0 means that no answer came, or that no token could be had.
        """
        try:
            token = tokens.get(account, self.address)
        except NoToken as error:
            return Answer(0, str(error))
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/octet-stream",
            "User-Agent": "Google-Cloud-Scheduler",
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": self.name,
            "X-CloudScheduler-ScheduleTime": rfc3339(at),
        }
        answer = post(f"{self.address}{self.path}", b"", headers, self.timeout)
        if answer.status in (401, 403):
            tokens.forget(account, self.address)
        return answer


def succeeded(answer: Answer) -> bool:
    """Whether Cloud Scheduler counts this as done."""
    return 200 <= answer.status < 300


def account(project: str) -> str:
    """The service account that schedules call with."""
    return f"agenthub-scheduler@{project}.iam.gserviceaccount.com"


def rfc3339(moment: datetime) -> str:
    """A moment with a zone as Cloud Scheduler writes it: UTC with Z, whole seconds."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def jobs(catalogue: dict[str, Any], addresses: dict[str, str]) -> list[Job]:
    """The catalogue's schedules. Raises ScheduleError for a bad cron text or a deployment without address."""
    result = []
    for name, definition in catalogue.get("schedules", {}).items():
        deployment = definition["deployment"]
        if deployment not in addresses:
            raise ScheduleError(f"Schedule {name} calls {deployment}, whose address is not known.")
        try:
            CronSim(definition["cron"], datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise ScheduleError(f"Schedule {name}: {definition['cron']!r} is no cron text: {error}") from error
        timeout = catalogue.get("deployments", {}).get(deployment, {}).get("timeout", 60)
        result.append(Job(name, definition["cron"], addresses[deployment].rstrip("/"), definition["path"], timeout))
    return result

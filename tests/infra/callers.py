"""Who calls which deployment, by the catalogue, and by what it is told that a call has arrived."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Pair:
    """A deployment and who calls it; `by` is the subscription or schedule, empty for other callers."""

    deployment: str
    caller: str
    by: str = ""

    def __str__(self) -> str:
        return f"{self.deployment} < {self.caller}" + (f" {self.by}" if self.by else "")


@dataclass(frozen=True)
class Arrived:
    """The line of the called deployment's log: route, kind of caller, and the request's id where it is known."""

    route: str
    kind: str
    request_id: str | None = None
    alarms: bool = False


def pairs(content: Mapping[str, Any]) -> list[Pair]:
    """Every pair of a catalogue: of push one for each subscription, of the scheduler one for each schedule.

    A caller that has no subscription or schedule there is a pair too: nobody can write its request.
    """
    pushed = {name: one["push"]["deployment"] for name, one in content["subscriptions"].items() if "push" in one}
    scheduled = {name: one["deployment"] for name, one in content["schedules"].items()}
    found = {Pair(deployment, "push", name) for name, deployment in pushed.items()}
    found |= {Pair(deployment, "scheduler", name) for name, deployment in scheduled.items()}
    for deployment, entry in content["deployments"].items():
        for caller in entry["callers"]:
            if not any((one.deployment, one.caller) == (deployment, caller) for one in found):
                found.add(Pair(deployment, caller))
    return sorted(found)

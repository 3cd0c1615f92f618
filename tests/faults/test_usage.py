"""Consumers that are killed while they count lose nothing and count nothing twice."""

from pathlib import Path

from tests.cloud import Cloud
from tests.faults import usage


def quiet(what: str, done: int, of: int) -> None:
    """Nobody watches."""


def test_events_that_come_twice_to_consumers_that_are_killed_are_counted_once(house: Cloud, tmp_path: Path) -> None:
    size, log = usage.Size(events=60, workspaces=2, processes=1, kills=1), tmp_path / "log"
    town = usage.found_town(house, size, quiet)
    for deployment in ("billing-usage", "analytics-usage"):
        done = usage.deliver(deployment, town, size, log, quiet)
        assert (done.finished["done"], done.killed) == (72, 1)
    closed = usage.close(town, size, log, quiet, kills=0)
    assert closed.finished["done"] == 2
    assert usage.check(town)["events"] == 60

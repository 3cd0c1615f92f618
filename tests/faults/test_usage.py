"""Consumers that are killed while they count lose nothing and count nothing twice."""

from pathlib import Path

import pytest

from functions.billing import closing
from tests.cloud import Cloud
from tests.faults import usage


def quiet(what: str, done: int, of: int) -> None:
    """Nobody watches."""


@pytest.mark.timeout(300)  # Six processes start.
def test_events_that_come_twice_to_consumers_that_are_killed_are_counted_once(house: Cloud, tmp_path: Path) -> None:
    size, log = usage.Size(events=60, workspaces=2, processes=1, kills=1), tmp_path / "log"
    town = usage.found_town(house, size, quiet)
    for deployment in ("billing-usage", "analytics-usage"):
        done = usage.deliver(deployment, town, size, log, quiet)
        assert (done.finished["done"], done.killed) == (72, 1)
    for home in town.rows:
        closing.close(home, town.as_of)
    assert usage.check(town)["events"] == 60

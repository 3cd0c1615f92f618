"""The analytics' deployments at their real edge."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.analytics import benchmarks
from tests.cloud import Cloud
from tests.functions.google import google_of_package
from tests.functions.rooms import Google, Room, open_room

__all__ = ["google_of_package"]


@pytest.fixture
def room(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The deployment analytics-api."""
    return open_room("analytics-api", monkeypatch)


@pytest.fixture
def pushed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The deployment analytics-usage."""
    return open_room("analytics-usage", monkeypatch)


@pytest.fixture
def house(house: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The local cloud with its warehouse, which no test before has found away."""
    monkeypatch.setattr(benchmarks, "_away_until", 0.0)
    return house


@pytest.fixture
def writer(house: Cloud, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The deployment analytics-exports, with its warehouse."""
    return open_room("analytics-exports", monkeypatch)


@pytest.fixture
def signed_room(
    house: Cloud, google_of_package: Google, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Room]:
    """The deployment analytics-api, which signs addresses as its own account."""
    google_of_package.enter("analytics-api", monkeypatch, tmp_path)
    yield open_room("analytics-api", monkeypatch)
    google_of_package.leave()

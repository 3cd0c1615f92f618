"""The analytics' deployments at their real edge."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery as native

from functions.analytics import benchmarks
from functions.shared import bigquery
from tests import engines
from tests.cloud import PROJECT, Cloud
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


@pytest.fixture(scope="package")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Engine]:
    """A BigQuery with the catalogue's tables."""
    engine = engines.start("bigquery", tmp_path_factory.mktemp("bigquery"), "--project", PROJECT)
    yield engine
    engine.kill()


@pytest.fixture
def house(cloud: Cloud, warehouse: engines.Engine, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The local cloud with its warehouse; the client is the real one, but for the key that the supervisor would write."""
    address = f"http://{warehouse.address}"
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", address)
    client = native.Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": address})
    monkeypatch.setattr(bigquery, "client", lambda: client)
    monkeypatch.setattr(benchmarks, "_away_until", 0.0)
    return cloud


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

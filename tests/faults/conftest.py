"""The close compares with the warehouse, so the faults need one too."""

from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery as native

from functions.shared import bigquery
from tests import engines
from tests.cloud import PROJECT, Cloud


@pytest.fixture
def house(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The local cloud with a BigQuery that has the catalogue's tables."""
    engine = engines.start("bigquery", tmp_path_factory.mktemp("bigquery"), "--project", PROJECT)
    try:
        enter_warehouse(engine, monkeypatch)
        yield cloud
    finally:
        engine.kill()


def enter_warehouse(engine: engines.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this BigQuery the one that is asked, by the processes that are started from here too."""
    address = f"http://{engine.address}"
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", address)
    client = native.Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": address})
    monkeypatch.setattr(bigquery, "client", lambda: client)

"""Billing's tests also need the warehouse, which the close compares with."""

from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery as native

from functions.shared import bigquery, config
from tests import engines
from tests.cloud import PROJECT, Cloud
from tests.functions.billing.till import KEY, SECRET, Till


@pytest.fixture(scope="session")
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
    return cloud


@pytest.fixture(scope="session")
def card_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Engine]:
    """The local card service; its webhooks are read and delivered by the tests."""
    engine = engines.start("cards", tmp_path_factory.mktemp("cards"), "--key", KEY, "--secret", SECRET)
    yield engine
    engine.kill()


@pytest.fixture
def till(house: Cloud, card_service: engines.Engine, monkeypatch: pytest.MonkeyPatch) -> Till:
    """The card service, with the settings by which billing-api uses it."""
    till = Till(card_service)
    for name, value in till.settings().items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    return till

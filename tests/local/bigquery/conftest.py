"""A running local BigQuery, and Google's client on it."""

from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests import engines
from tests.local.bigquery.samples import PROJECT


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Engine]:
    running = engines.start("bigquery", tmp_path_factory.mktemp("bigquery"))
    yield running
    running.kill()


def connect(engine: engines.Engine) -> bigquery.Client:
    return bigquery.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": f"http://{engine.address}"},
    )


@pytest.fixture(scope="session")
def client(engine: engines.Engine) -> Iterator[bigquery.Client]:
    with connect(engine) as connected:
        yield connected

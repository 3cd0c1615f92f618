"""Two businesses in one city for all tests of the package: each asks much of them and changes as good as nothing."""

from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery as native

from functions.shared import bigquery
from tests import engines
from tests.cloud import PROJECT, Cloud
from tests.functions.rooms import Google
from tests.matrix.business import Business
from tests.matrix.city import City, opened


@pytest.fixture(scope="package")
def city(engines_of_session: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Every deployment, with the identity services and the warehouse."""
    identity = engines.start("identity", tmp_path_factory.mktemp("identity"), "--project", PROJECT)
    warehouse = engines.start("bigquery", tmp_path_factory.mktemp("bigquery"), "--project", PROJECT)
    address = f"http://{warehouse.address}"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", address)
        client = native.Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": address})
        monkeypatch.setattr(bigquery, "client", lambda: client)
        with opened(engines_of_session, Google(identity), tmp_path_factory.mktemp("city")) as city:
            yield city
    identity.kill()
    warehouse.kill()


@pytest.fixture(scope="package")
def ours(city: City) -> Business:
    """The workspace of those who ask."""
    return Business(city, "Linden Dental")


@pytest.fixture(scope="package")
def theirs(city: City) -> Business:
    """Another one, of which they must not learn anything."""
    return Business(city, "Oak Dental")

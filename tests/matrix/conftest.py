"""Two businesses in one city for all tests of the package: each asks much of them and changes as good as nothing."""

from collections.abc import Iterator

import pytest

from tests import engines
from tests.cloud import PROJECT, Cloud, enter_warehouse
from tests.functions.rooms import Google
from tests.matrix.business import Business
from tests.matrix.city import City, opened


@pytest.fixture(scope="package")
def city(
    engines_of_session: Cloud, warehouse: engines.Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[City]:
    """Every deployment, with the identity services and the warehouse."""
    identity = engines.start("identity", tmp_path_factory.mktemp("identity"), "--project", PROJECT)
    with pytest.MonkeyPatch.context() as monkeypatch:
        enter_warehouse(warehouse, monkeypatch)
        with opened(engines_of_session, Google(identity), tmp_path_factory.mktemp("city")) as city:
            yield city
    identity.kill()


@pytest.fixture(scope="package")
def ours(city: City) -> Business:
    """The workspace of those who ask."""
    return Business(city, "Linden Dental")


@pytest.fixture(scope="package")
def theirs(city: City) -> Business:
    """Another one, of which they must not learn anything."""
    return Business(city, "Oak Dental")

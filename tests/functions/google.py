"""The fixtures of tests that need signed tokens or people: one local identity server for each folder that asks for it."""

from collections.abc import Iterator

import pytest

from tests import cloud, engines
from tests.functions.rooms import Google


@pytest.fixture(scope="package")
def google_of_package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Google]:
    """The identity server, started when a test first asks for it."""
    google = Google(engines.start("identity", tmp_path_factory.mktemp("identity"), "--project", cloud.PROJECT))
    yield google
    google.engine.kill()

"""The wizard as its callers meet it: the real function behind the real edge, on the session's engines."""

from collections.abc import Iterator

import pytest

from functions.agents import connections
from functions.shared import config, firestore
from tests.cloud import Cloud
from tests.functions.agents.studio import Studio
from tests.functions.shared.http import callers


@pytest.fixture
def studio(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """A member of a fresh workspace at agents-api, with the offline model."""
    cloud.enter(monkeypatch, with_model=True)
    for name, value in {
        "DEPLOYMENT": "agents-api",
        "AGENTS_API_URL": callers.ADDRESS,
        "GOOGLE_CLOUD_PROJECT_ID": callers.PROJECT,
        "CALLERS": callers.account("gateway"),
    }.items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    firestore.client.cache_clear()
    connections.provider.cache_clear()
    yield Studio(callers.person("owner"))
    connections.provider.cache_clear()

"""The agents' room as its callers meet it: the wizard behind the real edge, and an agent that visitors talk to."""

from collections.abc import Iterator

import pytest

from functions.agents import connections
from functions.shared import config, firestore
from functions.shared.identity import WorkspaceId
from tests.cloud import PROJECT, Cloud
from tests.functions.agents.studio import Studio
from tests.functions.agents.talking import HOURS, Visitor, an_agent
from tests.functions.shared.http import callers


@pytest.fixture
def studio(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """A member of a fresh workspace at agents-api, with the offline model."""
    cloud.enter(monkeypatch, with_model=True)
    # The project in which the engines have their topics.
    monkeypatch.setattr(callers, "PROJECT", PROJECT)
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


@pytest.fixture
def talking(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The cloud with a model that answers."""
    cloud.enter(monkeypatch, with_model=True)
    connections.provider.cache_clear()
    yield cloud
    connections.provider.cache_clear()


@pytest.fixture
def workspace(cloud: Cloud) -> WorkspaceId:
    return cloud.workspace()


@pytest.fixture
def visitor(cloud: Cloud, workspace: WorkspaceId) -> Visitor:
    """A visitor of an active agent that knows its opening hours."""
    return Visitor(cloud, workspace, an_agent(workspace, knowledge=(HOURS,)))

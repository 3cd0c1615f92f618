"""The cloud with its offline model, for tests that talk to agents."""

from collections.abc import Iterator

import pytest

from functions.agents import chat_routes
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.agents.talking import HOURS, Visitor, an_agent


@pytest.fixture
def talking(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The cloud with a model that answers."""
    cloud.enter(monkeypatch, with_model=True)
    chat_routes.provider.cache_clear()
    yield cloud
    chat_routes.provider.cache_clear()


@pytest.fixture
def workspace(cloud: Cloud) -> WorkspaceId:
    return cloud.workspace()


@pytest.fixture
def visitor(cloud: Cloud, workspace: WorkspaceId) -> Visitor:
    """A visitor of an active agent that knows its opening hours."""
    return Visitor(cloud, workspace, an_agent(workspace, knowledge=(HOURS,)))

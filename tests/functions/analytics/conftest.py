"""The analytics' deployments at their real edge."""

import pytest

from tests.cloud import Cloud
from tests.functions.rooms import Room, open_room


@pytest.fixture
def room(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The deployment analytics-api."""
    return open_room("analytics-api", monkeypatch)


@pytest.fixture
def pushed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The deployment analytics-usage."""
    return open_room("analytics-usage", monkeypatch)

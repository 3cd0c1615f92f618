"""The deployment my-agents-api at its real edge."""

import pytest

from tests.cloud import Cloud
from tests.functions.rooms import Room, open_room


@pytest.fixture
def room(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The deployment."""
    return open_room("my-agents-api", monkeypatch)

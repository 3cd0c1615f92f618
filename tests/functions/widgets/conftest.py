"""The widgets' deployments at their real edge, with an identity service that signs sessions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.widgets import sessions
from tests.cloud import Cloud
from tests.functions.google import google_of_package
from tests.functions.rooms import Google, Room, open_room

__all__ = ["google_of_package"]


@pytest.fixture
def room(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The deployment widgets-api."""
    return open_room("widgets-api", monkeypatch)


@pytest.fixture
def google(
    google_of_package: Google, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Google]:
    """The identity services of this project; limiters begin anew."""
    google_of_package.enter("widgets-public", monkeypatch, tmp_path)
    monkeypatch.setattr(sessions, "by_address", sessions.Limiter(60))
    monkeypatch.setattr(sessions, "by_widget", sessions.Limiter(1200))
    monkeypatch.setattr(sessions, "by_both", sessions.Limiter(60))
    yield google_of_package
    google_of_package.leave()


@pytest.fixture
def public(google: Google, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The deployment widgets-public."""
    return open_room("widgets-public", monkeypatch)

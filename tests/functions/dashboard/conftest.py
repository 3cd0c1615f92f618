"""The dashboard's deployments at their real edge, with people who have signed up."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from functions.shared import ids
from tests.cloud import Cloud
from tests.functions.google import google_of_package
from tests.functions.rooms import Google, Room, open_room
from tests.functions.shared.http import callers

__all__ = ["google_of_package"]


@dataclass
class People:
    """Signs people up as the console does."""

    google: Google

    def sign_up(self, **claims: object) -> callers.Someone:
        """Somebody new, without a workspace; the address counts as verified."""
        url = f"http://{self.google.engine.address}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=local"
        form = {"email": f"{ids.secret(6)}@example.com", "password": "secret-1", "returnSecureToken": True}
        answer = requests.post(url, json=form, timeout=10).json()
        someone = callers.person(None, sub=answer["localId"], email_verified=True, name="Ann", **claims)
        del someone.claims["workspace_id"]
        return someone

    def claims(self, someone: callers.Someone) -> str:
        """The claims that the person's next token will have, as JSON."""
        from functions.dashboard.people import _post

        users = _post("accounts:lookup", {"localId": [someone.claims["sub"]]})["users"]
        return str(users[0].get("customAttributes", ""))


@pytest.fixture
def google(
    google_of_package: Google, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Google]:
    """The identity services of this project."""
    google_of_package.enter("dashboard-api", monkeypatch, tmp_path)
    yield google_of_package
    google_of_package.leave()


@pytest.fixture
def people(google: Google) -> People:
    """Where people sign up."""
    return People(google)


@pytest.fixture
def room(google: Google, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The deployment dashboard-api."""
    return open_room("dashboard-api", monkeypatch)

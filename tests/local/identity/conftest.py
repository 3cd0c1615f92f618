"""One identity server for the tests of this folder, asked over HTTP as its clients would."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from local.identity.keys import Keyring, write_key_file
from tests.engines import Engine, start

PROJECT = "agenthub-local"


@dataclass
class Identity:
    """A running server, its files, and short ways to call it."""

    engine: Engine
    folder: Path

    @property
    def url(self) -> str:
        return f"http://{self.engine.address}"

    @property
    def keyring(self) -> Keyring:
        return Keyring(self.folder / "data" / "keys")

    def call(self, name: str, body: dict[str, Any], bearer: str | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        url = f"{self.url}/identitytoolkit.googleapis.com/v1/accounts:{name}?key=local"
        return requests.post(url, json=body, headers=headers, timeout=10)

    def sign_up(self, email: str, password: str = "secret-1") -> dict[str, Any]:
        response = self.call("signUp", {"email": email, "password": password, "returnSecureToken": True})
        assert response.status_code == 200, response.text
        return response.json()

    def refresh(self, token: str) -> requests.Response:
        url = f"{self.url}/securetoken.googleapis.com/v1/token?key=local"
        return requests.post(url, data={"grant_type": "refresh_token", "refresh_token": token}, timeout=10)

    def key_file(self, name: str) -> Path:
        path = self.folder / f"{name}.json"
        email = f"agenthub-{name}@{PROJECT}.iam.gserviceaccount.com"
        write_key_file(self.keyring, path, email, PROJECT, f"{self.url}/token")
        return path


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Identity]:
    folder = tmp_path_factory.mktemp("identity")
    engine = start("identity", folder / "data")
    yield Identity(engine, folder)
    engine.kill()

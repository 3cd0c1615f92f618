"""A Firestore, the environment of a deployment, and the sample function in the real framework."""

import os
from collections.abc import Iterator
from pathlib import Path

import functions_framework
import pytest
from flask.testing import FlaskClient

from functions.shared import config, firestore
from tests import engines
from tests.functions.shared.http import callers

SOURCE = Path(__file__).parent / "sample" / "main.py"


def environment(firestore_host: str) -> dict[str, str]:
    """What the catalogue and the supervisor give a deployment."""
    names = ("gateway", "push", "scheduler", "my-agents-api")
    return {
        "DEPLOYMENT": "sample-api",
        "SAMPLE_API_URL": callers.ADDRESS,
        "GOOGLE_CLOUD_PROJECT_ID": callers.PROJECT,
        "CALLERS": ",".join(callers.account(name) for name in names),
        "CONSOLE_ORIGINS": "https://console.example",
        "FIRESTORE_EMULATOR_HOST": firestore_host,
    }


@pytest.fixture(scope="package")
def firestore_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if given := os.environ.get("FIRESTORE_EMULATOR_HOST"):
        yield given
        return
    engine = engines.start("firestore", tmp_path_factory.mktemp("firestore"))
    yield engine.address
    engine.kill()


@pytest.fixture(autouse=True)
def deployment(firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in environment(firestore_host).items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    firestore.client.cache_clear()
    yield
    config.settings.cache_clear()
    firestore.client.cache_clear()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    # The framework writes these two into the environment; so they end with the test.
    monkeypatch.setenv("FUNCTION_TARGET", "")
    monkeypatch.setenv("FUNCTION_SIGNATURE_TYPE", "")
    monkeypatch.delenv("FUNCTION_SIGNATURE_TYPE")
    return functions_framework.create_app("sample_api", str(SOURCE)).test_client()

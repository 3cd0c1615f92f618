"""A local Firestore in its own process, and clients of it; each test has a project, hence a database, of its own."""

import os
from collections.abc import Callable, Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from local.firestore.indexes import Indexes
from local.firestore.store import Store
from tests.engines import start


@pytest.fixture(scope="session")
def address(tmp_path_factory) -> Iterator[str]:
    """Where Firestore is: an emulator that is set already (then it must pass too), or else ours."""
    preset = os.environ.get("FIRESTORE_EMULATOR_HOST")
    if preset:
        yield preset
        return
    engine = start("firestore", tmp_path_factory.mktemp("firestore"))
    yield engine.address
    engine.kill()


@pytest.fixture
def connect(monkeypatch) -> Iterator[Callable[..., firestore.Client]]:
    """Makes clients: `connect(address, project)`."""
    clients = []

    def make(address: str, project: str) -> firestore.Client:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", address)
        client = firestore.Client(project=project, credentials=AnonymousCredentials())
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def db(address, connect, request) -> firestore.Client:
    """A client of a database of its own."""
    return connect(address, "p-" + "".join(c if c.isalnum() else "-" for c in request.node.name.lower())[-60:])


@pytest.fixture
def store(tmp_path) -> Iterator[Store]:
    """A store without a server, with automatic indexes only and no index check."""
    opened = Store(tmp_path / "firestore.sqlite3", Indexes(None))
    yield opened
    opened.close()

"""A stack of their own for the tests of one file, with two workspaces in it that know nothing of each other."""

from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from infra import web
from tests.e2e.practice import Practice
from tests.e2e.stack import Stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    web.build_stale()
    started = Stack(tmp_path_factory.mktemp("stack"), own=True).start(AGENTHUB_MODEL_FAULTS="1")
    yield started
    started.stop()


@pytest.fixture(scope="module")
def practice(stack: Stack) -> Practice:
    return Practice(stack)


@pytest.fixture(scope="module")
def rival(stack: Stack) -> Practice:
    return Practice(stack, "Rival Dental")


@pytest.fixture(scope="module")
def documents(stack: Stack) -> Iterator[firestore.Client]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", stack.facts["firestore"])
        client = firestore.Client(project=stack.facts["project"], credentials=AnonymousCredentials())
    yield client
    client.close()

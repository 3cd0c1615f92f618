"""One stack for all tests here, and for the tests of a file two workspaces in it that know nothing of each other."""

from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from infra import web
from tests.e2e.practice import Practice
from tests.e2e.stack import Stack


@pytest.fixture(scope="package")
def stack_of_package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    web.build_stale()
    stack = Stack(tmp_path_factory.mktemp("stack"), own=True)
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def stack(stack_of_package: Stack) -> Stack:
    """The stack, started unless a file before left it running. The story comes first: it ends with a power cut."""
    if not stack_of_package.runs:
        stack_of_package.start(AGENTHUB_MODEL_FAULTS="1", NO_PROXY="localhost,127.0.0.1")
    return stack_of_package


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

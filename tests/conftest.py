"""The cloud that tests run on: the local engines as real processes, one set for each pytest worker."""

import datetime
import gc
import os
import random
import sys
import time
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

from tests import announcing, engines, ownership
from tests.cloud import PROJECT, Cloud, enter_warehouse


@pytest.fixture(scope="session", autouse=True)
def owners_write_and_announced_statuses_are_answered() -> Iterator[None]:
    """Every write and every answer of the run is checked, whatever the test is about."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        ownership.watch(monkeypatch)
        announcing.watch(monkeypatch)
        yield


# Engines and stacks outlive a kill without it, and nobody wants the state of tests back after a power cut.
os.environ.setdefault("AGENTHUB_FSYNC", "off")

# Two hundred processes import the same modules; where the environment forbids to keep them compiled, each compiles them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A busy machine is no fault of the code under test.
# As many examples as an everyday run has time for; HYPOTHESIS_EXAMPLES=1000 looks harder where a test says no number.
examples = int(os.environ.get("HYPOTHESIS_EXAMPLES", "40"))
hypothesis.settings.register_profile("tests", deadline=None, max_examples=examples)
hypothesis.settings.load_profile("tests")


SLOWEST = (
    "tests/e2e/test_story.py",
    "tests/e2e/",
    "tests/matrix/",
    "tests/infra/",
    "tests/web/",
    "tests/functions/billing/",
)
"""What takes longest comes first, so that at the end no worker waits for one of these files alone."""
GATES = ("tests/e2e/test_story.py", "tests/matrix/", "tests/web/test_widget_attacks.py")
"""What no run of CI may leave out: the story, who may do what and see whose, and what an attacker writes."""
LAST = (*GATES, "tests/e2e/", "tests/infra/", "tests/web/")
"""Where CI has an end (TESTS_END_AT, Unix seconds), these come last, in this order, and what is left by then is skipped,
but for the gates."""
TOGETHER = ("tests/e2e/", "tests/matrix/", "tests/infra/test_bundles_")
"""Files that share what is dear to set up, a stack or a city: pytest-xdist gives all of them to one worker."""
HAS_END = "TESTS_END_AT" in os.environ
END = float(os.environ.get("TESTS_END_AT", "inf"))


def _place(item: pytest.Item, folders: tuple[str, ...]) -> int | None:
    return next((place for place, folder in enumerate(folders) if item.nodeid.startswith(folder)), None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """`--dist loadfile`, but for the files that belong together."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((group for group in TOGETHER if nodeid.startswith(group)), super()._split_scope(nodeid))

    return Scheduling(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The everyday run plays a few of many cases; which ones, changes with the word that it is given."""
    parser.addoption("--cases", type=int, default=0, help="of each test with more cases than this draw so many; 0: all")
    parser.addoption("--draw", default="", help="the same word draws the same cases (default: today's date)")


def pytest_configure(config: pytest.Config) -> None:
    """Every worker gets the word of the process that starts it, also at midnight."""
    config.option.draw = config.option.draw or datetime.datetime.now(datetime.UTC).date().isoformat()


def pytest_report_header(config: pytest.Config) -> str | None:
    """How to play the same cases again."""
    number, word = config.option.cases, config.option.draw
    return f"{number} cases of each test: --cases {number} --draw {word}" if number else None


def _draw(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the drawn cases of each test in `items`, in their order."""
    number = config.option.cases
    if not number:
        return
    of_test: dict[str, list[pytest.Item]] = {}
    for item in items:
        of_test.setdefault(item.nodeid.partition("[")[0], []).append(item)
    drawn = set()
    for test, cases in of_test.items():
        drawn |= set(random.Random(f"{config.option.draw} {test}").sample(cases, min(number, len(cases))))
    config.hook.pytest_deselected(items=[item for item in items if item not in drawn])
    items[:] = [item for item in items if item in drawn]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The same cases in the same order in every worker: by how long things take, or by what must not be left out."""
    _draw(config, items)

    def rank(item: pytest.Item) -> int:
        if HAS_END:
            place = _place(item, LAST)
            return -1 if place is None else place
        place = _place(item, SLOWEST)
        return len(SLOWEST) if place is None else place

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """What the collection has made stays to the end, and no collection of garbage needs to look at it again."""
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What the log of CI calls skipped for its time was not looked at; `nox -s tests` has no end."""
    if time.time() > END and _place(item, LAST) is not None and _place(item, GATES) is None:
        pytest.skip("CI's time was over before this test's turn")


@pytest.fixture(scope="session")
def engines_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The engines, started when a test first asks for them."""
    cloud = Cloud(tmp_path_factory.mktemp("cloud"))
    try:
        yield cloud
    finally:
        cloud.stop()


@pytest.fixture
def cloud(engines_of_session: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The engines, with the environment that the supervisor would give; each test takes a workspace of its own."""
    engines_of_session.enter(monkeypatch)
    yield engines_of_session
    engines_of_session.leave()


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Engine]:
    """A BigQuery with the catalogue's tables."""
    engine = engines.start("bigquery", tmp_path_factory.mktemp("bigquery"), "--project", PROJECT)
    yield engine
    engine.kill()


@pytest.fixture
def house(cloud: Cloud, warehouse: engines.Engine, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The local cloud with its warehouse."""
    enter_warehouse(warehouse, monkeypatch)
    return cloud

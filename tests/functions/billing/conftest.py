"""What only billing's tests need: the card service, with what billing has to know of it, and what was alarmed."""

from collections.abc import Iterator

import pytest

from functions.shared import config, logs
from tests import engines
from tests.cloud import Cloud
from tests.functions.billing.till import KEY, SECRET, Till


@pytest.fixture(scope="session")
def card_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Engine]:
    """The local card service; its webhooks are read and delivered by the tests."""
    engine = engines.start("cards", tmp_path_factory.mktemp("cards"), "--key", KEY, "--secret", SECRET)
    yield engine
    engine.kill()


@pytest.fixture
def till(house: Cloud, card_service: engines.Engine, monkeypatch: pytest.MonkeyPatch) -> Till:
    """The card service, with the settings by which billing-api uses it."""
    till = Till(card_service)
    for name, value in till.settings().items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    return till


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is alarmed, with the reason that it names."""
    said: list[str] = []
    monkeypatch.setattr(logs, "alarm", lambda message, **fields: said.append(f"{message}: {fields.get('why', '')}"))
    return said

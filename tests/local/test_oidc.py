"""ID tokens are fetched as Google does, kept, and fetched again in time."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.oidc import NoToken, Tokens
from tests.local.standins import Identity

EMAIL = "agenthub-push@p.iam.gserviceaccount.com"


@pytest.fixture
def identity(tmp_path: Path) -> Iterator[Identity]:
    identity = Identity(tmp_path)
    yield identity
    identity.listener.close()


def test_a_token_is_fetched_once_for_each_account_and_audience(identity: Identity) -> None:
    tokens = Tokens(identity.url, identity.credentials)
    threads = [threading.Thread(target=tokens.get, args=(EMAIL, "http://a")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tokens.get(EMAIL, "http://b")
    tokens.get("other@p.iam.gserviceaccount.com", "http://a")
    assert [(t["email"].split("@")[0], t["aud"]) for t in identity.given] == [
        ("agenthub-push", "http://a"),
        ("agenthub-push", "http://b"),
        ("other", "http://a"),
    ]


def test_a_token_is_fetched_anew_five_minutes_before_its_end(identity: Identity) -> None:
    tokens = Tokens(identity.url, identity.credentials)
    identity.life = 299
    tokens.get(EMAIL, "http://a")
    identity.life = 600
    tokens.get(EMAIL, "http://a")
    tokens.get(EMAIL, "http://a")
    assert len(identity.given) == 2


def test_a_refused_assertion_is_no_token(identity: Identity) -> None:
    identity.broken = True
    with pytest.raises(NoToken, match="invalid_grant"):
        Tokens(identity.url, identity.credentials).get(EMAIL, "http://a")


def test_a_missing_key_file_is_no_token(identity: Identity, tmp_path: Path) -> None:
    with pytest.raises(NoToken, match=r"none\.json"):
        Tokens(identity.url, tmp_path / "none.json").get(EMAIL, "http://a")

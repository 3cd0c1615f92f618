"""Signatures are what the reference library of Standard Webhooks takes, and a secret follows from key, salt and name."""

import base64
import re
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from functions.dashboard import signing
from functions.shared import clock, config
from tests.cloud import Cloud

OLD, NEW = "o" * 40, "n" * 40


@pytest.fixture
def keyed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    use(monkeypatch, OLD)
    return cloud


def use(monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
    monkeypatch.setenv("WEBHOOK_SIGNING_KEY", keys)
    config.settings.cache_clear()


def secret(cloud: Cloud, version: dict[str, Any], webhook: str = "whk_1") -> str:
    return signing.secret_of("ws_1", webhook, version)  # type: ignore[arg-type]


def test_the_reference_library_verifies_what_we_sign(keyed: Cloud) -> None:
    version = signing.new_version(clock.now(), by="1")
    shown = secret(keyed, version)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", shown)
    assert len(base64.b64decode(shown[6:])) == 32
    body = '{"data":{"note":"Grüße 👋"}}'.encode()
    headers = signing.headers([shown], "evt_1", clock.now(), body)
    assert Webhook(shown).verify(body, headers) == {"data": {"note": "Grüße 👋"}}
    with pytest.raises(WebhookVerificationError):
        Webhook(shown).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(shown).verify(body, {**headers, "webhook-id": "evt_2"})


def test_a_secret_is_the_same_each_time_and_no_other_webhook_has_it(keyed: Cloud) -> None:
    version = signing.new_version(clock.now(), by="1")
    assert secret(keyed, version) == secret(keyed, dict(version))
    others = {secret(keyed, version, "whk_2"), secret(keyed, signing.new_version(clock.now(), by="1"))}
    assert secret(keyed, version) not in others
    assert OLD not in str(version)


def test_two_secrets_live_during_a_rotation_and_the_older_ends_after_a_day(keyed: Cloud) -> None:
    now = clock.now()
    first = signing.new_version(now, by="1")
    second = signing.new_version(now, by="2")
    versions = signing.rotated([first], second, now)
    both = [secret(keyed, second), secret(keyed, first)]
    live = lambda at: signing.live_secrets("ws_1", "whk_1", versions, at)  # type: ignore[arg-type]  # noqa: E731
    assert live(now) == both
    body = b'{"a":1}'
    headers = signing.headers(both, "evt_1", clock.now(), body)
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert all(Webhook(one).verify(body, headers) == {"a": 1} for one in both)
    assert live(now + signing.OVERLAP - timedelta(seconds=1)) == both
    assert live(now + signing.OVERLAP) == both[:1]
    third = signing.new_version(now, by="3")
    assert signing.rotated(versions, third, now) == [third, {**second, "until": now + signing.OVERLAP}]


def test_secrets_outlive_a_new_installation_key_as_long_as_the_old_one_is_listed(
    keyed: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = signing.new_version(clock.now(), by="1")
    before = secret(keyed, version)
    use(monkeypatch, f"{NEW}, {OLD}")
    assert secret(keyed, version) == before
    assert signing.new_version(clock.now(), by="2")["key"] == signing.fingerprint(NEW.encode())
    use(monkeypatch, NEW)
    with pytest.raises(signing.KeyMissing):
        secret(keyed, version)


@pytest.mark.parametrize("keys", ["", "short", ","])
def test_without_a_good_key_no_webhook_is_made(keyed: Cloud, monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
    use(monkeypatch, keys)
    with pytest.raises(signing.NotSetUp) as refused:
        signing.new_version(clock.now(), by="1")
    assert (refused.value.status, refused.value.code) == (503, "webhooks_not_set_up")

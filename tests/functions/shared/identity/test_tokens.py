"""Tokens that we sign are what the gateway expects, and an old visitor's token proves who it was for a month."""

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from functions.shared import clock, config, ids
from functions.shared.errors import Unauthenticated, Unavailable
from functions.shared.identity import signing, tokens, workspace
from tests import engines
from tests.functions.shared.http.callers import PROJECT, account
from tests.functions.shared.identity.key_file import write_key


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Engine]:
    engine = engines.start("identity", tmp_path_factory.mktemp("identity"), "--project", PROJECT)
    yield engine
    engine.kill()


@pytest.fixture(autouse=True)
def iam(google: engines.Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    address = f"http://{google.address}"
    key = write_key(google, account("widgets-public"), tmp_path / "key.json")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    monkeypatch.setenv("IAM_CREDENTIALS_URL", address)
    monkeypatch.setenv("GOOGLE_APIS_URL", f"{address}/www.googleapis.com")
    caches = (config.settings, signing.credentials, signing.session, tokens._visitor_keys)
    for cached in caches:
        cached.cache_clear()
    yield address
    for cached in caches:
        cached.cache_clear()


def visitor(now: datetime) -> str:
    token, ends = tokens.visitor_token(
        workspace.founded(),
        widget=ids.new("widget"),
        agent=ids.new("agent"),
        session=ids.new("session"),
        visitor="vis_1",
        origin="https://shop.example",
        new_visitor=True,
        now=now,
    )
    assert ends == now + timedelta(minutes=30)
    return token


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def test_a_machine_token_lives_an_hour_and_names_key_and_workspace() -> None:
    now, home = clock.now(), workspace.founded()
    token, seconds = tokens.machine_token(home, "key_1", now=now)
    claims = claims_of(token)
    assert seconds == claims["exp"] - claims["iat"] == 3600
    assert (claims["iss"], claims["aud"]) == (account("machines"), "agenthub-machines")
    assert (claims["sub"], claims["workspace_id"]) == ("key_1", home)


def test_a_visitor_token_is_read_again_for_a_month_after_its_end() -> None:
    now = clock.now()
    token = visitor(now)
    for later in (timedelta(), timedelta(days=30)):
        read = tokens.read_visitor_token(token, now=now + later)
        assert (read.visitor, read.origin) == ("vis_1", "https://shop.example")
        assert read.workspace == claims_of(token)["workspace_id"]
    with pytest.raises(Unauthenticated):
        tokens.read_visitor_token(token, now=now + timedelta(days=30, minutes=31))


def test_a_machine_token_is_no_visitors_token() -> None:
    token, _ = tokens.machine_token(workspace.founded(), "key_1", now=clock.now())
    with pytest.raises(Unauthenticated):
        tokens.read_visitor_token(token, now=clock.now())


def test_a_forged_visitor_token_is_refused() -> None:
    now = clock.now()
    head, payload, signature = visitor(now).split(".")
    stolen = {**json.loads(base64.urlsafe_b64decode(payload + "==")), "sub": "vis_2"}
    changed = base64.urlsafe_b64encode(json.dumps(stolen).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    shared_secret = jwt.encode(
        stolen,
        "x" * 32,
        algorithm="HS256",
        headers={"kid": jwt.get_unverified_header(f"{head}.{payload}.{signature}")["kid"]},
    )
    for forged in (f"{head}.{changed}.{signature}", f"{none}.{payload}.", f"{head}.{payload}.", shared_secret, "x", ""):
        with pytest.raises(Unauthenticated):
            tokens.read_visitor_token(forged, now=now)


def test_without_iam_no_token_is_issued_and_the_caller_may_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IAM_CREDENTIALS_URL", "http://127.0.0.1:9")
    config.settings.cache_clear()
    with pytest.raises(Unavailable):
        visitor(clock.now())

"""One function calls another: with its own token, the caller's claims, and answers that keep their meaning."""

import json
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jwt
import pytest

from functions.shared import calls, clock, config
from functions.shared.errors import Unavailable
from functions.shared.http.call import Call, Trace
from functions.shared.identity import Caller, Principal
from tests import engines
from tests.functions.shared.http.callers import PROJECT, account, encoded
from tests.functions.shared.http.conftest import deployment, firestore_host
from tests.functions.shared.identity.key_file import write_key

__all__ = ["deployment", "firestore_host"]

ANSWERS: dict[str, tuple[int, bytes]] = {
    "/fine": (200, b'{"a": 1}'),
    "/empty": (204, b""),
    "/refused": (409, b'{"code": "conflict", "detail": "No.", "title": "T", "errors": []}'),
    "/busy": (503, b'{"code": "cap_busy", "detail": "Later."}'),
    "/broken": (500, b'{"code": "internal", "detail": "secret"}'),
    "/html": (403, b"<html>Forbidden</html>"),
}


class Other(BaseHTTPRequestHandler):
    """The other function, as far as a call can see it."""

    seen: list[tuple[str, dict[str, str], bytes]] = []  # noqa: RUF012 - one list for all requests is what is wanted.

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        Other.seen.append((self.path, dict(self.headers), content))
        status, body = ANSWERS[self.path]
        self.send_response(status)
        self.send_header("ETag", '"1.5"')
        self.send_header("Retry-After", "3")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Engine]:
    engine = engines.start("identity", tmp_path_factory.mktemp("identity"), "--project", PROJECT)
    yield engine
    engine.kill()


@pytest.fixture
def other(google: engines.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("AGENTS_API_URL", address)
        key = write_key(google, account("my-agents-api"), tmp_path / "key.json")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
        config.settings.cache_clear()
        calls._identity.cache_clear()
        Other.seen.clear()
        yield address
        calls._session().close()
        server.shutdown()
    calls._identity.cache_clear()
    config.settings.cache_clear()


def a_call() -> Call:
    now = clock.now()
    ann = Principal(Caller.CONSOLE, "ann", claims={"sub": "ann", "iss": "x"})
    trace = Trace("a" * 32, "b" * 16)
    return Call(ann, "req_1", trace, now, now + timedelta(seconds=30), "/api/my-agents")


def test_the_other_side_learns_who_calls_and_for_whom(other: str) -> None:
    answered = calls.call(a_call(), "agents-api", "POST", "/fine", {"b": 2}, headers={"Idempotency-Key": "k"})
    assert (answered.status, answered.body, answered.etag) == (200, {"a": 1}, "1.5")
    [(_, headers, content)] = Other.seen
    token = jwt.decode(headers["Authorization"].removeprefix("Bearer "), options={"verify_signature": False})
    assert (token["email"], token["aud"]) == (account("my-agents-api"), other)
    assert headers["X-Apigateway-Api-Userinfo"] == encoded({"sub": "ann", "iss": "x"})
    assert headers["X-Request-ID"] == "req_1"
    assert headers["traceparent"] == f"00-{'a' * 32}-{'b' * 16}-01"
    assert headers["Idempotency-Key"] == "k"
    assert json.loads(content) == {"b": 2}


def test_the_token_is_kept_while_it_lives(other: str) -> None:
    for _ in range(2):
        assert calls.call(a_call(), "agents-api", "POST", "/empty").body is None
    assert len({headers["Authorization"] for _, headers, _ in Other.seen}) == 1


@pytest.mark.parametrize(("path", "status", "code"), [("/refused", 409, "conflict"), ("/busy", 503, "cap_busy")])
def test_a_refusal_is_passed_on(other: str, path: str, status: int, code: str) -> None:
    with pytest.raises(calls.Refused) as refused:
        calls.call(a_call(), "agents-api", "POST", path)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert refused.value.headers == {"Retry-After": "3"}


@pytest.mark.parametrize("path", ["/broken", "/html"])
def test_a_failure_over_there_is_unavailable_here(other: str, path: str) -> None:
    with pytest.raises(Unavailable) as unavailable:
        calls.call(a_call(), "agents-api", "POST", path)
    assert "secret" not in unavailable.value.detail


def test_nobody_there_is_unavailable(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTS_API_URL", "http://127.0.0.1:9")
    config.settings.cache_clear()
    with pytest.raises(Unavailable):
        calls.call(a_call(), "agents-api", "POST", "/fine")


def test_without_credentials_of_its_own_nothing_is_sent_and_it_is_unavailable(
    other: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As when the metadata server does not answer: google.auth then finds no credentials at all."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    calls._identity.cache_clear()
    with pytest.raises(Unavailable):
        calls.call(a_call(), "agents-api", "POST", "/fine")
    assert Other.seen == []

"""Published keys are read in both of Google's forms, kept for five minutes, and asked for again with restraint."""

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.identity.keys import Keyring, SigningKey
from local.tokens import CACHE_SECONDS, KeySets, Rejected, public_keys


class Publisher(http.server.HTTPServer):
    """Publishes `document` and counts how often it was read; publishes nonsense while that is None."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.document: dict[str, Any] | None = None
        self.reads = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/keys"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        self.server.reads += 1
        body = json.dumps(self.server.document).encode() if self.server.document is not None else b"no JSON"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    made = Publisher()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[SigningKey, SigningKey]:
    keyring = Keyring(tmp_path_factory.mktemp("keys"))
    return keyring.key("one"), keyring.key("two")


def test_a_jwks_and_certificates_give_the_same_keys(keys: tuple[SigningKey, SigningKey]) -> None:
    one, two = keys
    listed = public_keys({"keys": [one.jwk(), two.jwk(), {"kty": "EC", "kid": "other"}]})
    certified = public_keys({one.kid: one.certificate, two.kid: two.certificate})
    assert listed.keys() == certified.keys() == {one.kid, two.kid}
    assert listed[one.kid].public_numbers() == certified[one.kid].public_numbers()


def test_keys_are_kept_for_five_minutes_and_an_unknown_one_asks_again_once_in_a_while(
    publisher: Publisher, keys: tuple[SigningKey, SigningKey]
) -> None:
    one, two = keys
    now = [1000.0]

    async def play() -> None:
        sets = KeySets(lambda: now[0])
        publisher.document = {"keys": [one.jwk()]}
        found = await asyncio.gather(*(sets.key(publisher.url, one.kid) for _ in range(5)))
        assert None not in found
        assert await sets.key(publisher.url, two.kid) is None
        assert publisher.reads == 1
        publisher.document = {"keys": [one.jwk(), two.jwk()]}
        now[0] += 10
        assert await sets.key(publisher.url, two.kid) is not None
        assert publisher.reads == 2
        publisher.document = {"keys": [two.jwk()]}
        now[0] += CACHE_SECONDS - 1
        assert await sets.key(publisher.url, one.kid) is not None
        now[0] += 2
        assert await sets.key(publisher.url, one.kid) is None
        assert await sets.key(publisher.url, None) is None
        assert publisher.reads == 3
        await sets.aclose()

    asyncio.run(play())


def test_keys_that_cannot_be_read_reject_and_are_asked_for_again(
    publisher: Publisher, keys: tuple[SigningKey, SigningKey]
) -> None:
    async def play() -> None:
        sets = KeySets()
        for _ in range(2):
            with pytest.raises(Rejected, match="Jwks remote fetch is failed"):
                await sets.key(publisher.url, "any")
        publisher.document = {"keys": [keys[0].jwk()]}
        assert await sets.key(publisher.url, keys[0].kid) is not None
        await sets.aclose()

    asyncio.run(play())


def test_two_who_need_a_key_first_get_the_same_one(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(Keyring(tmp_path).key("new").kid)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["new.pem"]

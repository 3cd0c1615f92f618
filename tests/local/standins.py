"""Small real HTTP servers for what the engines call: a deployment, and an identity server that gives ID tokens."""

import json
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True)
class Received:
    """One request that came in."""

    path: str
    headers: Message
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[Received], tuple[int, bytes]]


class Listener:
    """A server that remembers every request and answers what `answer` says: a status and a body."""

    def __init__(self, answer: Answer = lambda _: (204, b""), port: int = 0) -> None:
        self.answer = answer
        self.requests: list[Received] = []
        self.active = 0
        self.most_active = 0
        self.changed = threading.Condition()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                received = Received(self.path, self.headers, body, time.monotonic())
                with listener.changed:
                    listener.requests.append(received)
                    listener.active += 1
                    listener.most_active = max(listener.most_active, listener.active)
                    listener.changed.notify_all()
                status, answer = listener.answer(received)
                with listener.changed:
                    listener.active -= 1
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_: Any) -> None:
                pass  # an engine that a test has killed hangs up in the middle

        self._server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait(self, enough: Callable[[list[Received]], bool], seconds: float = 20) -> list[Received]:
        """All requests, once they are enough."""
        with self.changed:
            assert self.changed.wait_for(lambda: enough(self.requests), seconds), f"only {self.requests}"
            return list(self.requests)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def listening(answer: Answer = lambda _: (204, b""), port: int = 0) -> Iterator[Listener]:
    """A listener for the length of a block."""
    listener = Listener(answer, port)
    try:
        yield listener
    finally:
        listener.close()


@dataclass
class Identity:
    """An identity server: checks the assertion's signature and gives an ID token for its target audience."""

    folder: Path
    life: float = 3600
    broken: bool = False
    given: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.listener = Listener(self._token)
        self.credentials = self.folder / "key.json"
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key = {"type": "service_account", "private_key_id": "1", "private_key": pem.decode(), "client_email": "a@b"}
        self.credentials.write_text(json.dumps(key | {"token_uri": f"{self.url}/token"}))

    @property
    def url(self) -> str:
        return self.listener.url

    def _token(self, received: Received) -> tuple[int, bytes]:
        if self.broken or received.path != "/token":
            return 400, b'{"error": "invalid_grant"}'
        form = urllib.parse.parse_qs(received.body.decode())
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        claims = jwt.decode(
            form["assertion"][0], self._key.public_key(), algorithms=["RS256"], options={"verify_aud": False}
        )
        token = {"aud": claims["target_audience"], "email": claims["iss"], "exp": time.time() + self.life}
        self.given.append(token)
        return 200, json.dumps({"id_token": jwt.encode(token, self._key, algorithm="RS256")}).encode()

    def claims(self, received: Received, audience: str) -> dict[str, Any]:
        """The verified claims of the token that a request carried."""
        scheme, _, token = received.headers["Authorization"].partition(" ")
        assert scheme == "Bearer"
        return jwt.decode(token, self._key.public_key(), algorithms=["RS256"], audience=audience)

"""A real gateway and a real identity server in front of a small HTTP server that tells what reached it."""

import http.server
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from local.identity.keys import Keyring, SigningKey, system_key, write_key_file
from tests.engines import ROOT, Engine, start

PROJECT = "agenthub-local"
ISSUER = f"https://securetoken.google.com/{PROJECT}"
VISITORS = f"agenthub-visitors@{PROJECT}.iam.gserviceaccount.com"


class Backend(http.server.ThreadingHTTPServer):
    """Echoes requests as JSON; streams until the reader leaves; answers late; counts what it got."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[str] = []
        self.left = threading.Event()
        self.release = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that leaves is no error here."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Backend

    def _answer(self) -> None:
        self.server.seen.append(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/stream"):
            self._stream()
        elif self.path.startswith("/late"):
            self.server.release.wait(20)
            self.close_connection = True
        elif self.path.startswith("/broken"):
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        else:
            headers = [[name.lower(), value] for name, value in self.headers.items()]
            echo = {"method": self.command, "path": self.path, "headers": headers, "size": len(body)}
            self._send(418 if "teapot" in self.path else 200, json.dumps(echo).encode())

    do_GET = do_POST = do_PUT = do_OPTIONS = do_DELETE = _answer

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Two", "one")
        self.send_header("X-Two", "two")
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for number in range(10_000):
                piece = f"data: {number}\n\n".encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                if self.server.release.wait(0.02):
                    return
        except OSError:
            self.server.left.set()

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""


@dataclass
class World:
    """Everything that runs, and tokens of every kind."""

    gateway: str
    identity: Engine
    keyring: Keyring
    backend: Backend
    folder: Path
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, self.gateway + path, timeout=20, **more)

    def get(self, path: str, token: str | None = None, **headers: str) -> requests.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        return self.call("GET", path, headers=sent)

    def person(self, key: SigningKey | None = None, **changes: Any) -> str:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": PROJECT, "sub": "u1", "iat": now, "exp": now + 600, "workspace_id": "ws_1"}
        return (key or self.keyring.key("securetoken")).token({**claims, **changes})

    def visitor(self, **changes: Any) -> str:
        now = int(time.time())
        claims = {"iss": VISITORS, "aud": "agenthub-visitors", "sub": "ses_1", "iat": now, "exp": now + 600}
        return self.keyring.key(system_key(VISITORS)).token({**claims, **changes})


def received(response: requests.Response) -> dict[str, str]:
    """The headers that reached the backend."""
    return dict(response.json()["headers"])


def payload(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("gateway")
    backend = Backend()
    thread = threading.Thread(target=backend.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    identity = start("identity", folder / "identity")
    keyring = Keyring(folder / "identity" / "keys")
    key_file = folder / "gateway.json"
    email = f"agenthub-gateway@{PROJECT}.iam.gserviceaccount.com"
    write_key_file(keyring, key_file, email, PROJECT, f"http://{identity.address}/token")
    widget = folder / "widget" / "v1"
    widget.mkdir(parents=True)
    (widget / "widget.js").write_text("console.log('widget')")
    (widget / "widget-0123456789ab.js").write_text("console.log('hashed')")
    console = folder / "console" / "assets"
    console.mkdir(parents=True)
    (console.parent / "index.html").write_text("<title>AgentHub</title>")
    (console / "index-0123456789ab.js").write_text("console.log('console')")
    (folder / "secret.txt").write_text("not to be served")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        command = [
            *(sys.executable, "-m", "local.gateway", "--port", "0"),
            *("--contract", str(Path(__file__).parent / "contract.yaml")),
            *("--address", f"echo-api={backend.url}", "--address", f"down={closed_address(closed)}"),
            *("--identity", f"http://{identity.address}", "--credentials", str(key_file), "--api-key", "known-key"),
            *("--cards", backend.url, "--widget", str(folder / "widget")),
            *("--console", str(folder / "console")),
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("READY "), (folder / "log").read_text()
        made = World(f"http://127.0.0.1:{line.split()[1]}", identity, keyring, backend, folder)
        made.session.trust_env = False
        yield made
        backend.release.set()
        process.terminate()
        process.wait()
        process.stdout.close()
    made.session.close()
    identity.kill()
    backend.shutdown()
    thread.join()
    backend.server_close()


def closed_address(listener: socket.socket) -> str:
    """The address of a port that is held and never listened on."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"

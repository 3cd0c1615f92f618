"""agents-api as far as the fleet asks it: it makes, copies and exports, and does each once for each key."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from functions.shared import config, contracts, firestore
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.rooms import Google, agent


class Wizard(BaseHTTPRequestHandler):
    """What it answers; `down` makes it fail."""

    workspace: WorkspaceId
    made: dict[str, str] = {}  # noqa: RUF012 - one for all requests is what is wanted.
    asked: list[Any] = []  # noqa: RUF012 - the same
    down = False
    file = "name: {name}\n"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body)
        if self.down:
            self._answer(500, {})
        elif self.path.endswith("/copy"):
            self._make(201, body.get("name") or f"{self._name(self.path.split('/')[3])} (copy)")
        elif self.path.endswith("/export"):
            found = [{"id": name, "name": self._name(name), "yaml": self._file(name)} for name in body["agents"]]
            self._answer(200, {"items": found, "next_page_token": None})
        elif "name" not in body:
            error = {"pointer": "/name", "message": "Field required"}
            self._answer(422, {"code": "invalid", "title": "T", "detail": "D", "errors": [error]})
        elif body["name"] == "nameless":
            self._answer(201, {})
        else:
            self._make(201, body["name"])

    def _name(self, name: str) -> str:
        return str(firestore.get(contracts.path(self.workspace, "agents", name)).data["name"])

    def _file(self, name: str) -> str:
        return self.file.format(name=self._name(name))

    def _make(self, status: int, name: str) -> None:
        key = self.headers["Idempotency-Key"]
        if key not in self.made:
            self.made[key] = agent(self.workspace, status=None, name=name)
        self._answer(status, {"id": self.made[key]})

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def wizard(
    google_of_package: Google, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[type[Wizard]]:
    """agents-api at an address of its own."""
    google_of_package.enter("my-agents-api", monkeypatch, tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Wizard)
    thread = Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AGENTS_API_URL", f"http://127.0.0.1:{server.server_port}")
    config.settings.cache_clear()
    Wizard.workspace, Wizard.down, Wizard.file = cloud.workspace(), False, "name: {name}\n"
    Wizard.asked.clear()
    yield Wizard
    server.shutdown()
    thread.join()
    server.server_close()
    google_of_package.leave()

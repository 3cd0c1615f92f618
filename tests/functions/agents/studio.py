"""Speaks to the wizard as the console does behind the gateway; answers are what came over the wire."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

import flask

from functions.agents.main import agents_api
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import from_directory
from tests.functions.shared.http.callers import Someone

_APP = flask.Flask("studio")


@dataclass
class Answered:
    """One answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        return str(self.body["code"])

    @property
    def pointers(self) -> list[str]:
        return [error["pointer"] for error in self.body.get("errors", [])]

    @property
    def etag(self) -> str:
        return self.headers["ETag"]


@dataclass
class Studio:
    """One caller with a workspace."""

    someone: Someone

    @property
    def workspace(self) -> WorkspaceId:
        return from_directory(self.someone.claims["workspace_id"])

    def ask(self, method: str, path: str, body: Any = None, *, etag: str | None = None, **headers: str) -> Answered:
        sent = self.someone.headers(**headers)
        if etag is not None:
            sent["If-Match"] = etag
        if method == "POST":
            sent.setdefault("Idempotency-Key", secrets.token_hex(8))
        if isinstance(body, str | bytes):
            sent.setdefault("Content-Type", "application/yaml")
            data = body if isinstance(body, bytes) else body.encode()
        else:
            sent.setdefault("Content-Type", "application/json")
            data = b"" if body is None else json.dumps(body).encode()
        with _APP.test_request_context(path, method=method, data=data, headers=sent):
            response = agents_api(flask.request)  # type: ignore[arg-type]
            return Answered(response.status_code, dict(response.headers), response.get_data())

    def get(self, path: str, **headers: str) -> Answered:
        return self.ask("GET", path, **headers)

    def agent(self, **answers: Any) -> Answered:
        made = self.ask("POST", "/api/agents", {"name": "Mia", "industry": "dental", **answers})
        assert made.status == 201, made.body
        return made

"""A room behind its real edge: the framework's application of one deployment, asked as the gateway would ask it."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import functions_framework
import pytest
import yaml
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from functions.shared import calls, clock, config, firestore, ids
from functions.shared.identity import WorkspaceId, tokens
from tests import cloud, engines
from tests.functions.shared.http import callers
from tests.functions.shared.identity.key_file import write_key

ROOT = Path(__file__).parent.parent.parent
DEPLOYMENTS: dict[str, dict[str, Any]] = yaml.load(
    (ROOT / "infra" / "catalogue.yaml").read_text(), Loader=yaml.CSafeLoader
)["deployments"]


@dataclass
class Room:
    """One deployment; each call is a request with the headers that arrive behind Cloud Run's IAM."""

    client: FlaskClient

    def ask(
        self,
        method: str,
        path: str,
        someone: callers.Someone | None = None,
        body: Any = None,
        *,
        etag: str | None = None,
        key: str | None = None,
        **headers: str,
    ) -> TestResponse:
        """One request; without `someone` it is the gateway's alone, as on a public route. `etag` is sent as If-Match."""
        sent = someone.headers() if someone is not None else callers.invoker()
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if etag is not None:
            sent["If-Match"] = f'"{etag}"'
        if key is not None:
            sent["Idempotency-Key"] = key
        return self.client.open(path, method=method, headers=sent, json=body)


def lose_answer(someone: callers.Someone, key: str) -> None:
    """What a crash between a request's commit and the keeping of its answer leaves: a mark whose owner is dead."""
    name = ids.hashed("idempotency", f"console:{someone.claims['workspace_id']}:{someone.claims['sub']}", key)
    batch = firestore.Batch()
    batch.update(f"idempotency/{name}", {("state",): "busy", ("busy_until",): clock.now()})
    batch.commit()


def open_room(deployment: str, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The deployment in the environment that the catalogue gives it, over the engines of the fixture `cloud`."""
    described = DEPLOYMENTS[deployment]
    monkeypatch.setattr(callers, "PROJECT", cloud.PROJECT)
    monkeypatch.setenv("DEPLOYMENT", deployment)
    monkeypatch.setenv(deployment.upper().replace("-", "_") + "_URL", callers.ADDRESS)
    monkeypatch.setenv("CALLERS", ",".join(callers.account(name) for name in described["callers"]))
    # The framework writes these two into the environment; so they end with the test.
    monkeypatch.setenv("FUNCTION_TARGET", "")
    monkeypatch.setenv("FUNCTION_SIGNATURE_TYPE", "")
    monkeypatch.delenv("FUNCTION_SIGNATURE_TYPE")
    config.settings.cache_clear()
    source = ROOT / "functions" / described["folder"] / "main.py"
    return Room(functions_framework.create_app(described["entry_point"], str(source)).test_client())


@dataclass
class Google:
    """The local identity services: they sign tokens and know the people."""

    engine: engines.Engine

    def enter(self, deployment: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        """Make them the ones that the functions ask, as this deployment's account."""
        monkeypatch.setattr(callers, "PROJECT", cloud.PROJECT)
        address = f"http://{self.engine.address}"
        key = write_key(self.engine, callers.account(deployment), folder / "key.json")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
        monkeypatch.setenv("IAM_CREDENTIALS_URL", address)
        monkeypatch.setenv("GOOGLE_APIS_URL", f"{address}/www.googleapis.com")
        monkeypatch.setenv("IDENTITY_TOOLKIT_URL", f"{address}/identitytoolkit.googleapis.com")
        self.leave()

    def leave(self) -> None:
        """Forget the credentials of this test."""
        for cached in (
            config.settings,
            tokens.credentials,
            tokens._session,
            tokens._visitor_keys,
            calls._identity,
            calls._session,
        ):
            cached.cache_clear()


def content(response: TestResponse) -> Any:
    """The answer's JSON, and the whole answer in the message when it is none."""
    try:
        return json.loads(response.get_data())
    except ValueError as error:
        raise AssertionError(f"{response.status}: {response.get_data()[:500]!r}") from error


def write(path: str, data: dict[str, Any]) -> None:
    """Write one document."""
    batch = firestore.Batch()
    batch.set(path, data)
    batch.commit()


def agent(workspace: WorkspaceId, *, status: str | None = "active", **fields: Any) -> str:
    """An agent as the wizard stores it, published unless said otherwise, with its status in the fleet."""
    name, now = ids.new("agent"), clock.now()
    document = {
        "name": "Front desk",
        "industry": "dental",
        "model": "offline/offline-extractive",
        "published_version": ids.new("version"),
        "published_number": 1,
        "published_name": "Front desk",
        "published_greeting": "Welcome!",
        "published_questions": ["When are you open?"],
        "published_away": "We are closed.",
        "published_languages": ["nl"],
        "created_at": now,
        "updated_at": now,
        "definition": {"secret_instructions": "never shown"},
    }
    write(f"workspaces/{workspace}/agents/{name}", {**document, **fields})
    if status is not None:
        write(f"workspaces/{workspace}/fleet/{name}", {"status": status})
    return name


def usage(workspace: WorkspaceId, agent_id: str, at: datetime, **fields: Any) -> dict[str, Any]:
    """The row of one answered turn, as agents-chat writes it."""
    return {
        "event_id": ids.hashed("turn", ids.secret(8)),
        "type": "turn",
        "corrects": None,
        "workspace_id": str(workspace),
        "agent_id": agent_id,
        "version_id": "ver_1",
        "conversation_id": "cnv_1",
        "channel": "widget",
        "widget_id": None,
        "industry": "dental",
        "provider": "offline",
        "model": "offline-extractive",
        "region": None,
        "occurred_at": clock.to_text(at),
        "recorded_at": clock.to_text(at),
        "outcome": "completed",
        "estimated": False,
        "input_tokens": 100,
        "cached_input_tokens": 0,
        "output_tokens": 20,
        "reasoning_tokens": 0,
        "price_version": "2026-11",
        "plan_version": "1",
        "currency": "USD",
        "cost_nanos": 900_000,
        "charge_nanos": 1_200_000,
        "latency_ms": 350,
        "first_token_ms": 80,
        "error_code": None,
        "new_conversation": False,
        "new_visitor": False,
        "handed_off": False,
        "trace_id": None,
        "digest": "",
        **fields,
    }

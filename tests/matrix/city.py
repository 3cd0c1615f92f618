"""Every deployment of the catalogue in one process, over the local engines, asked as the gateway asks behind Cloud Run.

Each deployment is the framework's own application with the settings that the catalogue gives it. Calls from one to another
go the same way: the transport below takes the request, and removes the token's signature as Cloud Run does.
"""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import functions_framework
import pytest
import requests
from flask.testing import FlaskClient
from requests.adapters import BaseAdapter
from werkzeug.test import TestResponse

from functions.agents import connections
from functions.shared import calls, config
from infra.openapi import declared
from tests import cloud
from tests.cloud import Cloud
from tests.functions.rooms import DEPLOYMENTS, ROOT, Google
from tests.functions.shared.http import callers

STRIPPED = "SIGNATURE_REMOVED_BY_GOOGLE"
ROUTES = {(api.deployment, route.method, route.path): route for api in declared() for route in api.routes}
"""Every route of every deployment."""


def address(deployment: str) -> str:
    """The base URL of a deployment, which is the audience of tokens for it."""
    return f"http://{deployment}.test"


@dataclass(frozen=True)
class Who:
    """Somebody at the door: the account that invokes the function and the claims that the gateway passes on."""

    name: str
    claims: dict[str, Any] | None = None
    account: str = "gateway"
    token: dict[str, Any] = field(default_factory=dict)
    """What is different about the invoker's token."""

    def headers(self, deployment: str) -> dict[str, str]:
        """As they arrive at the deployment."""
        sent = callers.invoker(self.account, **{"aud": address(deployment), **self.token})
        return sent if self.claims is None else sent | callers.userinfo(self.claims)


@dataclass
class City:
    """The deployments; `ask` is one request to one of them."""

    cloud: Cloud
    google: Google

    @cached_property
    def _rooms(self) -> dict[str, FlaskClient]:
        rooms = {}
        for name, described in DEPLOYMENTS.items():
            with self._as(name):
                source = ROOT / "functions" / described["folder"] / "main.py"
                rooms[name] = functions_framework.create_app(described["entry_point"], str(source)).test_client()
        return rooms

    @contextmanager
    def _as(self, deployment: str) -> Iterator[None]:
        """The settings of one deployment, until another is asked or this one has answered."""
        before = {name: os.environ.get(name, "") for name in ("DEPLOYMENT", "CALLERS")}
        listed = ",".join(callers.account(name) for name in DEPLOYMENTS[deployment]["callers"])
        os.environ |= {"DEPLOYMENT": deployment, "CALLERS": listed}
        config.settings.cache_clear()
        try:
            yield
        finally:
            os.environ |= before
            config.settings.cache_clear()

    def ask(
        self,
        deployment: str,
        method: str,
        path: str,
        who: Who,
        body: Any = None,
        *,
        media_type: str = "application/json",
        **headers: str,
    ) -> TestResponse:
        """One request; a body that is not bytes is sent as JSON. POSTs carry a fresh Idempotency-Key unless one is given."""
        sent = who.headers(deployment) | {name.replace("_", "-"): value for name, value in headers.items()}
        if method == "POST":
            sent.setdefault("Idempotency-Key", os.urandom(12).hex())
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        return self.send(deployment, method, path, sent, content, media_type if content is not None else None)

    def send(
        self,
        deployment: str,
        method: str,
        path: str,
        headers: dict[str, str],
        content: bytes | None,
        media_type: str | None,
    ) -> TestResponse:
        """One request as it is, read to its end."""
        with self._as(deployment):
            answer = self._rooms[deployment].open(
                path, method=method, headers=headers, data=content, content_type=media_type, buffered=True
            )
            answer.get_data()
            return answer


class Streets(BaseAdapter):
    """Carries calls from one deployment to another within the process, as the same caller would come over the network."""

    def __init__(self, city: City) -> None:
        super().__init__()
        self._city = city
        self._home = threading.get_ident()

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """One call. The settings are the process's, so from another thread than the tests' nobody is at home."""
        assert request.url is not None and request.method is not None
        if threading.get_ident() != self._home:
            raise requests.ConnectionError("nobody at home")
        host, _, path = request.url.removeprefix("http://").partition("/")
        sent = {name: str(value) for name, value in request.headers.items() if name.lower() != "content-length"}
        if "Authorization" in sent:
            sent["Authorization"] = sent["Authorization"].rpartition(".")[0] + f".{STRIPPED}"
        content = request.body.encode() if isinstance(request.body, str) else request.body
        name = host.removesuffix(".test")
        answer = self._city.send(name, request.method, f"/{path}", sent, content, sent.get("Content-Type"))
        response = requests.Response()
        response.status_code, response._content = answer.status_code, answer.get_data()
        response.headers.update(dict(answer.headers))
        return response

    def close(self) -> None:
        """Nothing is kept."""


@contextmanager
def opened(local: Cloud, google: Google, folder: Path) -> Iterator[City]:
    """The city, until the tests of this package have ended."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        local.enter(monkeypatch, with_model=True)
        google.enter("dashboard-api", monkeypatch, folder)
        monkeypatch.setattr(callers, "PROJECT", cloud.PROJECT)
        for name in DEPLOYMENTS:
            monkeypatch.setenv(name.upper().replace("-", "_") + "_URL", address(name))
        for name, value in {
            "DEPLOYMENT": "",
            "CALLERS": "",
            "INSTALLATION_KEY": "A" * 43 + "=",
            "WEBHOOK_SIGNING_KEY": "k" * 32,
            "WEBHOOK_ALLOW_PRIVATE": "true",
            # The framework writes these two into the environment, so they end with the tests.
            "FUNCTION_TARGET": "",
            "FUNCTION_SIGNATURE_TYPE": "",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("FUNCTION_SIGNATURE_TYPE")
        config.settings.cache_clear()
        connections.provider.cache_clear()
        city = City(local, google)
        session = requests.Session()
        session.mount("http://", Streets(city))
        monkeypatch.setattr(calls, "_session", lambda: session)
        yield city
        connections.provider.cache_clear()
    google.leave()
    local.leave()

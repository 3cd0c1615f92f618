"""The functions of this tree in one process: the only module here that imports them, and all that is put in their way.

A request goes through the same edge as a deployed function's: identity, validation, idempotency, the handler, the
answer. Five things are others: the clock, chance, the model, the way from publisher to subscriber, and who signs a
visitor's token, since IAM signs none that has ended. What the gateway and Cloud Run would have verified is stated in
the headers that they would have sent.
"""

import base64
import contextlib
import importlib
import io
import json
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import flask
import yaml

from local.identity.keys import Keyring, system_key
from local.life.courier import Courier
from local.life.model import Actor, Script
from local.life.past import Past

_ROOT = Path(__file__).parents[2]
_FOLDERS = ("agents", "my_agents", "widgets", "analytics", "billing", "dashboard")
_SELF = "life"
_ADDRESS = "http://life.invalid"
_NEVER = 4_102_444_800
"""The year 2100: stated tokens do not end within a story."""


class Refused(Exception):
    """The product answered what the story did not expect; the text has the exchange."""


@dataclass(frozen=True)
class Caller:
    """Who asks: the claims that the gateway would have verified; none for whoever comes to a public route."""

    claims: Mapping[str, Any] | None = None
    address: str = "203.0.113.7"
    origin: str = ""


@dataclass(frozen=True)
class Answer:
    """What the product answered; `body` is its JSON, None without content."""

    status: int
    body: Any
    etag: str


class _Chance:
    """Stands where `secrets` stands in the modules that make ids: the same numbers for the same seed."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def randbits(self, count: int) -> int:
        return self._chance.getrandbits(count)

    def token_hex(self, count: int = 32) -> str:
        return self._chance.randbytes(count).hex()

    def token_urlsafe(self, count: int = 32) -> str:
        return base64.urlsafe_b64encode(self._chance.randbytes(count)).decode().rstrip("=")


class Product:
    """Every deployment of the catalogue, asked without a network. One in a process, for its whole life."""

    def __init__(self, environment: Mapping[str, str], keyring: Keyring, past: Past, seed: str, log: TextIO) -> None:
        """`environment` is what the supervisor gives to functions; it must lead to running engines."""
        project = environment["GOOGLE_CLOUD_PROJECT_ID"]
        own = {f"{_SELF.upper()}_URL": _ADDRESS, "DEPLOYMENT": _SELF, "PROXY_HOPS": "1"}
        self.project, self.past, self._log = project, past, log
        callers = ",".join(self._account(name) for name in ("gateway", "push", "scheduler"))
        os.environ.update({**environment, **own, "CALLERS": callers})
        self.script = Script(past)
        self._chance = random.Random(f"{seed} requests")
        catalogue = yaml.safe_load((_ROOT / "infra" / "catalogue.yaml").read_text(encoding="utf-8"))
        self.courier = Courier(
            catalogue["subscriptions"],
            self._push,
            environment["BIGQUERY_EMULATOR_HOST"],
            project,
            environment["BIGQUERY_DATASET_ID"],
        )
        self._app = flask.Flask(_SELF)
        self._stand_in(random.Random(f"{seed} ids"), keyring)
        self._load()

    def _stand_in(self, chance: random.Random, keyring: Keyring) -> None:
        """Put clock, chance, signer, model and courier where the functions look for them."""
        from functions.agents import connections, providers
        from functions.shared import clock, events, ids
        from functions.shared.http import call
        from functions.shared.identity import signing

        clock.follow(self.past.now, self.past.seconds)

        def signed(account: str, claims: Mapping[str, Any]) -> str:
            return keyring.key(system_key(self._account(account))).token(dict(claims))

        def built(name: str, settings: Any) -> Any:
            return Actor(self.script, build(name, settings), providers)

        build, seeded = providers.build, _Chance(chance)
        for module, name, other in (
            (ids, "secrets", seeded),
            (call, "secrets", seeded),
            (events, "publisher", lambda: self.courier),
            (signing, "jwt_of", signed),
            (connections, "build", built),
        ):
            setattr(module, name, other)

    def _account(self, name: str) -> str:
        return f"agenthub-{name}@{self.project}.iam.gserviceaccount.com"

    def _load(self) -> None:
        from functions.shared.http.function import serve
        from functions.shared.http.router import Router

        self._targets: dict[str, Any] = {}
        self._routers: dict[str, Router] = {}
        for folder in _FOLDERS:
            for routes in importlib.import_module(f"functions.{folder}.main").ROUTES.values():
                api = routes()
                self._targets[api.deployment] = serve(api)
                self._routers[api.deployment] = Router(api.routes)

    def ask(
        self,
        method: str,
        path: str,
        caller: Caller,
        body: Any = None,
        *,
        status: int = 0,
        if_match: str = "",
    ) -> Answer:
        """One request, and everything that comes of it. Raises Refused unless it is answered with `status`, or with
        success when that is 0; -1 takes any answer."""
        bare = path.partition("?")[0]
        deployment = next((name for name, router in self._routers.items() if method in router.find(bare)), None)
        if deployment is None:
            raise Refused(f"no deployment takes {method} {path}")
        sent = {"Idempotency-Key": f"{self._chance.getrandbits(96):024x}", "X-Forwarded-For": caller.address}
        if caller.origin:
            sent["Origin"] = caller.origin
        if caller.claims is not None:
            sent["X-Apigateway-Api-Userinfo"] = _encoded(caller.claims)
        if if_match:
            sent["If-Match"] = if_match
        answer = self._send(deployment, "gateway", method, path, sent, body)
        self.courier.deliver()
        if status >= 0 and not (answer.status == status if status else answer.status < 300):
            raise Refused(f"{method} {path} was answered with {answer.status}: {json.dumps(answer.body)[:600]}")
        return answer

    def tick(self, schedule: str, at: datetime) -> None:
        """Fire a schedule of the catalogue for this time, and do everything that comes of it."""
        moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        deployment = {"billing-close": "billing-close", "dashboard-sweep": "dashboard-sweep"}.get(
            schedule, "dashboard-webhooks"
        )
        headers = {"X-CloudScheduler-ScheduleTime": moment}
        answer = self._send(deployment, "scheduler", "POST", f"/schedules/{schedule}", headers, {})
        if answer.status >= 300:
            raise Refused(f"{schedule} at {moment} was answered with {answer.status}: {answer.body}")
        self.courier.deliver()

    def _push(self, deployment: str, path: str, envelope: Mapping[str, Any]) -> int:
        return self._send(deployment, "push", "POST", path, {}, envelope).status

    def _send(
        self, deployment: str, account: str, method: str, path: str, headers: Mapping[str, str], body: Any
    ) -> Answer:
        token = _encoded({"aud": _ADDRESS, "email": self._account(account), "exp": _NEVER})
        trace = f"00-{self._chance.getrandbits(128) | 1:032x}-{self._chance.getrandbits(64) | 1:016x}-01"
        sent = {
            "Authorization": f"Bearer e30.{token}.SIGNATURE_REMOVED_BY_GOOGLE",
            "X-Request-ID": f"req_{self._chance.getrandbits(128):032x}",
            "traceparent": trace,
            "Accept": "application/json",
            **headers,
        }
        content = b"" if body is None else json.dumps(body).encode()
        bare, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": bare,
            "QUERY_STRING": query,
            "SERVER_NAME": "life.invalid",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json" if content else "",
            "CONTENT_LENGTH": str(len(content)),
            "wsgi.input": io.BytesIO(content),
            "wsgi.url_scheme": "http",
            "wsgi.errors": self._log,
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sent.items()},
        }
        # Functions log to standard output, one line a request.
        with contextlib.redirect_stdout(self._log), self._app.request_context(environ):
            response = self._targets[deployment](flask.request)
            data = response.get_data()
        known = json.loads(data) if data and response.mimetype.endswith("json") else None
        return Answer(response.status_code, known, (response.headers.get("ETag") or "").removeprefix("W/"))

    def person(self, uid: str, name: str, email: str, workspace: str = "", *, operator: bool = False) -> Caller:
        """A person who has signed in."""
        claims: dict[str, Any] = {
            "iss": f"https://securetoken.google.com/{self.project}",
            "aud": self.project,
            "sub": uid,
            "exp": _NEVER,
            "name": name,
            "email": email,
            "email_verified": True,
        }
        if workspace:
            claims["workspace_id"] = workspace
        return Caller({**claims, "operator": True} if operator else claims)

    def machine(self, workspace: str, key: str) -> Caller:
        """A program that shows an API key's token."""
        claims = {"iss": self._account("machines"), "aud": "agenthub-machines", "sub": key, "exp": _NEVER}
        return Caller({**claims, "workspace_id": workspace})

    def visitor(self, token: str, caller: Caller) -> Caller:
        """Who came to a page and got this session token."""
        part = token.split(".")[1]
        return Caller(
            json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))), caller.address, caller.origin
        )


def _encoded(claims: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(dict(claims)).encode()).decode().rstrip("=")

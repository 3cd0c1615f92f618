"""Every deployment as the cloud runs it: its bundle alone, the environment of Terraform, Cloud Run's front before it.

The bundles run under the deployed interpreter with their own requirements and find their account at a metadata server,
for in the cloud there are no key files. Where Google's services would be, the local engines are.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import requests
import yaml

from infra import bundle
from local.identity.accounts import ServiceAccounts
from local.identity.keys import Keyring, write_key_file
from local.oidc import Tokens
from local.supervisor.addresses import HOST, Addresses, inheritable
from local.supervisor.plan import ALIASES, Deployment, Plan, account, url_variable
from tests import engines
from tests.cloud import PROJECT, URL
from tests.infra import exact
from tests.standins.metadata import MetadataServer

CATALOGUE = bundle.ROOT / "infra" / "catalogue.yaml"
ENVIRONMENT = "dev"
DATASET = f"agenthub_{ENVIRONMENT}"
USERINFO = "X-Apigateway-Api-Userinfo"
CALLERS = ("gateway", "push", "scheduler")
# What only a laptop sets: where the engines are that stand for Google's services.
ENGINES = (
    "FIRESTORE_EMULATOR_HOST",
    "PUBSUB_EMULATOR_HOST",
    "BIGQUERY_EMULATOR_HOST",
    "STORAGE_EMULATOR_HOST",
    "OFFLINE_MODEL_URL",
    "IAM_CREDENTIALS_URL",
    "GOOGLE_APIS_URL",
    "IDENTITY_TOOLKIT_URL",
    "GCE_METADATA_HOST",
    "GCE_METADATA_IP",
)
# What Cloud Run sets by itself.
CLOUD_RUN = ("HOME", "K_REVISION", "K_SERVICE")
_START_SECONDS = 90


@cache
def catalogue() -> dict[str, Any]:
    """What the catalogue says, read once."""
    content: dict[str, Any] = yaml.load(CATALOGUE.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return content


def revision(deployment: str) -> str:
    """What Cloud Run calls the running revision."""
    return f"{deployment}-00001-abc"


@dataclass
class Deployed:
    """All deployments, running; `send` is a request that arrives at a front."""

    folder: Path
    identity: engines.Engine
    warehouse: engines.Engine
    plan: Plan = field(default_factory=lambda: Plan.read(CATALOGUE, bundle.ROOT))

    def __post_init__(self) -> None:
        self.addresses = Addresses.choose(self.plan, 0, {})
        self.http = requests.Session()
        self.http.trust_env = False
        self._accounts = ServiceAccounts(Keyring(self.identity.data / "keys"), PROJECT)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._metadata: dict[str, MetadataServer] = {}
        self._tokens: dict[str, Tokens] = {}

    # Running

    @contextlib.contextmanager
    def running(self) -> Iterator["Deployed"]:
        """Start everything at once; return when every bundle answers. Raises AssertionError with a log."""
        try:
            self._make_accounts()
            self._start_front()
            pythons: dict[bytes, Path] = {}
            started = {one.name: self._start(one, pythons) for one in self.plan.deployments}
            for name, process in started.items():
                self._await(name, process)
            yield self
        finally:
            self._stop()

    def environment(self, deployment: Deployment) -> dict[str, str]:
        """What Terraform gives it (infra/terraform/functions.tf), Cloud Run sets, and the engines need."""
        addresses = {one.name: self.addresses.deployment(one.name) for one in self.plan.deployments}
        given = {
            "ARCHIVE_BUCKET": "archive",
            "BIGQUERY_DATASET_ID": DATASET,
            "CDN_BUCKET": "cdn",
            "CDN_URL": URL,
            "CONSOLE_URL": URL,
            "CHAT_URL": URL,
            "CONSOLE_ORIGINS": URL,
            "DEFAULT_MODEL": "offline/offline-extractive",
            "EMBEDDING_MODEL": "offline/wordllama-256",
            "ENVIRONMENT": ENVIRONMENT,
            "FIRESTORE_DATABASE": "(default)",
            "GOOGLE_CLOUD_PROJECT_ID": PROJECT,
            "INVOICE_GRACE_HOURS": "24",
            "PAYMENT_DAYS": "14",
            "PUBLIC_URL": URL,
            "SELLER_NAME": "AgentHub Ltd",
            "TRIAL_CAP": "5",
            "VERTEX_LOCATION": "global",
            "WORKERS": "1",
            **{url_variable(name): address for name, address in addresses.items()},
            **{alias: addresses[name] for alias, name in ALIASES.items()},
            "DEPLOYMENT": deployment.name,
            "CALLERS": ",".join(account(name, PROJECT) for name in deployment.callers),
            "THREADS": str(deployment.concurrency),
        }
        identity, metadata = f"http://{self.identity.address}", self._metadata[deployment.name].address
        stand_for_google = {
            **{name: os.environ[name] for name in ENGINES if name in os.environ},
            "BIGQUERY_EMULATOR_HOST": f"http://{self.warehouse.address}",
            "IAM_CREDENTIALS_URL": identity,
            "GOOGLE_APIS_URL": f"{identity}/www.googleapis.com",
            "IDENTITY_TOOLKIT_URL": f"{identity}/identitytoolkit.googleapis.com",
            "GCE_METADATA_HOST": metadata,
            "GCE_METADATA_IP": metadata,
        }
        home = self.folder / deployment.name
        cloud_run = {"HOME": str(home), "K_SERVICE": deployment.name, "K_REVISION": revision(deployment.name)}
        return {**given, **stand_for_google, **cloud_run}

    def log(self, deployment: str) -> list[dict[str, Any]]:
        """The structured lines that it has written."""
        lines = (self.folder / deployment / "log").read_text("utf-8", "replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    # Calling

    def id_token(self, name: str, audience: str) -> str:
        """A token of the account `agenthub-<name>`, as Google signs it."""
        return self._accounts.id_token(account(name, PROJECT), audience)

    def tokens(self, name: str) -> Tokens:
        """The tokens of that account, as Pub/Sub and the scheduler take them."""
        return self._tokens[name]

    def through_gateway(
        self,
        deployment: str,
        method: str,
        path: str,
        token: str | None = None,
        body: Any = None,
        *,
        status: int = 200,
        **headers: str,
    ) -> requests.Response:
        """What arrives behind API Gateway: its own ID token, and of the client's verified `token` the claims.

        Asserts the status of the answer.
        """
        address = self.addresses.deployment(deployment)
        sent = {"Authorization": f"Bearer {self.id_token('gateway', address)}", "X-Forwarded-For": "203.0.113.7"}
        if token is not None:
            sent |= {"X-Forwarded-Authorization": f"Bearer {token}", USERINFO: token.split(".")[1]}
        if method == "POST":
            sent["Idempotency-Key"] = uuid.uuid4().hex
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        kind = "data" if isinstance(body, bytes) else "json"
        answer = self.http.request(method, address + path, headers=sent, timeout=60, **{kind: body})
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
        return answer

    def sign_up(self) -> "Person":
        """Somebody new at Identity Platform."""
        return Person(self.http, f"http://{self.identity.address}")

    # Starting and stopping

    def _make_accounts(self) -> None:
        """A key for each account, which only its metadata server and the callers of this test hold."""
        identity = f"http://{self.identity.address}"
        keyring = self._accounts.keyring
        for name in (*(one.name for one in self.plan.deployments), *CALLERS):
            key = self.folder / "accounts" / f"{name}.json"
            write_key_file(keyring, key, account(name, PROJECT), PROJECT, f"{identity}/token")
            self._tokens[name] = Tokens(identity, key)
            if name not in CALLERS:
                self._metadata[name] = MetadataServer(identity, key, PROJECT)

    def _start_front(self) -> None:
        services = [
            {
                "name": one.name,
                "fd": inheritable(self.addresses.fronts[one.name]),
                "upstream": f"http://{HOST}:{self.addresses.functions[one.name]}",
                "audience": self.addresses.deployment(one.name),
                "callers": [account(name, PROJECT) for name in one.callers],
                "seconds": one.timeout,
            }
            for one in self.plan.deployments
        ]
        config = self.folder / "front.json"
        jwks = f"http://{self.identity.address}/www.googleapis.com/oauth2/v3/certs"
        config.write_text(json.dumps({"jwks": jwks, "services": services}), "utf-8")
        with (self.folder / "front.log").open("wb") as log:
            front = subprocess.Popen(
                [sys.executable, "-m", "local.supervisor.front", "--config", str(config)],
                cwd=bundle.ROOT,
                pass_fds=[service["fd"] for service in services],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self._processes.append(front)

    def _start(self, deployment: Deployment, pythons: dict[bytes, Path]) -> subprocess.Popen[bytes]:
        cut = bundle.cut(deployment.name)
        requirements = cut.files["requirements.txt"]
        if requirements not in pythons:
            place = self.folder / "pythons" / str(len(pythons))
            place.mkdir(parents=True)
            pythons[requirements] = exact.interpreter(place, exact.deployed(), requirements.decode())
        home = self.folder / deployment.name
        home.mkdir()
        port = self.addresses.functions[deployment.name]
        process = bundle.start(cut, home, port, self.environment(deployment), str(pythons[requirements]))
        self._processes.append(process)
        return process

    def _await(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """Return once the function itself answers; nothing has gone through its front by then."""
        pause, give_up = threading.Event(), time.monotonic() + _START_SECONDS
        address = f"http://{HOST}:{self.addresses.functions[name]}/health"
        while time.monotonic() < give_up and process.poll() is None:
            with contextlib.suppress(requests.ConnectionError):
                if self.http.get(address, timeout=5).status_code == 200:
                    return
            pause.wait(0.05)
        raise AssertionError((self.folder / name / "log").read_text("utf-8", "replace"))

    def _stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for server in self._metadata.values():
            server.close()
        self.http.close()
        self.addresses.close()


class Person:
    """Somebody who has signed up; `token` is what the console holds."""

    def __init__(self, http: requests.Session, identity: str) -> None:
        self._http = http
        self._identity = identity
        form = {"email": f"{uuid.uuid4().hex}@example.com", "password": "secret-1", "returnSecureToken": True}
        answer = http.post(
            f"{identity}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=local", json=form, timeout=10
        )
        answer.raise_for_status()
        self.uid: str = answer.json()["localId"]
        self.token: str = answer.json()["idToken"]
        self._refresh: str = answer.json()["refreshToken"]

    def refresh(self) -> None:
        """A new token, with the claims of now."""
        form = urllib.parse.urlencode({"grant_type": "refresh_token", "refresh_token": self._refresh})
        answer = self._http.post(
            f"{self._identity}/securetoken.googleapis.com/v1/token?key=local",
            data=form,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            timeout=10,
        )
        answer.raise_for_status()
        self.token = answer.json()["id_token"]

"""The local engines with workspaces in them, each with an agent that answers in a widget; made through the wizard."""

import contextlib
import io
import os
import secrets
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tests import engines
from tests.functions.shared.http import callers

INSTANT = "benchmarks.rig.instant_model"
ORIGIN = "https://shop.example"
PAIRS = [
    {"question": "When are you open?", "answer": "We are open Monday to Friday from 8 am to 6 pm."},
    {"question": "Do you treat children?", "answer": "Yes, we treat children from the first tooth on."},
]
QUESTION = "When are you open?"
DEPLOYMENTS = ("AGENTS_API", "AGENTS_CHAT", "ANALYTICS_API", "ANALYTICS_USAGE", "BILLING_API", "BILLING_USAGE")
OTHERS = ("DASHBOARD_API", "MY_AGENTS_API", "WIDGETS_API", "WIDGETS_PUBLIC")


@dataclass(frozen=True)
class Tenant:
    """One workspace with one agent in one widget, and its owner."""

    owner: callers.Someone
    workspace: str
    agent: str
    widget: str

    def visitor(self) -> dict[str, str]:
        """The headers of a new visitor's session."""
        someone = callers.visitor(
            workspace_id=self.workspace, widget_id=self.widget, agent_id=self.agent, origin=ORIGIN
        )
        return someone.headers(Accept="text/event-stream", Content_Type="application/json", Origin=ORIGIN)

    def path(self, *parts: str) -> str:
        """A document's path."""
        return "/".join(("workspaces", self.workspace, *parts))


class Shop:
    """Firestore, Pub/Sub and a model; `environment` is what functions need to find them. A context manager."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self._folder = tempfile.TemporaryDirectory()
        home = Path(self._folder.name)
        self.firestore = engines.start("firestore", home / "firestore")
        self.pubsub = engines.start("pubsub", home / "pubsub")
        self._models: list[subprocess.Popen[str]] = []
        self._words: engines.Engine | None = None
        accounts = ("gateway", "push", "scheduler", "dashboard-api")
        self.environment = {
            "ENVIRONMENT": "local",
            "GOOGLE_CLOUD_PROJECT_ID": callers.PROJECT,
            "GOOGLE_CLOUD_PROJECT": callers.PROJECT,
            "FIRESTORE_EMULATOR_HOST": self.firestore.address,
            "PUBSUB_EMULATOR_HOST": self.pubsub.address,
            **self.model(seconds),
            "DEFAULT_MODEL": "offline/offline-extractive",
            "EMBEDDING_MODEL": "offline/wordllama-256",
            "CALLERS": ",".join(callers.account(name) for name in accounts),
            "GOOGLE_CLOUD_DISABLE_GRPC_GCP_OBSERVABILITY": "true",
            **{f"{name}_URL": callers.ADDRESS for name in (*DEPLOYMENTS, *OTHERS)},
        }
        os.environ.update({**self.environment, "DEPLOYMENT": "agents-api"})
        self._make_topic()

    def __enter__(self) -> "Shop":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for model in self._models:
            model.kill()
            model.wait()
        for engine in (self.firestore, self.pubsub, self._words):
            if engine is not None:
                engine.kill()
        self._folder.cleanup()

    def model(self, seconds: float) -> dict[str, str]:
        """Start an instant model that waits so long in the middle of its answer; returns the variable that names it."""
        command = [sys.executable, "-m", INSTANT, "--data", self._folder.name, "--seconds", str(seconds)]
        self._models.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=engines.ROOT))
        assert self._models[-1].stdout is not None
        port = self._models[-1].stdout.readline().split()[1]
        return {"OFFLINE_MODEL_URL": f"http://127.0.0.1:{port}/v1"}

    def _make_topic(self) -> None:
        from functions.shared import events

        events.publisher().create_topic(name=f"projects/{callers.PROJECT}/topics/usage-recorded")

    def tenant(self, *, provider: str = "offline", model: str = "offline-extractive", **terms: Any) -> Tenant:
        """A workspace that has paid, with an active agent; `terms` are fields of its billing account."""
        from functions.shared import clock, ids
        from tests.functions.agents.studio import Studio

        owner = callers.person("owner")
        studio = Studio(owner)
        workspace = owner.claims["workspace_id"]
        callers.write(
            f"workspaces/{workspace}",
            {"name": "Dr. Miller", "currency": "USD", "time_zone": "UTC", "state": "active", "created_at": clock.now()},
        )
        account = {"paid_once": True, "visitor_hour_permille": 1000, "visitor_day_permille": 1000, **terms}
        callers.write(f"workspaces/{workspace}/billing/account", account)
        chosen = {"provider": provider, "id": model}
        with contextlib.redirect_stdout(io.StringIO()):
            agent = studio.agent(business={"name": "Dr. Miller", "contact": "+1 555 0100"}, model=chosen).body["id"]
            published = studio.ask("POST", f"/api/agents/{agent}/publish")
        assert published.status == 200, published.body
        callers.write(f"workspaces/{workspace}/fleet/{agent}", {"status": "active"})
        widget = ids.new("widget")
        callers.write(
            f"workspaces/{workspace}/widgets/{widget}",
            {"agent_id": agent, "name": "Site", "allowed_origins": [ORIGIN], "turns_per_hour": 10**6},
        )
        return Tenant(owner, workspace, agent, widget)

    def teach(self, tenant: Tenant) -> dict[str, str]:
        """Give the agent knowledge; returns the environment in which questions are embedded (wordllama, no pace)."""
        from functions.agents import connections
        from functions.shared import config
        from tests.functions.agents.studio import Studio

        if self._words is None:
            self._words = engines.start("model", Path(self._folder.name) / "words", "--pace", "0")
        more = {"OFFLINE_MODEL_URL": f"http://{self._words.address}/v1"}
        os.environ.update(more)
        config.settings.cache_clear()
        connections.provider.cache_clear()
        knowledge = {"kind": "qa", "title": "Practice", "pairs": PAIRS}
        with contextlib.redirect_stdout(io.StringIO()):
            made = Studio(tenant.owner).ask("POST", f"/api/agents/{tenant.agent}/knowledge", knowledge)
        assert made.status == 201, made.body
        return {**self.environment, **more}


def key() -> str:
    """A fresh idempotency key."""
    return secrets.token_hex(12)

"""The people and things that the callers' requests need, and the ways in which each kind of caller sends one."""

import base64
import json
import threading
from functools import cached_property
from typing import Any

import requests

from functions.shared import clock
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import from_directory
from local.pubsub.backlog import Delivery
from local.pubsub.catalogue import Plan as Subscriptions
from local.pubsub.messages import PubsubMessage
from local.pubsub.push import Push
from local.pubsub.registry import Subscription
from local.scheduler import jobs
from tests.cloud import PROJECT, Cloud
from tests.e2e.client import until
from tests.infra.deployed import DATASET, Deployed, Person, catalogue

PAGE = "https://shop.example"
DEFINITION = {"name": "Mia", "industry": "dental", "business": {"name": "Linden Dental", "contact": "+1 555 0100"}}


class Town:
    """The people and things that requests need, each made when one first asks, by requests of the same kind."""

    def __init__(self, cloud: Cloud, deployed: Deployed) -> None:
        self.cloud = cloud
        self.deployed = deployed
        self._status: requests.Response | None = None

    def founder(self) -> tuple[Person, WorkspaceId]:
        """A person who has just made a workspace, and whose token carries it."""
        person = self.deployed.sign_up()
        made = self.through("dashboard-api", "POST", "/api/workspaces", person.token, {"name": "Linden"}, status=201)
        person.refresh()
        return person, from_directory(made.json()["id"])

    @cached_property
    def home(self) -> tuple[Person, WorkspaceId]:
        """The owner of everything below."""
        return self.founder()

    @property
    def owner(self) -> str:
        """Their token."""
        return self.home[0].token

    @property
    def workspace(self) -> WorkspaceId:
        """Their workspace."""
        return self.home[1]

    @cached_property
    def machine(self) -> str:
        """The token of a program, which it got for an API key."""
        new = {"name": "CI", "scopes": ["read", "write"]}
        key = self.through("dashboard-api", "POST", "/api/workspace/api-keys", self.owner, new, status=201).json()
        pair = base64.b64encode(f"{key['id']}:{key['secret']}".encode()).decode()
        answer = self.through(
            "dashboard-api",
            "POST",
            "/oauth/token",
            body=b"grant_type=client_credentials",
            Content_Type="application/x-www-form-urlencoded",
            X_Forwarded_Authorization=f"Basic {pair}",
        )
        return str(answer.json()["access_token"])

    @cached_property
    def agent(self) -> str:
        """A published agent that is active."""
        made = self.through("agents-api", "POST", "/api/agents", self.owner, DEFINITION, status=201).json()["id"]
        self.through("agents-api", "POST", f"/api/agents/{made}/publish", self.owner)
        self.activate(made)
        return str(made)

    def activate(self, agent: str) -> requests.Response:
        """Set its status as the console does."""
        path = f"/api/my-agents/{agent}/status"
        etag = self.through("my-agents-api", "GET", path, self.owner).headers["ETag"]
        return self.through("my-agents-api", "PUT", path, self.owner, {"status": "active"}, If_Match=etag)

    def new_widget(self) -> requests.Response:
        """Have a program make a widget for PAGE."""
        new = {"agent_id": self.agent, "name": "Site", "allowed_origins": [PAGE]}
        return self.through("widgets-api", "POST", "/api/widgets", self.machine, new, status=201)

    @cached_property
    def widget(self) -> str:
        """A widget of the agent."""
        return str(self.new_widget().json()["id"])

    def new_session(self) -> requests.Response:
        """What the widget's script asks for on PAGE."""
        path = f"/api/widgets/{self.widget}/sessions"
        return self.through("widgets-public", "POST", path, body={}, status=201, Origin=PAGE)

    def through(self, *arguments: Any, **more: Any) -> requests.Response:
        """Through the gateway."""
        return self.deployed.through_gateway(*arguments, **more)

    def status(self, deployment: str) -> tuple[dict[str, Any], str]:
        """What the status page says of a deployment that answers, and the id of the request that asked for it.

        A page that was asked for a moment ago will do. It gives each deployment two seconds, which a machine that
        does much else may not have, so it is asked for again.
        """

        def healthy() -> tuple[dict[str, Any], str] | None:
            if self._status is None:
                self._status = self.through("dashboard-api", "GET", "/api/dashboard/status", self.owner)
            found = {one["name"]: one for one in self._status.json()["deployments"]}[deployment]
            page = self._status
            if found["status"] != "healthy":
                self._status = None
                return None
            return found, page.headers["X-Request-ID"]

        found: tuple[dict[str, Any], str] = until(20, healthy)[0]
        return found

    def push(self, subscription: str, message: Any) -> None:
        """Deliver one message as Pub/Sub does, from the subscription that the catalogue describes."""
        addresses = {one.name: self.deployed.addresses.deployment(one.name) for one in self.deployed.plan.deployments}
        body = Subscriptions(catalogue(), PROJECT, addresses, DATASET).subscription(subscription)
        delivery = Delivery(1, 1, message.SerializeToString())
        problems = Push(self.deployed.tokens("push")).carry(Subscription(1, body, threading.RLock()), [delivery])
        assert problems == [""]

    def fire(self, schedule: str) -> None:
        """Run a schedule now, as Cloud Scheduler does."""
        addresses = {one.name: self.deployed.addresses.deployment(one.name) for one in self.deployed.plan.deployments}
        job = {one.name: one for one in jobs.jobs(catalogue(), addresses)}[schedule]
        answer = job.fire(clock.now(), self.deployed.tokens("scheduler"), jobs.account(PROJECT))
        assert jobs.succeeded(answer), answer


def message(columns: dict[str, Any], **attributes: str) -> Any:
    """A row as events.publish sends it."""
    named = {"event_id": columns.get("event_id", ""), "workspace_id": columns["workspace_id"], **attributes}
    published = PubsubMessage(data=json.dumps(columns).encode(), attributes=named)
    published.publish_time.GetCurrentTime()
    return published

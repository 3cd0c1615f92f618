"""Dental practices that the tests of bad input attack: a workspace with an agent, a widget and a conversation in it."""

import base64
import json
import re
import uuid
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, pubsub_v1

from local.id_tokens import Credentials
from local.identity.keys import SECURETOKEN, Keyring
from tests.e2e.attacks import FORGERIES, READS
from tests.e2e.client import Client, events_of, until
from tests.e2e.stack import Stack

ORIGIN = "http://localhost:8090"
QUESTION = "When are you open?"
HOURS = "We are open Monday to Friday from 8 am to 6 pm, and on the first Saturday of each month from 9 am to noon."
ANY = tuple(range(200, 600))
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

UNUSED = {
    "visitor": "vis",
    "invoice": "inv",
    "payment": "pay",
    "key": "key",
    "member": "uid",
    "invitation": "ivt",
    "token": "ivt",
    "run": "run",
    "webhook": "whk",
    "delivery": "evt",
}
MOVING = ("/api/dashboard/status", "/api/operator")
"""Reads that change by themselves, or are nobody's."""
PASSING = re.compile(r'"(projection|projected_total)":\{[^}]*\}|"((projection|charge)_)?as_of":"[^"]*"')
"""A forecast is another one a second later, and so is the time of reading."""


class Practice:
    """One workspace with everything that others should not reach."""

    def __init__(self, stack: Stack, name: str = "Linden Dental") -> None:
        self.stack = stack
        self.owner = Client(stack.gateway)
        self.email, self.password = f"{uuid.uuid4().hex[:10]}@example.com", "correct horse battery staple"
        self.owner.sign_up(self.email, self.password)
        self.id: str = self.owner.ask("POST", "/api/workspaces", {"name": name, "country": "US"}).json()["id"]
        self.owner.refresh()
        self.agent: str = self.owner.ask("POST", "/api/agents", {"name": "Mia", "industry": "dental"}).json()["id"]
        item = {"kind": "qa", "title": "Practice", "pairs": [{"question": QUESTION, "answer": HOURS}]}
        self.item: str = self.owner.ask("POST", f"/api/agents/{self.agent}/knowledge", item).json()["id"]
        self.version: str = self.owner.ask("POST", f"/api/agents/{self.agent}/publish").json()["id"]
        self.set_status("active")
        fields = {"agent_id": self.agent, "allowed_origins": [ORIGIN]}
        self.widget: str = self.owner.ask("POST", "/api/widgets", fields).json()["id"]
        self.set_budgets({"cap": None, "visitor_hour_share": "1", "visitor_day_share": "1"})

    def set_status(self, status: str) -> None:
        """Activate or pause the agent."""
        path = f"/api/my-agents/{self.agent}/status"
        self.owner.ask("PUT", path, {"status": status}, If_Match=self.owner.etag(path))

    def set_budgets(self, budgets: Any, status: int | tuple[int, ...] = 200) -> requests.Response:
        """Set the caps."""
        path = "/api/billing/budgets"
        return self.owner.ask("PUT", path, budgets, status=status, If_Match=self.owner.etag(path))

    def key(self, *scopes: str) -> tuple[str, Client]:
        """An API key and a program that has its token."""
        made = self.owner.ask("POST", "/api/workspace/api-keys", {"name": "Till", "scopes": scopes}).json()
        program = Client(self.stack.gateway)
        form = {"grant_type": "client_credentials", "client_id": made["id"], "client_secret": made["secret"]}
        program.token = program.http.post(f"{self.stack.gateway}/oauth/token", data=form).json()["access_token"]
        return made["id"], program

    def session(self, origin: str | None = ORIGIN, **headers: str) -> requests.Response:
        """What a page of this origin gets when it opens the chat."""
        sent = {**headers, **({"Origin": origin} if origin is not None else {})}
        return self.owner.http.post(
            f"{self.stack.gateway}/api/widgets/{self.widget}/sessions", json={}, headers=sent, timeout=30
        )

    def visitor(self) -> Client:
        """A visitor in a session of its own."""
        client = Client(self.stack.gateway)
        client.token = self.session().json()["token"]
        return client

    def turn(self, message: str = QUESTION, key: str = "", *, stream: bool = False, **more: Any) -> requests.Response:
        """One turn in the playground; with `stream` the answer is read by the caller."""
        headers = {
            "Authorization": f"Bearer {self.owner.token}",
            "Idempotency-Key": key or uuid.uuid4().hex,
            "Accept": "text/event-stream" if stream else "application/json",
        }
        url = f"{self.stack.gateway}/api/agents/{self.agent}/chat"
        body = {"message": message, **more}
        return self.owner.http.post(url, json=body, headers=headers, stream=stream, timeout=60)

    def charged(self) -> int:
        """The charge so far, in nanos: what the turns themselves have written."""
        return _nanos(self.owner.get("/api/billing")["charge_so_far"]["amount"])

    def tallied(self) -> int:
        """The month's charge as billing has counted it from the events, in nanos."""
        return _nanos(self.owner.get("/api/billing/usage")["total"]["charge"]["amount"])

    def transcript(self, conversation: str) -> list[dict[str, Any]]:
        """The turns of a conversation; empty while there is none."""
        found = self.owner.ask("GET", f"/api/conversations/{conversation}", status=(200, 404))
        turns: list[dict[str, Any]] = found.json().get("transcript", [])
        return turns

    def turns_counted(self) -> int:
        """How many turns analytics has counted."""
        return int(self.owner.get("/api/usage/stats")["total"]["turns"])

    def filled(self, path: str, conversation: str = "cnv_" + "a" * 52) -> str:
        """The path with the practice's ids in it, and well-formed ones where it has none."""
        ids = {name: f"{prefix}_{'0' * 26}" for name, prefix in UNUSED.items()}
        ids |= {"agent": self.agent, "item": self.item, "version": self.version, "widget": self.widget}
        ids |= {"conversation": conversation, "workspace": self.id, "line": "1", "industry": "dental"}
        for name, value in ids.items():
            path = path.replace(f"{{{name}}}", value)
        return path

    def everything(self, conversation: str) -> dict[str, Any]:
        """What the owner reads of all that can be changed."""
        found = {}
        for _, template, operation in READS:
            if "console" in operation["security"][0] and not template.startswith(MOVING):
                path = self.filled(template, conversation)
                answer = self.owner.ask("GET", path, status=ANY)
                found[path] = PASSING.sub("", answer.text) if answer.ok else answer.status_code
        return found


def _nanos(amount: str) -> int:
    whole, _, part = amount.partition(".")
    return int(whole) * 10**9 + int(part.ljust(9, "0"))


def first_delta(answer: requests.Response) -> str:
    """Read a stream up to the first word; returns the conversation."""
    conversation = ""
    for name, data in events_of(answer):
        conversation = data.get("conversation_id", conversation)
        if name == "delta":
            break
    return conversation


def refused(answer: requests.Response, *statuses: int, code: str = "") -> dict[str, Any]:
    """The body of a clear refusal with one of these statuses; raises AssertionError for any other answer."""
    what = f"{answer.request.method} {answer.request.url} answered {answer.status_code}: {answer.text[:600]}"
    assert answer.status_code in statuses, what
    assert "Traceback" not in answer.text, what
    body: dict[str, Any] = answer.json()
    if answer.headers["Content-Type"] == "application/problem+json":
        assert body["status"] == answer.status_code, what
        assert {"type", "title", "code", "request_id"} <= set(body), what
        assert len(body["detail"]) > 10, what
    else:
        # The gateway's own; functions answer everything else.
        assert body == {"code": answer.status_code, "message": body["message"]}, what
    assert not code or body["code"] == code, what
    return body


def id_token(stack: Stack, account: str, deployment: str, audience: str = "") -> str:
    """An ID token of one of the platform's own accounts for a deployment."""
    credentials = Credentials.read(stack.state / "credentials" / f"{account}.json")
    assertion = credentials.assertion(audience or stack.facts["deployments"][deployment])
    form = {"grant_type": GRANT, "assertion": assertion}
    return str(requests.post(credentials.token_uri, data=form, timeout=30).json()["id_token"])


def envelope(row: Any, **attributes: Any) -> dict[str, Any]:
    """A Pub/Sub push envelope around a row."""
    data = base64.b64encode(json.dumps(row).encode()).decode()
    return {"message": {"data": data, "attributes": attributes, "messageId": "1"}, "subscription": "s"}


def forged(practice: Practice, what: str) -> str:
    """The owner's token with one thing wrong."""
    ours = Keyring(practice.stack.state / "identity" / "keys").key(SECURETOKEN)
    claims = {**jwt.decode(practice.owner.token, options={"verify_signature": False}), **FORGERIES[what]}
    claims = {name: value for name, value in claims.items() if value is not None}
    if what == "alg none":
        return jwt.encode(claims, "", algorithm="none")
    if what == "a key of their own":
        return jwt.encode(claims, rsa.generate_private_key(65537, 2048), "RS256", headers={"kid": ours.kid})
    return ours.token(claims)


def republish(practice: Practice, rows: list[dict[str, Any]]) -> None:
    """Publish usage events once more, in this order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", practice.stack.facts["pubsub"])
        publisher = pubsub_v1.PublisherClient(credentials=AnonymousCredentials())
    topic = publisher.topic_path(practice.stack.facts["project"], "usage-recorded")
    for row in rows:
        names = {"event_id": row["event_id"], "workspace_id": practice.id, "event_type": row["type"]}
        publisher.publish(topic, json.dumps(row).encode(), **names).result(10)
    publisher.stop()


def usage_rows(documents: firestore.Client, practice: Practice) -> list[dict[str, Any]]:
    """The usage events of the workspace."""
    stored = documents.collection(f"workspaces/{practice.id}/events").stream()
    return [event.get("row") for event in stored if event.get("topic") == "usage-recorded"]


def quiet(documents: firestore.Client, practice: Practice) -> None:
    """Wait until analytics and billing have counted every turn."""
    rows = usage_rows(documents, practice)
    charge = sum(row["charge_nanos"] for row in rows)
    until(20, lambda: (practice.turns_counted(), practice.tallied(), practice.charged()) == (len(rows), charge, charge))


def held(documents: firestore.Client, practice: Practice) -> dict[str, Any]:
    """The holds of the workspace that are open."""
    (spend,) = documents.collection(f"workspaces/{practice.id}/spend").stream()
    return dict(spend.to_dict()["holds"])

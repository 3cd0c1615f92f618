"""A business with one thing of every kind that a path can name, each made by the requests that its owner would send."""

import contextlib
import json
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
import requests
from werkzeug.test import TestResponse

from functions.analytics import consumer
from functions.billing import closing, tallies
from functions.shared import bigquery, clock, firestore, ids
from functions.shared.config import settings
from functions.shared.events import Event
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import from_directory
from local.firestore.paths import AFTER, locate
from local.firestore.protocol import Document
from tests.cloud import PROJECT
from tests.functions.shared.http import callers
from tests.matrix.city import City, Who

PAGE = "https://shop.example"
QUESTION = "When are you open?"
NOWHERE = "http://127.0.0.1:9/hook"
"""A webhook's address at which nobody listens: a test delivery fails at once."""
KINDS = {
    "agent": ids.KINDS["agent"],
    "version": ids.KINDS["version"],
    "item": ids.KINDS["knowledge"],
    "run": ids.KINDS["check_run"],
    "conversation": ids.KINDS["conversation"],
    "visitor": ids.KINDS["visitor"],
    "widget": ids.KINDS["widget"],
    "invoice": ids.KINDS["invoice"],
    "line": "line",
    "payment": ids.KINDS["payment"],
    "credit_note": ids.KINDS["credit_note"],
    "event": ids.KINDS["event"],
    "turn": "turn",
    "workspace": ids.KINDS["workspace"],
    "member": "uid",
    "invitation": ids.KINDS["invitation"],
    "token": ids.KINDS["invitation"],
    "key": ids.KINDS["api_key"],
    "webhook": ids.KINDS["webhook"],
    "delivery": "dlv",
    "export": ids.KINDS["export"],
}
"""Every name of a path parameter that stands for something of a workspace, with how its ids begin."""
SHARED = {"industry": "dental"}
"""Path parameters that stand for something of everybody."""


@dataclass
class Business:
    """One workspace. `things` has an id for each name in KINDS."""

    city: City
    name: str
    owner: Who = field(init=False)
    workspace: WorkspaceId = field(init=False)
    things: dict[str, str] = field(default_factory=dict)
    guest: Who = field(init=False)
    """A visitor of its page, in a session."""

    def __post_init__(self) -> None:
        self._found()
        self._teach()
        self._open()
        self._invite()
        self._bill()

    def do(
        self, deployment: str, method: str, path: str, body: Any = None, who: Who | None = None, **headers: str
    ) -> Any:
        """One request that must work: its JSON."""
        answer = self.city.ask(deployment, method, path, who or self.owner, body, **headers)
        assert answer.status_code < 300, f"{method} {path}: {answer.status} {answer.get_data()[:500]!r}"
        return json.loads(answer.get_data()) if answer.get_data() else None

    def etag(self, deployment: str, path: str) -> str:
        """The ETag of something, as it is sent back."""
        return etag_of(self.city.ask(deployment, "GET", path, self.owner))

    def signed_up(self, name: str, **claims: Any) -> Who:
        """Somebody whom the identity service knows, without a workspace."""
        url = f"http://{self.city.google.engine.address}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=local"
        form = {"email": f"{ids.secret(6)}@example.com", "password": "secret-1", "returnSecureToken": True}
        uid = requests.post(url, json=form, timeout=30).json()["localId"]
        someone = callers.person(None, sub=uid, email=form["email"].lower(), email_verified=True, name="Ann", **claims)
        del someone.claims["workspace_id"]
        return Who(name, someone.claims)

    def member(self, role: str | None, **claims: Any) -> Who:
        """A person of the workspace; one whose role is None was removed, and has a token from before."""
        stated = {"name": "Bo", "email_verified": True, **claims}
        someone = callers.person(None, self.workspace, **stated)
        if role is not None:
            document = {"role": role, "email": "bo@example.com", "name": "Bo", "since": clock.now()}
            more = {"uid": someone.claims["sub"], "workspace_id": self.workspace}
            callers.write(f"workspaces/{self.workspace}/members/{someone.claims['sub']}", document | more)
        return Who(role or "a removed member", someone.claims)

    def program(self, name: str, *scopes: str, role: str = "member", **fields: Any) -> Who:
        """A program with an API key; `fields` are changed in the key's document afterwards."""
        new = {"name": name, "scopes": scopes, "role": role}
        key = self.do("dashboard-api", "POST", "/api/workspace/api-keys", new)["id"]
        if fields:
            batch = firestore.Batch()
            path = f"workspaces/{self.workspace}/api_keys/{key}"
            batch.update(path, {(field_name,): value for field_name, value in fields.items()})
            batch.commit()
        claims = {"iss": callers.account("machines"), "aud": "agenthub-machines", "sub": key}
        return Who(name, {**claims, "exp": clock.now().timestamp() + 3600, "workspace_id": self.workspace})

    def documents(self) -> dict[str, Any]:
        """Everything that is stored below the workspace, by name, read from the engine's own file: a walk over the wire
        takes a query for each collection of each document.
        """
        name = f"projects/{PROJECT}/databases/(default)/documents/workspaces/{self.workspace}"
        home = locate(name).key
        file = self.city.cloud.engine("firestore").data / "firestore.sqlite3"
        with contextlib.closing(sqlite3.connect(file)) as stored:
            rows = stored.execute(
                "SELECT body FROM documents WHERE key >= ? AND key < ?", (home, home + AFTER)
            ).fetchall()
        found = [Document.FromString(body) for (body,) in rows]
        return {document.name: {key: str(value) for key, value in document.fields.items()} for document in found}

    def _found(self) -> None:
        self.owner = self.signed_up("owner")
        new = {"name": self.name, "country": "DE"}
        self.workspace = from_directory(self.do("dashboard-api", "POST", "/api/workspaces", new)["id"])
        assert self.owner.claims is not None
        self.owner.claims["workspace_id"] = self.workspace
        self.things |= {"workspace": self.workspace, "member": self.owner.claims["sub"]}

    def _teach(self) -> None:
        agent = self.do("agents-api", "POST", "/api/agents", {"name": "Mia", "industry": "dental"})["id"]
        pairs = [{"question": QUESTION, "answer": f"{self.name} is open from 8 to 6."}]
        item = {"kind": "qa", "title": "Hours", "pairs": pairs}
        self.things["item"] = self.do("agents-api", "POST", f"/api/agents/{agent}/knowledge", item)["id"]
        self.things["version"] = self.do("agents-api", "POST", f"/api/agents/{agent}/publish")["id"]
        status = f"/api/my-agents/{agent}/status"
        self.do("my-agents-api", "PUT", status, {"status": "active"}, If_Match=self.etag("my-agents-api", status))
        checks = f"/api/agents/{agent}/checks"
        cases = {"cases": [{"id": "hours", "question": QUESTION, "must": ["8"]}]}
        self.do("agents-api", "PUT", checks, cases, If_Match=self.etag("agents-api", checks))
        self.things |= {"agent": agent, "run": self.do("agents-chat", "POST", f"{checks}/run")["id"]}

    def _open(self) -> None:
        new = {"agent_id": self.things["agent"], "name": "Site", "allowed_origins": [PAGE]}
        widget = self.do("widgets-api", "POST", "/api/widgets", new)["id"]
        session = self.do("widgets-public", "POST", f"/api/widgets/{widget}/sessions", {}, Who("page"), Origin=PAGE)
        self.guest = Who("a visitor", jwt.decode(session["token"], options={"verify_signature": False}))
        said = self.do("agents-chat", "POST", "/api/chat", {"message": QUESTION}, self.guest)
        lead = {"name": "Eva", "email": "eva@example.com", "consent": "Call me."}
        self.do("agents-chat", "POST", "/api/chat/lead", lead, self.guest)
        self.do("agents-chat", "POST", "/api/chat/hand-off", {"note": "Please"}, self.guest)
        rated = {"message_id": said["message"]["message_id"], "rating": "up", "comment": "Thanks"}
        self.do("agents-chat", "POST", "/api/chat/feedback", rated, self.guest)
        self.things |= {"widget": widget, "conversation": said["conversation_id"], "visitor": session["visitor_id"]}

    def _invite(self) -> None:
        invited = self.do("dashboard-api", "POST", "/api/invitations", {"email": "cy@example.com"})
        key = self.do("dashboard-api", "POST", "/api/workspace/api-keys", {"name": "Till"})["id"]
        hook = self.do("dashboard-api", "POST", "/api/webhooks", {"url": NOWHERE, "types": ["invoice.issued"]})["id"]
        delivery = self.do("dashboard-api", "POST", f"/api/webhooks/{hook}/test")["id"]
        self.things |= {"invitation": invited["id"], "token": invited["token"], "key": key, "webhook": hook}
        self.things["delivery"] = delivery

    def _bill(self) -> None:
        now = clock.now()
        for columns in self.city.cloud.published("usage-recorded", self.workspace):
            event = Event(self.workspace, "usage-recorded", columns["event_id"], columns)
            self.things |= {"event": event.id, "turn": event.id}
            tallies.count(event, now)
            consumer.count(self.city.cloud.call(self.workspace, now=now), event)
            table = f"{settings().project}.{settings().dataset}.usage_events"
            assert bigquery.client().insert_rows_json(table, [columns]) == []
        for night in (first_of_next(now), first_of_next(now) + timedelta(days=1)):
            closing.close(self.workspace, night)
        (invoice,) = self.do("billing-api", "GET", "/api/invoices")["items"]
        shown = self.do("billing-api", "GET", f"/api/invoices/{invoice['id']}")
        operator = Who("operator", {**self.signed_up("operator").claims, "operator": True})  # type: ignore[dict-item]
        paid = {"invoice_id": invoice["id"], "amount": {"amount": "0.01", "currency": "USD"}}
        home = f"/api/operator/workspaces/{self.workspace}"
        payment = self.do("billing-api", "POST", f"{home}/payments", paid, operator)
        credited = {"lines": [{"line_id": shown["lines"][0]["id"], "reason": "Wrong"}]}
        note = self.do("billing-api", "POST", f"{home}/invoices/{invoice['id']}/credit-notes", credited, operator)
        self.things |= {"credit_note": note["id"]}
        self.things |= {"invoice": invoice["id"], "line": shown["lines"][0]["id"], "payment": payment["id"]}
        self.things["export"] = self.do("analytics-api", "POST", "/api/exports", {"kind": "payments"})["id"]


def first_of_next(now: datetime) -> datetime:
    """Ten past midnight on the first of the next month."""
    later = (now.replace(day=28) + timedelta(days=4)).replace(day=1)
    return later.replace(hour=0, minute=10, second=0, microsecond=0)


def etag_of(answer: TestResponse) -> str:
    """The ETag of an answer, as it is sent back; `"0"` when it has none."""
    return answer.headers.get("ETag", '"0"')

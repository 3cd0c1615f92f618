"""Practices whose month is over, for the rooms where money stands: one close makes every invoice of these tests."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import Page, Request

from tests.e2e.client import Client, until
from tests.e2e.practice import Practice
from tests.e2e.stack import Stack
from tests.e2e.story import first_of_next_month

PASSWORD = "correct horse battery staple"


@dataclass
class Person:
    """Somebody who opens consoles: their `owner` client has the session."""

    owner: Client
    email: str


class Billed:
    """Three practices on a plan with a monthly price: one with a draft, two with an open invoice; and the operator."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.operator = self._operator()
        self.payer, self.reader, self.drafted = (self._customer(name) for name in ("Payer", "Reader", "Drafted"))
        close = first_of_next_month(datetime.now(UTC))
        stack.tick("billing-close", close.isoformat().replace("+00:00", "Z"))
        for one in (self.payer, self.reader, self.drafted):
            until(60, lambda one=one: self.invoices(one))
        for one in (self.payer, self.reader):
            self.act(one, f"invoices/{self.invoice(one)['id']}/finalize", None)

    def invoices(self, of: Practice) -> list[dict[str, Any]]:
        """The practice's invoices, the newest month first."""
        found: list[dict[str, Any]] = of.owner.get("/api/invoices")["items"]
        return found

    def invoice(self, of: Practice) -> dict[str, Any]:
        """The practice's invoice with its lines."""
        found: dict[str, Any] = of.owner.get(f"/api/invoices/{self.invoices(of)[0]['id']}")
        return found

    def act(self, on: Practice, path: str, body: Any) -> Any:
        """The operator does something about a practice's money."""
        return self.operator.owner.ask("POST", f"/api/operator/workspaces/{on.id}/{path}", body).json()

    def member(self, of: Practice, role: str) -> Person:
        """Somebody who was invited into the practice."""
        person = Person(Client(self.stack.gateway), f"{role}-{uuid.uuid4().hex[:8]}@example.com")
        person.owner.sign_up(person.email, PASSWORD)
        made = of.owner.ask("POST", "/api/invitations", {"email": person.email, "role": role}).json()
        person.owner.ask("POST", f"/api/invitations/{made['token']}/accept")
        person.owner.refresh()
        return person

    def _customer(self, name: str) -> Practice:
        practice = Practice(self.stack, f"{name} Dental")
        path = "/api/billing/plan"
        practice.owner.ask("PUT", path, {"plan": "starter"}, If_Match=practice.owner.etag(path))
        for question in ("When are you open?", "Is there parking?", "When are you open on Saturday?"):
            assert practice.turn(question).status_code == 200
        return practice

    def _operator(self) -> Person:
        person = Person(Client(self.stack.gateway), f"operator-{uuid.uuid4().hex[:8]}@example.com")
        person.owner.sign_up(person.email, PASSWORD)
        person.owner.ask("POST", "/api/workspaces", {"name": "The office", "country": "US"})
        self.stack.operator(person.email)
        person.owner.refresh()
        return person


def wishes(page: Page, ending: str) -> list[str]:
    """The idempotency keys of what the page posts to addresses that end so, as it posts."""
    keys: list[str] = []

    def sent(request: Request) -> None:
        if request.method == "POST" and request.url.endswith(ending):
            keys.append(request.headers["idempotency-key"])

    page.on("request", sent)
    return keys

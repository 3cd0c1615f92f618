"""The card service as tests use it: the local stand-in, clicked as a payer would, its events signed and delivered."""

import json
import time
from dataclasses import dataclass
from typing import Any

import requests

from functions.billing import card_payments, cards, checkout, payment_routes
from functions.billing import payment_api_models as payment_api
from functions.shared import config
from functions.shared.http import Call, Raw
from functions.shared.identity import Caller
from functions.shared.money import Money
from local.cards.sender import signed
from tests import engines
from tests.functions.billing.story import Story, at

KEY, SECRET, OLD_SECRET = "sk_test_till", "whsec_new", "whsec_old"
PAID = at("2026-12-03")


@dataclass
class Till:
    """One card service for the whole run; each test looks at its own payments."""

    engine: engines.Engine

    @property
    def address(self) -> str:
        return f"http://{self.engine.address}"

    def settings(self) -> dict[str, str]:
        """What billing-api needs to use it."""
        return {
            "STRIPE_API_KEY": KEY,
            "STRIPE_WEBHOOK_SECRET": f"{OLD_SECRET}, {SECRET}",
            "STRIPE_API_BASE": self.address,
        }

    def open(self, story: Story, *, invoice_id: str | None = None, credit: str | None = None) -> str:
        """Begin to pay as an admin of the workspace; returns the checkout's id."""
        wanted = None if credit is None else Money(amount=credit, currency="USD")
        new = payment_api.NewCheckout(invoice_id=invoice_id, credit=wanted)
        return checkout.begin(story.cloud.call(story.workspace, now=PAID), new).id

    def click(self, session: str, how: str = "card") -> str:
        """Pay on the page; returns the payment's name."""
        answer = requests.post(
            f"{self.address}/checkout/{session}", data={"how": how}, allow_redirects=False, timeout=20
        )
        assert answer.status_code == (200 if how == "declined" else 303), answer.text
        return str(self.asked(f"/v1/checkout/sessions/{session}")["payment_intent"])

    def pays(self, story: Story, how: str = "card", **what: Any) -> str:
        """From the checkout to the paid page; nothing is delivered yet."""
        return self.click(self.open(story, **what), how)

    def act(self, intent: str, act: str) -> None:
        """Something happens to a payment afterwards."""
        address = f"{self.address}/payments/{intent}/{act}"
        answer = requests.post(address, allow_redirects=False, timeout=20)
        assert answer.status_code == 303, answer.text

    def asked(self, path: str) -> dict[str, Any]:
        answer = requests.get(self.address + path, headers={"Authorization": f"Bearer {KEY}"}, timeout=20)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def events(self, intent: str) -> list[dict[str, Any]]:
        """What the service would tell of a payment, in order."""
        about = [
            event
            for event in self.asked("/v1/events")["data"]
            if intent in (event["data"]["object"]["id"], event["data"]["object"].get("payment_intent"))
        ]
        return about[::-1]

    def deliver(self, story: Story, *events: dict[str, Any]) -> None:
        """Give events to our webhook, in this order; each must be taken."""
        for event in events:
            content = json.dumps(event)
            payment_routes.take_webhook(webhook(story, signed(content, SECRET, int(time.time()))), raw(content))

    def told(self, story: Story, intent: str) -> None:
        """Deliver all that the service has to tell of a payment."""
        self.deliver(story, *self.events(intent))

    def made(self, **order: Any) -> str:
        """A payment that was paid on a page which somebody else made with our key: whatever the order says."""
        said = {"agenthub_installation": card_payments.installation(), "purpose": "credit", **order.pop("metadata", {})}
        amount, currency = order.pop("amount_minor", 1000), order.pop("currency", "USD")
        stated = {"amount_minor": str(amount), "currency": currency, **said}
        page = cards.open_checkout(
            cards.Order(amount, currency, "test", stated, "http://x.test/", "http://x.test/"), f"key{time.time_ns()}"
        )
        return self.click(page.id)


def webhook(story: Story, signature: str) -> Call:
    """A call as the route of webhooks gets it."""
    from dataclasses import replace

    config.settings.cache_clear()
    return replace(story.cloud.call(None, kind=Caller.PUBLIC, now=PAID), signature=signature)


def raw(content: str | bytes) -> Raw:
    """A body in JSON."""
    return Raw(content.encode() if isinstance(content, str) else content, "application/json")

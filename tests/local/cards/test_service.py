"""The card service as Stripe's own client sees it, and as a payer and a webhook's receiver do."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from tests import engines

KEY, SECRET = "sk_test_x", "whsec_x"
ORDER: dict[str, Any] = {
    "mode": "payment",
    "line_items": [
        {"quantity": 1, "price_data": {"currency": "usd", "unit_amount": 1000, "product_data": {"name": "Invoice"}}}
    ],
    "payment_intent_data": {"metadata": {"workspace": "ws_1"}, "description": "Invoice <1>"},
    "success_url": "http://console.test/#/billing?checkout=paid&session={CHECKOUT_SESSION_ID}",
    "cancel_url": "http://console.test/#/billing",
}


class Receiver(BaseHTTPRequestHandler):
    """Takes webhooks; the first one is refused, as by a server that is just starting."""

    taken: list[tuple[str, bytes]]
    refuse: int

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        kind = type(self)
        if kind.refuse:
            kind.refuse -= 1
            self.send_response(503)
        else:
            kind.taken.append((self.headers["Stripe-Signature"], content))
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    kind = type("Fresh", (Receiver,), {"taken": [], "refuse": 1})
    server = HTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/webhook", kind
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, receiver: tuple[str, Any]) -> Iterator[engines.Engine]:
    data = tmp_path_factory.mktemp("cards")
    found = engines.start("cards", data, "--key", KEY, "--secret", SECRET, "--webhook", receiver[0])
    yield found
    found.kill()


def client(engine: engines.Engine, key: str = KEY) -> stripe.StripeClient:
    return stripe.StripeClient(key, base_addresses={"api": f"http://{engine.address}"}, max_network_retries=0)


def click(engine: engines.Engine, session: str, how: str) -> requests.Response:
    address = f"http://{engine.address}/checkout/{session}"
    return requests.post(address, data={"how": how}, allow_redirects=False, timeout=20)


def act(engine: engines.Engine, intent: str, name: str) -> int:
    address = f"http://{engine.address}/payments/{intent}/{name}"
    return requests.post(address, allow_redirects=False, timeout=20).status_code


def paid(engine: engines.Engine, how: str = "card") -> str:
    session = client(engine).v1.checkout.sessions.create(ORDER)  # type: ignore[arg-type]
    assert click(engine, session.id, how).status_code == 303
    return str(client(engine).v1.checkout.sessions.retrieve(session.id).payment_intent)


def test_a_page_is_paid_once_and_leads_back(engine: engines.Engine) -> None:
    session = client(engine).v1.checkout.sessions.create(ORDER)  # type: ignore[arg-type]
    assert session.url == f"http://{engine.address}/checkout/{session.id}"
    page = requests.get(session.url, timeout=20)
    assert "10.00 USD" in page.text
    assert "Invoice &lt;1&gt;" in page.text
    assert "declined" in click(engine, session.id, "declined").text
    back = click(engine, session.id, "card")
    assert back.headers["Location"].endswith(f"session={session.id}")
    assert click(engine, session.id, "card").status_code == 400
    found = client(engine).v1.checkout.sessions.retrieve(session.id)
    assert (found.payment_status, found.status) == ("paid", "complete")
    intent = client(engine).v1.payment_intents.retrieve(str(found.payment_intent), {"expand": ["latest_charge"]})
    assert (intent.status, intent.amount_received) == ("succeeded", 1000)
    assert intent.to_dict()["latest_charge"]["metadata"] == {"workspace": "ws_1"}
    assert "Invoice &lt;1&gt;" in requests.get(f"http://{engine.address}/", timeout=20).text


def test_a_key_gives_the_same_answer_and_no_other(engine: engines.Engine) -> None:
    sessions = client(engine).v1.checkout.sessions
    first = sessions.create(ORDER, {"idempotency_key": "k"})  # type: ignore[arg-type]
    assert sessions.create(ORDER, {"idempotency_key": "k"}).id == first.id  # type: ignore[arg-type]
    with pytest.raises(stripe.IdempotencyError):
        sessions.create({**ORDER, "cancel_url": "http://x.test"}, {"idempotency_key": "k"})  # type: ignore[arg-type]


def test_what_stripe_would_refuse_is_refused(engine: engines.Engine) -> None:
    with pytest.raises(stripe.AuthenticationError):
        client(engine, "sk_other").v1.refunds.list()
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        client(engine).v1.checkout.sessions.create({**ORDER, "no_such": "1"})  # type: ignore[arg-type]
    assert (unknown.value.code, unknown.value.param) == ("parameter_unknown", "no_such")
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client(engine).v1.payment_intents.retrieve("pi_none")
    assert missing.value.code == "resource_missing"
    cheap = json.loads(json.dumps(ORDER).replace("1000", "49"))
    with pytest.raises(stripe.InvalidRequestError) as small:
        client(engine).v1.checkout.sessions.create(cheap)
    assert small.value.code == "amount_too_small"


def test_refunds_and_disputes(engine: engines.Engine) -> None:
    intent, refunds = paid(engine), client(engine).v1.refunds
    part = refunds.create({"payment_intent": intent, "amount": 400, "metadata": {"refund": "ref_1"}})
    assert (part.status, part.amount) == ("succeeded", 400)
    with pytest.raises(stripe.InvalidRequestError) as more:
        refunds.create({"payment_intent": intent, "amount": 601})
    assert more.value.param == "amount"
    assert act(engine, intent, "refund") == 303
    with pytest.raises(stripe.InvalidRequestError) as again:
        refunds.create({"payment_intent": intent})
    assert again.value.code == "charge_already_refunded"
    assert act(engine, intent, "fail-refund") == 303
    assert [one.status for one in refunds.list({"payment_intent": intent})] == ["failed", "succeeded"]
    other = paid(engine)
    assert act(engine, other, "dispute") == 303
    with pytest.raises(stripe.InvalidRequestError) as disputed:
        refunds.create({"payment_intent": other})
    assert disputed.value.code == "charge_disputed"
    assert act(engine, other, "lose") == 303
    assert [one.status for one in client(engine).v1.disputes.list({"payment_intent": other})] == ["lost"]
    assert act(engine, other, "no-such") == 404
    assert act(engine, "pi_none", "dispute") == 404


def test_a_debit_takes_its_time(engine: engines.Engine) -> None:
    came, failed = paid(engine, "debit"), paid(engine, "debit")
    assert client(engine).v1.payment_intents.retrieve(came).status == "processing"
    assert (act(engine, came, "arrive"), act(engine, failed, "fail")) == (303, 303)
    assert client(engine).v1.payment_intents.retrieve(came).status == "succeeded"
    assert client(engine).v1.payment_intents.retrieve(failed).status == "requires_payment_method"
    assert act(engine, came, "fail") == 400


def test_webhooks_are_signed_and_come_again_until_they_are_taken(
    engine: engines.Engine, receiver: tuple[str, type[Receiver]]
) -> None:
    intent = paid(engine)

    def about() -> list[tuple[str, bytes]]:
        return [one for one in receiver[1].taken if intent.encode() in one[1]]

    wait(lambda: len(about()) == 2)
    signature, content = about()[-1]
    event = stripe.Webhook.construct_event(content, signature, SECRET)
    assert event.type == "checkout.session.completed"
    act(engine, intent, "tell-again")
    wait(lambda: len(about()) == 4)
    assert receiver[1].refuse == 0


def test_what_was_paid_survives_a_crash(tmp_path: Path) -> None:
    engine = engines.start("cards", tmp_path, "--key", KEY)
    intent = paid(engine)
    engine.kill()
    engine.start()
    try:
        assert client(engine).v1.payment_intents.retrieve(intent).status == "succeeded"
    finally:
        engine.kill()


def wait(condition: Any) -> None:
    give_up = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up, "it did not come about"
        time.sleep(0.02)

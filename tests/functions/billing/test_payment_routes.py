"""Paying by card over HTTP: who may begin, what a webhook must carry, and what comes back."""

import json
import time

import pytest
from flask.testing import FlaskClient

from functions.billing import cards, payment_routes
from local.cards.sender import signed
from tests.cloud import Cloud
from tests.functions.billing.card_books import invoice, nothing_moved
from tests.functions.billing.story import Story, owing
from tests.functions.billing.test_routes import deployment, person, through
from tests.functions.billing.till import OLD_SECRET, SECRET, Till, raw, webhook


@pytest.fixture
def story(house: Cloud) -> Story:
    """A workspace that owes 10 dollars for November."""
    return owing(house)


@pytest.fixture
def api(story: Story, till: Till, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    return deployment(monkeypatch, "billing-api")


def test_an_admin_pays_the_webhook_books_and_the_operator_gives_back(
    story: Story, till: Till, api: FlaskClient
) -> None:
    admin, wanted = person(story, "admin"), {"invoice_id": invoice(story).invoice_id}
    assert api.post("/api/payments/checkout", json=wanted, headers=admin).status_code == 400
    member = {**person(story, "member"), "Idempotency-Key": "k"}
    assert api.post("/api/payments/checkout", json=wanted, headers=member).status_code == 403
    begun = api.post("/api/payments/checkout", json=wanted, headers={**admin, "Idempotency-Key": "k"})
    again = api.post("/api/payments/checkout", json=wanted, headers={**admin, "Idempotency-Key": "k"})
    assert (begun.status_code, again.data) == (201, begun.data)
    intent = till.click(begun.json["id"])

    for event in till.events(intent):
        content = json.dumps(event).encode()
        headers = {**through("gateway"), "Content-Type": "application/json; charset=utf-8"}
        forged = api.post("/api/payments/webhook", data=content, headers={**headers, "Stripe-Signature": "t=1,v1=0"})
        assert (forged.status_code, forged.json["code"]) == (400, "signature_wrong")
        bare = api.post("/api/payments/webhook", data=content, headers=headers)
        assert (bare.status_code, bare.json["code"]) == (400, "signature_wrong")
        right = {**headers, "Stripe-Signature": signed(content.decode(), SECRET, int(time.time()))}
        taken = api.post("/api/payments/webhook", data=content, headers=right)
        assert (taken.status_code, taken.data) == (204, b"")

    viewer = person(story, "viewer")
    (paid,) = api.get(f"/api/payments?invoice_id={wanted['invoice_id']}", headers=viewer).json["items"]
    assert (paid["state"], paid["method"], paid["reference"], paid["refunds"]) == ("succeeded", "card", intent, [])
    assert api.get(f"/api/invoices/{wanted['invoice_id']}", headers=viewer).json["state"] == "paid"
    path = f"/api/operator/workspaces/{story.workspace}/payments/{paid['id']}/refund"
    assert api.post(path, json={}, headers={**person(story, "owner"), "Idempotency-Key": "k"}).status_code == 403
    operator = {**person(story, "viewer", operator=True), "Idempotency-Key": "r"}
    body = {"amount": {"amount": "4", "currency": "USD"}, "note": "Sorry"}
    given = api.post(path, json=body, headers=operator)
    assert (given.status_code, given.json["state"], given.json["refunded"]["amount"]) == (
        200,
        "partly_refunded",
        "4.00",
    )
    assert given.headers["ETag"] == api.get(f"/api/payments/{paid['id']}", headers=viewer).headers["ETag"]
    assert api.post(path, json=body, headers=operator).data == given.data
    assert api.get(f"/api/invoices/{wanted['invoice_id']}", headers=viewer).json["due"]["amount"] == "4.00"


def test_a_webhook_is_json_of_a_bounded_size(api: FlaskClient) -> None:
    headers = {**through("gateway"), "Stripe-Signature": "t=1,v1=0"}
    form = api.post("/api/payments/webhook", data=b"a=b", headers=headers, content_type="text/plain")
    large = api.post("/api/payments/webhook", data=b"x" * 2**21, headers=headers, content_type="application/json")
    assert (form.status_code, large.status_code) == (415, 413)


def test_without_an_account_cards_are_off_and_transfers_are_not(
    story: Story, api: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STRIPE_API_KEY")
    bare = deployment(monkeypatch, "billing-api")
    admin = {**person(story, "admin"), "Idempotency-Key": "off"}
    refused = bare.post("/api/payments/checkout", json={"invoice_id": invoice(story).invoice_id}, headers=admin)
    assert (refused.status_code, refused.json["code"]) == (409, "card_payments_off")
    assert "STRIPE_API_KEY" in refused.json["detail"]
    headers = {**through("gateway"), "Stripe-Signature": "t=1,v1=0", "Content-Type": "application/json"}
    assert bare.post("/api/payments/webhook", data=b"{}", headers=headers).status_code == 409
    assert bare.get("/api/payments", headers=person(story, "viewer")).status_code == 200


def test_a_forged_signature_is_refused(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    content = json.dumps(till.events(intent)[-1])
    now = int(time.time())
    right = signed(content, SECRET, now)
    bad = ["", "t=1", "v1=00", f"t={now}", f"t={now},v1=00", signed(content, "whsec_other", now), right[:-1] + "g"]
    bad += [signed(content + " ", SECRET, now), right.replace("v1=", "v0="), f"t={now + 1},{right.partition(',')[2]}"]
    for signature in bad:
        with pytest.raises(cards.WrongSignature):
            payment_routes.take_webhook(webhook(story, signature), raw(content))
    with pytest.raises(cards.WrongSignature):
        payment_routes.take_webhook(webhook(story, right), raw(b"\xff" + content.encode()))
    nothing_moved(story)


def test_a_replay_that_is_years_old_is_refused(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    content = json.dumps(till.events(intent)[-1])
    for age in (cards.TOLERANCE_SECONDS + 60, 3 * 365 * 86400):
        old = signed(content, SECRET, int(time.time()) - age)
        with pytest.raises(cards.WrongSignature):
            payment_routes.take_webhook(webhook(story, old), raw(content))
    nothing_moved(story)


def test_both_secrets_are_taken_while_they_are_rotated(story: Story, till: Till) -> None:
    intent = till.pays(story, invoice_id=invoice(story).invoice_id)
    for secret in (OLD_SECRET, SECRET):
        content = json.dumps(till.events(intent)[-1])
        payment_routes.take_webhook(webhook(story, signed(content, secret, int(time.time()))), raw(content))
    assert invoice(story).state == "paid"

"""Payments over HTTP: what was paid, paying by card, and what the card service tells us of it."""

from functions.billing import card_payments, cards, checkout, invoices
from functions.billing import payment_api_models as payment_api
from functions.shared import logs
from functions.shared.http import CONSOLE, MACHINE, PUBLIC, Call, Items, Raw, Reply, Routes

api = Routes("billing-api")


@api.get("/api/payments", callers=(CONSOLE, MACHINE), summary="Payments, the latest first.")
def list_payments(call: Call, query: payment_api.PaymentsQuery) -> Items[payment_api.Payment]:
    """By transfer and by card."""
    return invoices.payments(call.workspace, query)


@api.get("/api/payments/{payment}", callers=(CONSOLE, MACHINE), etag=True, summary="A payment.")
def get_payment(call: Call, payment: str) -> Reply[payment_api.Payment]:
    """With the bank's or the card service's reference, and what was given back of it."""
    found, etag = invoices.payment(call, payment)
    return Reply(found, etag=etag)


@api.post(
    "/api/payments/checkout",
    callers=(CONSOLE,),
    role="admin",
    status=201,
    idempotent="required",
    summary="Pay an invoice by card, or buy credit.",
)
def begin_checkout(call: Call, body: payment_api.NewCheckout) -> payment_api.Checkout:
    """The answer has the address of the card service's page, on which the card is entered."""
    return checkout.begin(call, body)


@api.post(
    "/api/payments/webhook",
    callers=(PUBLIC,),
    deadline="slow",
    accepts=("application/json",),
    signed_in="Stripe-Signature",
    summary="What the card service tells of payments; nobody else can sign it.",
)
def take_webhook(call: Call, body: Raw) -> None:
    """Any answer but 2xx makes it come again, for three days."""
    notice = cards.verified(body.content, call.signature)
    if notice.type not in cards.PAYMENT_EVENTS or notice.intent is None:
        logs.info("A webhook of the card service moves no money", event=notice.id, type=notice.type)
        return
    card_payments.settle(notice.intent, call.now)

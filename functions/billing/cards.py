"""The only module that touches the Stripe client: hosted checkouts, what became of a payment, refunds, signed webhooks.

A webhook says no more than *look at this payment*: what is booked is what Stripe answers when it is asked with our own
key. So events may come twice, late or in any order, and a lost one is made up for by the next.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from functions.shared import logs
from functions.shared.config import settings
from functions.shared.errors import Conflict, Malformed, Unavailable
from functions.shared.money import MINOR_DIGITS

if TYPE_CHECKING:
    import stripe

TOLERANCE_SECONDS = 300
"""A webhook that was signed longer ago is refused: who copied one cannot play it again."""

SECONDS, RETRIES = 8, 1
"""How long one request may take, and how often it is sent again: a webhook's three stay far below its deadline."""

MOST_MINOR = 99_999_999
"""Stripe takes eight digits."""

PAYMENT_EVENTS = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "charge.refunded",
        "charge.refund.updated",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    }
)
"""Events after which a payment is looked at; no other event moves money here."""

# Where Stripe counts in another coin than ISO 4217; with three digits it wants the last one to be zero.
_OTHER_COIN = frozenset({"ISK", "UGX", "MGA"})
_TOO_SMALL = frozenset({"amount_too_small", "amount_too_large"})
_NOT_REFUNDABLE = frozenset({"charge_already_refunded", "charge_disputed", "charge_not_refundable", "amount_too_large"})


class CardsOff(Conflict):
    """This installation has no account with the card service."""

    code = "card_payments_off"

    def __init__(self) -> None:
        super().__init__(
            "Cards are not taken here: whoever runs this installation sets STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET."
        )


class WrongSignature(Malformed):
    """A webhook that the card service did not sign, or not just now."""

    code, title = "signature_wrong", "The signature does not fit"


class NotByCard(Conflict):
    """The amount cannot be paid by card, whoever pays it."""

    code = "amount_not_by_card"


class NotRefundable(Conflict):
    """The card service gives this payment back no more, or not so much of it."""

    code = "not_refundable"


class IntentState(StrEnum):
    """Whether the money is here."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody is about to pay: so much, for a purpose that `metadata` keeps with the payment for ever."""

    amount_minor: int
    currency: str
    says: str
    metadata: Mapping[str, str]
    success_url: str
    cancel_url: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Checkout:
    """A page of Stripe's on which the order is paid, until it ends."""

    id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Refunded:
    """A refund as Stripe has it; `failed` when the money came back to us."""

    id: str
    amount_minor: int
    at: datetime
    failed: bool
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Dispute:
    """The payer's bank wants the money back: open until it is decided, then lost or won. An inquiry is neither."""

    id: str
    amount_minor: int
    at: datetime
    open: bool
    lost: bool
    won: bool


@dataclass(frozen=True, slots=True)
class CardPayment:
    """What Stripe says of a payment now."""

    intent: str
    state: IntentState
    amount_minor: int
    currency: str
    at: datetime
    metadata: Mapping[str, str]
    refunds: tuple[Refunded, ...] = ()
    disputes: tuple[Dispute, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """A webhook whose signature is right; `intent` is the payment it is about."""

    id: str
    type: str
    intent: str | None


def payable(amount_minor: int, currency: str) -> bool:
    """Whether Stripe knows the currency by the coin that we count in, and the amount is not too large."""
    return currency not in _OTHER_COIN and MINOR_DIGITS.get(currency) in (0, 2) and 0 < amount_minor <= MOST_MINOR


def require() -> None:
    """Raises CardsOff unless this installation takes cards and hears what became of a payment."""
    if settings().stripe_key is None or not settings().stripe_webhook_secrets:
        raise CardsOff


def open_checkout(order: Order, key: str) -> Checkout:
    """Make the page for an order; the same key makes the same page again.

    Raises CardsOff, NotByCard, Conflict for another order under the same key, Unavailable.
    """
    item = {
        "quantity": 1,
        "price_data": {
            "currency": order.currency.lower(),
            "unit_amount": order.amount_minor,
            "product_data": {"name": order.says},
        },
    }
    params: dict[str, Any] = {
        "mode": "payment",
        "line_items": [item],
        # The second is what stays with the payment itself, and with each charge of it.
        "metadata": dict(order.metadata),
        "payment_intent_data": {"metadata": dict(order.metadata), "description": order.says},
        "client_reference_id": order.metadata["workspace"],
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
        # What is due is due in the invoice's currency, whatever the payer's card is in.
        "adaptive_pricing": {"enabled": False},
    }
    if order.email:
        params["customer_email"] = order.email
    with _asking("checkout"):
        made = _plain(_client().v1.checkout.sessions.create(params, {"idempotency_key": key}))  # type: ignore[arg-type]
    return Checkout(made["id"], made["url"], _time(made["expires_at"]))


def payment(intent: str) -> CardPayment | None:
    """What Stripe says of a payment now, its refunds and disputes too, in two requests or three; None: there is none.

    Raises CardsOff, Unavailable.
    """
    import stripe

    client = _client()
    with _asking("payment"):
        try:
            found = _plain(client.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge"]}))
        except stripe.InvalidRequestError as error:
            if error.code != "resource_missing":
                raise
            return None
        charge = found.get("latest_charge") or {}
        listed = client.v1.refunds.list({"payment_intent": intent, "limit": 100}).auto_paging_iter()
        refunds = [_plain(one) for one in listed]
        disputes = _disputes(client, intent) if charge.get("disputed") else []
    state = _state(str(found["status"]))
    return CardPayment(
        intent=str(found["id"]),
        state=state,
        amount_minor=int(found["amount_received"] if state == IntentState.SUCCEEDED else found["amount"]),
        currency=str(found["currency"]).upper(),
        at=_time(charge.get("created") or found["created"]),
        metadata=found.get("metadata") or {},
        refunds=tuple(map(_refunded, refunds)),
        disputes=tuple(disputes),
    )


def _disputes(client: "stripe.StripeClient", intent: str) -> list[Dispute]:
    return [_dispute(_plain(one)) for one in client.v1.disputes.list({"payment_intent": intent, "limit": 100})]


def refund(intent: str, amount_minor: int, metadata: Mapping[str, str], key: str) -> None:
    """Give money back; the same key gives it once. What became of it, `payment` says.

    Raises CardsOff, NotRefundable, Unavailable.
    """
    params: Any = {"payment_intent": intent, "amount": amount_minor, "metadata": dict(metadata)}
    with _asking("refund"):
        _client().v1.refunds.create(params, {"idempotency_key": key})


def verified(content: bytes, signature: str) -> Notice:
    """A webhook, once its signature and the time of it are right. Raises CardsOff, WrongSignature."""
    require()
    import stripe

    for secret in sorted(settings().stripe_webhook_secrets):
        try:
            stripe.WebhookSignature.verify_header(content, signature, secret, TOLERANCE_SECONDS)
            break
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            continue
    else:
        raise WrongSignature("Only the card service calls this, with a signature of this minute.")
    event = json.loads(content)
    about = event["data"]["object"]
    intent = about.get("payment_intent")
    if isinstance(intent, dict):
        intent = intent.get("id")
    return Notice(str(event["id"]), str(event["type"]), intent if isinstance(intent, str) else None)


def _client() -> "stripe.StripeClient":
    require()
    return _built(str(settings().stripe_key), settings().stripe_url)


@cache
def _built(key: str, address: str) -> "stripe.StripeClient":
    import stripe

    # Off: how long its earlier answers took is not Stripe's to know.
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        key,
        base_addresses={"api": address},
        max_network_retries=RETRIES,
        http_client=stripe.RequestsClient(timeout=SECONDS),
    )


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Stripe's refusals in our words; its own are in the log by code and request, never shown."""
    import stripe

    logs.count("stripe_requests")
    try:
        yield
    except stripe.IdempotencyError as error:
        raise Conflict("This Idempotency-Key was used for another order.", code="idempotency_conflict") from error
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        code = str(error.code or "")
        logs.warning("The card service refused", what=what, code=code, param=error.param, stripe=error.request_id)
        if what == "checkout" and code in _TOO_SMALL:
            raise NotByCard("Stripe takes no such amount by card. Pay it by transfer.") from error
        if what == "refund" and (code in _NOT_REFUNDABLE or error.param == "amount"):
            raise NotRefundable(
                "The card service does not give so much of this payment back, or none any more."
            ) from error
        raise Unavailable("The card service does not take this now.", code="card_service_refused") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        logs.alarm("The card service does not know our key", what=what, stripe=error.request_id)
        raise Unavailable("The card service cannot be asked.", code="card_service_refused") from error
    except stripe.StripeError as error:
        logs.warning("The card service did not answer", what=what, reason=type(error).__name__, stripe=error.request_id)
        raise Unavailable("The card service does not answer at this moment.", code="card_service_busy") from error


def _plain(found: Any) -> dict[str, Any]:
    plain: dict[str, Any] = found.to_dict()
    return plain


def _state(status: str) -> IntentState:
    if status == "succeeded":
        return IntentState.SUCCEEDED
    return IntentState.PENDING if status in ("processing", "requires_capture") else IntentState.FAILED


def _refunded(found: dict[str, Any]) -> Refunded:
    failed = found.get("status") in ("failed", "canceled")
    return Refunded(found["id"], int(found["amount"]), _time(found["created"]), failed, found.get("metadata") or {})


def _dispute(found: dict[str, Any]) -> Dispute:
    status = found["status"]
    return Dispute(
        found["id"],
        int(found["amount"]),
        _time(found["created"]),
        open=status in ("needs_response", "under_review"),
        lost=status == "lost",
        won=status == "won",
    )


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

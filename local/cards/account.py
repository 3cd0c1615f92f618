"""What happens to payments: checkouts are made, paid or declined; money arrives late, is given back, is disputed.

Each change writes the objects as Stripe shows them and the events that Stripe would send, in one transaction.
"""

import secrets
import time
from collections.abc import Callable
from typing import Any

from local.cards.store import Object, Store

API_VERSION = "2026-10-28.endive"
_DAY = 24 * 3600


class Refused(Exception):
    """What Stripe would answer with an error; `code` and `param` are its own."""

    def __init__(
        self, status: int, message: str, code: str = "", param: str = "", kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param, self.kind = status, code, param, kind


class Account:
    """One account; `page` is where its checkout pages are, `told` is called after events were queued."""

    def __init__(self, store: Store, page: str, told: Callable[[], None]) -> None:
        self.store = store
        self._page = page
        self._told = told

    def open_checkout(self, form: dict[str, Any]) -> Object:
        """A page on which one order is paid. Raises Refused."""
        total, currency = 0, ""
        for item in form.get("line_items", []):
            price = item["price_data"]
            total += int(price["unit_amount"]) * int(item["quantity"])
            currency = price["currency"]
        if form.get("mode") != "payment" or not currency or not form.get("success_url"):
            raise Refused(400, "mode, line_items and success_url are needed", "parameter_missing")
        if total < 50:
            raise Refused(400, "The amount is below what a card may pay.", "amount_too_small", "line_items")
        name, now = _name("cs_test"), int(time.time())
        session = {
            "id": name,
            "object": "checkout.session",
            "amount_subtotal": total,
            "amount_total": total,
            "cancel_url": form.get("cancel_url"),
            "client_reference_id": form.get("client_reference_id"),
            "created": now,
            "currency": currency,
            "customer_email": form.get("customer_email"),
            "expires_at": now + _DAY,
            "livemode": False,
            "metadata": form.get("metadata", {}),
            "mode": "payment",
            "payment_intent": None,
            "payment_status": "unpaid",
            "status": "open",
            "success_url": form["success_url"],
            "url": f"{self._page}/checkout/{name}",
        }
        said = form.get("payment_intent_data", {})
        kept = {"id": f"{name}_order", "object": "order", "says": said.get("description", ""), **said}
        with self.store.changing():
            self.store.put(session)
            self.store.put(kept, name)
        return session

    def pay(self, session_id: str, how: str) -> Object:
        """Somebody pays on the page: `card`, `declined`, or `debit`, whose money is on its way for some days."""
        with self._changing():
            session = self._of("checkout.session", session_id)
            if session["status"] != "open" or session["expires_at"] < time.time():
                raise Refused(400, "This checkout has ended.", "checkout_session_ended")
            (order,) = self.store.of("order", session_id)
            found = session["payment_intent"]
            intent = self._of("payment_intent", found) if found else _intent(session, order)
            session["payment_intent"] = intent["id"]
            if how == "declined":
                intent["status"] = "requires_payment_method"
                self._put(session, intent)
                self._event("payment_intent.payment_failed", intent)
                return session
            charge = _charge(intent)
            intent |= {"latest_charge": charge["id"], "status": "processing"}
            session |= {"status": "complete", "url": None}
            if how == "card":
                _arrived(intent, charge)
                session["payment_status"] = "paid"
                self._event("payment_intent.succeeded", intent)
            self._put(session, intent, charge)
            self._event("checkout.session.completed", session)
        return session

    def arrive(self, intent_id: str, *, came: bool) -> None:
        """A debit's money comes, or does not."""
        with self._changing():
            intent = self._of("payment_intent", intent_id)
            if intent["status"] != "processing":
                raise Refused(400, "Nothing is on its way.")
            charge = self._of("charge", intent["latest_charge"])
            (session,) = [one for one in self.store.of("checkout.session") if one["payment_intent"] == intent_id]
            if came:
                _arrived(intent, charge)
                session["payment_status"] = "paid"
            else:
                intent["status"], charge["status"] = "requires_payment_method", "failed"
            self._put(session, intent, charge)
            self._event(f"checkout.session.async_payment_{'succeeded' if came else 'failed'}", session)

    def refund(self, form: dict[str, Any]) -> Object:
        """Give a payment back, all that is left unless an amount is named. Raises Refused."""
        with self._changing():
            intent = self._of("payment_intent", str(form.get("payment_intent")))
            if intent["status"] != "succeeded":
                raise Refused(400, "This payment has not succeeded.", "charge_not_refundable")
            charge = self._of("charge", intent["latest_charge"])
            left = charge["amount"] - charge["amount_refunded"]
            if any(one["status"] != "won" for one in self.store.of("dispute", intent["id"])):
                raise Refused(400, "This charge is disputed.", "charge_disputed")
            if not left:
                raise Refused(400, "This charge has been refunded.", "charge_already_refunded")
            amount = int(form.get("amount", left))
            if not 0 < amount <= left:
                raise Refused(400, "More than what is left of the charge.", "", "amount")
            refund = {
                "id": _name("re"),
                "object": "refund",
                "amount": amount,
                "charge": charge["id"],
                "created": int(time.time()),
                "currency": charge["currency"],
                "metadata": form.get("metadata", {}),
                "payment_intent": intent["id"],
                "status": "succeeded",
            }
            charge["amount_refunded"] += amount
            charge["refunded"] = charge["amount_refunded"] == charge["amount"]
            self.store.put(refund, intent["id"])
            self.store.put(charge)
            self._event("refund.created", refund)
            self._event("charge.refunded", charge)
        return refund

    def fail_refund(self, intent_id: str) -> None:
        """The latest refund did not reach the payer: its money is here again."""
        with self._changing():
            refunds = [one for one in self.store.of("refund", intent_id) if one["status"] == "succeeded"]
            if not refunds:
                raise Refused(400, "Nothing was given back.")
            refund, charge = refunds[0], self._of("charge", refunds[0]["charge"])
            refund["status"] = "failed"
            charge |= {"amount_refunded": charge["amount_refunded"] - refund["amount"], "refunded": False}
            self.store.put(refund, intent_id)
            self.store.put(charge)
            self._event("refund.failed", refund)

    def dispute(self, intent_id: str) -> None:
        """The payer's bank asks for the money back."""
        with self._changing():
            intent = self._of("payment_intent", intent_id)
            charge = self._of("charge", str(intent["latest_charge"]))
            if charge["disputed"] or intent["status"] != "succeeded":
                raise Refused(400, "It cannot be disputed.")
            dispute = {
                "id": _name("dp"),
                "object": "dispute",
                "amount": charge["amount"] - charge["amount_refunded"],
                "charge": charge["id"],
                "created": int(time.time()),
                "currency": charge["currency"],
                "payment_intent": intent_id,
                "reason": "fraudulent",
                "status": "needs_response",
            }
            charge["disputed"] = True
            self.store.put(dispute, intent_id)
            self.store.put(charge)
            self._event("charge.dispute.created", dispute)

    def decide(self, intent_id: str, *, won: bool) -> None:
        """The bank has decided its dispute."""
        with self._changing():
            open_ones = [one for one in self.store.of("dispute", intent_id) if one["status"] == "needs_response"]
            if not open_ones:
                raise Refused(400, "Nothing is disputed.")
            dispute = open_ones[0] | {"status": "won" if won else "lost"}
            self.store.put(dispute, intent_id)
            self._event("charge.dispute.closed", dispute)

    def withdraw(self, intent_id: str) -> None:
        """The payer withdraws a dispute that was lost: it is won after all, and its money is here again."""
        with self._changing():
            lost = [one for one in self.store.of("dispute", intent_id) if one["status"] == "lost"]
            if not lost:
                raise Refused(400, "No dispute was lost.")
            dispute = lost[0] | {"status": "won"}
            self.store.put(dispute, intent_id)
            self._event("charge.dispute.funds_reinstated", dispute)

    def tell_again(self, intent_id: str) -> None:
        """Send every webhook of a payment once more, as Stripe's dashboard can."""
        for event in reversed(self.store.of("event")):
            about = event["data"]["object"]
            if intent_id in (about["id"], about.get("payment_intent")):
                self.store.queue(event["id"])
        self._told()

    def _of(self, kind: str, name: str) -> Object:
        found = self.store.get(kind, name)
        if found is None:
            raise Refused(404, f"No such {kind}: '{name[:100]}'", "resource_missing", "id")
        return found

    def _changing(self) -> "_Changing":
        return _Changing(self.store, self._told)

    def _put(self, *objects: Object) -> None:
        for one in objects:
            self.store.put(one)

    def _event(self, kind: str, about: Object) -> None:
        event: Object = {
            "id": _name("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": int(time.time()),
            "data": {"object": about},
            "livemode": False,
            "type": kind,
        }
        self.store.put(event)
        self.store.queue(event["id"])


class _Changing:
    """A change with its events: the sender is woken once they are kept."""

    def __init__(self, store: Store, told: Callable[[], None]) -> None:
        self._inner, self._told = store.changing(), told

    def __enter__(self) -> None:
        self._inner.__enter__()

    def __exit__(self, *what: Any) -> None:
        self._inner.__exit__(*what)
        self._told()


def _name(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def _intent(session: Object, order: Object) -> Object:
    return {
        "id": _name("pi"),
        "object": "payment_intent",
        "amount": session["amount_total"],
        "amount_received": 0,
        "created": int(time.time()),
        "currency": session["currency"],
        "description": order["says"],
        "latest_charge": None,
        "livemode": False,
        "metadata": order.get("metadata", {}),
        "status": "requires_payment_method",
    }


def _charge(intent: Object) -> Object:
    return {
        "id": _name("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_refunded": 0,
        "created": int(time.time()),
        "currency": intent["currency"],
        "disputed": False,
        "metadata": intent["metadata"],
        "payment_intent": intent["id"],
        "refunded": False,
        "status": "pending",
    }


def _arrived(intent: Object, charge: Object) -> None:
    intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    charge["status"] = "succeeded"

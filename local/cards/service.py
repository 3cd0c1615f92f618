"""Stripe's API over an account: forms in, JSON out, a key in the header, one answer for each idempotency key."""

import json
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.cards.account import Account, Refused
from local.cards.forms import BadForm, decoded
from local.cards.pages import Pages

_TAKEN = {
    "/v1/checkout/sessions": {
        *("mode", "line_items", "metadata", "payment_intent_data", "client_reference_id", "success_url", "cancel_url"),
        *("adaptive_pricing", "customer_email", "expand"),
    },
    "/v1/refunds": {"payment_intent", "amount", "metadata", "expand"},
}
"""What each call may send; Stripe refuses what it does not know."""


class Service:
    """An ASGI application; `key` is the secret key that callers show."""

    def __init__(self, account: Account, key: str) -> None:
        self._account = account
        self._key = key

    def app(self, pages: Pages) -> Starlette:
        """The API and the pages."""
        return Starlette(
            routes=[
                Route("/v1/checkout/sessions", self.post, methods=["POST"]),
                Route("/v1/refunds", self.post, methods=["POST"]),
                Route("/v1/refunds", self.listed),
                Route("/v1/disputes", self.listed),
                Route("/v1/events", self.listed),
                Route("/v1/checkout/sessions/{name}", self.one),
                Route("/v1/payment_intents/{name}", self.one),
                *pages.routes(),
            ],
            exception_handlers={Refused: _refused, BadForm: _bad_form},
        )

    async def post(self, request: Request) -> Response:
        """Make a checkout or a refund."""
        self._admit(request)
        text = (await request.body()).decode()
        return await run_in_threadpool(self._once, request.url.path, request.headers.get("idempotency-key"), text)

    def _once(self, path: str, key: str | None, text: str) -> Response:
        said = f"{path} {text}"
        if key is not None and (known := self._account.store.answer(key)) is not None:
            if known[0] != said:
                message = "Keys for idempotent requests can only be used with the same parameters."
                raise Refused(400, message, kind="idempotency_error")
            return Response(known[2], known[1], {"Idempotent-Replayed": "true"}, "application/json")
        form = decoded(text)
        if unknown := set(form) - _TAKEN[path]:
            raise Refused(400, f"Received unknown parameter: {min(unknown)}", "parameter_unknown", min(unknown))
        made = self._account.refund(form) if path == "/v1/refunds" else self._account.open_checkout(form)
        body = json.dumps(made)
        if key is not None:
            self._account.store.keep_answer(key, said, 200, body)
        return Response(body, 200, media_type="application/json")

    async def one(self, request: Request) -> Response:
        """A checkout or a payment; `expand[]=latest_charge` puts the charge in its place."""
        self._admit(request)
        kind = "payment_intent" if "payment_intents" in request.url.path else "checkout.session"
        found = self._account.store.get(kind, request.path_params["name"])
        if found is None:
            name = request.path_params["name"][:100]
            raise Refused(404, f"No such {kind}: '{name}'", "resource_missing", "id")
        if "latest_charge" in _expanded(request) and found.get("latest_charge"):
            found["latest_charge"] = self._account.store.get("charge", found["latest_charge"])
        return JSONResponse(found)

    async def listed(self, request: Request) -> Response:
        """Refunds or disputes of a payment, or events; the newest first, all at once."""
        self._admit(request)
        path = request.url.path
        kind = {"/v1/refunds": "refund", "/v1/disputes": "dispute", "/v1/events": "event"}[path]
        found = self._account.store.of(kind, request.query_params.get("payment_intent"))
        return JSONResponse({"object": "list", "data": found, "has_more": False, "url": path})

    def _admit(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self._key}":
            raise Refused(401, "Invalid API Key provided.", kind="invalid_request_error")


def _expanded(request: Request) -> list[Any]:
    found = decoded(request.url.query).get("expand", [])
    return found if isinstance(found, list) else list(found.values())


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    said = {"type": error.kind, "message": str(error), "code": error.code or None, "param": error.param or None}
    return JSONResponse({"error": said}, error.status)


def _bad_form(request: Request, error: Exception) -> Response:
    said = {"type": "invalid_request_error", "message": f"Invalid parameter: {error}", "param": str(error)}
    return JSONResponse({"error": said}, 400)

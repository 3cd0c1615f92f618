"""The pages that people see: where a checkout is paid with a click, and what may happen to each payment afterwards."""

import html
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from local.cards.account import Account, Refused
from local.cards.store import Object

_SHELL = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }}
button {{ font: inherit; padding: .5rem 1rem; margin: .25rem .5rem .25rem 0; cursor: pointer }}
table {{ border-collapse: collapse; width: 100% }} td, th {{ text-align: left; padding: .4rem; vertical-align: top }}
tr {{ border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent) }} form {{ display: inline }}
.note {{ opacity: .75 }} .amount {{ font-size: 2rem }}
</style></head><body><h1>{title}</h1>{body}
<p class="note">This page stands in for Stripe's on this machine. No card is charged and nothing leaves it.</p>
</body></html>"""

_OUTCOMES = (("card", "Pay by card"), ("debit", "Pay by bank debit (some days)"), ("declined", "Card is declined"))


class Pages:
    """Pages below `base`, the address under which a browser reaches them."""

    def __init__(self, account: Account, base: str) -> None:
        self._account = account
        self._base = base
        self._acts: dict[str, tuple[str, Callable[[str], object]]] = {
            "arrive": ("Money arrives", lambda name: account.arrive(name, came=True)),
            "fail": ("Money does not arrive", lambda name: account.arrive(name, came=False)),
            "refund": ("Refund", lambda name: account.refund({"payment_intent": name})),
            "fail-refund": ("Refund comes back", account.fail_refund),
            "dispute": ("Payer disputes", account.dispute),
            "lose": ("Dispute lost", lambda name: account.decide(name, won=False)),
            "withdraw": ("Payer withdraws a lost dispute", account.withdraw),
            "win": ("Dispute won", lambda name: account.decide(name, won=True)),
            "tell-again": ("Send its webhooks again", account.tell_again),
        }

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/", self.payments),
            Route("/checkout/{name}", self.checkout),
            Route("/checkout/{name}", self.pay, methods=["POST"]),
            Route("/payments/{name}/{act}", self.act, methods=["POST"]),
        ]

    async def checkout(self, request: Request) -> Response:
        """The order, with what may become of it."""
        session = self._session(request)
        return self._checkout(session)

    def _checkout(self, session: Object, note: str = "") -> Response:
        if session["status"] != "open":
            return _page("This checkout has ended", f'<p><a href="{html.escape(self._base)}/">All payments</a></p>')
        (order,) = self._account.store.of("order", session["id"])
        buttons = "".join(f'<button name="how" value="{how}">{text}</button>' for how, text in _OUTCOMES)
        body = (
            f"<p>{html.escape(order['says'])}</p><p class=amount>{_amount(session['amount_total'], session)}</p>"
            f"<p>{html.escape(note)}</p><form method=post>{buttons}</form>"
            f'<p><a href="{html.escape(session["cancel_url"] or self._base)}">Back without paying</a></p>'
        )
        return _page("Checkout", body)

    async def pay(self, request: Request) -> Response:
        """A click: paid or on its way, and back to where the payer came from; or declined, and try again."""
        how = parse_qs((await request.body()).decode()).get("how", [""])[0]
        if how not in dict(_OUTCOMES):
            raise Refused(400, "How is it paid?")
        session = await run_in_threadpool(self._account.pay, request.path_params["name"], how)
        if how == "declined":
            return self._checkout(session, "Your card was declined. Try another one.")
        address = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
        return RedirectResponse(address, 303)

    async def payments(self, request: Request) -> Response:
        """Every payment and what may happen to it."""
        found = self._account.store.of("payment_intent")
        rows = "".join(self._row(one) for one in found)
        head = "<tr><th>payment<th>amount<th>state<th>what happens now</tr>"
        return _page("Card payments", f"<table>{head}{rows}</table>" if rows else "<p>Nobody has paid yet.</p>")

    def _row(self, intent: Object) -> str:
        disputes = [one["status"] for one in self._account.store.of("dispute", intent["id"])]
        refunded = sum(
            one["amount"] for one in self._account.store.of("refund", intent["id"]) if one["status"] != "failed"
        )
        state = [intent["status"], *([f"refunded {_amount(refunded, intent)}"] if refunded else []), *disputes]
        buttons = "".join(
            f'<form method=post action="{html.escape(self._base)}/payments/{intent["id"]}/{act}">'
            f"<button>{text}</button></form>"
            for act, (text, _) in self._acts.items()
        )
        cells = (
            html.escape(intent["description"] or intent["id"]),
            _amount(intent["amount"], intent),
            ", ".join(state),
        )
        return "<tr>" + "".join(f"<td>{cell}" for cell in (*cells, buttons)) + "</tr>"

    async def act(self, request: Request) -> Response:
        """Something happens to a payment."""
        _, act = self._acts.get(request.path_params["act"], ("", None))
        if act is None:
            raise Refused(404, "Nothing like that happens.")
        await run_in_threadpool(act, request.path_params["name"])
        return RedirectResponse(f"{self._base}/", 303)

    def _session(self, request: Request) -> Object:
        found = self._account.store.get("checkout.session", request.path_params["name"])
        if found is None:
            raise Refused(404, "There is no such checkout.")
        return found


def _amount(minor: int, of: Object) -> str:
    return f"{minor // 100}.{minor % 100:02d} {of['currency'].upper()}"


def _page(title: str, body: str) -> Response:
    return HTMLResponse(_SHELL.format(title=html.escape(title), body=body))

"""Money in the demo's data: a cap that is met, and invoices that are paid at once, paid late, and credited in part."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from local.life.owner import MESSAGE_CENTS, Owner
from local.life.product import Product

_NANOS = 10**9

PAID_LATE = timedelta(days=22, hours=9, minutes=12)
"""How long after it was sent the second invoice is paid, which is due after two weeks."""


class Office:
    """The operator's accounts, and the owner's worries about the bill."""

    def __init__(self, product: Product, owner: Owner) -> None:
        self._product, self._owner = product, owner
        self._seen: list[str] = []

    def new_bills(self) -> list[Iterator[datetime]]:
        """What happens to each invoice that was sent since the last look."""
        found = self._product.ask("GET", "/api/invoices?page_size=50", self._owner.people["owner"]).body["items"]
        new = [one for one in reversed(found) if one["state"] in ("open", "overdue") and one["id"] not in self._seen]
        lives = []
        for invoice in new:
            lives.append(self._lives(invoice["id"], len(self._seen)))
            self._seen.append(invoice["id"])
        return lives

    def _lives(self, invoice: str, number: int) -> Iterator[datetime]:
        issued = self._product.past.now()
        if number == 1:
            # Due after two weeks: reminded of, overdue, and paid at last.
            yield issued + PAID_LATE
            self._pays(invoice, "Sorry for the delay")
            return
        yield issued + timedelta(days=2 if number == 0 else 6, hours=9, minutes=25)
        self._pays(invoice, None)
        if number == 0:
            yield self._product.past.now() + timedelta(hours=6, minutes=3)
            self._credits(invoice)

    def _pays(self, invoice: str, note: str | None) -> None:
        found = self._product.ask("GET", f"/api/invoices/{invoice}", self._owner.people["owner"]).body
        body = {
            "invoice_id": invoice,
            "amount": found["due"],
            "method": "bank_transfer",
            "reference": f"Statement {self._product.past.now():%Y-%m-%d}",
            "note": note,
        }
        self._by_operator("/payments", body)

    def _credits(self, invoice: str) -> None:
        """A fifth of the largest line."""
        found = self._product.ask("GET", f"/api/invoices/{invoice}", self._owner.people["owner"]).body
        line = max(found["lines"], key=lambda one: nanos(one["amount"]))
        cents = nanos(line["amount"]) // 5 // 10**7
        amount = {"amount": f"{cents // 100}.{cents % 100:02d}", "currency": line["amount"]["currency"]}
        reason = "Goodwill: setting up took longer than we had promised"
        lines = [{"line_id": line["id"], "amount": amount, "reason": reason}]
        self._by_operator(f"/invoices/{invoice}/credit-notes", {"lines": lines})

    def _by_operator(self, path: str, body: Any) -> None:
        whole = f"/api/operator/workspaces/{self._owner.workspace}{path}"
        self._product.ask("POST", whole, self._owner.people["operator"], body)

    def meets_the_cap(self, at: datetime, refused: Callable[[], int]) -> Iterator[datetime]:
        """The owner sets the cap by last month's bill, which is too low for this one, and raises it when visitors were
        refused for it, as `refused` counts them, at the latest after a week."""
        yield at
        before = refused()
        spent = nanos(self._product.ask("GET", "/api/billing", self._owner.people["owner"]).body["charge_so_far"])
        # Room for some more turns and not for a part of one, so that all of the cap is used.
        cents = spent // 10**7 + MESSAGE_CENTS * max(3, spent // 10**7 // 50 // MESSAGE_CENTS)
        self._owner.set_cap(f"{cents // 100}.{cents % 100:02d}")
        for hours in range(6, 7 * 24, 6):
            yield at + timedelta(hours=hours)
            if refused() > before:
                break
        self._owner.set_cap("600")


def nanos(money: dict[str, str]) -> int:
    """The amount of an API's money in nanos."""
    text = money["amount"]
    whole, _, part = text.lstrip("-").partition(".")
    return (-1 if text.startswith("-") else 1) * (int(whole) * _NANOS + int(part.ljust(9, "0") or "0"))

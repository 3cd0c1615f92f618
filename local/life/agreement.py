"""Whether every figure of the demo's data is the same in every place: asked of the product, counted in its engines."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.deployments import post
from local.life.office import nanos
from local.life.owner import Owner
from local.life.product import Product, Refused


@dataclass(frozen=True)
class Figures:
    """Turns, and what they were charged, in nanos."""

    turns: int
    charge: int


def agreed(product: Product, owner: Owner, bigquery: str, dataset: str) -> Figures:
    """All turns of the workspace, by analytics, billing and warehouse, and those that are booked by the ledger, its
    copy in the warehouse and the invoices. Raises Refused where two differ."""
    person, warehouse = owner.people["owner"], _Warehouse(product, owner, bigquery, dataset)
    months = _months(product, owner)
    billed = [product.ask("GET", f"/api/billing/usage?period={month}", person).body for month in months]
    totals = [one["total"] for one in billed]
    # Each of these is counted by somebody else, from the same events.
    places = {
        "warehouse": warehouse.figures(),
        "charges": Figures(sum(one["messages"] for one in totals), sum(nanos(one["charge"]) for one in totals)),
        "rollups": _rollups(product, owner, months),
    }
    same(places)
    invoices = product.ask("GET", "/api/invoices?page_size=50", person).body["items"]
    for invoice in invoices:
        month = months.index(invoice["period"])
        whole = product.ask("GET", f"/api/invoices/{invoice['id']}", person).body
        lines = sum(nanos(line["exact"]) for line in whole["lines"] if line["kind"] == "usage")
        same({"charges of " + invoice["period"]: nanos(totals[month]["charge"]), "invoice": lines})
    midnight = f"{product.past.now():%Y-%m-%d}"
    same({"events booked": warehouse.charged_before(midnight), "ledger": warehouse.booked()})
    return places["warehouse"]


def same(places: Mapping[str, object]) -> None:
    """Raise Refused unless all of these are equal."""
    if len(set(places.values())) != 1:
        raise Refused(f"the figures differ: {dict(places)}")


def _months(product: Product, owner: Owner) -> list[str]:
    """From the first event's month to this one."""
    since = product.ask("GET", "/api/workspace", owner.people["owner"]).body["created_at"][:7]
    found, end = [since], f"{product.past.now():%Y-%m}"
    while found[-1] < end:
        year, month = map(int, found[-1].split("-"))
        found.append(f"{year + month // 12}-{month % 12 + 1:02d}")
    return found


def _rollups(product: Product, owner: Owner, months: list[str]) -> Figures:
    """What analytics counted."""
    path = f"/api/usage/stats?granularity=month&from={months[0]}-01&to={product.past.now():%Y-%m-%d}"
    total: Mapping[str, Any] = product.ask("GET", path, owner.people["owner"]).body["total"]
    return Figures(total["turns"], nanos(total["charge"]))


class _Warehouse:
    """What BigQuery has, each row once."""

    def __init__(self, product: Product, owner: Owner, bigquery: str, dataset: str) -> None:
        self._place = f"{product.project}.{dataset}"
        self._of = f"'{owner.workspace}', TIMESTAMP '2000-01-01', TIMESTAMP '2100-01-01'"
        self._url = f"{bigquery}/bigquery/v2/projects/{product.project}/queries"

    def figures(self) -> Figures:
        """Of all turns with an answer, as they are counted everywhere; what failed cost nothing."""
        turns, charge = self._asked(
            f"SELECT COUNTIF(type = 'turn' AND outcome != 'failed'), SUM(charge_nanos) FROM {self._routine('usage')}"
        )
        return Figures(turns, charge)

    def charged_before(self, day: str) -> int:
        """What was charged before this UTC day."""
        return self._asked(f"SELECT SUM(charge_nanos) FROM {self._routine('usage')} WHERE occurred_at < '{day}'")[0]

    def booked(self) -> int:
        """What the ledger has as usage."""
        return self._asked(f"SELECT SUM(amount_nanos) FROM {self._routine('ledger')} WHERE kind = 'usage'")[0]

    def _routine(self, name: str) -> str:
        return f"`{self._place}.{name}`({self._of})"

    def _asked(self, query: str) -> list[int]:
        body = json.dumps({"query": query, "useLegacySql": False}).encode()
        answer = post(self._url, body, {"Content-Type": "application/json"}, 60)
        if answer.status != 200:
            raise Refused(f"the warehouse answered {answer.status}: {answer.body[:300]}")
        (row,) = json.loads(answer.body)["rows"]
        return [int(field["v"] or 0) for field in row["f"]]

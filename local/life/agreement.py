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
    """All turns of the workspace, by analytics, billing, spend and warehouse. Raises Refused where two differ."""
    person = owner.people["owner"]
    # Each of these is counted by somebody else, from the same events.
    places: dict[str, Figures] = {"warehouse": _warehouse(product, owner, bigquery, dataset)}
    months = _months(product, owner)
    billed = [product.ask("GET", f"/api/billing/usage?month={month}", person).body["total"] for month in months]
    places["charges"] = Figures(sum(one["messages"] for one in billed), sum(nanos(one["charge"]) for one in billed))
    places["rollups"] = _rollups(product, owner, months)
    places["spend and invoices"] = Figures(places["charges"].turns, _by_hand(product, owner, months))
    if len(set(places.values())) != 1:
        raise Refused(f"the figures differ: {places}")
    return next(iter(places.values()))


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


def _by_hand(product: Product, owner: Owner, months: list[str]) -> int:
    raise NotImplementedError


def _warehouse(product: Product, owner: Owner, bigquery: str, dataset: str) -> Figures:
    """What BigQuery has, each event once."""
    query = (
        f"SELECT COUNTIF(type = 'turn') AS turns, SUM(charge_nanos) AS charge FROM `{product.project}.{dataset}.usage`("
        f"'{owner.workspace}', TIMESTAMP '2000-01-01', TIMESTAMP '2100-01-01')"
    )
    body = json.dumps({"query": query, "useLegacySql": False}).encode()
    url = f"{bigquery}/bigquery/v2/projects/{product.project}/queries"
    answer = post(url, body, {"Content-Type": "application/json"}, 60)
    if answer.status != 200:
        raise Refused(f"the warehouse answered {answer.status}: {answer.body[:300]}")
    (row,) = json.loads(answer.body)["rows"]
    turns, charge = (int(field["v"] or 0) for field in row["f"])
    return Figures(turns, charge)

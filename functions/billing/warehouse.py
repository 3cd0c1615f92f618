"""What BigQuery holds of a workspace's billing: sums of usage, ledger and invoice lines, all in one grouped query.

The warehouse is a witness and no source: whatever it lacks, or if it does not answer at all, the books are closed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.billing.models import Quantities, Uncharged
from functions.shared import bigquery, logs
from functions.shared.contracts import BUCKETS
from functions.shared.identity import WorkspaceId

Sums = dict[str, int]
Parameters = dict[str, str | int | bool | datetime]
Span = tuple[datetime, datetime]
"""Half-open, in UTC."""

USAGE_SUMS = ("number", *BUCKETS, "cost_nanos", "charge_nanos")
LEDGER_SUMS = ("number", *Quantities.model_fields, *Uncharged.model_fields, "count", "cost_nanos", "amount_nanos")
LINE_SUMS = ("number", *Quantities.model_fields, "count", "amount_nanos", "amount_minor", "tax_minor")
_COLUMNS = tuple(dict.fromkeys((*USAGE_SUMS, *LEDGER_SUMS, *LINE_SUMS)))


def _part(kind: str, name: str, sums: tuple[str, ...], source: str) -> str:
    def column(one: str) -> str:
        if one not in sums:
            return f"0 AS {one}"
        return f"COUNT(*) AS {one}" if one == "number" else f"SUM(IFNULL({one}, 0)) AS {one}"

    columns = ", ".join(column(one) for one in _COLUMNS)
    return f"SELECT '{kind}' AS kind, {name} AS name, {columns} FROM {source} GROUP BY name"  # noqa: S608 - ours alone


_SUMS = {
    "usage": _part(
        "usage",
        "CAST(DATE(occurred_at) AS STRING)",
        USAGE_SUMS,
        "`{dataset}.usage`(@workspace, @usage_since, @usage_until)",
    ),
    "ledger": _part(
        "ledger",
        "CAST(DATE(booked_at) AS STRING)",
        LEDGER_SUMS,
        "`{dataset}.ledger`(@workspace, @ledger_since, @ledger_until)",
    ),
    "line": _part("line", "invoice_id", LINE_SUMS, "`{dataset}.lines`(@workspace, @line_since, @line_until)"),
}
_IDS = {
    "usage": "SELECT event_id AS id FROM `{dataset}.usage`(@workspace, @since, @until)",
    "ledger": "SELECT entry_id AS id FROM `{dataset}.ledger`(@workspace, @since, @until)",
    "line": "SELECT line_id AS id FROM `{dataset}.lines`(@workspace, @since, @until)",
}


@dataclass(frozen=True)
class Held:
    """Sums by the day on which usage happened, the day on which entries were booked, and the invoice of lines."""

    usage: dict[str, Sums] = field(default_factory=dict)
    ledger: dict[str, Sums] = field(default_factory=dict)
    line: dict[str, Sums] = field(default_factory=dict)


def held(workspace: WorkspaceId, usage: Span | None, ledger: Span | None, line: Span | None) -> Held | None:
    """What there is in these spans of `occurred_at`, `booked_at` and `issued_at`; what has no span is not asked for, since
    each table costs. None when BigQuery does not answer."""
    spans = {kind: one for kind, one in {"usage": usage, "ledger": ledger, "line": line}.items() if one}
    if not spans:
        return Held()
    sql = "\nUNION ALL\n".join(_SUMS[kind] for kind in spans)
    times = {
        f"{kind}_{end}": at for kind, one in spans.items() for end, at in zip(("since", "until"), one, strict=True)
    }
    parameters: Parameters = {"workspace": str(workspace), **times}
    rows = _asked(workspace, lambda: bigquery.query(sql, parameters))
    if rows is None:
        return None
    found = Held()
    wanted = {"usage": USAGE_SUMS, "ledger": LEDGER_SUMS, "line": LINE_SUMS}
    for row in rows:
        kind = row["kind"]
        getattr(found, kind)[row["name"]] = {name: int(row[name]) for name in wanted[kind]}
    return found


def ids(workspace: WorkspaceId, kind: str, span: Span) -> set[str]:
    """The ids of the rows of a kind in a span; none when BigQuery does not answer."""
    parameters: Parameters = {"workspace": str(workspace), "since": span[0], "until": span[1]}
    return {row["id"] for row in _asked(workspace, lambda: bigquery.query(_IDS[kind], parameters)) or ()}


def _asked(workspace: WorkspaceId, ask: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]] | None:
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - a witness: whatever it lacks, the books are closed
        logs.warning("the warehouse was not compared", workspace_id=workspace, reason=type(error).__name__)
        return None


def sums_of(names: tuple[str, ...], row: Mapping[str, Any]) -> Sums:
    """What one row adds to the sums of its kind."""
    return {name: 1 if name == "number" else int(row.get(name) or 0) for name in names}


def added(names: tuple[str, ...], rows: list[Mapping[str, Any]]) -> Sums:
    """The sums over rows, as `held` gives them."""
    parts = [sums_of(names, row) for row in rows]
    return {name: sum(part[name] for part in parts) for name in names}

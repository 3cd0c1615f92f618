"""Recomputes the evidence under an invoice from the warehouse, and says where the two differ; never writes anything.

Every leaf is made anew of the row's columns, whatever the row says its digest is. Days are read together as long as
they have few events, so that a month costs few queries and no more memory than one such group.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from functions.billing import evidence, evidence_api, invoices
from functions.billing.evidence_keys import is_signed
from functions.billing.evidence_tree import Membership, Usage
from functions.billing.models import Invoice, Period
from functions.shared import bigquery, clock
from functions.shared.digests import leaf
from functions.shared.http import Call

AT_ONCE = 20_000
"""Events in one query, unless a single day has more."""

MOST_SHOWN = 100

_ROWS = "SELECT * FROM `{dataset}.usage`(@workspace, @since, @until)"
_SUMS = ("count", "cost_nanos", "charge_nanos", "digest")


def verify(call: Call, invoice_id: str) -> evidence_api.EvidenceCheck:
    """Compare an invoice's filed evidence with the warehouse. Raises what `evidence.find` does, and Unavailable."""
    manifest = evidence.find(call.workspace, invoice_id)
    invoice, _ = invoices.find(call.workspace, invoice_id)
    usage = Usage.under(invoice.lines)
    members = Membership(manifest)
    differences: list[evidence_api.Difference] = []
    for row in _rows(call, manifest):
        digest = leaf(row)
        billed, line = members.of(row, digest)
        if billed:
            usage.add(line, row, digest)
            if digest != row["digest"]:
                differences.append(_difference("event", str(row["event_id"]), None, None))
    if not is_signed(manifest):
        differences.insert(0, _difference("signature", str(manifest["key_id"]), None, None))
    differences += _against_invoice(manifest, invoice)
    differences += _in_tree(manifest["months"], usage.tree.months())
    differences += _in_lines(manifest, usage)
    return evidence_api.EvidenceCheck(
        verified=not differences,
        invoice_id=invoice_id,
        key_id=manifest["key_id"],
        expected=_sums(manifest["usage"]),
        found=_sums(usage.total),
        differences=differences[:MOST_SHOWN],
        more=max(0, len(differences) - MOST_SHOWN),
        checked_at=call.now,
    )


def _rows(call: Call, manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for first, last in _spans(manifest):
        since, until = clock.start_of_day(first), clock.start_of_day(clock.next_day(last))
        yield from bigquery.query(_ROWS, {"workspace": str(call.workspace), "since": since, "until": until})


def _spans(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """First and last day of each query: the whole month of the invoice, and of earlier months what is named."""
    for month in sorted(manifest["months"].keys() | {manifest["period"]}):
        known = manifest["months"].get(month, {"days": {}})["days"]
        days = Period(month=month).days if month == manifest["period"] else sorted(known)
        first, number = days[0], 0
        for position, day in enumerate(days):
            number += known.get(day, {"count": 0})["count"]
            upcoming = days[position + 1] if position + 1 < len(days) else None
            if upcoming is None or number + known.get(upcoming, {"count": 0})["count"] > AT_ONCE:
                yield first, day
                first, number = upcoming or day, 0


def _against_invoice(manifest: Mapping[str, Any], invoice: Invoice) -> Iterator[evidence_api.Difference]:
    """The manifest says what the invoice says: its total, and every line's amount."""
    stated = {line["line_id"]: (line["amount_nanos"], line["amount_minor"]) for line in manifest["lines"]}
    own = {line.line_id: (line.amount_nanos, line.amount_minor) for line in invoice.lines}
    if (stated, manifest["total_minor"]) != (own, invoice.total_minor):
        yield _difference("invoice", invoice.invoice_id, None, None)


def _in_tree(
    expected: Mapping[str, Any], found: Mapping[str, Any], level: int = 0
) -> Iterator[evidence_api.Difference]:
    where, below = (("month", "days"), ("day", "hours"), ("hour", ""))[level]
    for name in sorted(expected.keys() | found.keys()):
        wanted, here = expected.get(name), found.get(name)
        if wanted == here:
            continue
        yield _difference(where, name, wanted, here)
        if below:
            yield from _in_tree((wanted or {}).get(below, {}), (here or {}).get(below, {}), level + 1)


def _in_lines(manifest: Mapping[str, Any], usage: Usage) -> Iterator[evidence_api.Difference]:
    for line in manifest["lines"]:
        if line["usage"] is not None:
            found = usage.line(line["line_id"]) if line["line_id"] in usage.lines else None
            if found != line["usage"]:
                yield _difference("line", line["line_id"], line["usage"], found)


def _sums(node: Mapping[str, Any]) -> evidence_api.Sums:
    return evidence_api.Sums(**{name: node[name] for name in _SUMS})


def _difference(
    where: str, name: str, expected: Mapping[str, Any] | None, found: Mapping[str, Any] | None
) -> evidence_api.Difference:
    return evidence_api.Difference(
        where=where,
        name=name,
        expected=_sums(expected) if expected else None,
        found=_sums(found) if found else None,
    )

"""The evidence under an invoice: a signed manifest of its usage, made when it is finalized and filed once.

The manifest is made of the events themselves, not of the ledger, and must add up to the invoice's lines. Two files keep
it: what it says, written with the invoice's own, and the same signed, as soon as there is a key that signs.
"""

import itertools
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from functions.billing import billed, repository
from functions.billing.books import AHEAD
from functions.billing.evidence_keys import current, signed
from functions.billing.evidence_tree import Usage
from functions.billing.models import (
    USAGE_LINES,
    EntryKind,
    Invoice,
    InvoiceLine,
    InvoiceState,
    Key,
    LedgerEntry,
    LineKind,
    Period,
    Quantities,
)
from functions.shared import clock, events, logs, storage
from functions.shared.config import settings
from functions.shared.digests import canonical_json, leaf
from functions.shared.errors import Conflict, NotFound, Unavailable
from functions.shared.events import Event
from functions.shared.identity import WorkspaceId

FORMAT = "agenthub-evidence/1"
UNSIGNED, SIGNED = "unsigned.json", "json"
JSON = "application/json"


class Unclear(Conflict):
    """The events that are there do not add up to the invoice's lines, so there is nothing that could be signed."""

    code, title = "evidence_unclear", "The usage does not add up to the invoice"


def archive_name(invoice: Invoice, ending: str) -> str:
    """Where in the archive bucket an invoice's evidence is."""
    return f"evidence/{invoice.workspace_id}/{invoice.invoice_id}.{ending}"


def keep(workspace: WorkspaceId, frozen: Invoice) -> None:
    """File the evidence of a frozen invoice, once; a repeat goes on where it stopped. Raises Unavailable (the archive).

    Without a key the signed file is made when somebody asks for it and a key is there. Events that do not add up are an
    alarm and no evidence: the invoice is made of the ledger and stands.
    """
    try:
        _sign(frozen, _usage_file(workspace, frozen))
    except Unclear:
        logs.alarm("an invoice's usage does not add up to it", workspace_id=workspace, invoice_id=frozen.invoice_id)
    except Unavailable as error:
        if error.code != "no_evidence_key":
            raise
        logs.warning("an invoice's evidence is not signed yet: no key", workspace_id=workspace)


def reference(invoice: Invoice) -> tuple[str | None, str]:
    """What an invoice prints of its evidence: the id of the key that signs it now, and where it is found."""
    key = current()
    return key.id if key else None, f"{settings().public_url}/api/invoices/{invoice.invoice_id}/evidence"


def find(workspace: WorkspaceId, invoice_id: str) -> dict[str, Any]:
    """The signed manifest of an invoice, as filed. Raises NotFound, Conflict (`draft`, `finalizing`), Unclear,
    Unavailable (`no_evidence_key`)."""
    (found,) = repository.read([repository.invoice_path(workspace, invoice_id)])
    if not found.exists:
        raise NotFound("There is no such invoice.")
    invoice = repository.invoice_of(found)
    if invoice.number is None:
        raise Conflict("A draft has no evidence: it may still change.", code="draft")
    if invoice.state == InvoiceState.FINALIZING:
        raise Conflict("The invoice is being filed at this moment. Try again.", code="finalizing")
    filed = storage.read(settings().archive_bucket, archive_name(invoice, SIGNED))
    content = filed if filed is not None else _sign(invoice, _usage_file(workspace, invoice))
    manifest: dict[str, Any] = json.loads(content)
    return manifest


def _usage_file(workspace: WorkspaceId, invoice: Invoice) -> bytes:
    """What the manifest says, as filed; made and filed when it is not there."""
    name = archive_name(invoice, UNSIGNED)
    filed = storage.read(settings().archive_bucket, name)
    return filed if filed is not None else _filed(name, canonical_json(manifest(workspace, invoice)))


def _sign(invoice: Invoice, content: bytes) -> bytes:
    return _filed(archive_name(invoice, SIGNED), canonical_json(signed(json.loads(content))))


def _filed(name: str, content: bytes) -> bytes:
    """Write a file once; returns what is there, which another run may have written first."""
    bucket = settings().archive_bucket
    if storage.write_once(bucket, name, content, content_type=JSON):
        return content
    return storage.read(bucket, name) or content


def manifest(workspace: WorkspaceId, invoice: Invoice) -> dict[str, Any]:
    """What the manifest of a numbered invoice says, before it is signed. Raises Unclear.

    Reads each event of the month once more, and of earlier months the days on which late usage was booked.
    """
    if invoice.issued_at is None:
        raise ValueError("a draft has no evidence")
    usage = Usage.under(invoice.lines)
    line_of = {_about(line): line.line_id for line in invoice.lines if line.kind in USAGE_LINES}
    before, left_out = invoice.issued_at, []
    for entry, event in _events(workspace, invoice):
        recorded = clock.from_text(event.row["recorded_at"])
        if entry is None or entry.period != invoice.period:
            left_out.append((recorded, event))
            continue
        line_id = line_of.get(_about(entry))
        if line_id is None:
            raise Unclear(f"The entry {entry.entry_id} is on no line.")
        usage.add(line_id, event.row, leaf(event.row))
        if entry.usage_period == invoice.period:
            before = max(before, recorded + timedelta(microseconds=1))
    for line in invoice.lines:
        if line.kind in USAGE_LINES and not _adds_up(line, usage):
            raise Unclear(f"The events that are there do not add up to the line {line.line_id}.")
    return _said(invoice, usage, before, sorted(leaf(event.row) for at, event in left_out if at < before))


def _events(workspace: WorkspaceId, invoice: Invoice) -> Iterator[tuple[LedgerEntry | None, Event]]:
    """Each event of the months on the invoice with the entry that bills it: on this invoice, on another, or none yet."""
    months = {line.usage_period for line in invoice.lines if line.kind in USAGE_LINES} | {invoice.period}
    for month in sorted(months):
        chains: dict[str, dict[Key, list[LedgerEntry]]] = {}
        days = set(Period(month=month).days) if month == invoice.period else set()
        for entry in repository.entries_of_usage_period(workspace, month):
            if entry.kind == EntryKind.USAGE and entry.day:
                chains.setdefault(entry.day, {}).setdefault(entry.key, []).append(entry)
                days |= {entry.day} if entry.period == invoice.period else set()
        weeks = (events.by_day(workspace, *ends) for ends in clock.runs(days, AHEAD))
        for day, of_day in itertools.chain.from_iterable(weeks):
            cells: dict[Key, list[Event]] = {}
            for event in of_day:
                if billed.month_of(event) == month:
                    cells.setdefault(billed.key_of(event), []).append(event)
            for key in sorted(cells):
                for found, own in billed.booked(chains.get(day, {}).get(key, ()), cells[key]):
                    if month == invoice.period or (found and found.period == invoice.period):
                        yield from ((found, event) for event in own)


def _about(one: InvoiceLine | LedgerEntry) -> tuple[str | None, ...]:
    return one.usage_period, one.agent_id, one.model, one.price_version


def _adds_up(line: InvoiceLine, usage: Usage) -> bool:
    found = usage.lines[line.line_id].cell
    wanted = [getattr(line, name) for name in Quantities.model_fields]
    return (found.count, found.charge_nanos, *(getattr(found, name) for name in Quantities.model_fields)) == (
        line.count,
        line.amount_nanos,
        *wanted,
    )


def _said(invoice: Invoice, usage: Usage, before: datetime, without: list[str]) -> dict[str, Any]:
    assert invoice.issued_at is not None
    same = ("workspace_id", "invoice_id", "number", "period", "currency", "plan", "plan_version")
    sums = ("net_minor", "tax_minor", "total_minor", "rounding_nanos")
    return {
        "format": FORMAT,
        **{name: getattr(invoice, name) for name in (*same, *sums)},
        "issued_at": clock.to_text(invoice.issued_at),
        "invoice_digest": invoice.digest,
        "recorded_before": clock.to_text(before),
        "without": without,
        "usage": usage.total,
        "price_versions": sorted({line.price_version for line in invoice.lines if line.price_version}),
        "plan_versions": sorted(usage.plan_versions),
        "months": usage.tree.months(),
        "lines": [_line(line, usage) for line in invoice.lines],
    }


def _line(line: InvoiceLine, usage: Usage) -> dict[str, Any]:
    same = ("line_id", "usage_period", "agent_id", "model", "price_version", "description")
    is_usage = line.kind in USAGE_LINES
    late = line.kind == LineKind.LATE_USAGE
    return {
        "kind": line.kind.value,
        **{name: getattr(line, name) for name in (*same, "amount_nanos", "amount_minor", "tax_minor")},
        "usage": usage.line(line.line_id) if is_usage else None,
        "leaves": sorted(usage.lines[line.line_id].leaves) if late else None,
    }

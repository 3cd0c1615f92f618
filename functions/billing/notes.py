"""A credit note out of an invoice, pure: at most what is left of each line, tax by largest remainder, nothing lost.

A line's amount and its share of the tax fall together: after each note the share that was credited is the one that
largest remainder gives to the amount that was credited, so that crediting a whole line in any number of parts credits
exactly its tax. A line below zero (what a plan includes) is credited below zero, and takes from the note.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from functions.billing.aftermath import CreditedLine, CreditPart
from functions.billing.frozen import Frozen
from functions.billing.grants import GrantKind
from functions.billing.models import Invoice, InvoiceLine, LineKind, Party
from functions.shared.digests import canonical_json, rfc3339, stable_id
from functions.shared.money import Currency, allocate, minor_to_nanos, minor_unit


class NoteRefused(ValueError):
    """What was to be credited cannot be; `position` is that of the line, None when it is about the whole."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class Wanted(Frozen):
    """A line to be credited, net; None is all that is left of it."""

    line_id: str
    amount_minor: int | None
    reason: str


class NoteLine(Frozen):
    """What one line is credited, in minor units; above zero for what the customer gets."""

    note_line_id: str
    line_id: str
    usage_period: str
    agent_id: str | None
    model: str | None
    price_version: str | None
    description: str
    reason: str
    amount_minor: int
    tax_minor: int


class CreditNote(Frozen):
    """What is taken back of an invoice. Frozen from the first write on; only the state moves, once its files are there."""

    note_id: str
    workspace_id: str
    invoice_id: str
    invoice_number: str
    period: str
    number: str
    state: str
    currency: Currency
    seller: Party
    bill_to: Party
    reverse_charge: bool
    lines: tuple[NoteLine, ...]
    net_minor: int
    tax_minor: int
    total_minor: int
    on_due_minor: int
    """What it takes off what is due; the rest becomes credit."""
    issued_at: datetime

    def frozen_bytes(self) -> bytes:
        """Canonical JSON of what was frozen: the archive's copy."""
        return canonical_json(self.model_dump(exclude={"state"}))

    def to_rows(self) -> list[dict[str, Any]]:
        """Rows of `invoice_lines`, negative, so that a workspace's rows add up to what it is asked for.

        They are of a document of its own, the note: an invoice's rows stay what the invoice said.
        """
        own = {
            "invoice_id": self.note_id,
            "number": self.number,
            "workspace_id": self.workspace_id,
            "period": self.period,
            "currency": self.currency,
            "issued_at": rfc3339(self.issued_at),
        }
        cells = ("usage_period", "agent_id", "model", "price_version")
        rows = [
            {
                "line_id": line.note_line_id,
                "kind": "credit_note",
                **{name: getattr(line, name) for name in cells},
                "description": f"{line.description}: {line.reason}",
                "amount_nanos": -minor_to_nanos(line.amount_minor, self.currency),
                "amount_minor": -line.amount_minor,
                "tax_minor": -line.tax_minor,
            }
            for line in self.lines
        ]
        if self.tax_minor:
            rows.append(
                {
                    "line_id": stable_id("lin", self.issued_at, self.note_id, "tax"),
                    "kind": LineKind.TAX.value,
                    **dict.fromkeys(cells[1:]),
                    "usage_period": self.period,
                    "description": "Tax",
                    "amount_nanos": -minor_to_nanos(self.tax_minor, self.currency),
                    "amount_minor": -self.tax_minor,
                    "tax_minor": 0,
                }
            )
        return [row | own for row in rows]


def issue(
    invoice: Invoice, wanted: Sequence[Wanted], *, note_id: str, number: str, issued_at: datetime
) -> tuple[CreditNote, Invoice]:
    """The note, and the invoice with what was credited; its state is the caller's. Raises NoteRefused."""
    if len({one.line_id for one in wanted}) < len(wanted):
        raise NoteRefused("Name each line once.")
    lines, credited = [], dict(invoice.after.credited)
    for position, one in enumerate(wanted):
        line = next((line for line in invoice.lines if line.line_id == one.line_id), None)
        if line is None or line.kind == LineKind.TAX:
            raise NoteRefused("There is no such line to be credited.", position)
        made = _line(line, credited.get(one.line_id, CreditedLine()), one, note_id, issued_at, position)
        before = credited.get(one.line_id, CreditedLine())
        credited[one.line_id] = CreditedLine(
            amount_minor=before.amount_minor + made.amount_minor, tax_minor=before.tax_minor + made.tax_minor
        )
        lines.append(made)
    net, tax = sum(line.amount_minor for line in lines), sum(line.tax_minor for line in lines)
    if net + tax <= 0:
        raise NoteRefused("A credit note is for more than nothing.")
    if sum(one.amount_minor + one.tax_minor for one in credited.values()) > invoice.total_minor:
        raise NoteRefused("This is more than the invoice asked for: credit what the plan includes along with it.")
    on_due = min(net + tax, invoice.due_minor)
    note = CreditNote(
        note_id=note_id,
        workspace_id=invoice.workspace_id,
        invoice_id=invoice.invoice_id,
        invoice_number=invoice.number or "",
        period=invoice.period,
        number=number,
        state="finalizing",
        currency=invoice.currency,
        seller=invoice.seller,
        bill_to=invoice.bill_to,
        reverse_charge=invoice.reverse_charge,
        lines=tuple(lines),
        net_minor=net,
        tax_minor=tax,
        total_minor=net + tax,
        on_due_minor=on_due,
        issued_at=issued_at,
    )
    after = invoice.after.model_copy(
        update={"credited": credited, "credited_minor": invoice.after.credited_minor + on_due}
    )
    return note, invoice.model_copy(update={"after": after})


def given_back(invoice: Invoice, note: CreditNote) -> tuple[int, tuple[CreditPart, ...], Invoice]:
    """What of a note becomes credit, in nanos: the customer's own money, and parts of the given credit that had paid.

    `invoice` is the one that `issue` returned, and comes back with what of it is given back now. The customer's own money
    comes first; what was given stays given, with its expiry, the last that was burned first.
    """
    rest = note.total_minor - note.on_due_minor
    noted = sum(one.amount_minor + one.tax_minor for one in invoice.after.credited.values())
    coin = minor_unit(invoice.currency)
    gone = invoice.after.gifts_back_nanos
    before = (noted - invoice.after.credited_minor - rest) * coin - gone
    gifts = [one for one in invoice.after.credit_parts if one.kind == GrantKind.PROMOTIONAL]
    paid = (invoice.paid_minor + max(0, invoice.credit_minor)) * coin - sum(one.nanos for one in gifts)
    left = max(0, rest * coin - max(0, paid - before))
    parts = []
    for gift in reversed(gifts):
        skipped = min(gone, gift.nanos)
        gone -= skipped
        taken = min(left, gift.nanos - skipped)
        left -= taken
        if taken:
            parts.append(gift.model_copy(update={"nanos": taken}))
    back = sum(one.nanos for one in parts)
    after = invoice.after.model_copy(update={"gifts_back_nanos": invoice.after.gifts_back_nanos + back})
    return rest * coin - back, tuple(parts), invoice.model_copy(update={"after": after})


def _line(
    line: InvoiceLine, before: CreditedLine, wanted: Wanted, note_id: str, issued_at: datetime, position: int
) -> NoteLine:
    left = line.amount_minor - before.amount_minor
    amount = left if wanted.amount_minor is None else wanted.amount_minor
    sign = -1 if line.amount_minor < 0 else 1
    if not 0 < amount * sign <= left * sign:
        raise NoteRefused("More than nothing and at most what is left of the line can be credited.", position)
    share, _ = allocate(line.tax_minor, [before.amount_minor + amount, left - amount])
    return NoteLine(
        note_line_id=stable_id("lin", issued_at, note_id, line.line_id),
        line_id=line.line_id,
        usage_period=line.usage_period,
        agent_id=line.agent_id,
        model=line.model,
        price_version=line.price_version,
        description=line.description,
        reason=wanted.reason,
        amount_minor=amount,
        tax_minor=share - before.tax_minor,
    )


def number(code: str, issued_at: datetime, issued_this_year: int) -> str:
    """The number after so many of that year in the workspace's own series of notes: "ABC-CN-2026-0001"."""
    return f"{code}-CN-{issued_at.year}-{issued_this_year + 1:04d}"

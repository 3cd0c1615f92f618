"""An invoice out of ledger entries and nothing else: its lines, its states, its number.

Every line is rounded once, and what the rounding leaves over is known to the nano. The same entries give the same
invoice, byte for byte; no function here reads a clock.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from functions.billing.ledger import BILLABLE
from functions.billing.models import (
    Account,
    EntryKind,
    Invoice,
    InvoiceLine,
    InvoiceState,
    LedgerEntry,
    LineKind,
    Party,
    Period,
    Quantities,
)
from functions.shared.digests import node, stable_id
from functions.shared.money import (
    NANOS,
    allocate,
    divide,
    format_amount,
    format_decimal,
    minor_to_nanos,
    round_to_minor,
)
from functions.shared.plans import Meter, PlanTerms
from functions.shared.tax import Tax, tax_on

# Which state may follow which. A paid invoice opens again when a payment is refunded; void is the end.
FOLLOWERS: Final[Mapping[InvoiceState, frozenset[InvoiceState]]] = {
    InvoiceState.DRAFT: frozenset({InvoiceState.FINALIZING}),
    InvoiceState.FINALIZING: frozenset({InvoiceState.OPEN}),
    InvoiceState.OPEN: frozenset(
        {InvoiceState.PAID, InvoiceState.OVERDUE, InvoiceState.VOID, InvoiceState.UNCOLLECTIBLE}
    ),
    InvoiceState.OVERDUE: frozenset({InvoiceState.PAID, InvoiceState.VOID, InvoiceState.UNCOLLECTIBLE}),
    InvoiceState.UNCOLLECTIBLE: frozenset({InvoiceState.PAID, InvoiceState.OVERDUE, InvoiceState.VOID}),
    InvoiceState.PAID: frozenset({InvoiceState.OPEN, InvoiceState.OVERDUE}),
    InvoiceState.VOID: frozenset(),
}

_LINE_ORDER = tuple(LineKind)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class TransitionRefused(ValueError):
    """An invoice cannot go from its state to that one."""

    code = "invoice_state"


def invoice_id(workspace_id: str, period: str) -> str:
    """The one invoice of a workspace for a period: a close that runs again finds it instead of making a second."""
    return stable_id("inv", Period(month=period).start, workspace_id, period)


def draft(
    *,
    workspace_id: str,
    period: str,
    entries: Iterable[LedgerEntry],
    terms: PlanTerms,
    agent_names: Mapping[str, str],
    seller: Party,
    bill_to: Party,
    payment_terms: str,
    as_of: datetime,
) -> Invoice:
    """The invoice that a period's entries make, in state draft.

    Of `entries` those count that are billable and of this period, those of `post_period` among them, posted or only
    provisional. The tax is what the terms agreed, else the law's on the period's last day. An agent without a name
    appears with its id. Raises ValueError on another workspace's or currency's.
    """
    billable = [item for item in entries if item.period == period and item.kind in BILLABLE]
    if any(item.workspace_id != workspace_id or item.currency != terms.currency for item in billable):
        raise ValueError("an entry of another workspace or currency")
    own_id = invoice_id(workspace_id, period)
    lines = _lines(own_id, period, billable, terms, agent_names)
    net_minor = sum(line.amount_minor for line in lines)
    net_nanos = sum(line.amount_nanos for line in lines)
    tax = tax_of(terms, seller, bill_to, period)
    tax_minor = divide(net_minor * tax.rate, NANOS)
    shares = allocate(tax_minor, [line.amount_minor for line in lines])
    lines = [line.model_copy(update={"tax_minor": share}) for line, share in zip(lines, shares, strict=True)]
    if tax.rate:
        lines.append(_tax_line(own_id, period, tax_minor, tax, terms.currency))
    return Invoice(
        invoice_id=own_id,
        workspace_id=workspace_id,
        period=period,
        state=InvoiceState.DRAFT,
        currency=terms.currency,
        plan=terms.name,
        plan_version=terms.plan_version,
        seller=seller,
        bill_to=bill_to,
        payment_terms=payment_terms,
        lines=tuple(lines),
        tax_rate=tax.rate,
        reverse_charge=tax.reverse_charge,
        tax_note=tax.note,
        net_minor=net_minor,
        tax_minor=tax_minor,
        total_minor=net_minor + tax_minor,
        rounding_nanos=net_nanos - minor_to_nanos(net_minor, terms.currency),
        digest=node(line.digest for line in lines if line.digest),
        as_of=as_of,
    )


def tax_of(terms: PlanTerms, seller: Party, bill_to: Party, period: str) -> Tax:
    """The tax of a period's invoice; late usage of earlier periods bears it too, since one invoice has one rate."""
    if terms.tax_rate is not None or terms.reverse_charge:
        return Tax(0 if terms.reverse_charge else terms.tax_rate or 0, reverse_charge=terms.reverse_charge)
    last_day = Period(month=period).end.date() - timedelta(days=1)
    return tax_on(seller.country, seller.vat_id, bill_to.country, bill_to.vat_id, last_day)


def _line_kind(item: LedgerEntry) -> LineKind:
    if item.kind == EntryKind.USAGE:
        return LineKind.USAGE if item.usage_period == item.period else LineKind.LATE_USAGE
    return LineKind(item.kind.value)


def _lines(
    own_id: str, period: str, billable: Sequence[LedgerEntry], terms: PlanTerms, names: Mapping[str, str]
) -> list[InvoiceLine]:
    groups: dict[tuple[int, str, str, str, str], list[LedgerEntry]] = {}
    for item in billable:
        order = _LINE_ORDER.index(_line_kind(item))
        cell = (item.agent_id or "", item.model or "", item.price_version or "")
        groups.setdefault((order, item.usage_period, *cell), []).append(item)
    lines = []
    for (order, usage_period, agent, model, version), items in sorted(groups.items()):
        kind = _LINE_ORDER[order]
        nanos = sum(item.on(Account.UNBILLED) for item in items)
        total = sum((item.quantities for item in items), Quantities())
        late = "" if usage_period == period else f" ({usage_period})"
        lines.append(
            InvoiceLine(
                line_id=_line_id(own_id, period, kind, usage_period, agent, model, version),
                kind=kind,
                usage_period=usage_period,
                agent_id=agent or None,
                model=model or None,
                price_version=version or None,
                **_unit(terms, model or None, total, nanos),
                description=_description(kind, None if late else terms, names.get(agent, agent), model) + late,
                count=sum(item.count for item in items),
                amount_nanos=nanos,
                amount_minor=round_to_minor(nanos, terms.currency),
                digest=_digest(items),
                **total.model_dump(),
            )
        )
    return lines


def _unit(terms: PlanTerms, model: str | None, total: Quantities, nanos: int) -> dict[str, Any]:
    """The meter and the price of one unit, where the amount is the one times the other and nothing else."""
    for meter in (Meter.MESSAGES, Meter.CONVERSATIONS, Meter.RESOLVED):
        price, quantity = terms.unit_price(meter, model), getattr(total, meter.value)
        if price and price.price and not price.price % price.per and quantity > 0 and price.exact(quantity) == nanos:
            return {"meter": meter, "unit_price_nanos": price.price // price.per}
    return {}


def _line_id(own_id: str, period: str, kind: LineKind, *names: str) -> str:
    return stable_id("lin", Period(month=period).start, own_id, kind.value, *names)


def _description(kind: LineKind, terms: PlanTerms | None, agent: str, model: str) -> str:
    """What a line is for. Of an earlier period, whose terms may have been others, without their numbers."""
    match kind:
        case LineKind.USAGE:
            return f"{agent}, {model}"
        case LineKind.LATE_USAGE:
            return f"Late usage: {agent}, {model}"
        case LineKind.TIER_ADJUSTMENT:
            return "Prices by quantity"
        case LineKind.FEE:
            return f"{terms.name}, monthly price" if terms else "Monthly price"
        case LineKind.ALLOWANCE:
            return "Included in the plan"
        case LineKind.DISCOUNT:
            return f"Discount {_discount(terms)}" if terms else "Discount"
        case LineKind.MINIMUM:
            return f"To the monthly minimum of {_amount(terms.minimum, terms)}" if terms else "Monthly minimum"
        case LineKind.TAX:
            raise ValueError("tax is not made of entries")


def _discount(terms: PlanTerms) -> str:
    share = f"{format_decimal(terms.discount * 100)} %" if terms.discount or not terms.discount_amount else ""
    amount = _amount(terms.discount_amount, terms) if terms.discount_amount else ""
    return " and ".join(part for part in (share, amount) if part)


def _amount(nanos: int, terms: PlanTerms) -> str:
    return f"{format_amount(nanos, terms.currency)} {terms.currency}"


def _digest(items: Sequence[LedgerEntry]) -> str | None:
    """The month's digest of a line: the node of its days'. An entry that corrects a day speaks for the whole day."""
    corrected = {item.corrects for item in items}
    days = [item.digest for item in items if item.digest and item.entry_id not in corrected]
    return node(days) if days else None


def _tax_line(own_id: str, period: str, tax_minor: int, tax: Tax, currency: str) -> InvoiceLine:
    return InvoiceLine(
        line_id=_line_id(own_id, period, LineKind.TAX),
        kind=LineKind.TAX,
        usage_period=period,
        description=f"{tax.name} {format_decimal(tax.rate * 100)} %",
        amount_nanos=minor_to_nanos(tax_minor, currency),
        amount_minor=tax_minor,
    )


def freeze(invoice: Invoice, *, number: str, issued_at: datetime, due_at: datetime, credit_minor: int) -> Invoice:
    """The draft with its number, in state finalizing: nothing in it changes any more.

    `credit_minor` is the customer credit there is; as much as the invoice needs is used. A total below zero shows as
    negative `credit_minor`: it becomes credit.
    """
    used = invoice.total_minor if invoice.total_minor < 0 else min(max(credit_minor, 0), invoice.total_minor)
    frozen = move(invoice, InvoiceState.FINALIZING)
    return frozen.model_copy(
        update={
            "number": number,
            "issued_at": issued_at,
            "due_at": due_at,
            "credit_minor": used,
            "as_of": issued_at,
        }
    )


def in_place_of(drafted: Invoice, voided: Invoice) -> Invoice:
    """The period's draft under an id of its own, to be issued in place of a void invoice."""
    start = Period(month=drafted.period).start
    own_id = stable_id("inv", start, drafted.workspace_id, drafted.period, voided.invoice_id)
    lines = tuple(
        line.model_copy(update={"line_id": stable_id("lin", start, own_id, line.line_id)}) for line in drafted.lines
    )
    after = drafted.after.model_copy(update={"replaces": voided.invoice_id})
    return drafted.model_copy(update={"invoice_id": own_id, "lines": lines, "after": after})


def move(invoice: Invoice, state: InvoiceState) -> Invoice:
    """The invoice in the next state. Raises TransitionRefused when that does not follow."""
    if state not in FOLLOWERS[invoice.state]:
        raise TransitionRefused(f"an invoice that is {invoice.state} cannot become {state}")
    return invoice.model_copy(update={"state": state})


def settle(invoice: Invoice, paid_minor: int, now: datetime) -> Invoice:
    """The invoice after what has been paid on it in all: paid, overdue or open; other states stay as they are.

    A payment on an uncollectible invoice pays it. Partial payments leave it open. What was paid and is due again is
    dunned from then on, step by step, as if it had become due `now`.
    """
    settled = invoice.model_copy(update={"paid_minor": paid_minor})
    if invoice.state not in (InvoiceState.OPEN, InvoiceState.OVERDUE, InvoiceState.PAID, InvoiceState.UNCOLLECTIBLE):
        return settled
    if settled.due_minor == 0 and not settled.after.written_off_minor:
        state = InvoiceState.PAID
    elif invoice.state in (InvoiceState.UNCOLLECTIBLE, InvoiceState.OVERDUE):
        state = invoice.state
    else:
        state = InvoiceState.OVERDUE if invoice.due_at and now >= invoice.due_at else InvoiceState.OPEN
    if invoice.state == InvoiceState.PAID and state != InvoiceState.PAID:
        settled = settled.model_copy(
            update={"after": settled.after.model_copy(update={"owed_again_at": now, "dunned": ()})}
        )
    return settled.model_copy(update={"state": state})


def number(code: str, issued_at: datetime, issued_this_year: int) -> str:
    """The number after so many of that year in the workspace's series: "ABC-2026-0001". The caller counts on in the
    same transaction, so the series has no gap."""
    return f"{code}-{issued_at.year}-{issued_this_year + 1:04d}"


def series_code(workspace_id: str) -> str:
    """The code of a workspace's series where none was chosen: eight characters that are hard to misread."""
    value = int.from_bytes(hashlib.sha256(workspace_id.encode()).digest()[:5], "big")
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(35, -1, -5))

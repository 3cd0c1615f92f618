"""The ledger's rules: append-only entries, each from one account to another, so that the books balance by construction.

    each day     unbilled → revenue         what was charged, for each agent, model and price version
    each period  unbilled → revenue         the fee and what is missing to the minimum; revenue → unbilled what prices by
                                            quantity take off, the allowance and the discount
    finalizing   receivable → unbilled      the invoice; receivable → tax; the part below a cent to rounding
    payment      cash → receivable          and what is too much to customer credit

(debit → credit.) Nothing is changed later: what turns out different is a further entry that names what it corrects.
Every entry's id follows from what it says, so booking it twice writes one document. A balance is a projection.
Functions here take the time from their caller and never read a clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from functions.billing.charges import Cell, Tally, charged_quantities
from functions.billing.models import Account, EntryKind, Invoice, Key, LedgerEntry, Period, first_day_after
from functions.billing.payment_models import Payment
from functions.shared.digests import stable_id
from functions.shared.money import minor_to_nanos
from functions.shared.plans import Meter, PlanTerms, period_charges

# What a period's invoice is made of; the other kinds say what became of it.
BILLABLE = frozenset(
    {
        EntryKind.USAGE,
        EntryKind.TIER_ADJUSTMENT,
        EntryKind.FEE,
        EntryKind.ALLOWANCE,
        EntryKind.DISCOUNT,
        EntryKind.MINIMUM,
    }
)


def entry(
    *,
    kind: EntryKind,
    debit: Account,
    credit: Account,
    amount_nanos: int,
    booked_at: datetime,
    left: int = 0,
    **fields: Any,
) -> LedgerEntry:
    """One entry, its accounts exchanged when the amount is negative, its id made of what identifies it.

    Two entries have one id exactly when they are about the same thing: workspace, kind, period, day, cell, invoice,
    payment and corrected entry. So the second of two differing closes must name what it corrects. What takes a part of
    something names what it has `left`: the next part is another entry.
    """
    if amount_nanos < 0:
        debit, credit, amount_nanos = credit, debit, -amount_nanos
    names = ("workspace_id", "period", "usage_period", "day", "agent_id", "model", "price_version")
    causes = ("invoice_id", "payment_id", "corrects")
    identity = [str(fields.get(name) or "") for name in (*names, *causes)] + ([str(left)] if left else [])
    return LedgerEntry(
        entry_id=stable_id("led", Period(month=fields["period"]).start, kind.value, *identity),
        kind=kind,
        debit_account=debit,
        credit_account=credit,
        amount_nanos=amount_nanos,
        booked_at=booked_at,
        **fields,
    )


def balances(entries: Iterable[LedgerEntry]) -> dict[Account, int]:
    """Nanos on each account, debits positive; they always add up to zero."""
    totals = dict.fromkeys(Account, 0)
    for item in entries:
        totals[item.debit_account] += item.amount_nanos
        totals[item.credit_account] -= item.amount_nanos
    return totals


def days_due(first_day: str, last_closed: str | None, as_of: datetime) -> list[str]:
    """The UTC days to close now, in order: from the last closing mark (or the workspace's first day) to yesterday."""
    day = first_day_after(last_closed) if last_closed else first_day
    today = as_of.astimezone(UTC).date().isoformat()
    due = []
    while day < today:
        due.append(day)
        day = first_day_after(day)
    return due


def close_day(
    *,
    workspace_id: str,
    day: str,
    tally: Tally,
    digests: Mapping[Key, str],
    posted: Sequence[LedgerEntry],
    period: str,
    booked_at: datetime,
    usage_period: str | None = None,
) -> list[LedgerEntry]:
    """The entries that bring the ledger to the day's tally: one for each cell where it is not there yet.

    `posted` are the day's usage entries so far: none on the first close, and then everything is booked; on a repeat
    nothing is left to book; after late events the rest is booked, with `corrects`. `period` is the invoice that it goes
    on: the usage's own month while that is a draft, a later one afterwards. `usage_period` is that month: the day's, but
    for a correction booked on the day on which it was known, whose turn was in the month before. Raises ValueError if
    posted entries are not of this day and month.
    """
    usage_period = usage_period or day[:7]
    if any(item.day != day or item.kind != EntryKind.USAGE or item.usage_period != usage_period for item in posted):
        raise ValueError(f"not an entry for the usage of {day}")
    entries = []
    for key in sorted(tally.cells.keys() | {item.key for item in posted}):
        before = [item for item in posted if item.key == key]
        rest = bookable(tally.cells.get(key, Cell())).minus(booked(before))
        if rest.is_zero:
            continue
        entries.append(
            entry(
                kind=EntryKind.USAGE,
                debit=Account.UNBILLED,
                credit=Account.REVENUE,
                amount_nanos=rest.charge_nanos,
                booked_at=booked_at,
                workspace_id=workspace_id,
                period=period,
                usage_period=usage_period,
                day=day,
                cost_nanos=rest.cost_nanos,
                currency=tally.currency,
                count=rest.count,
                digest=digests.get(key),
                corrects=_last(before),
                **key.model_dump(),
                **rest.quantities.model_dump(),
                **rest.uncharged.model_dump(),
            )
        )
    return entries


def bookable(cell: Cell) -> Cell:
    """What of a cell the ledger has columns for; the rest compares sums, shows what is to come, and serves simulations."""
    return cell.model_copy(update={"fingerprint": 0, "pending": 0, "free_cost_nanos": 0})


def booked(entries: Iterable[LedgerEntry]) -> Cell:
    """What usage entries say in all, as the cell that they were made of."""
    total = Cell()
    for item in entries:
        total = total.plus(
            Cell(
                **item.quantities.model_dump(),
                **item.uncharged.model_dump(),
                count=item.count,
                cost_nanos=item.cost_nanos,
                charge_nanos=item.on(Account.UNBILLED),
            )
        )
    return total


def _last(entries: Sequence[LedgerEntry]) -> str | None:
    """The entry that no other one corrects; the chain has one end."""
    corrected = {item.corrects for item in entries}
    ends = [item.entry_id for item in entries if item.entry_id not in corrected]
    return ends[0] if ends else None


def unbilled(entries: Iterable[LedgerEntry]) -> int:
    """The sum of billable entries in nanos: what they put on the invoice."""
    return sum(item.on(Account.UNBILLED) for item in entries if item.kind in BILLABLE)


def counted(entries: Iterable[LedgerEntry]) -> dict[str, dict[Meter, int]]:
    """What was charged over usage entries, by model and meter."""
    return charged_quantities((item.model or "", item) for item in entries)


def post_period(
    *,
    workspace_id: str,
    usage_period: str,
    terms: PlanTerms,
    usage: Sequence[LedgerEntry],
    posted: Sequence[LedgerEntry],
    period: str,
    booked_at: datetime,
) -> list[LedgerEntry]:
    """What a period's terms make of its usage (prices by quantity, allowance, fee, discount, minimum), as far as it is
    not posted yet.

    `usage` are all usage entries of `usage_period`, late ones included, and `terms` are that period's own. Called for
    the invoice's period with nothing posted, and for each earlier period that late usage belongs to, so that the part
    of its allowance which was left then covers what came late, its tiers go on where they were, and what was asked for to
    reach the minimum is given back as far as late usage reaches it. `period` is the invoice that the entries go on.
    """
    if any(item.usage_period != usage_period for item in (*usage, *posted)):
        raise ValueError(f"not an entry of the period {usage_period}")
    charges = period_charges(terms, unbilled(usage), counted(usage), usage_period)
    wanted = {
        EntryKind.TIER_ADJUSTMENT: charges.tiers,
        EntryKind.FEE: charges.fee,
        EntryKind.ALLOWANCE: -charges.allowance,
        EntryKind.DISCOUNT: -charges.discount,
        EntryKind.MINIMUM: charges.minimum,
    }
    entries = []
    for kind, amount in wanted.items():
        before = [item for item in posted if item.kind == kind]
        rest = amount - sum(item.on(Account.UNBILLED) for item in before)
        if rest:
            entries.append(
                entry(
                    kind=kind,
                    debit=Account.UNBILLED,
                    credit=Account.REVENUE,
                    amount_nanos=rest,
                    booked_at=booked_at,
                    workspace_id=workspace_id,
                    period=period,
                    usage_period=usage_period,
                    currency=terms.currency,
                    corrects=_last(before),
                )
            )
    return entries


def finalize(invoice: Invoice, booked_at: datetime) -> list[LedgerEntry]:
    """What finalizing books: the net amount from unbilled to receivable, tax, what is below a cent, and credit used.

    Unbilled is then zero for this invoice, to the nano. An invoice whose total is negative becomes customer credit.
    """
    common: dict[str, Any] = {
        "booked_at": booked_at,
        "workspace_id": invoice.workspace_id,
        "period": invoice.period,
        "usage_period": invoice.period,
        "invoice_id": invoice.invoice_id,
        "currency": invoice.currency,
    }

    def nanos(minor: int) -> int:
        return minor_to_nanos(minor, invoice.currency)

    receivable, credit = Account.RECEIVABLE, Account.CUSTOMER_CREDIT
    moves = [
        (EntryKind.INVOICED, receivable, Account.UNBILLED, nanos(invoice.net_minor)),
        (EntryKind.TAX, receivable, Account.TAX, nanos(invoice.tax_minor)),
        (EntryKind.ROUNDING, Account.ROUNDING, Account.UNBILLED, invoice.rounding_nanos),
    ]
    # Credit that pays the invoice, by grant; or, the other way round, an invoice below zero that makes credit.
    used: list[tuple[str | None, int]] = [(part.grant_id, part.nanos) for part in invoice.after.credit_parts]
    applied = used or [(None, nanos(invoice.credit_minor))]
    return [
        entry(kind=kind, debit=debit, credit=other, amount_nanos=amount, **common)
        for kind, debit, other, amount in moves
        if amount
    ] + [
        entry(
            kind=EntryKind.CREDIT_APPLIED,
            debit=credit,
            credit=receivable,
            amount_nanos=amount,
            payment_id=grant_id,
            **common,
        )
        for grant_id, amount in applied
        if amount
    ]


def payment(paid: Payment, due_minor: int, booked_at: datetime) -> list[LedgerEntry]:
    """Cash to receivable as far as it is due, the rest to customer credit: of the month in which it was received, booked
    when it was recorded. What is booked on a day that was compared already nobody would compare again.

    What is due changes with every payment, so the caller creates the payment's document in the same commit: a payment
    that is there already books nothing.
    """
    on_invoice = min(paid.amount_minor, due_minor)
    rest = paid.amount_minor - on_invoice
    period = Period.of(paid.received_at).month
    common: dict[str, Any] = {
        "booked_at": booked_at,
        "workspace_id": paid.workspace_id,
        "period": period,
        "usage_period": period,
        "payment_id": paid.payment_id,
        "currency": paid.currency,
    }
    entries = []
    if on_invoice:
        amount = minor_to_nanos(on_invoice, paid.currency)
        entries.append(
            entry(
                kind=EntryKind.PAYMENT,
                debit=Account.CASH,
                credit=Account.RECEIVABLE,
                amount_nanos=amount,
                invoice_id=paid.invoice_id,
                **common,
            )
        )
    if rest:
        amount = minor_to_nanos(rest, paid.currency)
        entries.append(
            entry(
                kind=EntryKind.PAYMENT,
                debit=Account.CASH,
                credit=Account.CUSTOMER_CREDIT,
                amount_nanos=amount,
                **common,
            )
        )
    return entries


def void(invoice: Invoice, entries: Iterable[LedgerEntry], booked_at: datetime) -> list[LedgerEntry]:
    """The reverse of everything that the invoice booked; what had been paid on it becomes customer credit.

    Revenue is taken back too, since a void invoice asks for nothing: its unbilled amount does not come up again but by
    a reissue, whose own entries bring it back. Cash stays where it is: customer credit takes its place.
    """
    own = [item for item in entries if item.workspace_id == invoice.workspace_id]
    booked = [item for item in own if item.invoice_id == invoice.invoice_id and item.kind != EntryKind.VOID]
    first = invoice.after.replaces is None
    billable = [item for item in own if first and item.period == invoice.period and item.kind in BILLABLE]
    reversed_entries = []

    def kept(account: Account) -> Account:
        return Account.CUSTOMER_CREDIT if account == Account.CASH else account

    for item in (*booked, *billable):
        reversed_entries.append(
            entry(
                kind=EntryKind.VOID,
                debit=kept(item.credit_account),
                credit=kept(item.debit_account),
                amount_nanos=item.amount_nanos,
                booked_at=booked_at,
                workspace_id=item.workspace_id,
                period=invoice.period,
                usage_period=item.usage_period,
                day=item.day,
                agent_id=item.agent_id,
                model=item.model,
                price_version=item.price_version,
                invoice_id=invoice.invoice_id,
                currency=item.currency,
                corrects=item.entry_id,
            )
        )
    return reversed_entries


def due(entries: Iterable[LedgerEntry], invoice_id: str) -> int:
    """What is still to be paid on an invoice, in nanos: its share of the receivable account."""
    return sum(item.on(Account.RECEIVABLE) for item in entries if item.invoice_id == invoice_id)


def credit(entries: Iterable[LedgerEntry]) -> int:
    """Customer credit that can be used, in nanos."""
    return -sum(item.on(Account.CUSTOMER_CREDIT) for item in entries)

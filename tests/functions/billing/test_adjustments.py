"""Whatever is credited, paid, written off and brought back: with any tax, what is due is what is receivable."""

from datetime import timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from functions.billing import adjustments, invoicing, ledger, notes
from functions.billing.aftermath import CreditPart, WriteOff
from functions.billing.models import Account, EntryKind, Invoice, InvoiceState, LedgerEntry, LineKind, UsageEvent
from functions.billing.notes import NoteRefused, Wanted
from functions.shared.money import minor_to_nanos
from functions.shared.plans import PlanTerms
from tests.functions.billing.making import DAYS, FINAL, MONTH, WORKSPACE, close, draft, events, freeze, plans, post


def opened(plan: PlanTerms, found: list[UsageEvent]) -> tuple[Invoice, list[LedgerEntry]]:
    entries = [entry for day in DAYS for entry in close(found, day)]
    entries += post(plan, entries)
    invoice = invoicing.move(freeze(draft(plan, entries)), InvoiceState.OPEN)
    return invoice, [*entries, *ledger.finalize(invoice, FINAL)]


def paid(invoice: Invoice, minor: int, number: int) -> tuple[Invoice, list[LedgerEntry]]:
    on_invoice = min(minor, invoice.due_minor)
    parts = ((Account.RECEIVABLE, on_invoice, invoice.invoice_id), (Account.CUSTOMER_CREDIT, minor - on_invoice, None))
    entries = [
        ledger.entry(
            kind=EntryKind.PAYMENT,
            debit=Account.CASH,
            credit=account,
            amount_nanos=minor_to_nanos(amount, "USD"),
            booked_at=FINAL,
            workspace_id=WORKSPACE,
            period=MONTH,
            usage_period=MONTH,
            payment_id=f"pay_{number}",
            invoice_id=name,
            currency="USD",
        )
        for account, amount, name in parts
        if amount
    ]
    return invoicing.settle(invoice, invoice.paid_minor + on_invoice, FINAL), entries


def credited(invoice: Invoice, minor: int, number: int) -> tuple[Invoice, list[LedgerEntry]]:
    lines = [line for line in invoice.lines if line.kind != LineKind.TAX and line.amount_minor > 0]
    if not lines:
        return invoice, []
    wanted = Wanted(line_id=lines[number % len(lines)].line_id, amount_minor=minor, reason="Wrong")
    try:
        note, after = notes.issue(invoice, [wanted], note_id=f"crn_{number}", number="N", issued_at=FINAL)
    except NoteRefused:
        return invoice, []
    rest = note.total_minor - note.on_due_minor
    entries = adjustments.noted(invoice, note.note_id, note.net_minor, note.tax_minor, rest, FINAL)
    return invoicing.settle(after, after.paid_minor, FINAL), entries


@given(
    events(),
    plans,
    st.lists(st.tuples(st.sampled_from(["pay", "credit", "write off"]), st.integers(1, 2000)), max_size=8),
)
def test_in_any_order_the_books_balance_and_due_is_receivable(
    found: list[UsageEvent], plan: PlanTerms, acts: list[tuple[str, int]]
) -> None:
    invoice, entries = opened(plan, found)
    assume(invoice.total_minor > 0)
    for number, (act, minor) in enumerate(acts):
        more: list[LedgerEntry] = []
        if act == "write off" and invoice.state in (InvoiceState.OPEN, InvoiceState.OVERDUE) and invoice.due_minor:
            written = WriteOff(act_id=f"wof_{number}", at=FINAL, amount_minor=invoice.due_minor)
            more = adjustments.written_off(invoice, written)
            after = invoice.after.model_copy(update={"write_off": written})
            invoice = invoicing.move(invoice, InvoiceState.UNCOLLECTIBLE).model_copy(update={"after": after})
        elif act == "pay":
            back: list[LedgerEntry] = []
            if invoice.after.write_off is not None:
                back = adjustments.recovered(invoice, invoice.after.write_off, f"pay_{number}", FINAL)
                after = invoice.after.model_copy(update={"write_off": None})
                invoice = invoicing.move(invoice, InvoiceState.OVERDUE).model_copy(update={"after": after})
            invoice, more = paid(invoice, minor, number)
            more = [*back, *more]
        elif act == "credit" and invoice.state != InvoiceState.UNCOLLECTIBLE:
            invoice, more = credited(invoice, minor, number)
        entries += more
        assert len({one.entry_id for one in entries}) == len(entries)
        assert sum(ledger.balances(entries).values()) == 0
        assert ledger.due(entries, invoice.invoice_id) == minor_to_nanos(invoice.due_minor, "USD")
        assert ledger.credit(entries) >= 0
        assert (invoice.state == InvoiceState.PAID) == (invoice.due_minor == 0 and invoice.after.write_off is None)


@given(events(), plans, st.integers(0, 3000))
def test_a_void_leaves_no_revenue_and_gives_back_what_was_paid(
    found: list[UsageEvent], plan: PlanTerms, minor: int
) -> None:
    invoice, entries = opened(plan, found)
    assume(invoice.due_minor > 1)
    part = min(minor, invoice.due_minor - 1)
    if part:
        invoice, more = paid(invoice, part, 1)
        entries += more
    entries += ledger.void(invoice, entries, FINAL)
    left = ledger.balances(entries)
    assert {account: nanos for account, nanos in left.items() if nanos} == (
        {Account.CASH: minor_to_nanos(part, "USD"), Account.CUSTOMER_CREDIT: -minor_to_nanos(part, "USD")}
        if part
        else {}
    )
    # Its usage comes up again line by line, and with it what a first invoice booked.
    drafted = draft(plan, entries)
    again = invoicing.in_place_of(drafted, invoice)
    back = adjustments.reissued(again, [line.line_id for line in drafted.lines], FINAL)
    assert sum(one.on(Account.UNBILLED) for one in back) == sum(
        line.amount_nanos for line in invoice.lines if line.kind != LineKind.TAX
    )
    assert {one.corrects for one in back} <= {line.line_id for line in invoice.lines}
    issued = invoicing.move(freeze(again), InvoiceState.OPEN)
    entries += [*back, *ledger.finalize(issued, FINAL)]
    assert ledger.balances(entries)[Account.UNBILLED] == 0
    assert ledger.due(entries, issued.invoice_id) == minor_to_nanos(issued.total_minor, "USD")
    assert (issued.total_minor, issued.tax_minor) == (invoice.total_minor, invoice.tax_minor)


def test_expired_credit_is_revenue_and_what_was_given_names_what_it_reverses() -> None:
    part = CreditPart(grant_id="crg_1", kind="promotional", nanos=5)
    given_at = FINAL - timedelta(days=9)
    given = adjustments.granted(WORKSPACE, 5, "USD", "crg_1", given_at)
    over = adjustments.expired(WORKSPACE, part, "USD", grant_entry=given.entry_id, open_month=MONTH, at=FINAL)
    assert over.corrects == given.entry_id
    assert set(ledger.balances([given, over]).values()) == {0}
    later = adjustments.expired(WORKSPACE, part, "USD", grant_entry=None, open_month="2027-01", at=FINAL)
    assert later.entry_id != over.entry_id

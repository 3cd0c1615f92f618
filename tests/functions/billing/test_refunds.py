"""A payment's books by themselves: whatever comes, goes back and comes again, every entry has its two sides."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.billing import adjustments, invoicing, ledger
from functions.billing.aftermath import WriteOff
from functions.billing.models import Account, Invoice, InvoiceState, Party
from functions.billing.payment_models import Payment, PaymentState, Refund, RefundState
from functions.billing.refunds import Standing
from tests.functions.billing.story import FINAL

INVOICE = "inv_" + "0" * 26


def invoice(total: int) -> Invoice:
    return Invoice(
        invoice_id=INVOICE,
        workspace_id="ws_1",
        period="2026-11",
        state=InvoiceState.OPEN,
        currency="USD",
        plan="p",
        plan_version="1",
        seller=Party(name="s"),
        bill_to=Party(name="b"),
        payment_terms="",
        lines=(),
        tax_rate=0,
        reverse_charge=False,
        net_minor=total,
        tax_minor=0,
        total_minor=total,
        rounding_nanos=0,
        digest="",
        as_of=FINAL,
        issued_at=FINAL,
        due_at=FINAL + timedelta(days=14),
    )


def payment(amount: int, invoice_id: str | None = INVOICE) -> Payment:
    return Payment(
        payment_id="pay_1",
        workspace_id="ws_1",
        invoice_id=invoice_id,
        amount_minor=amount,
        currency="USD",
        received_at=FINAL,
        method="card",
        state=PaymentState.PENDING,
    )


def back(name: str, amount: int, at: datetime = FINAL) -> Refund:
    return Refund(refund_id=name, amount_minor=amount, at=at)


def test_a_refund_takes_credit_first_and_opens_the_rest_again() -> None:
    standing = Standing(payment(1500), invoice(1000), 0)
    standing.receive(FINAL)
    assert standing.invoice is not None
    assert (standing.invoice.state, standing.credit_nanos) == ("paid", 5_000_000_000)
    standing.give_back(back("ref_1", 700), FINAL)
    assert (standing.invoice.due_minor, standing.credit_nanos) == (200, 0)
    assert ledger.due(standing.entries, INVOICE) == -8_000_000_000
    assert ledger.balances(standing.entries)[Account.CASH] == 8_000_000_000
    with pytest.raises(ValueError, match="refund"):
        standing.give_back(back("ref_2", 801), FINAL)


def test_what_was_credit_and_is_spent_is_uncovered() -> None:
    standing = Standing(payment(1500), invoice(1000), 0)
    standing.receive(FINAL)
    standing.credit_nanos = 0
    assert (standing.uncovered(1000), standing.uncovered(1200)) == (0, 200)
    standing.give_back(back("ref_1", 1500), FINAL)
    assert standing.invoice is not None
    assert (standing.invoice.due_minor, standing.credit_nanos) == (1500, 0)


def test_bought_credit_pays_no_invoice() -> None:
    standing = Standing(payment(1500, None), None, 0)
    standing.receive(FINAL)
    assert (standing.credit_nanos, standing.paid.on_invoice_minor) == (15_000_000_000, 0)
    assert standing.uncovered(1500) == 0
    standing.give_back(back("ref_1", 1500), FINAL)
    standing.look()
    assert (standing.credit_nanos, standing.paid.state) == (0, "refunded")


def test_bought_credit_that_is_spent_is_owed_without_an_invoice() -> None:
    standing = Standing(payment(1500, None), None, 0)
    standing.receive(FINAL)
    standing.credit_nanos = 4_000_000_000
    assert standing.uncovered(1500) == 1100
    standing.give_back(back("ref_1", 1500), FINAL)
    assert (standing.credit_nanos, standing.paid.refunds[0].owed_minor) == (0, 1100)
    assert ledger.balances(standing.entries)[Account.RECEIVABLE] == 11_000_000_000
    assert len({one.entry_id for one in standing.entries}) == 3
    standing.take_back("ref_1", FINAL, FINAL)
    assert standing.credit_nanos == 4_000_000_000
    assert ledger.balances(standing.entries)[Account.RECEIVABLE] == 0


def test_a_refund_that_fails_after_somebody_else_has_paid_is_credit() -> None:
    standing = Standing(payment(1000), invoice(1000), 0)
    standing.receive(FINAL)
    standing.give_back(back("ref_1", 400), FINAL)
    assert standing.invoice is not None
    standing.invoice = invoicing.settle(standing.invoice, 1000, FINAL)
    standing.take_back("ref_1", FINAL, FINAL)
    assert (standing.invoice.paid_minor, standing.credit_nanos) == (1000, 4_000_000_000)
    standing.credit_nanos = 0
    assert standing.uncovered(1000) == 400


def write_off(standing: Standing, act_id: str) -> None:
    """As uncollectible.py does it."""
    assert standing.invoice is not None
    written = WriteOff(act_id=act_id, at=FINAL, amount_minor=standing.invoice.due_minor)
    standing.entries += adjustments.written_off(standing.invoice, written)
    after = standing.invoice.after.model_copy(update={"write_off": written})
    standing.invoice = invoicing.move(standing.invoice, InvoiceState.UNCOLLECTIBLE).model_copy(update={"after": after})


def void(standing: Standing) -> None:
    """As voiding.py does it, for an invoice whose own entries are not among these."""
    assert standing.invoice is not None
    booked = ledger.void(standing.invoice, standing.entries, FINAL)
    standing.entries += booked
    standing.credit_nanos += ledger.credit(booked)
    standing.invoice = standing.invoice.model_copy(update={"state": InvoiceState.VOID})


def test_a_refund_on_a_written_off_invoice_is_written_off_and_comes_back_alone() -> None:
    standing = Standing(payment(400), invoice(1000), 0)
    standing.receive(FINAL)
    write_off(standing, "wof_1")
    standing.give_back(back("ref_1", 300), FINAL)
    assert standing.invoice is not None
    assert (standing.invoice.state, standing.invoice.due_minor) == ("uncollectible", 0)
    assert standing.invoice.after.written_off_minor == 900
    standing.take_back("ref_1", FINAL, FINAL)
    assert (standing.invoice.state, standing.invoice.paid_minor) == ("uncollectible", 400)
    assert standing.invoice.after.written_off_minor == 600
    assert ledger.due(standing.entries, INVOICE) == -10_000_000_000


def test_a_refund_before_the_write_off_that_fails_brings_it_back_like_any_payment() -> None:
    standing = Standing(payment(400), invoice(1000), 0)
    standing.receive(FINAL)
    standing.give_back(back("ref_1", 400), FINAL)
    write_off(standing, "wof_1")
    standing.take_back("ref_1", FINAL, FINAL)
    assert standing.invoice is not None
    assert (standing.invoice.state, standing.invoice.due_minor) == ("overdue", 600)
    assert ledger.due(standing.entries, INVOICE) == -4_000_000_000


MOVES = st.lists(
    st.tuples(st.sampled_from(("give", "give", "take", "write off", "void")), st.integers(1, 3000)), max_size=8
)


@given(amount=st.integers(1, 3000), total=st.integers(0, 2000), before=st.integers(0, 500), moves=MOVES)
def test_invoice_credit_and_cash_always_say_the_same_as_the_entries(
    amount: int, total: int, before: int, moves: list[tuple[str, int]]
) -> None:
    standing = Standing(payment(amount), invoice(total), before * 10_000_000)
    standing.receive(FINAL)
    for number, (act, minor) in enumerate(moves):
        assert standing.invoice is not None
        booked = [one for one in standing.paid.refunds if one.state == RefundState.BOOKED]
        alive = standing.invoice.state in (InvoiceState.OPEN, InvoiceState.OVERDUE)
        match act:
            case "give" if minor <= standing.paid.left_minor:
                standing.give_back(back(f"ref_{number}", minor), FINAL)
            case "take" if booked:
                standing.take_back(booked[minor % len(booked)].refund_id, FINAL, FINAL)
            case "write off" if alive:
                write_off(standing, f"wof_{number}")
            case "void" if alive or standing.invoice.state == InvoiceState.UNCOLLECTIBLE:
                void(standing)
        found = ledger.balances(standing.entries)
        assert sum(found.values()) == 0
        assert found[Account.CASH] == standing.paid.left_minor * 10_000_000
        if standing.invoice.state == InvoiceState.VOID:
            assert found[Account.RECEIVABLE] == 0
        else:
            assert found[Account.RECEIVABLE] == (standing.invoice.due_minor - total) * 10_000_000
            assert 0 <= standing.invoice.paid_minor <= total
        if standing.invoice.state == InvoiceState.UNCOLLECTIBLE:
            assert standing.invoice.due_minor == 0
        assert standing.credit_nanos >= 0
        assert standing.credit_nanos == before * 10_000_000 + ledger.credit(standing.entries)
        assert len({one.entry_id for one in standing.entries}) == len(standing.entries)

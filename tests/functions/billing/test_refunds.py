"""A payment's books by themselves: whatever comes, goes back and comes again, every entry has its two sides."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.billing import ledger
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


MOVES = st.lists(st.tuples(st.booleans(), st.integers(1, 3000), st.booleans()), max_size=8)


@given(amount=st.integers(1, 3000), total=st.integers(0, 2000), before=st.integers(0, 500), moves=MOVES)
def test_invoice_credit_and_cash_always_say_the_same_as_the_entries(
    amount: int, total: int, before: int, moves: list[tuple[bool, int, bool]]
) -> None:
    standing = Standing(payment(amount), invoice(total), before * 10_000_000)
    standing.receive(FINAL)
    for number, (gives, minor, voids) in enumerate(moves):
        booked = [one for one in standing.paid.refunds if one.state == RefundState.BOOKED]
        if gives and minor <= standing.paid.left_minor:
            standing.give_back(back(f"ref_{number}", minor), FINAL)
        elif booked and not gives:
            standing.take_back(booked[minor % len(booked)].refund_id, FINAL, FINAL)
        assert standing.invoice is not None
        found = ledger.balances(standing.entries)
        assert sum(found.values()) == 0
        assert found[Account.CASH] == standing.paid.left_minor * 10_000_000
        assert found[Account.RECEIVABLE] == -standing.invoice.paid_minor * 10_000_000
        assert standing.invoice.paid_minor <= total
        assert standing.credit_nanos >= 0
        assert standing.credit_nanos == before * 10_000_000 + ledger.credit(standing.entries)
        assert len({one.entry_id for one in standing.entries}) == len(standing.entries)
        assert voids in (True, False)

"""A debt that nobody expects is no revenue and no tax; money that comes after all makes it one again."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.billing import repository, uncollectible
from functions.billing.models import Account, EntryKind, Invoice
from functions.billing.statement import balance
from functions.shared.errors import Conflict, Invalid, NotFound
from tests.cloud import Cloud
from tests.functions.billing.debts import acts, books_hold, credit, operator, pay, refund, stored, void
from tests.functions.billing.story import Story, owing


@pytest.fixture
def story(house: Cloud) -> Story:
    """A workspace that owes 10 dollars for November."""
    return owing(house)


def write_off(story: Story, invoice: Invoice, key: str = "w") -> None:
    uncollectible.write_off(operator(story, key), story.workspace, invoice.invoice_id, "Insolvent")


def test_a_write_off_takes_what_is_due_off_revenue_and_tax(story: Story) -> None:
    (invoice,) = story.invoices()
    pay(story, invoice, 400)
    for _ in range(2):
        write_off(story, invoice)
    now = stored(story, invoice)
    assert (now.state, now.due_minor, now.after.written_off_minor) == ("uncollectible", 0, 600)
    left = books_hold(story)
    assert (left[Account.RECEIVABLE], left[Account.REVENUE]) == (0, -4_000_000_000)
    assert acts(story) == ["payment.recorded", "invoice.written_off"]
    with pytest.raises(Conflict):
        credit(story, invoice, 100)


def test_a_payment_brings_back_what_was_written_off(story: Story) -> None:
    (invoice,) = story.invoices()
    write_off(story, invoice)
    pay(story, invoice, 250, key="p1")
    pay(story, invoice, 250, key="p1")
    now = stored(story, invoice)
    assert (now.state, now.due_minor, now.after.write_off) == ("overdue", 750, None)
    assert books_hold(story)[Account.REVENUE] == -10_000_000_000
    write_off(story, invoice, key="w2")
    pay(story, invoice, 750)
    assert stored(story, invoice).state == "paid"
    books_hold(story)
    kinds = [one.kind for one in story.entries()]
    assert kinds.count(EntryKind.WRITE_OFF) == kinds.count(EntryKind.RECOVERED) == 2


def test_a_refund_on_a_written_off_invoice_is_written_off_and_makes_no_debt_that_nobody_sees(story: Story) -> None:
    (invoice,) = story.invoices()
    paid = pay(story, invoice, 400)
    write_off(story, invoice)
    refund(story, paid.id, None)
    now = stored(story, invoice)
    assert (now.state, now.paid_minor, now.due_minor, now.after.written_off_minor) == ("uncollectible", 0, 0, 1000)
    left = books_hold(story)
    assert (left[Account.RECEIVABLE], left[Account.REVENUE], left[Account.CASH]) == (0, 0, 0)
    pay(story, invoice, 300, key="after all")
    now = stored(story, invoice)
    assert (now.state, now.due_minor, now.after.written_off_minor) == ("overdue", 700, 0)
    assert books_hold(story)[Account.REVENUE] == -10_000_000_000
    assert balance(story.workspace, "USD").due.minor == 700


def test_a_paid_and_an_unknown_invoice_are_not_written_off(story: Story) -> None:
    (invoice,) = story.invoices()
    pay(story, invoice, 1000)
    with pytest.raises(Conflict):
        write_off(story, invoice)
    with pytest.raises(NotFound):
        uncollectible.write_off(operator(story, "w"), story.workspace, "inv_" + "0" * 26, "Insolvent")


acts_on = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(1, 1400)),
        st.tuples(st.just("refund"), st.integers(1, 1400)),
        st.tuples(st.just("credit"), st.integers(1, 700)),
        st.tuples(st.just("write off"), st.just(0)),
        st.tuples(st.just("void"), st.just(0)),
        st.tuples(st.just("reissue"), st.just(0)),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=acts_on)
def test_in_whatever_order_an_invoice_is_paid_refunded_credited_written_off_and_voided_the_books_balance(
    house: Cloud, acts: list[tuple[str, int]]
) -> None:
    story = owing(house)
    (invoice,) = story.invoices()
    payments: list[str] = []
    for number, (act, minor) in enumerate(acts):
        try:
            match act:
                case "pay":
                    payments.append(pay(story, invoice, minor, key=f"p{number}").id)
                case "refund" if payments:
                    # Whole where the amount is even, so that many a payment is given back to the last cent.
                    refund(story, payments[minor % len(payments)], minor if minor % 2 else None, key=f"r{number}")
                case "refund":
                    continue
                case "credit":
                    credit(story, invoice, minor, key=f"n{number}")
                case "write off":
                    write_off(story, invoice, key=f"w{number}")
                case "void":
                    void(story, invoice)
                case _:
                    void(story, invoice, reissue=True)
        except (Conflict, Invalid):
            # Refused: then nothing is changed, which the books show.
            pass
        books_hold(story)
        invoices = [one for one in story.invoices() if one.number is not None]
        assert all(one.due_minor == 0 for one in invoices if one.state == "uncollectible")
        owed = sum(one.due_minor for one in invoices)
        assert balance(story.workspace, "USD").due.minor == owed
        listed = repository.invoices_due(story.workspace, story.workspace).get(story.workspace, [])
        assert sum(one.due_minor for one in listed) == owed

"""A payment's books, pure: it comes, goes back in part or in whole, and comes back when a refund did not reach the payer.

    payment   cash → receivable         as far as it is due; the rest to customer credit
    refund    customer credit → cash    as far as the customer's own money reaches; the rest out of receivable: it is due
                                        again, on the invoice that was paid, or on none where that asks for nothing;
                                        on one that was written off it is written off, too

Functions here take the time from their caller and never read a clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.billing.invoicing import settle
from functions.billing.ledger import credit, entry, payment
from functions.billing.models import Account, EntryKind, Invoice, InvoiceState, LedgerEntry, Period
from functions.billing.payment_models import Payment, PaymentState, Refund, RefundState
from functions.billing.written_off import given_back, returned_to
from functions.shared.money import minor_to_nanos, minor_unit


@dataclass
class Standing:
    """A payment, the invoice that it pays and the customer's own money among the credit, with the entries that have
    brought them here."""

    paid: Payment
    invoice: Invoice | None
    credit_nanos: int
    entries: list[LedgerEntry] = field(default_factory=list)

    @property
    def _takes_payment(self) -> bool:
        return self.invoice is not None and self.invoice.state != InvoiceState.VOID

    def receive(self, now: datetime) -> None:
        """The money is here: what is due is paid, the rest is credit. A void invoice asks for nothing."""
        due = self.invoice.due_minor if self.invoice is not None else 0
        on_invoice = min(self.paid.amount_minor, due)
        self._book(payment(self.paid, due, now), now)
        self._change(state=PaymentState.SUCCEEDED, on_invoice_minor=on_invoice)
        self._pay(on_invoice, now)

    def uncovered(self, amount_minor: int) -> int:
        """What of a refund neither the customer's own credit covers nor what this payment pays on the invoice: it was
        credit, and it is spent."""
        still = self.paid.still_on_invoice_minor if self._takes_payment else 0
        return max(0, self._owed_again(amount_minor) - still)

    def give_back(self, given: Refund, now: datetime) -> None:
        """Book a refund in place of what is known of it so far; what is uncovered is owed all the same.

        Raises ValueError for more than is left of the payment.
        """
        if given.amount_minor > self.paid.left_minor:
            raise ValueError("a refund is at most what is left of the payment")
        owed = self._owed_again(given.amount_minor)
        on_invoice = owed if self._takes_payment else 0
        booked = given.model_copy(
            update={"state": RefundState.BOOKED, "on_invoice_minor": on_invoice, "owed_minor": owed - on_invoice}
        )
        self._book(refund(self.paid, booked), now)
        self._keep(booked)
        self._pay(-on_invoice, now)
        if self.invoice is not None:
            self.invoice, more = given_back(self.invoice, booked.refund_id, booked.at)
            self._book(more, now)

    def take_back(self, refund_id: str, at: datetime, now: datetime) -> None:
        """A booked refund did not reach the payer: the money pays again what it had paid, as far as that is still due;
        the rest is credit."""
        (booked,) = [one for one in self.paid.refunds if one.refund_id == refund_id]
        opened = 0
        if self.invoice is not None and booked.on_invoice_minor and self._takes_payment:
            self.invoice, again = returned_to(self.invoice, refund_id, at)
            self._book(again, now)
            opened = min(booked.on_invoice_minor, self.invoice.due_minor)
            # What another payment has paid meanwhile, this one does not pay any more.
            before = self.paid.amount_minor if self.paid.on_invoice_minor is None else self.paid.on_invoice_minor
            self._change(on_invoice_minor=before - booked.on_invoice_minor + opened)
        self._book(returned(self.paid, booked, opened, at), now)
        self._keep(booked.model_copy(update={"state": RefundState.FAILED}))
        self._pay(opened, now)

    def note(self, given: Refund) -> None:
        """Keep what is known of a refund that moves no money: asked for, or failed at once."""
        self._keep(given)

    def look(self, *, disputed: bool = False) -> None:
        """Set the payment's state by what has become of it."""
        if self.paid.state in (PaymentState.PENDING, PaymentState.FAILED):
            return
        if disputed:
            state = PaymentState.DISPUTED
        elif not self.paid.left_minor:
            state = PaymentState.REFUNDED
        else:
            state = PaymentState.PARTLY_REFUNDED if self.paid.refunded_minor else PaymentState.SUCCEEDED
        self._change(state=state)

    def _owed_again(self, amount_minor: int) -> int:
        """What of a refund the customer's own credit does not cover."""
        return amount_minor - min(amount_minor, max(self._credit_minor, 0))

    @property
    def _credit_minor(self) -> int:
        return self.credit_nanos // minor_unit(self.paid.currency)

    def _book(self, entries: Iterable[LedgerEntry], now: datetime) -> None:
        """Booked when we hear of it, of the month in which it happened: earlier days were compared already."""
        booked = [one.model_copy(update={"booked_at": now}) for one in entries]
        self.entries += booked
        self.credit_nanos += credit(booked)

    def _pay(self, minor: int, now: datetime) -> None:
        if self.invoice is not None and self._takes_payment:
            self.invoice = settle(self.invoice, self.invoice.paid_minor + minor, now)

    def _keep(self, changed: Refund) -> None:
        others = [one for one in self.paid.refunds if one.refund_id != changed.refund_id]
        self._change(refunds=(*others, changed))

    def _change(self, **fields: Any) -> None:
        self.paid = self.paid.model_copy(update=fields)


def refund(paid: Payment, given: Refund) -> list[LedgerEntry]:
    """Cash goes back, in the month of the refund: what is owed again, and the rest, which was the customer's credit."""
    parts = _parts(paid, given, given.on_invoice_minor)
    return [_entry(paid, debit, Account.CASH, minor, given.at, **names) for debit, minor, names in parts if minor]


def returned(paid: Payment, given: Refund, opened_minor: int, at: datetime) -> list[LedgerEntry]:
    """The cash of a booked refund is here again: `opened_minor` of it pays the invoice, what was owed without one is
    not any more, the rest is credit."""
    first = refund(paid, given)[0].entry_id
    parts = _parts(paid, given, opened_minor)
    return [
        _entry(paid, Account.CASH, credit, minor, at, corrects=first, **names)
        for credit, minor, names in parts
        if minor
    ]


def _parts(paid: Payment, given: Refund, on_invoice: int) -> list[tuple[Account, int, dict[str, Any]]]:
    """The account, the amount and the causes of each part of a refund."""
    was_credit = given.amount_minor - on_invoice - given.owed_minor
    return [
        (Account.CUSTOMER_CREDIT, was_credit, {"payment_id": given.refund_id}),
        (Account.RECEIVABLE, on_invoice, {"payment_id": given.refund_id, "invoice_id": paid.invoice_id}),
        (Account.RECEIVABLE, given.owed_minor, {"payment_id": f"{given.refund_id}.owed"}),
    ]


def _entry(paid: Payment, debit: Account, other: Account, minor: int, at: datetime, **causes: Any) -> LedgerEntry:
    month = Period.of(at).month
    return entry(
        kind=EntryKind.REFUND,
        debit=debit,
        credit=other,
        amount_nanos=minor_to_nanos(minor, paid.currency),
        booked_at=at,
        workspace_id=paid.workspace_id,
        period=month,
        usage_period=month,
        currency=paid.currency,
        **causes,
    )

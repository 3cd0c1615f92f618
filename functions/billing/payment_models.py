"""The nouns of money that comes and goes: a payment, what was given back of it, and what has become of both."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from functions.billing.frozen import Frozen
from functions.shared.money import Currency


class PaymentState(StrEnum):
    """What became of a payment. Pending: the payer has agreed and the money is on its way; failed: it did not come."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    FAILED = "failed"
    DISPUTED = "disputed"


class RefundState(StrEnum):
    """What became of a refund. Requested: the card service was asked and has not answered; failed: the money is back."""

    REQUESTED = "requested"
    BOOKED = "booked"
    FAILED = "failed"


class Refund(Frozen):
    """Money that went back. What of it the customer's own credit did not cover is due again on the invoice."""

    refund_id: str
    amount_minor: Annotated[int, Field(strict=True, gt=0)]
    at: datetime
    state: RefundState = RefundState.BOOKED
    on_invoice_minor: int = 0
    owed_minor: int = 0
    """What is owed again without an invoice that asks for it: it was credit, and spent."""
    provider_id: str | None = None
    request_id: str | None = None
    """Under which id the card service was asked for it; None: nobody here asked."""
    note: str | None = None
    disputed: bool = False
    """Whether the payer's bank took it back, and not we who gave it."""


class Payment(Frozen):
    """Money that came in. `provider_id` is the name that the bank or card service has for it.

    `on_invoice_minor` is what of it paid the invoice; the rest became credit. None: all that was due.
    """

    payment_id: str
    workspace_id: str
    invoice_id: str | None
    amount_minor: Annotated[int, Field(strict=True, gt=0)]
    currency: Currency
    received_at: datetime
    method: str
    provider_id: str | None = None
    note: str | None = None
    state: PaymentState = PaymentState.SUCCEEDED
    on_invoice_minor: int | None = None
    refunds: tuple[Refund, ...] = ()
    decided: tuple[str, ...] = ()
    """Disputes, by the card service's names, that are won or lost: an older answer does not open them again."""

    @property
    def refunded_minor(self) -> int:
        """What has gone back of it."""
        return sum(one.amount_minor for one in self.refunds if one.state == RefundState.BOOKED)

    @property
    def left_minor(self) -> int:
        """What can still go back."""
        return self.amount_minor - self.refunded_minor

    @property
    def still_on_invoice_minor(self) -> int:
        """What of it pays the invoice now."""
        first = self.amount_minor if self.on_invoice_minor is None else self.on_invoice_minor
        return first - sum(one.on_invoice_minor for one in self.refunds if one.state == RefundState.BOOKED)

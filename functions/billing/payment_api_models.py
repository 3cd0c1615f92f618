"""What is said over HTTP of money that comes in, by transfer or by card, and of what goes back."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from functions.billing.api_models import Text
from functions.shared.http import Answer, Body, Page
from functions.shared.money import Money

InvoiceId = Annotated[str, StringConstraints(pattern=r"^inv_[0-9a-z]{26}$")]


class PaymentsQuery(Page):
    """Which payments."""

    invoice_id: InvoiceId | None = None


class Refund(Answer):
    """Money that went back. `requested`: the card service has not answered yet; `failed`: it came back to us."""

    id: str
    amount: Money
    at: datetime
    state: str
    reference: str | None
    note: str | None
    disputed: bool = Field(description="Whether the payer's bank took it back.")


class Payment(Answer):
    """Money that came in, or is on its way (`pending`); without an invoice it bought credit."""

    id: str
    invoice_id: str | None
    amount: Money
    received_at: datetime
    method: str
    reference: str | None
    note: str | None
    state: str
    refunded: Money
    refunds: list[Refund]


class NewRefund(Body):
    """Money to give back: all that is left of the payment, unless an amount is named."""

    amount: Money | None = None
    note: Text | None = None


class NewCheckout(Body):
    """What to pay by card: an invoice, with all that is due on it now, or credit for later ones."""

    invoice_id: InvoiceId | None = None
    credit: Money | None = None


class Checkout(Answer):
    """The page of the card service on which to pay."""

    id: str
    url: str
    amount: Money
    expires_at: datetime


class NewPayment(Body):
    """Money that came in, as the bank says."""

    invoice_id: InvoiceId
    amount: Money
    method: Text = "bank_transfer"
    reference: Text | None = None
    note: Text | None = None
    received_at: AwareDatetime | None = Field(
        default=None, description="When it came, with its offset from UTC; now if absent."
    )

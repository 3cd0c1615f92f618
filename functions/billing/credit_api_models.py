"""What billing takes and shows over HTTP of credit: grants and their movements, credit notes, what is taken back."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from functions.billing.api_models import Text
from functions.shared.http import Answer, Body
from functions.shared.money import Money


class NewCredit(Body):
    """Credit that is given; it burns before what was paid for with the same expiry."""

    amount: Money
    reason: Text
    expires_at: AwareDatetime | None = Field(default=None, description="When it ends; null: never.")


class CreditGrant(Answer):
    """Credit of one origin that is not used up.

    `state`: `live`; `expiring` when its time is over and the daily close has not booked that yet; `held` when its time
    is over and what remains pays for what was used before.
    """

    id: str
    kind: str
    amount: Money
    remaining: Money
    granted_at: datetime
    expires_at: datetime | None
    state: str
    source: str | None
    reason: str | None


class CreditMovement(Answer):
    """One booked movement; what takes credit away is negative."""

    id: str
    kind: str
    amount: Money
    at: datetime
    grant_id: str | None
    invoice_id: str | None
    source: str | None


class Credits(Answer):
    """Prepaid credit: what there is, in the order in which it burns, and what has moved it, the latest first."""

    balance: Money
    grants: list[CreditGrant]
    movements: list[CreditMovement]
    next_page_token: str | None
    as_of: datetime = Field(description="When balance and grants were read; a movement counts at once.")


class NewNoteLine(Body):
    """A line of the invoice that is credited; the tax on it comes on top by itself."""

    line_id: Annotated[str, StringConstraints(pattern=r"^lin_[0-9a-z]{26}$")]
    amount: Money | None = Field(default=None, description="Net; null: all that is left of the line.")
    reason: Text


class NewCreditNote(Body):
    """What is credited; each line once."""

    lines: Annotated[tuple[NewNoteLine, ...], Field(min_length=1, max_length=200, strict=False)]


class NoteLine(Answer):
    """One credited line, amounts above zero for what the customer gets."""

    id: str
    line_id: str
    description: str
    reason: str
    amount: Money
    tax: Money


class CreditNote(Answer):
    """A credit note: `on_due` was taken off what was due, `to_credit` became customer credit."""

    id: str
    number: str
    invoice_id: str
    invoice_number: str
    state: str
    issued_at: datetime
    lines: list[NoteLine]
    net: Money
    tax: Money
    total: Money
    on_due: Money
    to_credit: Money


class Voiding(Body):
    """How an invoice is taken back."""

    reissue: bool = Field(default=False, description="Whether its period is drafted again, under a new id.")


class WriteOff(Body):
    """Why nobody expects the money any more."""

    reason: Text

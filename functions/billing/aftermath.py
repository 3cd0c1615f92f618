"""What becomes of an invoice after it was frozen: credit notes, write-off, dunning, and what it stands in place of."""

from datetime import datetime

from pydantic import Field

from functions.billing.frozen import Frozen
from functions.shared.money import Nanos


class CreditPart(Frozen):
    """So much of one grant of customer credit (functions/billing/grants.py)."""

    grant_id: str
    kind: str
    nanos: Nanos
    expires_at: datetime | None = None


class CreditedLine(Frozen):
    """What credit notes took off one line so far: its amount and its share of the tax."""

    amount_minor: int = 0
    tax_minor: int = 0


class WriteOff(Frozen):
    """What nobody expects any more: how much, since when, by which act."""

    act_id: str
    at: datetime
    amount_minor: int


class Aftermath(Frozen):
    """All that moves beside state and paid; nothing of it is printed or digested."""

    credit_parts: tuple[CreditPart, ...] = ()
    """Which grants the invoice's `credit_minor` came from."""
    credited_minor: int = 0
    """What credit notes took off what was due; the rest of them became credit."""
    credited: dict[str, CreditedLine] = Field(default_factory=dict)
    """By line id what credit notes took off the line."""
    gifts_back_nanos: Nanos = 0
    """What of the given credit among `credit_parts` credit notes gave back, as given credit."""
    write_off: WriteOff | None = None
    """Of an uncollectible invoice; a payment brings it back."""
    refunded_since: tuple[WriteOff, ...] = ()
    """What was given back of an uncollectible invoice's payments and so is written off as well, by refund."""
    replaces: str | None = None
    """The void invoice of the same period that this one is issued in place of."""
    replaced_by: str | None = None
    dunned: tuple[str, ...] = ()
    """The steps of dunning that were taken since it was due, or due again."""
    owed_again_at: datetime | None = None
    """When a refund or a lost dispute made it due again after it had been paid: the steps begin anew."""

    @property
    def written_off_minor(self) -> int:
        """What was written off and not brought back."""
        return sum(one.amount_minor for one in self.write_offs)

    @property
    def write_offs(self) -> tuple[WriteOff, ...]:
        """What was written off and not brought back, act by act."""
        return self.refunded_since if self.write_off is None else (self.write_off, *self.refunded_since)

"""Prepaid credit, pure: grants that are added, burned in one order and expired, conserved to the nano.

Burned first is what expires first; among equals what was given before what was paid, then the oldest. A grant's last
day is the UTC day in which its time ends. What was charged until then counts as its use although the invoice comes
later, since turns were admitted on its strength: that much is held for the invoice, and only the rest expires.
Nothing here reads a clock.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from functions.billing.aftermath import CreditPart
from functions.shared.digests import rfc3339
from functions.shared.money import Nanos

MOST = 100
"""Live grants in one account's document; beyond it, what never expires joins an older grant of its kind."""

_NEVER = datetime.max.replace(tzinfo=UTC)


class GrantKind(StrEnum):
    """Where credit comes from; all but the promotional kind is the customer's own money."""

    PROMOTIONAL = "promotional"
    PURCHASED = "purchased"
    OVERPAYMENT = "overpayment"
    CREDIT_NOTE = "credit_note"
    INVOICE = "invoice"
    """An invoice whose total was below zero."""
    RETURNED = "returned"
    """Paid on an invoice that was taken back."""


class CreditShort(ValueError):
    """There is less credit than was to be burned."""


class Grant(BaseModel):
    """So much credit of one origin. `held`: its time is over, and what remains was used up before that."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    grant_id: str
    kind: GrantKind
    amount_nanos: Annotated[Nanos, Field(gt=0)]
    remaining_nanos: Annotated[Nanos, Field(ge=0)]
    granted_at: datetime
    expires_at: datetime | None = None
    source: str = ""
    """The payment, invoice or credit note that it comes from."""
    reason: str = ""
    held: bool = False

    @property
    def paid(self) -> bool:
        """Whether it is the customer's own money."""
        return self.kind is not GrantKind.PROMOTIONAL

    @property
    def last_day(self) -> str | None:
        """The UTC day in which its time ends: for midnight the day before."""
        if self.expires_at is None:
            return None
        return (self.expires_at - timedelta(microseconds=1)).astimezone(UTC).date().isoformat()

    @property
    def order(self) -> tuple[datetime, bool, datetime, str]:
        """What it is burned by."""
        return (self.expires_at or _NEVER, self.paid, self.granted_at, self.grant_id)

    def part(self, nanos: int) -> CreditPart:
        """So much of it, for whoever records what became of it."""
        return CreditPart(grant_id=self.grant_id, kind=self.kind.value, nanos=nanos, expires_at=self.expires_at)


class Wallet(BaseModel):
    """The live grants of a customer, in the order in which they burn."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    grants: tuple[Grant, ...] = ()

    @classmethod
    def of(cls, account: Mapping[str, Any], since: datetime) -> Self:
        """The wallet in an account's document. Credit that no grant stands for is an overpayment of `since`."""
        grants = [Grant.model_validate(one) for one in account.get("grants", ())]
        nameless = account.get("credit_nanos", 0) - sum(one.remaining_nanos for one in grants)
        wallet = cls(grants=tuple(grants))
        if nameless <= 0:
            return wallet
        return wallet.add(
            Grant(
                grant_id="crg_earlier",
                kind=GrantKind.OVERPAYMENT,
                amount_nanos=nameless,
                remaining_nanos=nameless,
                granted_at=since,
            )
        )

    @property
    def balance(self) -> int:
        """All live grants together, in nanos: the account's `credit_nanos`."""
        return sum(one.remaining_nanos for one in self.grants)

    @property
    def paid(self) -> int:
        """What of it is the customer's own money: no more can be paid back."""
        return sum(one.remaining_nanos for one in self.grants if one.paid)

    def fields(self) -> dict[str, Any]:
        """The account's fields. `credit_ends`: how much stops counting at which moment, for the room under the cap."""
        ends: dict[str, int] = {}
        for one in self.grants:
            if one.expires_at is not None and not one.held:
                moment = rfc3339(one.expires_at)
                ends[moment] = ends.get(moment, 0) + one.remaining_nanos
        grants = [one.model_dump() | {"kind": one.kind.value} for one in self.grants]
        return {"credit_nanos": self.balance, "credit_ends": ends, "grants": grants}

    def add(self, grant: Grant) -> Self:
        """With one more grant; one of the same id grows."""
        for one in self.grants:
            same = one.grant_id == grant.grant_id
            full = len(self.grants) >= MOST and (one.kind, one.expires_at) == (grant.kind, grant.expires_at)
            if same or full:
                grown = {
                    "amount_nanos": one.amount_nanos + grant.amount_nanos,
                    "remaining_nanos": one.remaining_nanos + grant.remaining_nanos,
                }
                return self._of(one.model_copy(update=grown) if other is one else other for other in self.grants)
        return self._of((*self.grants, grant))

    @property
    def is_full(self) -> bool:
        """Whether another grant of its own would not fit into the account's document."""
        return len(self.grants) >= MOST

    def burn(self, nanos: int, *, paid_only: bool = False) -> tuple[Self, tuple[CreditPart, ...]]:
        """Without so much, and what was taken of which grant. Raises CreditShort, ValueError for less than nothing."""
        if nanos < 0:
            raise ValueError("credit is burned by an amount")
        left, parts, kept = nanos, [], []
        for one in self.grants:
            taken = min(left, one.remaining_nanos) if one.paid or not paid_only else 0
            left -= taken
            if taken:
                parts.append(one.part(taken))
            kept.append(one.model_copy(update={"remaining_nanos": one.remaining_nanos - taken}))
        if left:
            raise CreditShort(f"{left} nanos of credit are missing")
        return self._of(kept), tuple(parts)

    def expire(
        self, as_of: datetime, closed_through: str, used: Callable[[str], int]
    ) -> tuple[Self, tuple[CreditPart, ...]]:
        """Without what has expired, and how much of which grant that is.

        Looked at are grants whose time is over at `as_of` and whose last day is closed. `used` says what was charged
        up to and with a day and is on no final invoice yet: that much stays, held, in the order of burning. A second
        time, with the same figures, nothing is left to expire.
        """
        covered, kept, expired = 0, [], []
        for one in self.grants:
            if (
                one.expires_at is None
                or one.last_day is None
                or one.expires_at > as_of
                or one.last_day > closed_through
            ):
                kept.append(one)
                continue
            stays = min(one.remaining_nanos, max(0, used(one.last_day) - covered))
            covered += stays
            if stays < one.remaining_nanos:
                expired.append(one.part(one.remaining_nanos - stays))
            kept.append(one.model_copy(update={"remaining_nanos": stays, "held": True}))
        return self._of(kept), tuple(expired)

    def _of(self, grants: Iterable[Grant]) -> Self:
        live = sorted((one for one in grants if one.remaining_nanos), key=lambda one: one.order)
        return type(self)(grants=tuple(live))

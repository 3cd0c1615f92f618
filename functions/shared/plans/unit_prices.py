"""What so many units of a meter come to in a period: by the unit, graduated, by volume, or in packages.

While a period runs, a unit is charged at the list price: the highest rate that any unit of it can cost. So an event's
charge depends on the event alone, and neither a hold nor a cap rests on what comes later; what the period's quantity
makes of it is posted once, at its end (docs/decisions/0020-tiers-are-charged-at-list-and-settled-at-the-close.md).
"""

from enum import StrEnum
from fractions import Fraction
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from functions.shared.money import Rate


class Meter(StrEnum):
    """What can be counted and priced by the unit."""

    INPUT = "input_tokens"
    CACHED_INPUT = "cached_input_tokens"
    OUTPUT = "output_tokens"
    REASONING = "reasoning_tokens"
    MESSAGES = "messages"
    CONVERSATIONS = "conversations"
    RESOLVED = "resolved_conversations"


class Scheme(StrEnum):
    """How a period's units are priced together.

    `unit`: each at one price. `graduated`: each at the price of the tier that it falls into; continuous, never falls.
    `volume`: all at the price of the tier that their number reaches; may fall where a tier begins. `package`: in whole
    packages, a begun one counts; rises in steps.
    """

    UNIT = "unit"
    GRADUATED = "graduated"
    VOLUME = "volume"
    PACKAGE = "package"


class PriceTier(BaseModel):
    """So much for `per` units, for those up to `up_to`; None is without end."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    up_to: int | None = Field(default=None, strict=True, ge=1)
    price: Rate
    per: int = Field(default=1, strict=True, ge=1)

    @property
    def rate(self) -> Fraction:
        """Nanos for one unit."""
        return Fraction(self.price, self.per)


class UnitPrice(BaseModel):
    """The price of a meter; with a model, for that model alone, and before the general price.

    `price` for `per` units is the list price. With tiers it follows from them and may be left out; of a package it is
    the price of a whole one, and `per` its size.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    meter: Meter
    model: str | None = None
    scheme: Scheme = Scheme.UNIT
    price: Rate = 0
    per: int = Field(default=1, strict=True, ge=1)
    tiers: tuple[PriceTier, ...] = Field(default=(), max_length=20)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        tiered = self.scheme in (Scheme.GRADUATED, Scheme.VOLUME)
        if tiered != bool(self.tiers):
            raise ValueError("graduated and volume prices have tiers, and no others do")
        if tiered:
            ends = [tier.up_to for tier in self.tiers]
            bounds = [end for end in ends[:-1] if end is not None]
            if ends[-1] is not None or len(bounds) != len(ends) - 1 or bounds != sorted(set(bounds)):
                raise ValueError("each tier ends after the one before it, and only the last has no end")
            highest = max(self.tiers, key=lambda tier: tier.rate)
            if "price" in self.model_fields_set and Fraction(self.price, self.per) != highest.rate:
                raise ValueError("the list price is that of the dearest tier")
            object.__setattr__(self, "price", highest.price)
            object.__setattr__(self, "per", highest.per)
        elif "price" not in self.model_fields_set:
            raise ValueError("a meter has a price")
        # Charges at list then add up without a remainder, so what the close posts rests on quantities alone.
        if self.scheme != Scheme.UNIT and self.price % self.per:
            raise ValueError("where the quantity decides, a unit at list price is a whole number of nanos")
        return self

    @property
    def rate(self) -> Fraction:
        """Nanos for one unit at list price."""
        return Fraction(self.price, self.per)

    def exact(self, quantity: int) -> Fraction:
        """Nanos for so many units at list price, unrounded: what events are charged."""
        return Fraction(self.price * quantity, self.per)

    def whole(self, quantity: int) -> Fraction:
        """Nanos for all units of a period together, unrounded; nothing for none."""
        if quantity <= 0:
            return Fraction(0)
        match self.scheme:
            case Scheme.UNIT:
                return self.exact(quantity)
            case Scheme.PACKAGE:
                return Fraction(-(-quantity // self.per) * self.price)
            case Scheme.VOLUME:
                return self._tier(quantity).rate * quantity
            case Scheme.GRADUATED:
                return sum((tier.rate * width for tier, width in self._filled(quantity)), Fraction(0))

    def _tier(self, quantity: int) -> PriceTier:
        return next(tier for tier in self.tiers if tier.up_to is None or quantity <= tier.up_to)

    def _filled(self, quantity: int) -> list[tuple[PriceTier, int]]:
        """How many of so many units fall into each tier."""
        filled, below = [], 0
        for tier in self.tiers:
            end = quantity if tier.up_to is None else min(quantity, tier.up_to)
            filled.append((tier, max(0, end - below)))
            below = max(below, end)
        return filled

    @property
    def above_list(self) -> int:
        """The most by which a whole period can pass its charges at list price, in nanos: what a begun package adds."""
        return self.price * (self.per - 1) // self.per if self.scheme == Scheme.PACKAGE else 0

    def most_within(self, nanos: int) -> int | None:
        """How many units surely cost no more than this, whichever smaller number it was before; None is any number."""
        if nanos < 0:
            return 0
        if self.scheme == Scheme.PACKAGE:
            return nanos // self.price * self.per if self.price else None
        if self.scheme == Scheme.UNIT:
            return nanos * self.per // self.price if self.price else None
        spent, below = Fraction(0), 0
        for tier in self.tiers:
            # Graduated units of this tier come on top of those below; in a volume tier all are priced anew.
            room = nanos - spent if self.scheme == Scheme.GRADUATED else Fraction(nanos)
            start = below if self.scheme == Scheme.GRADUATED else 0
            reach = None if not tier.rate else start + int(room // tier.rate)
            if reach is not None and (tier.up_to is None or reach < tier.up_to):
                return max(below, reach)
            if tier.up_to is None:
                return None
            spent += tier.rate * (tier.up_to - below)
            below = tier.up_to
        return None

"""What a customer pays: plan terms as frozen data, and the charge of one event, which the turn's own commit writes.

A charge depends on its event alone. What depends on other events (allowance, discount, tax) is a pure function of the
period's quantities, and is shown as provisional until the close posts it.

In data files amounts are decimal strings ("19.00", "0.2" for 20 %); in documents they are the nanos themselves.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from functions.shared.money import MILLION, NANOS, Currency, Rate, divide, divide_up, exact_json, same_currency, share
from functions.shared.pricing import Count, Price, Usage, highest

DEFAULT_PLAN: Final = "pay_as_you_go"
RESOLVED_TYPE: Final = "conversation_resolved"
"""A usage event of this type resolves a conversation and is named by it; every other one is a turn, or corrects one."""

SECOND: Final = timedelta(seconds=1)


class UnknownPlan(LookupError):
    """No plan of this name is published at this time."""

    code = "unknown_plan"


class Meter(StrEnum):
    """What can be counted and priced by the unit."""

    INPUT = "input_tokens"
    CACHED_INPUT = "cached_input_tokens"
    OUTPUT = "output_tokens"
    REASONING = "reasoning_tokens"
    MESSAGES = "messages"
    CONVERSATIONS = "conversations"
    RESOLVED = "resolved_conversations"


class UnitPrice(BaseModel):
    """So much for `per` units of a meter; with a model, for that model alone, and before the general price."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    meter: Meter
    model: str | None = None
    price: Rate
    per: int = Field(default=1, strict=True, ge=1)

    def exact(self, quantity: int) -> Fraction:
        """Nanos for so many units, unrounded."""
        return Fraction(self.price * quantity, self.per)


class PlanTerms(BaseModel):
    """What was agreed, as it is copied to the period it governs; a later version of the plan does not change it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    plan: str
    plan_version: str
    name: str
    currency: Currency
    monthly_fee: Rate = 0
    cost_plus: Rate | None = None
    unit_prices: tuple[UnitPrice, ...] = ()
    included: Rate = 0
    included_units: dict[Meter, Count] = Field(default_factory=dict)
    discount: Rate = 0
    tax_rate: Rate = 0
    reverse_charge: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not (self.monthly_fee or self.unit_prices or self.cost_plus is not None):
            raise ValueError("a plan charges something")
        keys = [(price.meter, price.model) for price in self.unit_prices]
        if len(set(keys)) != len(keys):
            raise ValueError("a meter has one price for a model")
        for meter in self.included_units:
            if [model for priced, model in keys if priced == meter] != [None]:
                raise ValueError(f"included {meter} need one price that is the same for all models")
        if self.discount > NANOS or self.tax_rate > NANOS:
            raise ValueError("a discount and a tax rate are shares of at most 1")
        return self

    def unit_price(self, meter: Meter, model: str | None) -> UnitPrice | None:
        """The price of a meter: the model's own, else the general one, else None."""
        prices = {price.model: price for price in self.unit_prices if price.meter == meter}
        return prices.get(model) or prices.get(None)


def charge(
    usage: Usage,
    cost_nanos: int,
    terms: PlanTerms,
    *,
    model: str,
    messages: int = 1,
    conversations: int = 0,
    resolved: int = 0,
) -> int:
    """The charge of one event in nanos, rounded once; pending buckets add nothing until a correction brings them.

    `conversations` is 1 for a conversation's first turn; `resolved` is 1 for the event that resolves one (with no
    messages). Cost and terms must be in the same currency, which the caller checks when it picks price and plan.
    """
    exact = Fraction(cost_nanos * (NANOS + terms.cost_plus), NANOS) if terms.cost_plus is not None else Fraction(0)
    for meter, quantity in quantities(usage, messages=messages, conversations=conversations, resolved=resolved).items():
        price = terms.unit_price(meter, model)
        if price:
            exact += price.exact(quantity)
    return divide(exact.numerator, exact.denominator)


def quantities(usage: Usage, *, messages: int = 0, conversations: int = 0, resolved: int = 0) -> dict[Meter, int]:
    """What one event counts on each meter; what is pending counts nothing yet."""
    return {
        Meter.INPUT: usage.input_tokens or 0,
        Meter.CACHED_INPUT: usage.cached_input_tokens or 0,
        Meter.OUTPUT: usage.output_tokens or 0,
        Meter.REASONING: usage.reasoning_tokens or 0,
        Meter.MESSAGES: messages,
        Meter.CONVERSATIONS: conversations,
        Meter.RESOLVED: resolved,
    }


def highest_charge(
    terms: PlanTerms, price: Price, input_upper_bound: int, max_output_tokens: int, calls: int = 1
) -> int:
    """The hold of a turn: the most that it can be charged within these bounds, in nanos, rounded up.

    Bounds are for one call of the model, `calls` is how many the turn may make. Raises CurrencyMismatch when plan and
    price book do not speak of the same money.
    """
    same_currency(terms.currency, price.currency)

    def unit(meter: Meter) -> Fraction:
        found = terms.unit_price(meter, price.model)
        return found.exact(1) if found else Fraction(0)

    exact = Fraction(0)
    if terms.cost_plus is not None:
        most = highest(price, input_upper_bound, max_output_tokens, calls)
        exact += Fraction(most * (NANOS + terms.cost_plus), NANOS)
    exact += calls * input_upper_bound * max(unit(Meter.INPUT), unit(Meter.CACHED_INPUT))
    exact += calls * max_output_tokens * max(unit(Meter.OUTPUT), unit(Meter.REASONING))
    exact += unit(Meter.MESSAGES) + unit(Meter.CONVERSATIONS)
    return divide_up(exact.numerator, exact.denominator)


def allowance(terms: PlanTerms, charged_nanos: int, counted: Mapping[Meter, int]) -> int:
    """How much of a period's charge the plan includes, in nanos; never more than the charge itself.

    The included amount, plus the value of included units as far as they were used. It grows with usage and never
    shrinks, so what was shown as free stays free.
    """
    exact = Fraction(terms.included)
    for meter, included in terms.included_units.items():
        price = terms.unit_price(meter, None)
        if price:
            exact += price.exact(min(included, max(counted.get(meter, 0), 0)))
    return max(0, min(charged_nanos, divide(exact.numerator, exact.denominator)))


def surely_included(terms: PlanTerms) -> int:
    """What a period includes whatever is used, in nanos: so much may be charged before a cap begins to count.

    Included units are worth what is used of them, so they count only where nothing else has a price.
    """
    included: int = terms.included
    if terms.cost_plus is None and len(terms.unit_prices) == 1:
        only = terms.unit_prices[0]
        included += int(only.exact(terms.included_units.get(only.meter, 0)))
    return included


def discount(terms: PlanTerms, net_nanos: int) -> int:
    """What the plan takes off usage and fee, after the allowance, in nanos."""
    return share(net_nanos, terms.discount)


class PeriodCharges(BaseModel):
    """What a period comes to before tax, in nanos; allowance and discount are positive and are taken off."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    usage: int
    fee: int
    allowance: int
    discount: int

    @property
    def net(self) -> int:
        """Usage and fee, less what is included and what is discounted."""
        return self.usage + self.fee - self.allowance - self.discount


def period_charges(terms: PlanTerms, charged_nanos: int, counted: Mapping[Meter, int]) -> PeriodCharges:
    """The period so far: provisional while it runs, and exactly what the close posts at its end."""
    included = allowance(terms, charged_nanos, counted)
    return PeriodCharges(
        usage=charged_nanos,
        fee=terms.monthly_fee,
        allowance=included,
        discount=discount(terms, charged_nanos + terms.monthly_fee - included),
    )


def projection(spent_nanos: int, now: datetime) -> int:
    """A month's charge at its end in nanos, at the pace so far; the first hour counts as a whole one, so it does not leap."""
    now = now.astimezone(UTC)
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = (start + timedelta(days=32)).replace(day=1)
    return divide(spent_nanos * ((end - start) // SECOND), max((now - start) // SECOND, 3600))


class PublishedPlan(PlanTerms):
    """A version of a plan that customers can choose from `effective_from` on."""

    effective_from: datetime

    def terms(self) -> PlanTerms:
        """What a customer who chooses it agrees to."""
        return PlanTerms.model_validate(self.model_dump(exclude={"effective_from"}))


@lru_cache(maxsize=1)
def _published() -> tuple[PublishedPlan, ...]:
    data = exact_json(Path(__file__).with_name("plans.yaml").read_text("utf-8"))
    return tuple(PublishedPlan.model_validate(row) for row in data["plans"])


def published_plans(at: datetime) -> list[PlanTerms]:
    """The newest published version of each plan at that time, by name of the plan."""
    newest: dict[str, PublishedPlan] = {}
    for row in sorted(_published(), key=lambda row: row.effective_from):
        if row.effective_from <= at:
            newest[row.plan] = row
    return [newest[name].terms() for name in sorted(newest)]


def plan_at(plan: str, at: datetime) -> PlanTerms:
    """The terms of a published plan at that time. Raises UnknownPlan."""
    for terms in published_plans(at):
        if terms.plan == plan:
            return terms
    raise UnknownPlan(f"no plan {plan} is published at {at.isoformat()}")


def per_million(price: UnitPrice) -> int:
    """The price of a million units in nanos, rounded, for display; what is charged is exact."""
    exact = price.exact(MILLION)
    return divide(exact.numerator, exact.denominator)

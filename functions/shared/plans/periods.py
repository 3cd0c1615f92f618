"""What depends on all events of a period: quantity prices, allowance, fee, discounts, minimum.

A pure function of the period's quantities and charges: provisional while it runs, and exactly what the close posts.
In this order, each on what the one before leaves: charges at list, quantity prices, what is included, the fee, the
percentage, the fixed amount, the minimum; tax follows on the invoice.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from functions.shared.money import MAX_NANOS, divide, share
from functions.shared.plans.terms import PlanTerms
from functions.shared.plans.unit_prices import Meter, Scheme, UnitPrice

Counted = Mapping[str, Mapping[Meter, int]]
"""By model what was counted on each meter, of what was charged: a turn that failed is free and counts for nothing."""

SECOND: Final = timedelta(seconds=1)
NO_END: Final = MAX_NANOS // 4
"""Room without a bound, that still leaves 64 bits to add to."""


class ByQuantity(NamedTuple):
    """One price that depends on the period's quantity, and what it makes of it; amounts in nanos, unrounded."""

    price: UnitPrice
    quantity: int
    """Units counted, without those that the plan includes."""
    at_list: Fraction
    amount: Fraction


def quantity_of(terms: PlanTerms, price: UnitPrice, counted: Counted) -> int:
    """The units that a price is for, over all models that have no price of their own, never below zero."""
    return max(
        0,
        sum(of.get(price.meter, 0) for model, of in counted.items() if terms.unit_price(price.meter, model) == price),
    )


def by_quantity(terms: PlanTerms, counted: Counted) -> list[ByQuantity]:
    """Each price with tiers or packages, in the plan's order; included units are taken off before tiers count."""
    found = []
    for price in terms.unit_prices:
        if price.scheme != Scheme.UNIT:
            quantity = max(0, quantity_of(terms, price, counted) - terms.included_units.get(price.meter, 0))
            found.append(ByQuantity(price, quantity, price.exact(quantity), price.whole(quantity)))
    return found


def tier_adjustment(terms: PlanTerms, charged_nanos: int, counted: Counted) -> int:
    """What quantity prices change in a period's charges at list, in nanos, rounded once; mostly below zero.

    Above zero only for begun packages. It never takes off more than was charged.
    """
    exact = sum((one.amount - one.at_list for one in by_quantity(terms, counted)), Fraction(0))
    return max(divide(exact.numerator, exact.denominator), -max(charged_nanos, 0))


def allowance(terms: PlanTerms, charged_nanos: int, counted: Counted) -> int:
    """How much of a period's charge the plan includes, in nanos; never more than the charge itself.

    `charged_nanos` is after quantity prices. The included amount, plus the value of included units as far as they were
    used. It grows with usage and never shrinks, so what was shown as free stays free.
    """
    exact = Fraction(terms.included)
    for meter, included in terms.included_units.items():
        price = terms.unit_price(meter, None)
        if price:
            exact += price.exact(min(included, quantity_of(terms, price, counted)))
    return max(0, min(charged_nanos, divide(exact.numerator, exact.denominator)))


def surely_included(terms: PlanTerms, limit_nanos: int | None = None) -> int:
    """How much more than a limit may be charged at list so that the period cannot pass it, whatever is used, in nanos.

    What is included, and what quantity prices surely take off by then; below zero where a begun package may come on top.
    Without a limit: what is included whatever is used. Included units are worth what is used of them, so they count only
    where nothing else has a price. `period_charges(...).charged` is never above the limit when usage is not above the
    sum of both. Never above NO_END: it is stored.
    """
    return min(_surely_included(terms, limit_nanos), NO_END)


def _surely_included(terms: PlanTerms, limit_nanos: int | None) -> int:
    limit = limit_nanos or 0
    room = limit + terms.included
    only = terms.unit_prices[0] if terms.cost_plus is None and len(terms.unit_prices) == 1 else None
    free = terms.included_units.get(only.meter, 0) if only else 0
    if limit_nanos is None or (only and only.scheme == Scheme.UNIT):
        return int(terms.included + (only.exact(free) if only else 0))
    if only:
        most = only.most_within(room)
        return NO_END if most is None else int(only.exact(free + most)) - limit
    left = Fraction(room - sum(price.above_list for price in terms.unit_prices))
    at_list = Fraction(0)
    for ratio, width in sorted(_stretches(terms), key=lambda one: one[0], reverse=True):
        if width is None or ratio * width > left:
            return NO_END if not ratio else int(at_list + left * Fraction(ratio.denominator, ratio.numerator)) - limit
        at_list += width
        left -= ratio * width
    return int(terms.included)


def included_at_any_limit(terms: PlanTerms) -> int:
    """As `surely_included`, where the limit moves while the period runs, as it does with credit that ends."""
    return surely_included(terms) - sum(price.above_list for price in terms.unit_prices)


def _stretches(terms: PlanTerms) -> Iterator[tuple[Fraction, Fraction | None]]:
    """What a nano at list can really cost, and for how many nanos: the dearest first is the worst that can happen."""
    if terms.cost_plus is not None:
        yield Fraction(1), None
    for price in terms.unit_prices:
        if price.scheme != Scheme.GRADUATED:
            yield Fraction(1), None
        elif price.rate:
            below = 0
            for tier in price.tiers:
                width = None if tier.up_to is None else price.rate * (tier.up_to - below)
                yield tier.rate * Fraction(price.per, price.price), width
                below = tier.up_to or below


def discount(terms: PlanTerms, net_nanos: int, month: str | None = None) -> int:
    """What the plan takes off usage and fee, after the allowance, in nanos: the percentage, then the fixed amount."""
    if not terms.discounted_in(month):
        return 0
    percentage = share(net_nanos, terms.discount)
    return percentage + min(terms.discount_amount, max(0, net_nanos - percentage))


def net_at_most(terms: PlanTerms, at_list_nanos: int | None, month: str) -> int:
    """What a period comes to at most before tax, in nanos, when no more than so much is charged at list.

    None: nothing was used, so that no package has begun. It is never below zero.
    """
    charged = 0 if at_list_nanos is None else max(0, at_list_nanos - included_at_any_limit(terms))
    whole = charged + terms.monthly_fee
    return max(terms.minimum, whole - discount(terms, whole, month))


class PeriodCharges(BaseModel):
    """What a period comes to before tax, in nanos; allowance and discount are positive and are taken off.

    `tiers` is added and mostly below zero; `minimum` is what is missing to the least that the month comes to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    usage: int
    tiers: int = 0
    fee: int
    allowance: int
    discount: int
    minimum: int = 0

    @property
    def charged(self) -> int:
        """Usage after quantity prices and what is included: what a cap bounds."""
        return self.usage + self.tiers - self.allowance

    @property
    def net(self) -> int:
        """All of it together."""
        return self.charged + self.fee - self.discount + self.minimum


def period_charges(terms: PlanTerms, charged_nanos: int, counted: Counted, month: str | None = None) -> PeriodCharges:
    """The period so far: provisional while it runs, and exactly what the close posts at its end.

    `month` decides whether a discount for some months still holds; without it such a discount does not.
    """
    tiers = tier_adjustment(terms, charged_nanos, counted)
    included = allowance(terms, charged_nanos + tiers, counted)
    whole = charged_nanos + tiers - included + terms.monthly_fee
    taken_off = discount(terms, whole, month)
    return PeriodCharges(
        usage=charged_nanos,
        tiers=tiers,
        fee=terms.monthly_fee,
        allowance=included,
        discount=taken_off,
        minimum=max(0, terms.minimum - (whole - taken_off)),
    )


def elapsed(now: datetime) -> tuple[int, int]:
    """Seconds of the running month (UTC) that are over, and all of them; the first hour counts as a whole one."""
    now = now.astimezone(UTC)
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = (start + timedelta(days=32)).replace(day=1)
    return max((now - start) // SECOND, 3600), (end - start) // SECOND


def projection(spent_nanos: int, now: datetime) -> int:
    """A month's charge at its end in nanos, at the pace so far; the first hour counts as a whole one, so it does not leap."""
    over, all_of_it = elapsed(now)
    return divide(spent_nanos * all_of_it, over)

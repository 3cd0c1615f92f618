"""The charge of one event, which its turn's own commit writes, and the hold that no charge can pass.

A charge depends on its event alone, so units are charged at list price whatever their scheme. Rated once; everything
after is addition.
"""

from fractions import Fraction

from functions.shared.money import MILLION, NANOS, divide, divide_up, same_currency
from functions.shared.plans.terms import PlanTerms
from functions.shared.plans.unit_prices import Meter, UnitPrice
from functions.shared.pricing import Price, Usage, highest


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
    # An exact fraction in two integers: Fraction's greatest common divisors took half of the time of a rating.
    numerator, denominator = (cost_nanos * (NANOS + terms.cost_plus), NANOS) if terms.cost_plus is not None else (0, 1)
    if terms.unit_prices:
        counted = quantities(usage, messages=messages, conversations=conversations, resolved=resolved)
        for meter, price in terms.prices_for(model).items():
            quantity = counted[meter]
            if quantity:
                if price.per == denominator:
                    numerator += price.price * quantity
                else:
                    numerator = numerator * price.per + price.price * quantity * denominator
                    denominator *= price.per
    return divide(numerator, denominator)


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


def per_million(price: UnitPrice) -> int:
    """The price of a million units at list in nanos, rounded, for display; what is charged is exact."""
    exact = price.exact(MILLION)
    return divide(exact.numerator, exact.denominator)

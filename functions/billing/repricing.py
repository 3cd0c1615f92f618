"""What past usage would have come to under another plan or with another model: pure, on tallies that are there already.

A tally knows sums by agent, model and price version, no single turn. So what a turn alone decides (a price for long
prompts, its rounding) is not in it, and `Repriced` says what else it does not know. Parts of a month bear the month's
fixed amounts by their share of its days, on both sides of the comparison alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from functions.billing.charges import Cell, Tally
from functions.billing.models import Key
from functions.shared.money import NANOS, allocate, divide, rated
from functions.shared.plans import Counted, Meter, PlanTerms, Scheme, UnitPrice, period_charges
from functions.shared.pricing import Price

TOKENS: Final = (Meter.INPUT, Meter.CACHED_INPUT, Meter.OUTPUT, Meter.REASONING)


@dataclass(frozen=True)
class Span:
    """The days of one month that are looked at, their usage, and the terms that governed them."""

    month: str
    days: int
    days_of_month: int
    tally: Tally
    terms: PlanTerms


class Comparison(NamedTuple):
    """Nanos before tax: as it was, and as it would have been. `usage` is at list, the rest is what comes of it."""

    usage_was: int = 0
    usage: int = 0
    net_was: int = 0
    net: int = 0

    def plus(self, other: "Comparison") -> "Comparison":
        """The sums of both."""
        return Comparison(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Repriced:
    """By month, by agent (None: what no agent used, as a fee), and in all; months and agents add up to the same."""

    months: tuple[tuple[Span, Comparison], ...]
    agents: Mapping[str | None, Comparison]
    total: Comparison
    unknown: frozenset[str]
    """Codes of what cannot be known (see `simulating.UNKNOWN`)."""


def reprice(
    spans: Sequence[Span], plan: PlanTerms | None, price: Price | None = None, agent: str | None = None
) -> Repriced:
    """All spans under `plan`, or their own terms, with `price`'s model in place of what answered, for one agent or all.

    A discount for some months is taken as agreed with the first span. All terms must be in the tallies' currency.
    """
    months, total = [], Comparison()
    agents: dict[str | None, Comparison] = {}
    unknown: set[str] = set()
    offered = plan.agreed_from(spans[0].month) if plan is not None and spans else plan
    for span in spans:
        after = _with(span, offered, price, agent)
        terms = offered or span.terms
        was = {key: cell.charge_nanos for key, cell in span.tally.cells.items()}
        usage = {key: charge for key, (_, charge) in after.items()}
        counted = _counted((after[key][0], cell) for key, cell in _charged(span))
        found = Comparison(
            sum(was.values()),
            sum(usage.values()),
            _net(span, span.terms, sum(was.values()), span.tally.counted),
            _net(span, terms, sum(usage.values()), counted),
        )
        months.append((span, found))
        total = total.plus(found)
        for name, part in _shares(found, was, usage).items():
            agents[name] = agents.get(name, Comparison()).plus(part)
        unknown |= _unknown(span, terms, price)
    return Repriced(tuple(months), agents, total, frozenset(unknown))


def _with(span: Span, plan: PlanTerms | None, price: Price | None, agent: str | None) -> dict[Key, tuple[str, int]]:
    """For each cell the model that answers and the charge at list."""
    found = {}
    for key, cell in _charged(span):
        other = price if price is not None and agent in (None, key.agent_id) else None
        if plan is None and other is None:
            found[key] = (key.model, span.tally.cells[key].charge_nanos)
        else:
            model = other.model if other else key.model
            found[key] = (model, _charge(cell, plan or span.terms, model, other))
    return found


def _charged(span: Span) -> list[tuple[Key, Cell]]:
    """The cells as other prices would charge them: every answered turn, and none that failed as far as one can tell."""
    return [(key, cell if _mixed(cell) else _answered(cell)) for key, cell in sorted(span.tally.cells.items())]


def _mixed(cell: Cell) -> bool:
    """Whether answers were free as well, as under a plan by the conversation: what failed is no sum of its own then."""
    return cell.free_messages != 0


def _answered(cell: Cell) -> Cell:
    """Without the tokens of what failed or was waived; messages and conversations are counted of answered turns only."""
    tokens = {one.value: getattr(cell, one.value) - getattr(cell, f"free_{one.value}") for one in TOKENS}
    return cell.model_copy(update={**tokens, "cost_nanos": cell.cost_nanos - cell.free_cost_nanos})


def _charge(cell: Cell, terms: PlanTerms, model: str, price: Price | None) -> int:
    """What these quantities are charged at list, rounded once; `price` is what they cost in place of what they did."""
    exact = Fraction(0)
    if terms.cost_plus is not None:
        cost = cell.cost_nanos if price is None else _cost(cell, price)
        exact += Fraction(cost * (NANOS + terms.cost_plus), NANOS)
    for meter in Meter:
        unit = terms.unit_price(meter, model)
        if unit:
            exact += unit.exact(getattr(cell, meter.value))
    return divide(exact.numerator, exact.denominator)


def _cost(cell: Cell, price: Price) -> int:
    """The tokens at the price of a call with little input."""
    tier = price.tiers[0]
    return rated(
        [
            (cell.input_tokens, tier.input),
            (cell.cached_input_tokens, tier.cached_input),
            (cell.output_tokens, tier.output),
            (cell.reasoning_tokens, tier.reasoning),
        ]
    )


def _counted(parts: Iterable[tuple[str, Cell]]) -> dict[str, dict[Meter, int]]:
    found: dict[str, dict[Meter, int]] = {}
    for model, cell in parts:
        of = found.setdefault(model, dict.fromkeys(Meter, 0))
        for meter in Meter:
            of[meter] += getattr(cell, meter.value)
    return found


def _net(span: Span, terms: PlanTerms, usage: int, counted: Counted) -> int:
    return period_charges(_for_days(terms, span.days, span.days_of_month), usage, counted, span.month).net


def _for_days(terms: PlanTerms, days: int, of: int) -> PlanTerms:
    """The terms of a whole month for some of its days: fixed amounts, included units and tiers by their share."""
    if days == of:
        return terms

    def part(number: int) -> int:
        return divide(number * days, of)

    def shorter(price: UnitPrice) -> UnitPrice:
        tiers = [
            tier if tier.up_to is None else tier.model_copy(update={"up_to": max(1, part(tier.up_to))})
            for tier in price.tiers
        ]
        return price.model_copy(update={"tiers": tuple(tiers)})

    amounts = {name: part(getattr(terms, name)) for name in ("monthly_fee", "included", "discount_amount", "minimum")}
    units = {meter: part(number) for meter, number in terms.included_units.items()}
    prices = tuple(shorter(price) for price in terms.unit_prices)
    return terms.model_copy(update={**amounts, "included_units": units, "unit_prices": prices})


def _shares(found: Comparison, was: Mapping[Key, int], usage: Mapping[Key, int]) -> dict[str | None, Comparison]:
    """The month's sums by agent, the net by its part in usage, to the nano; without usage it is nobody's."""
    names = sorted({key.agent_id for key in was})
    own = [
        [sum(amount for key, amount in side.items() if key.agent_id == name) for name in names] for side in (was, usage)
    ]
    nets = [_allocated(net, weights) for net, weights in ((found.net_was, own[0]), (found.net, own[1]))]
    parts: dict[str | None, Comparison] = {
        name: Comparison(own[0][at], own[1][at], nets[0][at], nets[1][at]) for at, name in enumerate(names)
    }
    left = Comparison(0, 0, found.net_was - sum(nets[0]), found.net - sum(nets[1]))
    return parts | ({None: left} if any(left) else {})


def _allocated(net: int, weights: Sequence[int]) -> list[int]:
    return allocate(net, weights) if sum(weights) else [0] * len(weights)


def _unknown(span: Span, terms: PlanTerms, price: Price | None) -> set[str]:
    found = set()
    cells = span.tally.cells.values()
    if price is not None and len(price.tiers) > 1:
        found.add("long_prompts")
    if any(cell.pending for cell in cells):
        found.add("pending")
    resolved = terms.unit_price(Meter.RESOLVED, None) or any(p.meter == Meter.RESOLVED for p in terms.unit_prices)
    was = any(price.meter == Meter.RESOLVED for price in span.terms.unit_prices)
    if resolved and not was and any(cell.messages for cell in cells):
        found.add("resolved")
    by_tokens = terms.cost_plus is not None or any(one.meter in TOKENS for one in terms.unit_prices)
    if by_tokens and any(_mixed(cell) for cell in cells):
        found.add("failed")
    if span.days < span.days_of_month:
        found.add("part_of_a_month")
        if any(price.scheme == Scheme.PACKAGE for price in (*terms.unit_prices, *span.terms.unit_prices)):
            found.add("packages")
    return found

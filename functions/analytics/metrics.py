"""What every figure is: its name, unit and exact definition in words, and the function that computes it, in one place.

Answers are filled from here and the console's definitions are made from here, so neither can say what the other does
not. Counters are integers; a figure is null where nothing was measured. Money is in nanos until it is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from functions.shared import histogram
from functions.shared.contracts import LATENCY_BOUNDS_MS, Counters
from functions.shared.money import Money
from functions.shared.resolution import RULE

M = TypeVar("M", bound=BaseModel)
Value = int | float | None

MONEY = "money"


@dataclass(frozen=True)
class Metric:
    """One figure. `of` computes it; money is in nanos. `by_model` is False where what is counted names no model."""

    name: str
    unit: str
    definition: str
    of: Callable[[Counters], Value]
    by_model: bool = True


def _count(name: str, definition: str, unit: str = "", *, by_model: bool = True) -> Metric:
    return Metric(name, unit or name, definition, lambda counted: int(getattr(counted, name)), by_model)


def _share(part: int, whole: int, digits: int = 4) -> float | None:
    return round(part / whole, digits) if whole else None


def _each(nanos: int, number: int) -> int | None:
    return nanos // number if number else None


def margin(counted: Counters) -> int:
    """What is left of the charge after the cost, in nanos."""
    return counted.charge_nanos - counted.cost_nanos


_WITHIN = (
    "Read from fixed buckets and interpolated within one: the exact value lies in the same bucket, so the error is at "
    f"most its width. Buckets end at {', '.join(map(str, LATENCY_BOUNDS_MS))} ms; what is slower than the last is shown "
    "as the last."
)


def _latency(share: int) -> Metric:
    return Metric(
        f"latency_p{share}_ms",
        "ms",
        f"{share} of 100 turns were complete within this time. {_WITHIN}",
        lambda counted: histogram.percentile(counted.latency, share),
    )


def _first_token(share: int) -> Metric:
    return Metric(
        f"first_token_p{share}_ms",
        "ms",
        f"In {share} of 100 turns the first words came within this time. {_WITHIN}",
        lambda counted: histogram.percentile(counted.first_token, share),
    )


METRICS: tuple[Metric, ...] = (
    _count("turns", "Questions that were answered, whole or in part."),
    _count("conversations", "Conversations whose first turn lies in the span."),
    Metric(
        "turns_per_conversation",
        "turns",
        "Turns divided by the conversations that began in the span, to two decimals; null without any.",
        lambda counted: _share(counted.turns, counted.conversations, 2),
    ),
    _count("visitors", "Visitors whose first conversation ever in a widget lies in the span."),
    Metric(
        "returning_visitors",
        "conversations",
        "Conversations in a widget that were begun in the span by a visitor who had begun one before: each visit counts "
        "once, at its conversation's first turn.",
        lambda counted: counted.returning,
    ),
    Metric(
        "errors",
        "turns",
        "Turns whose model failed, and turns that were abandoned by a crash.",
        lambda counted: counted.errors,
    ),
    Metric(
        "hand_offs",
        "hand-offs",
        "Turns in which the agent handed off to a person, and visitors' requests for one; null by model, which a request "
        "does not name.",
        lambda counted: counted.handed_off,
        by_model=False,
    ),
    _count(
        "leads",
        "Conversations in which a visitor left contact details for the first time; later changes do not count. Null by "
        "model.",
        "conversations",
        by_model=False,
    ),
    _count("resolved", f"{RULE.text} Null by model.", "conversations", by_model=False),
    _count("unresolved", f"{RULE.otherwise} Null by model.", "conversations", by_model=False),
    _count(
        "ratings",
        "Conversations that were rated with 1 to 5 stars. One whose rating is changed counts once, with its latest stars, "
        "in the span in which it was first rated. Null by model.",
        by_model=False,
    ),
    Metric(
        "rating",
        "stars",
        "The mean of those ratings, to two decimals; null where nobody gave one.",
        lambda counted: _share(counted.rating_sum, counted.ratings, 2),
        by_model=False,
    ),
    Metric(
        "error_rate",
        "share of 1",
        "Errors divided by turns and errors together; null without either.",
        lambda counted: _share(counted.errors, counted.turns + counted.errors),
    ),
    Metric(
        "hand_off_rate",
        "share of 1",
        "Hand-offs divided by conversations, both of the span; one conversation may be handed off several times.",
        lambda counted: _share(counted.handed_off, counted.conversations),
        by_model=False,
    ),
    Metric(
        "resolution_rate",
        "share of 1",
        "Conversations that became resolved in the span, divided by those and the unresolved ones; null where none was "
        "looked at. A day's conversations are looked at when they are quiet, so that they count on the day after.",
        lambda counted: _share(counted.resolved, counted.resolved + counted.unresolved),
        by_model=False,
    ),
    Metric(
        "helpful_rate",
        "share of 1",
        "Answers with a thumb up divided by all that have a thumb; null where nobody gave one. An answer whose thumb is "
        "changed counts once, with its latest thumb, in the span in which the first was given.",
        lambda counted: _share(counted.feedback_up, counted.feedback_up + counted.feedback_down),
        by_model=False,
    ),
    *(_latency(share) for share in (50, 95, 99)),
    *(_first_token(share) for share in (50, 95, 99)),
    _count(
        "input_tokens",
        "Prompt tokens as the provider reported them, without those read from its cache. Buckets are exclusive.",
        "tokens",
    ),
    _count("cached_input_tokens", "Prompt tokens read from the provider's cache.", "tokens"),
    _count("output_tokens", "Tokens of the answers, without thoughts.", "tokens"),
    _count("reasoning_tokens", "Tokens of the model's thoughts.", "tokens"),
    _count("pending", "Turns of which a token count is not known yet; they are not counted as 0.", "turns"),
    _count("estimated", "Turns that were cut off, whose usage is partly an estimate.", "turns"),
    Metric(
        "cost",
        MONEY,
        "What the providers take for the tokens of turns, by the price book; embedding knowledge and questions is not in it.",
        lambda counted: counted.cost_nanos,
    ),
    Metric(
        "charge",
        MONEY,
        "What you pay for the usage, before allowance, discount and tax.",
        lambda counted: counted.charge_nanos,
    ),
    Metric("margin", MONEY, "Charge less cost; below zero where the cost is higher.", margin),
    Metric(
        "margin_rate",
        "share of 1",
        "Margin divided by charge; null where nothing was charged.",
        lambda counted: _share(margin(counted), counted.charge_nanos),
    ),
    Metric(
        "cost_per_conversation",
        MONEY,
        "Cost divided by the conversations that began in the span, rounded down to a nano; null without any.",
        lambda counted: _each(counted.cost_nanos, counted.conversations),
    ),
    Metric(
        "charge_per_conversation",
        MONEY,
        "Charge divided by the conversations that began in the span, rounded down to a nano; null without any.",
        lambda counted: _each(counted.charge_nanos, counted.conversations),
    ),
)

BY_NAME = {metric.name: metric for metric in METRICS}


def value(name: str, counted: Counters, *, by_model: bool = False) -> Value:
    """One figure of what was counted, None where nothing was measured. Raises KeyError for a name that is none."""
    metric = BY_NAME[name]
    return metric.of(counted) if metric.by_model or not by_model else None


def filled(model: type[M], counted: Counters, currency: str, /, *, by_model: bool = False, **rest: Any) -> M:
    """An answer with every figure it has a field for; `rest` are its other fields."""
    figures: dict[str, Any] = {}
    for name in model.model_fields.keys() & BY_NAME.keys():
        found = value(name, counted, by_model=by_model)
        money = BY_NAME[name].unit == MONEY and found is not None
        figures[name] = Money.of_nanos(int(found or 0), currency) if money else found
    return model(**figures, **rest)


def change(now: Value, then: Value) -> float | None:
    """How much a figure grew, as a share of what it was; None where that was nothing or either is unknown."""
    return None if now is None or not then else round((now - then) / abs(then), 4)


def changes(
    model: type[BaseModel], now: Counters, then: Counters, *, by_model: bool = False
) -> dict[str, float | None]:
    """`change` of every figure of an answer."""
    names = [name for name in model.model_fields if name in BY_NAME]
    return {name: change(value(name, now, by_model=by_model), value(name, then, by_model=by_model)) for name in names}

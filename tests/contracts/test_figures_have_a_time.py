"""Who reads a figure of money reads how fresh it is: the answer says it, `as_of`."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest

from functions.shared.http import Answer
from functions.shared.money import Money
from infra import openapi

TIMELESS = {
    "PriceBook": "versions with their dates",
    "AgreedPlan": "terms that were agreed",
    "PlanVersions": "terms with their dates",
    "Budgets": "what somebody has set; its etag says which",
    "Payment": "a fact with its own time, `received_at`",
    "CreditNote": "a fact with its own time, `issued_at`",
    "LineEvent": "a fact with its own time, `occurred_at`",
    "BilledEvent": "a fact with its own time, `occurred_at`",
    "Evidence": "signed as it was filed, `issued_at`",
}
"""Model of an answer with money that is no figure that moves → what it is."""


def parts(kind: Any) -> Iterator[type]:
    """The classes of which a type is made."""
    if inner := get_args(kind):
        for one in inner:
            yield from parts(one)
    elif isinstance(kind, type):
        yield kind


def holds_money(model: type[Answer]) -> bool:
    own = {part for field in model.model_fields.values() for part in parts(field.annotation)}
    return Money in own or any(issubclass(part, Answer) and holds_money(part) for part in own - {model})


def shown() -> dict[str, type[Answer]]:
    """By name the models that billing's reads answer with; of a list its items."""
    found = {}
    for api in openapi.declared():
        for route in api.routes if api.deployment == "billing-api" else ():
            for model in route.answers if route.method == "GET" else ():
                if issubclass(model, Answer):
                    items = model.model_fields.get("items")
                    (one,) = (part for part in parts(items.annotation) if part is not list) if items else (model,)
                    found[one.__name__] = one
    return found


FIGURES = {name: model for name, model in shown().items() if holds_money(model)}


@pytest.mark.parametrize("name", sorted(FIGURES.keys() - TIMELESS.keys()))
def test_an_answer_with_figures_says_how_fresh_they_are(name: str) -> None:
    assert "as_of" in FIGURES[name].model_fields, f"{name} shows money and no as_of; if rightly so, say why in TIMELESS"


@pytest.mark.parametrize("name", sorted(TIMELESS))
def test_what_is_timeless_is_an_answer_without_a_time_of_reading(name: str) -> None:
    assert name in shown(), f"{name} is no answer"
    assert "as_of" not in shown()[name].model_fields


def test_figures_are_found_at_any_depth() -> None:
    assert {"Billing", "Usage", "Credits", "InvoiceSummary", "Invoice", "Debtor", "Margin"} <= FIGURES.keys()

"""Who reads a figure of money reads how fresh it is: the answer says it, `as_of`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, get_args

import pytest

from functions.shared.http import Answer, Items
from functions.shared.money import Money
from infra import openapi

TIMELESS = {
    "ShownCases": "the most that a run begun now can cost, worked out at each request from prices and terms",
    "AgreedPlan": "terms that were agreed",
    "PlanVersions": "terms with their dates",
    "Budgets": "what somebody has set; its etag says which",
    "Payment": "a fact with its own time, `received_at`",
    "CreditNote": "a fact with its own time, `issued_at`",
    "LineEvent": "a fact with its own time, `occurred_at`",
    "BilledEvent": "a fact with its own time, `occurred_at`",
    "ListedRun": "one run with its own times, `started_at` and `ended_at`",
    "ShownRun": "one run with its own times, `started_at` and `ended_at`",
    "ConversationItem": "one conversation as it is stored, `updated_at`",
    "Transcript": "one conversation as it is stored, `updated_at`",
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


def says_when(model: type[Answer]) -> bool:
    """Whether all money in it stands beside or below an `as_of`."""
    if "as_of" in model.model_fields or model.__name__ in TIMELESS:
        return True
    own = {part for field in model.model_fields.values() for part in parts(field.annotation)}
    within = [part for part in own - {model} if issubclass(part, Answer) and holds_money(part)]
    return Money not in own and all(says_when(part) for part in within)


def shown() -> dict[str, type[Answer]]:
    """By name the models with money that a deployment's reads answer with; of a plain list its items."""
    found: dict[str, type[Answer]] = {}
    for api in openapi.declared():
        for route in api.routes:
            for model in route.answers if route.method == "GET" else ():
                if issubclass(model, Answer) and holds_money(model):
                    items = model.model_fields["items"] if issubclass(model, Items) else None
                    (one,) = (part for part in parts(items.annotation) if part is not list) if items else (model,)
                    assert found.setdefault(one.__name__, one) is one, f"two models are called {one.__name__}"
    return found


FIGURES = shown()


@pytest.mark.parametrize("name", sorted(FIGURES.keys() - TIMELESS.keys()))
def test_an_answer_with_figures_says_how_fresh_they_are(name: str) -> None:
    assert says_when(FIGURES[name]), f"{name} shows money and no as_of; if rightly so, say why in TIMELESS"


@pytest.mark.parametrize("name", sorted(TIMELESS))
def test_what_is_timeless_is_an_answer_without_a_time_of_reading(name: str) -> None:
    assert name in FIGURES, f"{name} is no answer with money"
    assert "as_of" not in FIGURES[name].model_fields


def test_figures_are_found_at_any_depth_in_every_room() -> None:
    assert {"Billing", "Usage", "Credits", "InvoiceSummary", "Invoice", "Debtor", "Margin"} <= FIGURES.keys()
    assert {"FleetAgent", "Home", "Summary", "Stats", "Comparison", "VersionList", "Industries"} <= FIGURES.keys()


def test_a_time_covers_the_money_below_it_only() -> None:
    class Sum(Answer):
        total: Money

    class Dated(Answer):
        sums: list[Sum]
        as_of: datetime | None

    class Both(Answer):
        dated: Dated
        bare: Sum | None

    assert says_when(Dated)
    assert not says_when(Sum)
    assert not says_when(Both)

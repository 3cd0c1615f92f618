"""Which models an agent may use here and what they cost: the catalogue, the price book and the installation in one."""

from datetime import date, datetime, timedelta
from typing import Literal

from functions.agents.connections import available
from functions.agents.models import FallbackModel, ModelChoice
from functions.agents.providers import UnknownModel, load
from functions.agents.providers.catalogue import EmbeddingCard, ModelCard
from functions.shared import money, pricing
from functions.shared.config import settings
from functions.shared.errors import Invalid
from functions.shared.http import Answer


class Prices(Answer):
    """What a million tokens cost at the provider, as decimal strings."""

    currency: str
    input: str
    cached_input: str
    output: str
    reasoning: str
    version: str
    demonstration: bool


class Thinking(Answer):
    """How long a model may think; `levels` is weakest first."""

    levels: list[str]
    default: str


class Model(Answer):
    """One model of the catalogue. One that is not `available` is known but its provider is not set up here."""

    provider: str
    provider_name: str
    id: str
    name: str
    summary: str
    context_tokens: int
    max_output_tokens: int
    abilities: list[str]
    thinking: Thinking | None
    regions: list[str]
    status: Literal["available", "preview", "custom"]
    retires_not_before: date | None
    """The first day on which its provider may take it away, as announced; null where nothing is."""
    prices: Prices | None
    available: bool


class RetiredModel(Answer):
    """A model that is gone, and what to take instead; old files still name it."""

    provider: str
    id: str
    since: date
    replaced_by: str


RETIRES_SOON = timedelta(days=90)
"""So long before a model may go its users are warned."""


def models(now: datetime) -> list[Model]:
    """Every model of the catalogue, in its order, then what else has a price: models of the operator's own server."""
    known = {(card.provider, card.id) for card in load().models}
    own = {generic.provider for generic in load().generic}
    prices = pricing.book().prices_at(now)
    others = [(p.provider, p.model) for p in prices if p.provider in own and (p.provider, p.model) not in known]
    cards = [*load().models, *(load().model(provider, model) for provider, model in others)]
    return [_shown(card, now) for card in cards]


def retired() -> list[RetiredModel]:
    """The models that are gone."""
    return [RetiredModel(**dict(card)) for card in load().retired]


def _shown(card: ModelCard, now: datetime) -> Model:
    price = _price(card.provider, card.id, now)
    return Model(
        provider=card.provider,
        provider_name=load().providers[card.provider].name,
        id=card.id,
        name=card.name,
        summary=card.summary,
        context_tokens=card.context_tokens,
        max_output_tokens=card.max_output_tokens,
        abilities=sorted(card.abilities),
        thinking=Thinking(levels=list(card.thinking.levels), default=card.thinking.default) if card.thinking else None,
        regions=list(card.regions),
        status=card.status,
        retires_not_before=card.retires_not_before,
        prices=price,
        available=available(card.provider) and price is not None,
    )


def _price(provider: str, model: str, now: datetime) -> Prices | None:
    try:
        price = pricing.price_at(provider, model, None, now)
    except pricing.UnknownModel:
        return None
    tier = price.tiers[0]
    return Prices(
        currency=price.currency,
        input=money.format_decimal(tier.input),
        cached_input=money.format_decimal(tier.cached_input),
        output=money.format_decimal(tier.output),
        reasoning=money.format_decimal(tier.reasoning),
        version=price.version,
        demonstration=price.demonstration,
    )


def usable(chosen: str, now: datetime) -> bool:
    """Whether `provider/id` is known, priced and reachable here."""
    provider, _, model = chosen.partition("/")
    try:
        card = load().model(provider, model)
    except UnknownModel:
        return False
    return available(card.provider) and _price(provider, model, now) is not None


def default_model(now: datetime) -> str:
    """The model of a new agent, as `provider/id`: the configured one, or the first that works where that one cannot."""
    configured = settings().default_model
    names = [configured, *(f"{card.provider}/{card.id}" for card in load().models)]
    return next((name for name in names if usable(name, now)), configured)


def embedding() -> EmbeddingCard | None:
    """What knowledge is embedded with here: the configured model, or the first that can be reached; None without any."""
    provider, _, model = settings().embedding_model.partition("/")
    cards = sorted(load().embeddings, key=lambda card: (card.provider, card.id) != (provider, model))
    return next((card for card in cards if available(card.provider)), None)


def check(chosen: ModelChoice, now: datetime, prefix: str = "") -> ModelCard:
    """The card of the model. Raises Invalid (`unknown_model`) unless catalogue and price book both know it.

    The same holds for its fallback, which is another one.
    """
    card = _priced(chosen, now, f"{prefix}/model/id")
    if chosen.fallback is not None:
        pointer = f"{prefix}/model/fallback/id"
        _priced(chosen.fallback, now, pointer)
        if (chosen.fallback.provider, chosen.fallback.id) == (chosen.provider, chosen.id):
            raise Invalid(errors=[{"pointer": pointer, "message": "The fallback is another model."}])
    if chosen.thinking is not None and (card.thinking is None or chosen.thinking not in card.thinking.levels):
        levels = ", ".join(card.thinking.levels) if card.thinking else "no level at all"
        message = f"{card.name} takes {levels}."
        raise Invalid(errors=[{"pointer": f"{prefix}/model/thinking", "message": message}])
    return card


def _priced(chosen: ModelChoice | FallbackModel, now: datetime, pointer: str) -> ModelCard:
    try:
        card = load().model(chosen.provider, chosen.id)
        pricing.price_at(chosen.provider, chosen.id, None, now)
    except UnknownModel as error:
        raise _unknown(pointer, _advice(chosen)) from error
    except pricing.UnknownModel as error:
        raise _unknown(pointer, f"{chosen.provider} {chosen.id}"[:200] + " has no price and cannot be used.") from error
    return card


def _advice(chosen: ModelChoice | FallbackModel) -> str:
    for gone in load().retired:
        if (gone.provider, gone.id) == (chosen.provider, chosen.id):
            return f"{gone.id} was retired on {gone.since}; take {gone.replaced_by}."
    return f"{chosen.provider} has no model {chosen.id}."


def _unknown(pointer: str, message: str) -> Invalid:
    return Invalid(
        "The model is not one that can be used. GET /api/config lists them.",
        code="unknown_model",
        errors=[{"pointer": pointer, "message": message}],
    )

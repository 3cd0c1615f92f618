"""What is known about each model, read from models.yaml, so that no code tests a model's name."""

import datetime as dt
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from functions.agents.providers.errors import ModelRejected, UnknownModel

PATH = Path(__file__).parent.parent / "models.yaml"


class _Card(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class ProviderCard(_Card):
    """Which client talks to a provider's models."""

    client: Literal["vertexai", "openai"]
    name: str


class Thinking(_Card):
    """How long a model may think, weakest level first."""

    levels: tuple[str, ...]
    default: str


class ModelCard(_Card):
    """One model that answers."""

    id: str
    provider: str
    name: str
    summary: str
    context_tokens: int
    max_output_tokens: int
    abilities: frozenset[str]
    regions: tuple[str, ...]
    status: Literal["available", "preview", "custom"]
    refuses: frozenset[str]
    thinking: Thinking | None = None
    retires_not_before: dt.date | None = None

    def accepts(self, parameter: str) -> bool:
        """Whether the parameter may be sent."""
        return parameter not in self.refuses

    def served_in(self, location: str) -> bool:
        """Whether this location serves the model."""
        return _served(self.regions, location)


class EmbeddingCard(_Card):
    """One model that turns texts into vectors; `relevance` is the cosine from which a passage answers a question."""

    id: str
    provider: str
    dimensions: int
    input_tokens: int
    relevance: float
    regions: tuple[str, ...]

    def served_in(self, location: str) -> bool:
        """Whether this location serves the model."""
        return _served(self.regions, location)


class RetiredCard(_Card):
    """A model that is gone, and what to take instead."""

    id: str
    provider: str
    since: dt.date
    replaced_by: str


class _Generic(_Card):
    provider: str
    summary: str
    context_tokens: int
    max_output_tokens: int
    abilities: frozenset[str]
    regions: tuple[str, ...]
    status: Literal["custom"]
    refuses: frozenset[str]


class Catalogue(_Card):
    """All of models.yaml."""

    providers: dict[str, ProviderCard]
    models: tuple[ModelCard, ...]
    roles: dict[str, tuple[str, ...]]
    retired: tuple[RetiredCard, ...]
    generic: tuple[_Generic, ...]
    embeddings: tuple[EmbeddingCard, ...]

    def model(self, provider: str, model: str) -> ModelCard:
        """The card of a model that can be called.

        Raises:
            UnknownModel: unknown or retired; the text says what to take instead.
        """
        for card in self.models:
            if (card.provider, card.id) == (provider, model):
                return card
        for gone in self.retired:
            if (gone.provider, gone.id) == (provider, model):
                raise UnknownModel(f"{model} was retired on {gone.since}; take {gone.replaced_by}")
        for generic in self.generic:
            if generic.provider == provider and model:
                return ModelCard(id=model, name=model, **dict(generic))
        raise UnknownModel(f"{provider} has no model {model!r}")

    def embedding(self, provider: str, model: str) -> EmbeddingCard:
        """The card of an embedding model.

        Raises:
            UnknownModel: it is not in the catalogue; its dimensions decide fields and indexes, so nothing is guessed.
        """
        for card in self.embeddings:
            if (card.provider, card.id) == (provider, model):
                return card
        raise UnknownModel(f"{provider} has no embedding model {model!r}")


def check_location(card: ModelCard | EmbeddingCard, location: str) -> None:
    """Refuse a model that the configured location does not serve, before the provider does with a bare 404.

    Raises:
        ModelRejected: it is served elsewhere.
    """
    if not card.served_in(location):
        raise ModelRejected(f"{card.id} is served in {', '.join(card.regions)}, not in {location}")


def _served(regions: tuple[str, ...], location: str) -> bool:
    return location in regions or "*" in regions


@cache
def load(path: Path = PATH) -> Catalogue:
    """The catalogue, read once per process."""
    from ruamel.yaml import YAML

    return Catalogue.model_validate(YAML(typ="safe", pure=True).load(path))

"""What the wizard has to offer over HTTP: industries with their proposals, models, tones, languages, limits, the schema."""

import hashlib
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict

from functions.agents import definitions, industries, knowledge_routes, offers, preview, prompts, yaml_reader
from functions.agents.industries import Industry
from functions.agents.models import Definition, Tone
from functions.shared.http import CONSOLE, MACHINE, Answer, Call, Items, Reply, Routes

api = Routes("agents-api")

Content = TypeVar("Content", bound=BaseModel)


class ShownIndustry(Answer):
    """An industry's proposals, with a model that fits it and works here; `suggested_model` is `provider/id`."""

    id: str
    name: str
    description: str
    regulated: bool
    tone: Tone
    goals: list[str]
    must_do: list[str]
    must_not_do: list[str]
    notice: str
    hand_off_triggers: list[str]
    hand_off_message: str
    sample_questions: list[str]
    greeting: str
    away_message: str
    knowledge_ideas: list[str]
    suggested_model: str
    suggested_model_role: str


class ShownTone(Answer):
    """A tone and what it makes the agent do."""

    id: Tone
    description: str


class ShownLanguage(Answer):
    """A language by its code and its own name."""

    id: str
    name: str


class Limits(Answer):
    """What the wizard takes at most."""

    rules_per_list: int = 30
    rule_characters: int = 300
    sample_questions: int = 8
    instructions_characters: int = 6000
    passages: int = 8
    file_bytes: int = yaml_reader.MAX_BYTES
    knowledge_items: int
    knowledge_item_bytes: int
    knowledge_file_bytes: int
    prompt_tokens_advised: int = preview.LONG_PROMPT_TOKENS


class Config(Answer):
    """What there is to choose from here. `defaults` is the definition of an agent that says nothing but its name."""

    models: list[offers.Model]
    retired_models: list[offers.RetiredModel]
    default_model: str
    embedding_model: str | None
    tones: list[ShownTone]
    languages: list[ShownLanguage]
    limits: Limits
    defaults: Definition


class Schema(Answer):
    """A JSON Schema."""

    model_config = ConfigDict(frozen=True, extra="allow")


LANGUAGES = {
    "en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "it": "Italiano", "pt": "Português",
    "nl": "Nederlands", "sv": "Svenska", "da": "Dansk", "no": "Norsk", "fi": "Suomi", "pl": "Polski", "cs": "Čeština",
    "hu": "Magyar", "ro": "Română", "el": "Ελληνικά", "tr": "Türkçe", "uk": "Українська", "ru": "Русский",
    "ar": "العربية", "he": "עברית", "hi": "हिन्दी", "ja": "日本語", "ko": "한국어", "zh": "中文",
}  # fmt: skip
"""Languages that the wizard offers by name; any other code may be written."""


def _kept(answer: Content) -> Reply[Content]:
    """An answer that changes with a deployment only: kept for an hour, then asked for by its digest."""
    digest = hashlib.sha256(answer.model_dump_json().encode()).hexdigest()[:32]
    return Reply(answer, headers={"Cache-Control": "private, max-age=3600"}, etag=digest)


def _industry(call: Call, found: Industry) -> ShownIndustry:
    names = industries.models_for(found.model_role)
    return ShownIndustry(
        **found.model_dump(exclude={"hand_off", "model_role", "knowledge"}),
        hand_off_triggers=list(found.hand_off.triggers),
        hand_off_message=found.hand_off.message,
        knowledge_ideas=list(found.knowledge),
        suggested_model=next((n for n in names if offers.usable(n, call.now)), offers.default_model(call.now)),
        suggested_model_role=found.model_role,
    )


@api.get(
    "/api/industries",
    callers=(CONSOLE, MACHINE),
    etag=True,
    summary="What the wizard proposes for each kind of business.",
)
def list_industries(call: Call) -> Reply[Items[ShownIndustry]]:
    """All of them on one page."""
    return _kept(Items(items=[_industry(call, found) for found in industries.every()]))


@api.get(
    "/api/industries/{industry}",
    callers=(CONSOLE, MACHINE),
    etag=True,
    summary="The proposals for one kind of business.",
)
def get_industry(call: Call, industry: str) -> Reply[ShownIndustry]:
    """They fill what the wizard leaves open."""
    return _kept(_industry(call, industries.find(industry)))


@api.get(
    "/api/config",
    callers=(CONSOLE, MACHINE),
    etag=True,
    summary="Models with prices, tones, languages, limits, defaults.",
)
def get_config(call: Call) -> Reply[Config]:
    """Prices are those of today, per million tokens."""
    embedding = offers.embedding()
    values = definitions.completed({"name": definitions.UNNAMED}, call.now)
    config = Config(
        models=offers.models(call.now),
        retired_models=offers.retired(),
        default_model=offers.default_model(call.now),
        embedding_model=None if embedding is None else f"{embedding.provider}/{embedding.id}",
        tones=[ShownTone(id=tone, description=prompts.TONES[tone]) for tone in get_args(Tone)],
        languages=[ShownLanguage(id=code, name=name) for code, name in LANGUAGES.items()],
        limits=knowledge_routes.limits(Limits),
        defaults=definitions.formed(values),
    )
    return _kept(config)


@api.get(
    "/api/config/schema",
    callers=(CONSOLE, MACHINE),
    etag=True,
    summary="JSON Schema of an agent's definition and file.",
)
def get_schema(call: Call) -> Reply[Schema]:
    """For editors: it completes and checks the YAML while it is written."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Definition.model_json_schema(),
    }
    return _kept(Schema(**schema))

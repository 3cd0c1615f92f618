"""The two ways to reach a model, behind one protocol; a third means one module here and a line in `build`."""

from dataclasses import dataclass, field
from typing import Any

from functions.agents.providers.catalogue import Catalogue, load
from functions.agents.providers.errors import (
    ModelError,
    ModelInterrupted,
    ModelRefused,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
    UnknownModel,
)
from functions.agents.providers.listening import Listening
from functions.agents.providers.models import (
    Finished,
    ModelRequest,
    Provider,
    StreamItem,
    TextDelta,
    Tool,
    ToolCall,
    Turn,
    Usage,
    UsageReport,
    deadline_in,
    estimate_tokens,
    interrupted_usage,
)

__all__ = [
    "Catalogue",
    "Finished",
    "Listening",
    "ModelError",
    "ModelInterrupted",
    "ModelRefused",
    "ModelRejected",
    "ModelRequest",
    "ModelTimeout",
    "ModelUnavailable",
    "Provider",
    "ProviderSettings",
    "StreamItem",
    "TextDelta",
    "Tool",
    "ToolCall",
    "Turn",
    "UnknownModel",
    "Usage",
    "UsageReport",
    "build",
    "deadline_in",
    "estimate_tokens",
    "interrupted_usage",
    "load",
]


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What an installation configures; tenants never do, since a base URL chooses where our servers connect to."""

    project: str = ""
    location: str = "global"
    vertex_base_url: str | None = None
    credentials: Any = field(default=None, repr=False)
    openai_base_url: str = "http://127.0.0.1:11434/v1"
    openai_api_key: str = field(default="", repr=False)
    offline_base_url: str = ""
    attempts: int = 3
    pause_seconds: float = 0.5


def build(provider: str, settings: ProviderSettings, catalogue: Catalogue | None = None) -> Provider:
    """The provider of that name in models.yaml; nothing is imported or connected before its first call.

    Raises:
        UnknownModel: no such provider.
    """
    known = catalogue or load()
    card = known.providers.get(provider)
    if card is None:
        raise UnknownModel(f"no provider {provider!r}")
    if card.client == "vertexai":
        from functions.agents.providers.vertexai import VertexAI

        return VertexAI(settings, known)
    from functions.agents.providers.openai import OpenAICompatible

    base_url = settings.offline_base_url if provider == "offline" else ""
    return OpenAICompatible(provider, base_url or settings.openai_base_url, settings, known)

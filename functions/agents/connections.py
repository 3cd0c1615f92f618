"""The process's clients of the model providers, and which providers this installation has at all."""

from functools import cache

from functions.agents.providers import Provider, ProviderSettings, build
from functions.shared.config import settings


@cache
def provider(name: str) -> Provider:
    """The client of a provider in models.yaml, built when it is first needed. Raises UnknownModel."""
    return build(
        name,
        ProviderSettings(
            project=settings().project,
            location=settings().vertex_location,
            vertex_base_url=settings().vertex_url,
            openai_base_url=settings().openai_url or "",
            openai_api_key=settings().openai_key,
            offline_base_url=settings().offline_url or "",
        ),
    )


def available(name: str) -> bool:
    """Whether this installation can reach the provider.

    Vertex AI needs only the project, so it is there except beside the offline model, which means a laptop without one;
    VERTEX_URL says that it is there all the same.
    """
    match name:
        case "offline":
            return settings().offline_url is not None
        case "openai":
            return settings().openai_url is not None
        case "vertexai":
            return settings().vertex_url is not None or settings().offline_url is None
    return False

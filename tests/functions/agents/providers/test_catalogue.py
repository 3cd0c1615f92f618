"""The catalogue: what it says is consistent, and what it does not know is an error before any call."""

import pytest

from functions.agents.providers import ModelRejected, ProviderSettings, UnknownModel, build
from functions.agents.providers.catalogue import check_location, load

CATALOGUE = load()


@pytest.mark.parametrize("card", CATALOGUE.models, ids=lambda card: card.id)
def test_every_model_is_consistent(card):
    assert card.provider in CATALOGUE.providers
    assert ("thinking" in card.abilities) == (card.thinking is not None)
    assert card.thinking is None or card.thinking.default in card.thinking.levels
    assert ("temperature" in card.abilities) == card.accepts("temperature")
    assert 0 < card.max_output_tokens < card.context_tokens


def test_ids_are_unique_and_successors_exist():
    ids = [(card.provider, card.id) for card in CATALOGUE.models]
    assert len(ids) == len(set(ids))
    assert all((gone.provider, gone.replaced_by) in ids for gone in CATALOGUE.retired)


def test_an_unknown_model_is_an_error_before_the_call():
    with pytest.raises(UnknownModel):
        CATALOGUE.model("vertexai", "gemini-99")
    with pytest.raises(UnknownModel):
        CATALOGUE.embedding("openai", "anything")
    with pytest.raises(UnknownModel, match="retired"):
        CATALOGUE.model("vertexai", "gemini-2.5-pro")
    with pytest.raises(UnknownModel):
        build("nobody", ProviderSettings())


def test_an_openai_compatible_server_may_serve_any_model():
    card = CATALOGUE.model("openai", "qwen3:8b")
    assert (card.id, card.status) == ("qwen3:8b", "custom")


def test_a_location_that_does_not_serve_a_model_is_told():
    check_location(CATALOGUE.model("vertexai", "gemini-3.5-flash"), "europe-west4")
    with pytest.raises(ModelRejected, match="global, us, eu"):
        check_location(CATALOGUE.model("vertexai", "gemini-4-argon"), "europe-west4")


def test_building_a_provider_imports_no_client():
    import subprocess
    import sys

    script = (
        "import sys; from functions.agents import providers\n"
        "for name in ('vertexai', 'openai', 'offline'): providers.build(name, providers.ProviderSettings())\n"
        "assert not {'google.genai', 'requests', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)

"""Listening: pulses while a model is silent, an end at any moment, and nothing lost for the bill."""

import time
from collections.abc import Iterator

import pytest
from google.oauth2.credentials import Credentials

from functions.agents import providers
from functions.agents.providers import Listening, ModelRequest, ProviderSettings, Turn
from functions.agents.providers.vertexai import close
from tests.standins.vertex import Plan, VertexStandIn

REQUEST = ModelRequest("gemini-3.8-flash", (Turn("user", "when do you open"),), 200)


@pytest.fixture
def standin() -> Iterator[VertexStandIn]:
    with VertexStandIn() as running:
        yield running
        close()


def vertex(standin: VertexStandIn) -> providers.Provider:
    settings = ProviderSettings(
        "p", vertex_base_url=standin.url, credentials=Credentials(token="t"), pause_seconds=0.01
    )
    return providers.build("vertexai", settings)


def test_a_whole_answer_has_the_provider_s_own_usage(standin):
    with Listening(vertex(standin), REQUEST, providers.deadline_in(10), pulse=5) as items:
        assert list(items)[-1] == providers.Finished("stop")
    assert items.text == "We open at nine."
    assert items.usage(thinks=True) == providers.Usage(4, 0, 4, 5)


def test_silence_gives_pulses_and_then_the_answer_goes_on(standin):
    standin.plan = Plan(stall_after=2)
    seen: list[providers.StreamItem | None] = []
    with Listening(vertex(standin), REQUEST, providers.deadline_in(10), pulse=0.02) as items:
        for item in items:
            seen.append(item)
            if item is None:
                standin.release.set()
    assert None in seen
    assert seen[-1] == providers.Finished("stop")


def test_closing_ends_a_silent_stream_at_once_and_bills_what_came(standin):
    standin.plan = Plan(stall_after=2)
    with Listening(vertex(standin), REQUEST, providers.deadline_in(30), pulse=0.02) as items:
        assert any(item is None and items.text == "We open" for item in items)
        begin = time.monotonic()
    assert time.monotonic() - begin < 10
    assert standin.client_gone.wait(5)
    assert items.text == "We open"
    usage = items.usage(thinks=True)
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (4, 2, True)
    assert usage.pending == ("reasoning_tokens",)


def test_closing_ends_the_pause_between_two_tries(standin):
    standin.plan = Plan(statuses=[(503, {"Retry-After": "20"})])
    with Listening(vertex(standin), REQUEST, providers.deadline_in(60), pulse=0.02) as items:
        assert any(item is None and not standin.plan.statuses for item in items)
        begin = time.monotonic()
    assert time.monotonic() - begin < 10
    assert len(standin.seen) == 1


def test_the_provider_s_error_reaches_the_listener(standin):
    standin.plan = Plan(break_after=2)
    with Listening(vertex(standin), REQUEST, providers.deadline_in(10), pulse=5) as items:
        with pytest.raises(providers.ModelInterrupted):
            list(items)
        assert items.usage(thinks=False).estimated

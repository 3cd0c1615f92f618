"""Vertex AI by the real SDK against a strict stand-in."""

import threading
import time
from collections.abc import Iterator

import pytest

from functions.agents import providers
from functions.agents.prompt_format import HAND_OFF
from functions.agents.providers import ModelRequest, ProviderSettings, Turn
from functions.agents.providers.vertexai import buckets, close
from tests.standins.vertex import Plan, VertexStandIn


@pytest.fixture(scope="module")
def standin() -> Iterator[VertexStandIn]:
    with VertexStandIn() as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(standin: VertexStandIn) -> Iterator[None]:
    standin.plan = Plan()
    standin.seen.clear()
    standin.release.clear()
    standin.client_gone.clear()
    yield
    standin.release.set()


@pytest.fixture(scope="module")
def vertex(standin: VertexStandIn) -> Iterator[providers.Provider]:
    import google.genai  # noqa: F401 - its import must not eat a test's deadline
    from google.oauth2.credentials import Credentials

    settings = ProviderSettings(
        project="p1",
        location="eu",
        vertex_base_url=standin.url,
        credentials=Credentials(token="test"),
        attempts=3,
        pause_seconds=0.01,
    )
    yield providers.build("vertexai", settings)
    close()


def ask(model: str = "gemini-3.8-flash", **changes: object) -> ModelRequest:
    fields: dict[str, object] = {
        "model": model,
        "turns": (Turn("user", "hello"), Turn("assistant", "hello, how can I help"), Turn("user", "when do you open")),
        "max_output_tokens": 200,
        "system": "You are kind",
    }
    return ModelRequest(**{**fields, **changes})  # type: ignore[arg-type]


def play(vertex: providers.Provider, request: ModelRequest, seconds: float = 10) -> list[providers.StreamItem]:
    return list(vertex.stream(request, providers.deadline_in(seconds)))


def text(items: list[providers.StreamItem]) -> str:
    return "".join(item.text for item in items if isinstance(item, providers.TextDelta))


def usage(items: list[providers.StreamItem]) -> providers.Usage:
    return [item.usage for item in items if isinstance(item, providers.UsageReport)][-1]


def test_an_answer_streams_with_its_usage_in_exclusive_buckets(vertex, standin):
    standin.plan = Plan(text="We open at nine.", thoughts=5, cached=4)
    items = play(vertex, ask())
    assert text(items) == "We open at nine."
    assert sum(isinstance(item, providers.TextDelta) for item in items) == 4
    assert usage(items) == providers.Usage(13 - 4, 4, 4, 5)
    assert items[-1] == providers.Finished("stop")
    assert standin.seen[0].location == "eu"
    assert [c["role"] for c in standin.seen[0].body["contents"]] == ["user", "model", "user"]


def test_thoughts_are_billed_and_never_shown(vertex):
    assert "so I think" not in text(play(vertex, ask()))


@pytest.mark.parametrize("model", ["gemini-3.8-flash", "gemini-4-argon", "gemini-4-hydrogen", "gemini-3.6-flash"])
def test_what_a_model_refuses_is_never_sent(vertex, standin, model):
    items = play(vertex, ask(model, temperature=0.3, thinking="minimal", tools=(HAND_OFF,), labels={"agent": "a1"}))
    assert items[-1] == providers.Finished("stop")
    config = standin.seen[0].body["generationConfig"]
    assert "temperature" not in config
    assert "thinkingConfig" not in config
    assert standin.seen[0].body["labels"] == {"agent": "a1"}


def test_what_a_model_takes_is_sent(vertex, standin):
    play(vertex, ask("gemini-3.5-flash-lite", temperature=0.3, thinking="low"))
    config = standin.seen[0].body["generationConfig"]
    assert config["temperature"] == 0.3
    assert list(config["thinkingConfig"].values()) == ["LOW"]
    assert config["maxOutputTokens"] == 200


def test_the_level_that_only_the_newest_model_has_reaches_it(vertex, standin):
    play(vertex, ask("gemini-4-hydrogen", thinking="xhigh"))
    assert list(standin.seen[0].body["generationConfig"]["thinkingConfig"].values()) == ["XHIGH"]


def test_a_tool_call_arrives_as_structure(vertex, standin):
    standin.plan = Plan(function_call={"name": "hand_off", "args": {"reason": "asked"}})
    items = play(vertex, ask(tools=(HAND_OFF,)))
    assert providers.ToolCall("hand_off", {"reason": "asked"}) in items
    declared = standin.seen[0].body["tools"][0]["functionDeclarations"][0]
    assert declared["name"] == "hand_off"


def test_a_blocked_prompt_reports_its_usage_and_refuses(vertex, standin):
    standin.plan = Plan(blocked="PROHIBITED_CONTENT")
    items: list[providers.StreamItem] = []
    with pytest.raises(providers.ModelRefused) as refused:
        items.extend(vertex.stream(ask(), providers.deadline_in(10)))
    assert refused.value.reason == "PROHIBITED_CONTENT"
    assert usage(items) == providers.Usage(13, 0, 0, 0)


@pytest.mark.parametrize(
    ("finish", "reason"), [("MAX_TOKENS", "max_tokens"), ("SAFETY", "blocked"), ("MODEL_ARMOR", "blocked")]
)
def test_the_end_says_why(vertex, standin, finish, reason):
    standin.plan = Plan(finish=finish)
    assert play(vertex, ask())[-1] == providers.Finished(reason)


@pytest.mark.parametrize("finish", [None, "MALFORMED_FUNCTION_CALL"])
def test_an_end_that_is_a_fault_is_one(vertex, standin, finish):
    standin.plan = Plan(finish=finish)
    with pytest.raises(providers.ModelInterrupted):
        play(vertex, ask())


def test_a_failure_before_the_first_delta_is_tried_again(vertex, standin):
    standin.plan = Plan(statuses=[503, (429, {"Retry-After": "0"})])
    assert text(play(vertex, ask())) == "We open at nine."
    assert len(standin.seen) == 3


def test_the_tries_are_bounded_and_the_last_word_is_kept(vertex, standin):
    standin.plan = Plan(statuses=[429, 429, (429, {"Retry-After": "7"}), 429])
    with pytest.raises(providers.ModelUnavailable) as unavailable:
        play(vertex, ask())
    assert unavailable.value.retry_after == 7
    assert len(standin.seen) == 3


def test_no_try_begins_after_the_deadline(vertex, standin):
    standin.plan = Plan(statuses=[(503, {"Retry-After": "60"})] * 3)
    with pytest.raises(providers.ModelUnavailable):
        play(vertex, ask(), seconds=5)
    assert len(standin.seen) == 1


@pytest.mark.parametrize("plan", [Plan(break_after=2), Plan(error_after=2)])
def test_a_stream_that_breaks_keeps_what_came_and_is_not_repeated(vertex, standin, plan):
    standin.plan = plan
    items: list[providers.StreamItem] = []
    with pytest.raises(providers.ModelInterrupted):
        items.extend(vertex.stream(ask(), providers.deadline_in(10)))
    assert text(items) == "We open"
    assert usage(items).input_tokens == 13
    assert len(standin.seen) == 1


@pytest.mark.parametrize("plan", [Plan(stall_before_headers=True), Plan(stall_after=2), Plan(stall_after=2, drip=True)])
def test_the_deadline_ends_a_silent_and_a_dripping_stream(vertex, standin, plan):
    standin.plan = plan
    begin = time.monotonic()
    with pytest.raises(providers.ModelTimeout):
        play(vertex, ask(), seconds=1)
    assert time.monotonic() - begin < 5
    assert len(standin.seen) == 1


def test_closing_the_stream_closes_the_connection(vertex, standin):
    standin.plan = Plan(stall_after=2)
    stream = vertex.stream(ask(), providers.deadline_in(20))
    assert any(isinstance(next(stream), providers.TextDelta) for _ in range(2))
    stream.close()
    assert standin.client_gone.wait(5)


def test_a_retired_model_is_refused_before_any_call_and_names_its_successor(vertex, standin):
    with pytest.raises(providers.UnknownModel, match=r"gemini-3\.8-flash"):
        play(vertex, ask("gemini-2.5-flash"))
    assert standin.seen == []


def test_a_model_that_the_location_does_not_serve_is_refused_before_any_call(vertex, standin):
    with pytest.raises(providers.ModelRejected, match="global"):
        play(vertex, ask("gemini-3.1-pro-preview"))
    assert standin.seen == []


def test_a_bad_request_is_ours_and_is_not_repeated(vertex, standin):
    standin.plan = Plan(statuses=[400])
    with pytest.raises(providers.ModelRejected):
        play(vertex, ask())
    assert len(standin.seen) == 1


def test_a_server_that_is_not_there_is_unavailable():
    from google.oauth2.credentials import Credentials

    settings = ProviderSettings(
        project="p1",
        vertex_base_url="http://127.0.0.1:1",
        credentials=Credentials(token="t"),
        attempts=2,
        pause_seconds=0.01,
    )
    with pytest.raises(providers.ModelUnavailable):
        play(providers.build("vertexai", settings), ask())


def test_tokens_are_counted_by_the_provider(vertex, standin):
    assert vertex.count_tokens(ask(tools=(HAND_OFF,)), providers.deadline_in(5)) == 13
    assert standin.seen[0].method == "countTokens"


@pytest.mark.parametrize("model", ["gemini-embedding-001", "gemini-embedding-2"])
def test_each_text_gets_a_vector_of_the_catalogue_s_dimensions(vertex, standin, model):
    vectors = vertex.embed(["a", "b"], model, providers.deadline_in(5), purpose="query")
    assert [len(vector) for vector in vectors] == [768, 768]


def test_a_count_that_no_total_proves_stays_pending():
    prompt = buckets({"prompt_token_count": 9}, final=True)
    assert prompt.pending == ("cached_input_tokens", "output_tokens", "reasoning_tokens")
    assert buckets({}, final=True) == providers.Usage()
    whole = {"prompt_token_count": 9, "candidates_token_count": 3, "total_token_count": 12}
    assert buckets(whole, final=True) == providers.Usage(9, 0, 3, 0)
    assert buckets(whole, final=False).pending == ("cached_input_tokens", "reasoning_tokens")
    unproved = buckets({**whole, "total_token_count": 15}, final=True)
    assert unproved.pending == ("cached_input_tokens", "reasoning_tokens")


def test_tool_use_is_input_and_the_cache_is_a_part_of_the_prompt():
    counts = {
        "prompt_token_count": 100,
        "tool_use_prompt_token_count": 10,
        "cached_content_token_count": 60,
        "candidates_token_count": 5,
        "thoughts_token_count": 7,
        "total_token_count": 122,
    }
    assert buckets(counts, final=True) == providers.Usage(50, 60, 5, 7)


def test_many_streams_share_one_client(vertex, standin):
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(text(play(vertex, ask())))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["We open at nine."] * 8

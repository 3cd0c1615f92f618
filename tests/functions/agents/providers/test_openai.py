"""The OpenAI-compatible provider against the offline model, and against servers that keep less of the protocol."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from functions.agents import providers
from functions.agents.prompt_format import HAND_OFF, knowledge_block
from functions.agents.providers import ModelRequest, ProviderSettings, Turn
from functions.agents.providers.openai import buckets
from tests import engines

SYSTEM = "You are kind.\n" + knowledge_block([("When are you open?", "Monday to Friday from 8:00 to 18:00.")])


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[providers.Provider]:
    engine = engines.start("model", Path(tmp_path_factory.mktemp("model")), "--pace", "0", "--allow-faults")
    settings = ProviderSettings(offline_base_url=f"http://{engine.address}/v1", attempts=2, pause_seconds=0.01)
    yield providers.build("offline", settings)
    engine.kill()


def ask(text: str, **changes: object) -> ModelRequest:
    fields: dict[str, object] = {
        "model": "offline-extractive",
        "turns": (Turn("user", text),),
        "max_output_tokens": 200,
        "system": SYSTEM,
    }
    return ModelRequest(**{**fields, **changes})  # type: ignore[arg-type]


def play(provider: providers.Provider, request: ModelRequest, seconds: float = 10) -> list[providers.StreamItem]:
    return list(provider.stream(request, providers.deadline_in(seconds)))


def text(items: list[providers.StreamItem]) -> str:
    return "".join(item.text for item in items if isinstance(item, providers.TextDelta))


def test_the_offline_model_streams_an_answer_with_its_usage(offline):
    items = play(offline, ask("When are you open?"))
    assert text(items) == "Monday to Friday from 8:00 to 18:00. [1]"
    usage = next(item.usage for item in items if isinstance(item, providers.UsageReport))
    assert usage.pending == ()
    assert (usage.cached_input_tokens, usage.reasoning_tokens, usage.estimated) == (0, 0, False)
    assert items[-1] == providers.Finished("stop")


def test_a_hand_off_arrives_as_structure(offline):
    items = play(offline, ask("Can I speak to a person?", tools=(HAND_OFF,)))
    assert providers.ToolCall("hand_off", {"reason": "asked"}) in items


def test_the_token_limit_ends_an_answer(offline):
    assert play(offline, ask("When are you open?", max_output_tokens=2))[-1] == providers.Finished("max_tokens")


def test_a_failure_before_the_stream_is_unavailable_with_the_server_s_wish(offline):
    with pytest.raises(providers.ModelUnavailable) as unavailable:
        play(offline, ask("!fault:before"))
    assert unavailable.value.retry_after == 1


@pytest.mark.parametrize("fault", ["during", "after"])
def test_a_stream_that_breaks_keeps_what_came(offline, fault):
    items: list[providers.StreamItem] = []
    with pytest.raises(providers.ModelInterrupted):
        items.extend(offline.stream(ask(f"When are you open? !fault:{fault}"), providers.deadline_in(10)))
    assert text(items).startswith("Monday to")
    request = ask("When are you open?")
    usage = providers.interrupted_usage(request, None, text(items), thinks=False)
    assert usage.estimated
    assert usage.pending == ()


def test_a_filtered_answer_is_blocked(offline):
    assert play(offline, ask("!fault:refuse"))[-1] == providers.Finished("blocked")


def test_the_deadline_ends_a_slow_stream(offline):
    begin = time.monotonic()
    with pytest.raises(providers.ModelTimeout):
        play(offline, ask("When are you open? !fault:slow"), seconds=1)
    assert time.monotonic() - begin < 5


def test_embeddings_come_in_the_catalogue_s_dimensions(offline):
    vectors = offline.embed([f"text {n}" for n in range(130)], "wordllama-256", providers.deadline_in(10))
    assert len(vectors) == 130
    assert {len(vector) for vector in vectors} == {256}


def test_counting_is_an_estimate(offline):
    assert offline.count_tokens(ask("When are you open?"), providers.deadline_in(1)) > 10


class Plain(BaseHTTPRequestHandler):
    """A server whose answers a test writes by hand; `gone` is set when the client leaves."""

    parts: list[bytes] = []  # noqa: RUF012 - one test at a time sets it
    kind = "text/event-stream"
    status = 200
    seen: list[tuple[dict[str, object], str | None]] = []  # noqa: RUF012
    stall = threading.Event()
    gone = threading.Event()

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append((body, self.headers.get("Authorization")))
        self.send_response(self.status)
        self.send_header("Content-Type", self.kind)
        if self.status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        try:
            for part in self.parts:
                self.wfile.write(part)
                self.wfile.flush()
            while self.stall.is_set():
                self.wfile.write(b": ping\n")
                self.wfile.flush()
                time.sleep(0.02)  # a server's pace, not a test's wait
        except OSError:
            self.gone.set()


@pytest.fixture
def plain() -> Iterator[tuple[type[Plain], providers.Provider]]:
    handler = type("Handler", (Plain,), {"seen": [], "stall": threading.Event(), "gone": threading.Event()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # clients leave on purpose
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    settings = ProviderSettings(
        openai_base_url=f"http://127.0.0.1:{server.server_address[1]}/v1/",
        openai_api_key="key-1",
        attempts=2,
        pause_seconds=0.01,
    )
    yield handler, providers.build("openai", settings)
    handler.stall.clear()
    server.shutdown()
    server.server_close()


def event(**choice: object) -> bytes:
    return f"data: {json.dumps({'choices': [{'index': 0, **choice}]})}\n\n".encode()


def test_a_server_may_leave_out_usage_and_split_anything_anywhere(plain):
    handler, provider = plain
    whole = (
        event(delta={"content": "Grüße"}) + b": ping\n\n" + event(delta={}, finish_reason="stop") + b"data: [DONE]\n\n"
    )
    handler.parts = [whole[i : i + 3] for i in range(0, len(whole), 3)]
    items = play(provider, ask("hi", model="llama-3", temperature=0.2))
    assert items == [providers.TextDelta("Grüße"), providers.Finished("stop")]
    body, key = handler.seen[0]
    assert body["temperature"] == 0.2
    assert key == "Bearer key-1"


def test_a_server_that_ignores_streaming_is_read_whole(plain):
    handler, provider = plain
    handler.kind = "application/json"
    answer = {
        "choices": [{"message": {"content": "Hello."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2},
    }
    handler.parts = [json.dumps(answer).encode()]
    items = play(provider, ask("hi", model="llama-3"))
    assert text(items) == "Hello."
    assert providers.UsageReport(providers.Usage(7, 0, 2, 0)) in items


def test_the_pieces_of_a_tool_call_are_put_together(plain):
    handler, provider = plain
    pieces = [{"name": "hand_off", "arguments": '{"rea'}, {"arguments": 'son": "rule"}'}]
    handler.parts = [
        *(event(delta={"tool_calls": [{"index": 0, "function": piece}]}) for piece in pieces),
        event(delta={}, finish_reason="tool_calls"),
    ]
    items = play(provider, ask("hi", model="llama-3", tools=(HAND_OFF,)))
    assert items == [providers.ToolCall("hand_off", {"reason": "rule"}), providers.Finished("stop")]


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ([b"data: {not json\n\n"], providers.ModelUnavailable),
        ([], providers.ModelUnavailable),
        ([event(delta={"content": "Hel"})], providers.ModelInterrupted),
        (
            [event(delta={"content": "Hel"}), b'data: {"error": {"message": "out of memory"}}\n\n'],
            providers.ModelInterrupted,
        ),
        ([b'data: {"error": "out of memory"}\n\n'], providers.ModelUnavailable),
    ],
)
def test_a_broken_answer_is_never_taken_for_a_whole_one(plain, parts, error):
    handler, provider = plain
    handler.parts = parts
    with pytest.raises(error):
        play(provider, ask("hi", model="llama-3"))
    assert len(handler.seen) == (1 if error is providers.ModelInterrupted else 2)


@pytest.mark.parametrize("status", [302, 400, 401, 404])
def test_what_is_our_fault_is_not_repeated_and_the_key_goes_nowhere_else(plain, status):
    handler, provider = plain
    handler.status = status
    with pytest.raises(providers.ModelRejected):
        play(provider, ask("hi", model="llama-3"))
    assert len(handler.seen) == 1


def test_the_deadline_ends_a_stream_that_only_drips(plain):
    handler, provider = plain
    handler.parts = [event(delta={"content": "Hel"})]
    handler.stall.set()
    begin = time.monotonic()
    with pytest.raises(providers.ModelTimeout):
        play(provider, ask("hi", model="llama-3"), seconds=1)
    assert time.monotonic() - begin < 5


def test_closing_the_stream_closes_the_connection(plain):
    handler, provider = plain
    handler.parts = [event(delta={"content": "Hel"})]
    handler.stall.set()
    stream = provider.stream(ask("hi", model="llama-3"), providers.deadline_in(20))
    assert next(stream) == providers.TextDelta("Hel")
    stream.close()
    assert handler.gone.wait(5)


def test_a_server_that_is_not_there_is_unavailable():
    settings = ProviderSettings(openai_base_url="http://127.0.0.1:1/v1", attempts=2, pause_seconds=0.01)
    with pytest.raises(providers.ModelUnavailable):
        play(providers.build("openai", settings), ask("hi", model="llama-3"))


def test_cached_and_reasoning_tokens_are_taken_out_of_the_totals():
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 20},
    }
    assert buckets(usage) == providers.Usage(36, 64, 10, 20)
    assert buckets({"prompt_tokens": 5}).pending == ("output_tokens", "reasoning_tokens")

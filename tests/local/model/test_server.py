"""The offline model as a process, spoken to as any client would."""

import base64
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from functions.agents.prompt_format import HAND_OFF, knowledge_block
from tests import engines

KNOWLEDGE = knowledge_block(
    [
        ("When are you open?", "Monday to Friday from 8:00 to 18:00, Saturday from 9:00 to 13:00."),
        ("Price list › Cleaning", "A professional cleaning takes 45 minutes and costs 95 dollars."),
    ]
)
TOOLS = [
    {"type": "function", "function": {"name": HAND_OFF.name, "parameters": dict(HAND_OFF.parameters)}},
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    engine = engines.start("model", Path(tmp_path_factory.mktemp("model")), "--pace", "0", "--allow-faults")
    yield f"http://{engine.address}/v1"
    engine.kill()


def complete(url: str, text: str, system: str = KNOWLEDGE, **more: object) -> dict[str, object]:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    body = {"model": "offline-extractive", "messages": messages, **more}
    answer = requests.post(f"{url}/chat/completions", json=body, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def said(answer: dict[str, object]) -> str:
    return answer["choices"][0]["message"]["content"]


def test_an_answer_quotes_the_knowledge_and_names_its_source(url):
    answer = complete(url, "What are your opening hours?")
    assert said(answer) == "Monday to Friday from 8:00 to 18:00, Saturday from 9:00 to 13:00. [1]"
    assert said(complete(url, "How much is a cleaning?")).endswith("95 dollars. [2]")


def test_it_says_what_it_is(url):
    answer = complete(url, "When are you open?")
    assert answer["model"] == "offline-extractive"
    assert "not a language model" in answer["system_fingerprint"]


def test_what_the_knowledge_does_not_say_it_does_not_know(url):
    assert said(complete(url, "Who is the king of Sweden?")).startswith("I don't know")
    assert said(complete(url, "When are you open?", system="You are kind.")).startswith("I don't know")


def test_it_does_not_know_in_the_visitor_s_language(url):
    assert said(complete(url, "Wie hoch ist der Eiffelturm?")).startswith("Das weiß ich nicht")
    assert said(complete(url, "Qui est le roi de Suède ?")).startswith("Je ne sais pas")


def test_a_greeting_is_answered_in_its_language(url):
    assert said(complete(url, "Guten Tag!")) == "Guten Tag! Was möchten Sie wissen?"
    assert said(complete(url, "hello")).startswith("Hello")
    assert said(complete(url, "¡Gracias!")) == "De nada."


def test_a_hand_off_is_a_tool_call_and_only_where_it_is_offered(url):
    asked = complete(url, "I want to talk to a human", tools=TOOLS)["choices"][0]
    assert asked["finish_reason"] == "tool_calls"
    call = asked["message"]["tool_calls"][0]["function"]
    assert (call["name"], json.loads(call["arguments"])) == ("hand_off", {"reason": "asked"})
    unanswered = complete(url, "Who is the king of Sweden?", tools=TOOLS)["choices"][0]
    assert json.loads(unanswered["message"]["tool_calls"][0]["function"]["arguments"]) == {"reason": "unanswered"}
    assert "tool_calls" not in complete(url, "I want to talk to a human")["choices"][0]["message"]
    assert "tool_calls" not in complete(url, "When are you open?", tools=TOOLS)["choices"][0]["message"]


def test_the_same_prompt_costs_the_same_tokens(url):
    first, second = (complete(url, "What are your opening hours?")["usage"] for _ in range(2))
    assert first == second
    assert first["total_tokens"] == first["prompt_tokens"] + first["completion_tokens"]
    assert 0 < first["completion_tokens"] < 60 < first["prompt_tokens"]


def test_tokens_never_exceed_the_bytes_that_a_hold_is_made_from(url):
    text = "温泉 a, b; c! – 12:30 naïve"
    answer = complete(url, text, system="")
    assert answer["usage"]["prompt_tokens"] <= len(text.encode())


def test_an_answer_stops_at_its_token_limit(url):
    answer = complete(url, "What are your opening hours?", max_tokens=3)
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] <= 3


def test_a_stream_gives_word_after_word_then_usage_when_asked(url):
    messages = [{"role": "system", "content": KNOWLEDGE}, {"role": "user", "content": "When are you open?"}]
    body = {"model": "offline-extractive", "messages": messages, "stream": True}
    body["stream_options"] = {"include_usage": True}
    answer = requests.post(f"{url}/chat/completions", json=body, timeout=10)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    lines = [line[6:] for line in answer.content.decode().split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    events = [json.loads(line) for line in lines[:-1]]
    words = [event["choices"][0]["delta"].get("content", "") for event in events if event["choices"]]
    assert "".join(words).startswith("Monday to Friday")
    assert len(words) > 10
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["completion_tokens"] > 0


def test_embeddings_are_unit_vectors_in_order_in_either_encoding(url):
    body = {"model": "wordllama-256", "input": ["opening hours", "when are you open", "bicycle"]}
    rows = requests.post(f"{url}/embeddings", json=body, timeout=10).json()
    vectors = [row["embedding"] for row in rows["data"]]
    assert [len(vector) for vector in vectors] == [256] * 3
    assert sum(v * v for v in vectors[0]) == pytest.approx(1, abs=1e-4)
    dot = [sum(a * b for a, b in zip(vectors[0], other, strict=True)) for other in vectors]
    assert dot[1] > dot[2]
    coded = requests.post(f"{url}/embeddings", json={**body, "encoding_format": "base64"}, timeout=10).json()
    raw = base64.b64decode(coded["data"][0]["embedding"])
    assert struct.unpack("<256f", raw) == pytest.approx(vectors[0])
    short = requests.post(f"{url}/embeddings", json={**body, "dimensions": 64}, timeout=10).json()
    assert len(short["data"][0]["embedding"]) == 64


def test_the_models_are_listed(url):
    names = [row["id"] for row in requests.get(f"{url}/models", timeout=10).json()["data"]]
    assert names == ["offline-extractive", "wordllama-256"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/chat/completions", {"model": "gpt-9", "messages": [{"role": "user", "content": "x"}]}, 404),
        ("/chat/completions", {"model": "offline-extractive", "messages": []}, 400),
        ("/chat/completions", {"model": "offline-extractive", "messages": [{"role": "user"}]}, 400),
        ("/chat/completions", ["x"], 400),
        ("/embeddings", {"model": "wordllama-256", "input": [1]}, 400),
        ("/embeddings", {"model": "other", "input": "x"}, 404),
        ("/embeddings", {"model": "wordllama-256", "input": "x", "dimensions": 999}, 400),
    ],
)
def test_a_wrong_request_is_told_so(url, path, body, status):
    answer = requests.post(f"{url}{path}", json=body, timeout=10)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_faults_are_off_unless_allowed(tmp_path):
    engine = engines.start("model", tmp_path, "--pace", "0")
    try:
        answer = complete(f"http://{engine.address}/v1", "hello !fault:before")
        assert said(answer)
    finally:
        engine.kill()

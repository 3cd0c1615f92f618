"""The HTTP side of the offline model: chat completions, embeddings and models, as OpenAI's protocol has them.

With `faults` allowed, a user's text or an `X-Fault` header may ask for one, so that tests can see what a turn does:
`!fault:before` 503 · `!fault:during` the connection drops in mid-answer · `!fault:after` it drops before the usage ·
`!fault:slow` each token takes 0.3 s · `!fault:refuse` a content filter ends the answer.
"""

import asyncio
import base64
import itertools
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from local.model import answers, embeddings

MODEL = "offline-extractive"
FINGERPRINT = "offline-extractive-1: quotes knowledge, not a language model"
FAULTS = ("before", "during", "after", "slow", "refuse")
_FAULT = re.compile(rf"!fault:({'|'.join(FAULTS)})\b")
_SLOW_SECONDS = 0.3


class BadRequest(Exception):
    """The request is not one of this protocol; the text says what is wrong."""


class ConnectionDropped(Exception):
    """A planned fault: ends the response without its end."""


@dataclass(frozen=True, slots=True)
class _Reply:
    """One finished answer before it is sent."""

    pieces: list[str]
    hand_off: str | None
    finish: str
    prompt_tokens: int
    completion_tokens: int
    fault: str

    @property
    def usage(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }


class ModelServer:
    """Answers requests; `pace` is the seconds that each streamed token takes."""

    def __init__(self, embedder: embeddings.Embedder, pace: float, faults: bool) -> None:
        """Loads nothing."""
        self._embedder = embedder
        self._pace = pace
        self._faults = faults
        self._numbers = itertools.count(1)

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/health", self.health),
                Route("/v1/models", self.models),
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
                Route("/v1/embeddings", self.embed, methods=["POST"]),
            ],
            exception_handlers={BadRequest: _bad_request},
        )

    async def health(self, request: Request) -> Response:
        """Up."""
        return JSONResponse({"status": "healthy", "service": "model"})

    async def models(self, request: Request) -> Response:
        """Both models."""
        names = (MODEL, embeddings.MODEL)
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "offline"} for name in names]
        return JSONResponse({"object": "list", "data": data})

    async def embed(self, request: Request) -> Response:
        """Vectors, as numbers or base64; `dimensions` may cut them shorter."""
        body = await _body(request)
        texts = body.get("input")
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise BadRequest("input must be a text or a list of texts")
        if body.get("model") != embeddings.MODEL:
            return _unknown(body.get("model"))
        size = body.get("dimensions", embeddings.DIMENSIONS)
        if not isinstance(size, int) or not 1 <= size <= embeddings.DIMENSIONS:
            raise BadRequest(f"dimensions must be between 1 and {embeddings.DIMENSIONS}")
        vectors = await run_in_threadpool(self._embedder.embed, texts)
        if size < embeddings.DIMENSIONS:
            vectors = embeddings.shortened(vectors, size)
        as_text = body.get("encoding_format") == "base64"
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": base64.b64encode(vector.tobytes()).decode() if as_text else vector.tolist(),
            }
            for index, vector in enumerate(vectors)
        ]
        count = sum(answers.tokens(text) for text in texts)
        usage = {"prompt_tokens": count, "total_tokens": count}
        return JSONResponse({"object": "list", "model": embeddings.MODEL, "data": data, "usage": usage})

    async def chat(self, request: Request) -> Response:
        """One answer, whole or streamed."""
        body = await _body(request)
        if body.get("model") != MODEL:
            return _unknown(body.get("model"))
        messages = _messages(body)
        fault = self._fault(request, messages)
        if fault == "before":
            return _error(503, "a planned fault", "server_error", {"Retry-After": "1"})
        reply = await run_in_threadpool(self._reply, body, messages, fault)
        head = {
            "id": f"chatcmpl-offline-{next(self._numbers)}",
            "created": int(time.time()),
            "model": MODEL,
            "system_fingerprint": FINGERPRINT,
        }
        if body.get("stream"):
            options = body.get("stream_options") or {}
            events = self._events(head, reply, bool(options.get("include_usage")))
            return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        message: dict[str, Any] = {"role": "assistant", "content": "".join(reply.pieces)}
        if reply.hand_off:
            message["tool_calls"] = [_tool_call(reply.hand_off)]
        choice = {"index": 0, "message": message, "finish_reason": reply.finish}
        return JSONResponse({**head, "object": "chat.completion", "choices": [choice], "usage": reply.usage})

    def _fault(self, request: Request, messages: list[tuple[str, str]]) -> str:
        if not self._faults:
            return ""
        asked = _FAULT.search(messages[-1][1])
        name = asked[1] if asked else request.headers.get("x-fault", "")
        return name if name in FAULTS else ""

    def _reply(self, body: dict[str, Any], messages: list[tuple[str, str]], fault: str) -> _Reply:
        tools = body.get("tools") or []
        offered = any((tool.get("function") or {}).get("name") == "hand_off" for tool in tools)
        system = "\n".join(text for role, text in messages if role in {"system", "developer"})
        turns = [(role, text) for role, text in messages if role in {"user", "assistant"}]
        found = answers.answer(
            system, turns, self._embedder.embed, may_hand_off=offered and body.get("tool_choice") != "none"
        )
        pieces = re.findall(r"\S+\s*|\s+", found.text)
        hand_off, finish = found.hand_off, "tool_calls" if found.hand_off else "stop"
        limit = body.get("max_completion_tokens") or body.get("max_tokens") or 4096
        kept: list[str] = []
        used = 0
        for piece in pieces:
            used += answers.tokens(piece)
            if used > limit:
                hand_off, finish = None, "length"
                break
            kept.append(piece)
        if fault == "refuse":
            kept, hand_off, finish = kept[:1], None, "content_filter"
        spoken = "".join(kept) + (json.dumps(_tool_call(hand_off)["function"]) if hand_off else "")
        asked = "".join(text for _, text in messages) + (json.dumps(tools) if tools else "")
        return _Reply(kept, hand_off, finish, answers.tokens(asked), answers.tokens(spoken), fault)

    async def _events(self, head: dict[str, Any], reply: _Reply, with_usage: bool) -> AsyncIterator[str]:
        chunk = {**head, "object": "chat.completion.chunk"}

        def event(delta: dict[str, Any], finish: str | None = None) -> str:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return f"data: {json.dumps({**chunk, 'choices': [choice]}, ensure_ascii=False)}\n\n"

        pace = _SLOW_SECONDS if reply.fault == "slow" else self._pace
        yield event({"role": "assistant", "content": ""})
        for number, piece in enumerate(reply.pieces):
            if reply.fault == "during" and number == max(1, len(reply.pieces) // 2):
                raise ConnectionDropped
            if pace:
                await asyncio.sleep(pace)
            yield event({"content": piece})
        if reply.fault == "after":
            raise ConnectionDropped
        if reply.hand_off:
            yield event({"tool_calls": [{"index": 0, **_tool_call(reply.hand_off)}]})
        yield event({}, reply.finish)
        if with_usage:
            yield f"data: {json.dumps({**chunk, 'choices': [], 'usage': reply.usage})}\n\n"
        yield "data: [DONE]\n\n"


def _tool_call(reason: str) -> dict[str, Any]:
    arguments = json.dumps({"reason": reason})
    return {"id": "call_1", "type": "function", "function": {"name": "hand_off", "arguments": arguments}}


def _messages(body: dict[str, Any]) -> list[tuple[str, str]]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages must be a list with at least one message")
    found = []
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list):
            content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
        if not isinstance(content, str) or not isinstance(message.get("role"), str):
            raise BadRequest("each message needs a role and text content")
        found.append((message["role"], content))
    return found


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as problem:
        raise BadRequest("the body is not JSON") from problem
    if not isinstance(body, dict):
        raise BadRequest("the body is not an object")
    return body


def _unknown(model: object) -> Response:
    return _error(404, f"The model {model!r} does not exist; there are {MODEL} and {embeddings.MODEL}.", "not_found")


def _error(status: int, message: str, kind: str, headers: dict[str, str] | None = None) -> Response:
    problem = {"message": message, "type": kind, "code": kind, "param": None}
    return JSONResponse({"error": problem}, status_code=status, headers=headers)


async def _bad_request(request: Request, problem: Exception) -> Response:
    return _error(400, str(problem), "invalid_request_error")

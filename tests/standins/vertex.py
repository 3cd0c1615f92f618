"""Vertex AI as strict as the real one: what the newest models refuse is refused here, so a test fails, not a customer.

Serves generateContent, streamGenerateContent, countTokens, embedContent and predict. `VertexStandIn()` is a context
manager; `plan` says how the next calls go, `seen` keeps what was asked.
"""

import json
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

RETIRED = {"gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.0-flash"}
STRICT = ("gemini-3.6", "gemini-3.7", "gemini-3.8", "gemini-4")
THINKING = {
    "gemini-3.6": "LOW MEDIUM HIGH",
    "gemini-3.7": "LOW MEDIUM HIGH",
    "gemini-3.8": "LOW MEDIUM HIGH",
    "gemini-4-argon": "LOW MEDIUM HIGH",
    "gemini-4-hydrogen": "LOW MEDIUM HIGH XHIGH",
}
GLOBAL_ONLY = {"gemini-3.1-pro-preview": {"global"}, "gemini-4-argon": {"global", "us", "eu"}}


@dataclass
class Plan:
    """How calls go. `statuses` are answered first, one a call, each a status or (status, headers)."""

    text: str = "We open at nine."
    statuses: list[int | tuple[int, dict[str, str]]] = field(default_factory=list)
    break_after: int | None = None  # words, then the connection drops
    error_after: int | None = None  # words, then an error event
    stall_after: int | None = None  # words, then silence until `release`
    stall_before_headers: bool = False
    drip: bool = False  # then, instead of silence, an empty line every 50 ms
    blocked: str | None = None
    finish: str | None = "STOP"
    thoughts: int | None = 5
    cached: int | None = None
    usage: bool = True
    function_call: dict[str, Any] | None = None


@dataclass
class Call:
    """One request that was received."""

    model: str
    method: str
    location: str
    body: dict[str, Any]


class Refusal(Exception):
    """A request that the real service answers with this status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class VertexStandIn:
    """The server; `url` is its base URL."""

    def __init__(self) -> None:
        self.plan = Plan()
        self.seen: list[Call] = []
        self.release = threading.Event()
        self.client_gone = threading.Event()
        handler = type("Handler", (_Handler,), {"standin": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # clients leave on purpose
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "VertexStandIn":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    standin: VertexStandIn
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        plan = self.standin.plan
        try:
            call = self._parse(body)
            self.standin.seen.append(call)
            if plan.stall_before_headers:
                self.standin.release.wait(20)
            if plan.statuses:
                status = plan.statuses.pop(0)
                code, headers = status if isinstance(status, tuple) else (status, {})
                self._json(code, _error(code, "planned"), headers)
                return
            self._answer(call, plan)
        except Refusal as refusal:
            self._json(refusal.status, _error(refusal.status, str(refusal)))

    def _parse(self, body: dict[str, Any]) -> Call:
        parts = urlsplit(self.path).path.strip("/").split("/")
        if not self.headers.get("Authorization", "").startswith("Bearer "):
            raise Refusal(401, "Request had invalid authentication credentials.")
        if len(parts) != 9 or parts[0] not in {"v1", "v1beta1"} or parts[1:8:2] != [
            "projects", "locations", "publishers", "models",
        ]:  # fmt: skip
            raise Refusal(404, f"no such path {self.path}")
        model, _, method = parts[8].partition(":")
        if model in RETIRED or (parts[4] not in GLOBAL_ONLY.get(model, {parts[4]})):
            raise Refusal(404, f"Publisher Model {model} was not found or your project does not have access to it.")
        return Call(model, method, parts[4], body)

    def _answer(self, call: Call, plan: Plan) -> None:
        if call.method in {"generateContent", "streamGenerateContent"}:
            check(call.model, call.body)
            if call.method == "generateContent":
                self._json(200, list(_chunks(call, plan))[-1])
            elif "alt=sse" not in self.path:
                raise Refusal(400, "this stand-in streams server-sent events only")
            else:
                self._stream(call, plan)
        elif call.method == "countTokens":
            self._json(200, {"totalTokens": prompt_tokens(call.body)})
        elif call.method == "embedContent":
            dimensions = (call.body.get("embedContentConfig") or call.body).get("outputDimensionality", 3072)
            self._json(200, {"embedding": {"values": _vector(json.dumps(call.body["content"]), dimensions)}})
        elif call.method == "predict":
            size = call.body.get("parameters", {}).get("outputDimensionality", 768)
            values = [{"embeddings": {"values": _vector(i["content"], size)}} for i in call.body["instances"]]
            self._json(200, {"predictions": values})
        else:
            raise Refusal(404, f"no such method {call.method}")

    def _stream(self, call: Call, plan: Plan) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for number, chunk in enumerate(_chunks(call, plan)):
                if number == plan.break_after:
                    self.close_connection = True
                    return
                if number == plan.error_after:
                    self._event(_error(503, "The service is overloaded."))
                    break
                if number == plan.stall_after:
                    self._stall(plan)
                self._event(chunk)
            self._chunk(b"")
        except OSError:
            self.close_connection = True
            self.standin.client_gone.set()

    def _stall(self, plan: Plan) -> None:
        while not self.standin.release.wait(0.05):
            if plan.drip:
                self._chunk(b"\r\n")
            self.connection.setblocking(False)
            try:
                if self.connection.recv(1) == b"":
                    raise ConnectionResetError
            except BlockingIOError:
                continue
            finally:
                self.connection.setblocking(True)

    def _event(self, payload: dict[str, Any]) -> None:
        self._chunk(f"data: {json.dumps(payload)}\r\n\r\n".encode())

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _json(self, status: int, payload: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        data = json.dumps(payload).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def check(model: str, body: dict[str, Any]) -> None:
    """The request rules of the newest models.

    Raises:
        Refusal: the real service would answer 400.
    """
    contents = body.get("contents") or []
    config = body.get("generationConfig") or {}
    thinking = {key.replace("_", "").lower(): value for key, value in (config.get("thinkingConfig") or {}).items()}
    if not contents:
        raise Refusal(400, "contents is not specified")
    if contents[-1].get("role") == "model":
        raise Refusal(400, "Requests ending with a model turn are not supported.")
    if not isinstance(config.get("maxOutputTokens"), int):
        raise Refusal(400, "this stand-in wants maxOutputTokens in every request")
    _check_functions(contents)
    if model.startswith(STRICT):
        for name in ("temperature", "topP", "topK", "candidateCount", "presencePenalty", "frequencyPenalty"):
            if name in config:
                raise Refusal(400, f"{name} is not supported by this model.")
        if "thinkingbudget" in thinking:
            raise Refusal(400, "thinking_budget is not supported by this model.")
    level = thinking.get("thinkinglevel")
    for prefix, levels in THINKING.items():
        if level is not None and model.startswith(prefix) and level not in levels.split():
            raise Refusal(400, f"Thinking level {level} is not supported for this model.")


def _check_functions(contents: list[dict[str, Any]]) -> None:
    asked: dict[str, str] = {}
    for content in contents:
        for part in content.get("parts") or []:
            if not part:
                raise Refusal(400, "a part must have one initialised data field")
            if "functionCall" in part:
                if "thoughtSignature" not in part:
                    raise Refusal(400, "Function call is missing a thought_signature.")
                asked[part["functionCall"].get("id", "")] = part["functionCall"]["name"]
            if "functionResponse" in part:
                answer = part["functionResponse"]
                if asked.get(answer.get("id", "?")) != answer.get("name"):
                    raise Refusal(400, "function response does not match a function call's id and name")


def prompt_tokens(body: dict[str, Any]) -> int:
    """This stand-in's idea of tokens: words of the prompt."""
    contents = [*(body.get("contents") or []), body.get("systemInstruction") or {}]
    return sum(len(part.get("text", "").split()) for content in contents for part in content.get("parts") or [])


def _chunks(call: Call, plan: Plan) -> Iterator[dict[str, Any]]:
    prompt = prompt_tokens(call.body)
    if plan.blocked:
        counts = {"promptTokenCount": prompt, "totalTokenCount": prompt}
        yield {"promptFeedback": {"blockReason": plan.blocked}, "usageMetadata": counts}
        return
    words = plan.text.split(" ")
    for number, word in enumerate(words):
        text = word if number == 0 else f" {word}"
        chunk: dict[str, Any] = {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]}
        if number == 0 and plan.usage:
            chunk["usageMetadata"] = {"promptTokenCount": prompt, "totalTokenCount": prompt}
        yield chunk
    parts: list[dict[str, Any]] = [{"text": "so I think", "thought": True}]
    if plan.function_call is not None:
        parts.append({"functionCall": {"id": "f1", **plan.function_call}, "thoughtSignature": "c2lnbg=="})
    last: dict[str, Any] = {"candidates": [{"content": {"role": "model", "parts": parts}}], "modelVersion": call.model}
    if plan.finish:
        last["candidates"][0]["finishReason"] = plan.finish
    if plan.usage:
        counts = {
            "promptTokenCount": prompt,
            "candidatesTokenCount": len(words),
            "totalTokenCount": prompt + len(words) + (plan.thoughts or 0),
        }
        if plan.thoughts is not None:
            counts["thoughtsTokenCount"] = plan.thoughts
        if plan.cached is not None:
            counts["cachedContentTokenCount"] = plan.cached
        last["usageMetadata"] = counts
    yield last


def _vector(text: str, dimensions: int) -> list[float]:
    return [((zlib.crc32(text.encode()) >> (i % 29)) % 7 - 3) / 3 for i in range(dimensions)]


def _error(code: int, message: str) -> dict[str, Any]:
    names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
    return {"error": {"code": code, "message": message, "status": names.get(code, "UNAVAILABLE")}}

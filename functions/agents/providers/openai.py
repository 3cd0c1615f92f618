"""Any server that speaks OpenAI's chat completions: Ollama, vLLM, llama.cpp, OpenAI, and the offline model.

Plain HTTP with `requests`: an SDK would cost half a second of cold start for two routes. Such servers differ in what
they leave out, so a missing usage is pending, and a server that ignores `stream` is read as one answer.
"""

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from functions.agents.providers import errors
from functions.agents.providers.attempts import CONNECT_SECONDS, Cancellation, Cut, remaining, retried, retrying
from functions.agents.providers.catalogue import Catalogue, ModelCard
from functions.agents.providers.models import (
    Finished,
    ModelRequest,
    Purpose,
    Reason,
    StreamItem,
    TextDelta,
    ToolCall,
    Usage,
    UsageReport,
    estimate_prompt,
)

if TYPE_CHECKING:
    import requests

    from functions.agents.providers import ProviderSettings

_REASONS: dict[str, Reason] = {
    "stop": "stop",
    "tool_calls": "stop",
    "function_call": "stop",
    "length": "max_tokens",
    "content_filter": "blocked",
}
_BATCH = 128


class OpenAICompatible:
    """The models of one server. The API key goes to that address only: redirects are not followed."""

    def __init__(self, name: str, base_url: str, settings: "ProviderSettings", catalogue: Catalogue) -> None:
        """`base_url` includes `/v1`; `name` is the provider's name in the catalogue."""
        self._name = name
        self._base_url = base_url.rstrip("/")
        self._settings = settings
        self._catalogue = catalogue
        self._kept: requests.Session | None = None

    def stream(
        self, request: ModelRequest, deadline: float, cancellation: Cancellation | None = None
    ) -> Generator[StreamItem, None, None]:
        """As `Provider.stream`."""
        card = self._catalogue.model(self._name, request.model)
        settings = self._settings
        yield from retrying(
            lambda cancelled: self._attempt(request, card, deadline, cancelled),
            deadline,
            settings.attempts,
            settings.pause_seconds,
            cancellation,
        )

    def embed(
        self, texts: Sequence[str], model: str, deadline: float, purpose: Purpose = "document"
    ) -> list[list[float]]:
        """As `Provider.embed`; this protocol knows no purpose."""
        card = self._catalogue.embedding(self._name, model)
        vectors: list[list[float]] = []
        for start in range(0, len(texts), _BATCH):
            body = {"model": model, "input": list(texts[start : start + _BATCH]), "encoding_format": "float"}

            def call(body: dict[str, Any] = body) -> list[dict[str, Any]]:
                with self._post("/embeddings", body, deadline) as (response, _):
                    rows: list[dict[str, Any]] = response.json()["data"]
                    return rows

            rows = retried(call, deadline, self._settings.attempts, self._settings.pause_seconds)
            vectors += [row["embedding"] for row in sorted(rows, key=lambda row: int(row["index"]))]
        if len(vectors) != len(texts) or any(len(vector) != card.dimensions for vector in vectors):
            raise errors.ModelRejected(f"{model} did not give {len(texts)} vectors of {card.dimensions} dimensions")
        return vectors

    def count_tokens(self, request: ModelRequest, deadline: float) -> int:
        """An estimate: this protocol has no way to count."""
        return estimate_prompt(request)

    def _attempt(
        self, request: ModelRequest, card: ModelCard, deadline: float, cancellation: Cancellation
    ) -> Generator[StreamItem, None, None]:
        reader = _Reader()
        body = _body(request, card)
        with self._post("/chat/completions", body, deadline, reader, cancellation) as (response, cut):
            if "json" in response.headers.get("Content-Type", ""):
                yield from reader.read(response.json())
            else:
                for event in _events(response):
                    if cut.fired:
                        break
                    yield from reader.read(event)
            if cut.fired:
                raise errors.ModelTimeout("the answer did not end before the deadline")
            yield from reader.end()

    @contextmanager
    def _post(
        self,
        path: str,
        body: dict[str, Any],
        deadline: float,
        reader: "_Reader | None" = None,
        cancellation: Cancellation | None = None,
    ) -> Iterator[tuple["requests.Response", Cut]]:
        import requests
        import urllib3

        with Cut(deadline, cancellation) as cut:
            response = None
            try:
                response = self._session().post(
                    f"{self._base_url}{path}",
                    json=body,
                    stream=True,
                    timeout=(min(CONNECT_SECONDS, remaining(deadline)), remaining(deadline)),
                    allow_redirects=False,
                )
                cut.attach(response.raw.shutdown)
                if response.status_code != 200:
                    detail = response.raw.read(2000, decode_content=True).decode(errors="replace")
                    wait = errors.seconds(response.headers.get("Retry-After"))
                    raise errors.from_status(response.status_code, detail, wait)
                yield response, cut
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError, KeyError) as problem:
                raise _translated(problem, cut.fired, reader is not None and reader.started) from problem
            finally:
                if response is not None:
                    response.close()

    def _session(self) -> "requests.Session":
        if self._kept is None:
            import requests

            session = requests.Session()
            # A .netrc or proxy of the machine must not change who is asked with which key.
            session.trust_env = False
            adapter = requests.adapters.HTTPAdapter(pool_maxsize=64)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            if self._settings.openai_api_key and self._name == "openai":
                session.headers["Authorization"] = f"Bearer {self._settings.openai_api_key}"
            self._kept = session
        return self._kept


class _Reader:
    """Turns events of chat completions into our items."""

    def __init__(self) -> None:
        self.started = False
        self._finish: str | None = None
        self._calls: dict[int, dict[str, str]] = {}

    def read(self, event: dict[str, Any]) -> Iterator[StreamItem]:
        """The items of one event.

        Raises:
            ModelUnavailable: the server reports a fault inside the stream.
        """
        if "error" in event:
            problem = event["error"]
            text = str(problem.get("message", problem) if isinstance(problem, dict) else problem)
            raise (errors.ModelInterrupted if self.started else errors.ModelUnavailable)(text)
        for choice in event.get("choices") or []:
            piece = choice.get("delta") or choice.get("message") or {}
            if piece.get("content"):
                self.started = True
                yield TextDelta(piece["content"])
            for position, call in enumerate(piece.get("tool_calls") or []):
                self._merge(call.get("index", position), call.get("function") or {})
            self._finish = choice.get("finish_reason") or self._finish
        if event.get("usage"):
            self.started = True
            yield UsageReport(buckets(event["usage"]))

    def end(self) -> Iterator[StreamItem]:
        """The tool calls, complete only now, and the end.

        Raises:
            ModelInterrupted: the stream ended without a reason.
        """
        if self._finish is None:
            fault = errors.ModelInterrupted if self.started else errors.ModelUnavailable
            raise fault("the stream ended without a reason")
        for call in self._calls.values():
            yield ToolCall(call["name"], _arguments(call["arguments"]))
        yield Finished(_REASONS.get(self._finish, "stop"))

    def _merge(self, index: int, piece: dict[str, Any]) -> None:
        call = self._calls.setdefault(index, {"name": "", "arguments": ""})
        call["name"] += piece.get("name") or ""
        call["arguments"] += piece.get("arguments") or ""


def buckets(usage: dict[str, Any]) -> Usage:
    """OpenAI's counts as exclusive buckets: cached tokens are part of the prompt's, reasoning of the completion's.

    Without details every token stands in its plain bucket, and the others are zero: nothing is left to report.
    """
    prompt = usage.get("prompt_tokens")
    completion = usage.get("completion_tokens")
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    return Usage(
        input_tokens=None if prompt is None else prompt - cached,
        cached_input_tokens=None if prompt is None else cached,
        output_tokens=None if completion is None else completion - reasoning,
        reasoning_tokens=None if completion is None else reasoning,
    )


def _body(request: ModelRequest, card: ModelCard) -> dict[str, Any]:
    system = [{"role": "system", "content": request.system}] if request.system else []
    limit = "max_tokens" if card.accepts("max_tokens") else "max_completion_tokens"
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [*system, *({"role": turn.role, "content": turn.text} for turn in request.turns)],
        limit: min(request.max_output_tokens, card.max_output_tokens),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.temperature is not None and card.accepts("temperature"):
        body["temperature"] = request.temperature
    if request.thinking and card.thinking and request.thinking in card.thinking.levels:
        body["reasoning_effort"] = request.thinking
    if request.tools and "tools" in card.abilities:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
            }
            for tool in request.tools
        ]
    return body


def _events(response: "requests.Response") -> Iterator[dict[str, Any]]:
    """The JSON of each `data:` line until `[DONE]`, as soon as it is here."""
    rest = b""
    while piece := response.raw.read1(65536, decode_content=True):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                return
            event: dict[str, Any] = json.loads(data)
            yield event


def _arguments(text: str) -> dict[str, Any]:
    try:
        arguments = json.loads(text or "{}")
    except ValueError:
        return {}
    return arguments if isinstance(arguments, dict) else {}


def _translated(problem: Exception, late: bool, started: bool) -> errors.ModelError:
    kinds = {kind.__name__ for kind in type(problem).__mro__}
    if late or (kinds & {"Timeout", "TimeoutError"} and not kinds & {"ConnectTimeout", "ConnectTimeoutError"}):
        return errors.ModelTimeout(f"no answer before the deadline ({type(problem).__name__})")
    fault = errors.ModelInterrupted if started else errors.ModelUnavailable
    return fault(f"{type(problem).__name__}: {problem}")

"""Vertex AI through google-genai, the SDK that took over when the `vertexai` package lost its generative module.

The rules that this module keeps, because the newest models or the SDK punish breaking them:
parameters that a model refuses are not sent; the last turn is the user's; `max_output_tokens` is always set and
automatic continuation is off, since each continuation is another billed request; the SDK never retries by itself;
project and location are always passed, as the SDK forgets those of the environment once a base URL is set.
"""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from functions.agents.providers import errors
from functions.agents.providers.attempts import Cancellation, Cut, remaining, retried, retrying, shut
from functions.agents.providers.catalogue import Catalogue, ModelCard, check_location
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
)

if TYPE_CHECKING:
    from functions.agents.providers import ProviderSettings

Answer = TypeVar("Answer")

_BLOCKED = frozenset(
    "SAFETY RECITATION LANGUAGE BLOCKLIST PROHIBITED_CONTENT SPII MODEL_ARMOR ESCALATION".split()  # noqa: SIM905
)
_TRUNCATED = frozenset({"MAX_TOKENS", "CONTINUATION"})
_TASKS: dict[Purpose, str] = {"document": "RETRIEVAL_DOCUMENT", "query": "RETRIEVAL_QUERY"}
_current = threading.local()
_clients: dict[tuple[str, str, str | None, int], Any] = {}
_clients_lock = threading.Lock()


class VertexAI:
    """Gemini models in one project and location."""

    def __init__(self, settings: "ProviderSettings", catalogue: Catalogue) -> None:
        """Cheap: the SDK is imported on the first call."""
        self._settings = settings
        self._catalogue = catalogue

    def stream(
        self, request: ModelRequest, deadline: float, cancellation: Cancellation | None = None
    ) -> Generator[StreamItem, None, None]:
        """As `Provider.stream`. A blocked prompt is reported with its usage first: it is billed."""
        card = self._catalogue.model("vertexai", request.model)
        check_location(card, self._settings.location)
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
        """As `Provider.embed`; one request for each text, since Gemini's embedding models take one."""
        card = self._catalogue.embedding("vertexai", model)
        check_location(card, self._settings.location)

        def one(text: str) -> list[float]:
            from google.genai import types

            config = types.EmbedContentConfig(
                output_dimensionality=card.dimensions, task_type=_TASKS[purpose], http_options=_timeout(deadline)
            )
            answer = self._client.models.embed_content(model=model, contents=[text], config=config)
            return [float(value) for value in answer.embeddings[0].values]

        return [self._call(lambda text=text: one(text), deadline) for text in texts]  # type: ignore[misc]

    def count_tokens(self, request: ModelRequest, deadline: float) -> int:
        """The provider's own count of the prompt, tools included; it costs a call, but no money."""
        self._catalogue.model("vertexai", request.model)

        def count() -> int:
            from google.genai import types

            config = types.CountTokensConfig(
                system_instruction=request.system or None, tools=_tools(request), http_options=_timeout(deadline)
            )
            answer = self._client.models.count_tokens(model=request.model, contents=_contents(request), config=config)
            return int(answer.total_tokens or 0)

        return self._call(count, deadline)

    def _call(self, call: Callable[[], Answer], deadline: float) -> Answer:
        def attempt() -> Answer:
            with Cut(deadline) as cut, _errors(cut), _watched_by(cut):
                return call()

        return retried(attempt, deadline, self._settings.attempts, self._settings.pause_seconds)

    def _attempt(
        self, request: ModelRequest, card: ModelCard, deadline: float, cancellation: Cancellation
    ) -> Generator[StreamItem, None, None]:
        started = False
        with Cut(deadline, cancellation) as cut:
            chunks: Any = None
            reader = _Reader()
            try:
                with _errors(cut), _watched_by(cut):
                    chunks = self._client.models.generate_content_stream(
                        model=request.model, contents=_contents(request), config=_config(request, card, deadline)
                    )
                while True:
                    with _errors(cut, started), _watched_by(cut):
                        chunk = next(chunks, None)
                    if chunk is None:
                        break
                    for item in reader.read(chunk):
                        started = True
                        yield item
                yield from reader.end()
            finally:
                if chunks is not None:
                    chunks.close()

    @property
    def _client(self) -> Any:
        settings = self._settings
        return _client(settings.project, settings.location, settings.vertex_base_url, settings.credentials)


class _Reader:
    """Turns the SDK's chunks into our items, and its running usage totals into buckets."""

    def __init__(self) -> None:
        self._usage: dict[str, int] = {}
        self._reported: Usage | None = None
        self._finish = ""

    def read(self, chunk: Any) -> Iterator[StreamItem]:
        """The items of one chunk.

        Raises:
            ModelRefused: the prompt was blocked.
        """
        feedback = chunk.prompt_feedback
        blocked = _name(feedback.block_reason) if feedback is not None and feedback.block_reason else ""
        for candidate in chunk.candidates or []:
            if candidate.finish_reason:
                self._finish = _name(candidate.finish_reason)
        yield from self._counted(chunk.usage_metadata, final=bool(blocked or self._finish))
        if blocked:
            raise errors.ModelRefused(blocked)
        for candidate in chunk.candidates or []:
            parts = (candidate.content.parts if candidate.content else None) or []
            for part in parts:
                if part.function_call is not None:
                    yield ToolCall(part.function_call.name or "", dict(part.function_call.args or {}))
                elif part.text and not part.thought:
                    yield TextDelta(part.text)

    def end(self) -> Iterator[StreamItem]:
        """What a stream that ended means.

        Raises:
            ModelInterrupted: it ended without a reason, or with one that is a fault.
        """
        if self._finish == "STOP":
            reason: Reason = "stop"
        elif self._finish in _TRUNCATED:
            reason = "max_tokens"
        elif self._finish in _BLOCKED:
            reason = "blocked"
        else:
            raise errors.ModelInterrupted(f"the stream ended with {self._finish or 'no reason'}")
        yield Finished(reason)

    def _counted(self, usage: Any, *, final: bool) -> Iterator[StreamItem]:
        for name in _COUNTS:
            value = getattr(usage, name, None) if usage is not None else None
            if value is not None:
                self._usage[name] = value
        report = buckets(self._usage, final=final)
        if self._usage and report != self._reported:
            self._reported = report
            yield UsageReport(report)


_COUNTS = (
    "prompt_token_count",
    "tool_use_prompt_token_count",
    "cached_content_token_count",
    "candidates_token_count",
    "thoughts_token_count",
    "total_token_count",
)


def buckets(counts: dict[str, int], *, final: bool) -> Usage:
    """Vertex's counts as exclusive buckets.

    The prompt's count includes what came from the cache; that of the candidates excludes thoughts. Vertex leaves out
    counts that are zero, and in mid-stream others too. So an absent one is zero only where the total of the final
    report proves it; elsewhere it is pending.
    """
    prompt = counts.get("prompt_token_count")
    tool_use = counts.get("tool_use_prompt_token_count", 0)
    cached = counts.get("cached_content_token_count")
    output = counts.get("candidates_token_count")
    thoughts = counts.get("thoughts_token_count")
    parts = (prompt or 0) + tool_use + (output or 0) + (thoughts or 0)
    if final and prompt is not None and counts.get("total_token_count") == parts:
        cached, output, thoughts = cached or 0, output or 0, thoughts or 0
    return Usage(
        input_tokens=None if prompt is None else prompt + tool_use - (cached or 0),
        cached_input_tokens=cached,
        output_tokens=output,
        reasoning_tokens=thoughts,
    )


def _client(project: str, location: str, base_url: str | None, credentials: Any) -> Any:
    """One client per process and configuration: it is thread-safe and keeps its connections."""
    key = (project, location, base_url, id(credentials))
    with _clients_lock:
        if key not in _clients:
            _clients[key] = _new_client(project, location, base_url, credentials)
        return _clients[key]


def close() -> None:
    """Close every client, in a process that ends in order; a later call opens a new one."""
    with _clients_lock:
        while _clients:
            _clients.popitem()[1].close()


def _new_client(project: str, location: str, base_url: str | None, credentials: Any) -> Any:
    from google import genai
    from google.genai import types

    options = types.HttpOptions(
        api_version="v1", base_url=base_url, client_args={"event_hooks": {"response": [_attach]}}
    )
    return genai.Client(
        vertexai=True, project=project, location=location, credentials=credentials, http_options=options
    )


def _attach(response: Any) -> None:
    """Hand the connection of this thread's call to its deadline."""
    cut: Cut | None = getattr(_current, "cut", None)
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("socket") if stream is not None else None
    if cut is not None and connection is not None:
        cut.attach(lambda: shut(connection))


@contextmanager
def _watched_by(cut: Cut) -> Iterator[None]:
    _current.cut = cut
    try:
        yield
    finally:
        _current.cut = None


def _timeout(deadline: float) -> Any:
    from google.genai import types

    return types.HttpOptions(timeout=max(1, int(remaining(deadline) * 1000)))


def _contents(request: ModelRequest) -> list[Any]:
    from google.genai import types

    roles = {"user": "user", "assistant": "model"}
    return [types.Content(role=roles[turn.role], parts=[types.Part(text=turn.text)]) for turn in request.turns]


def _tools(request: ModelRequest) -> list[Any] | None:
    from google.genai import types

    declarations = [
        types.FunctionDeclaration(
            name=tool.name, description=tool.description, parameters_json_schema=dict(tool.parameters)
        )
        for tool in request.tools
    ]
    return [types.Tool(function_declarations=declarations)] if declarations else None


def _config(request: ModelRequest, card: ModelCard, deadline: float) -> Any:
    from google.genai import types

    config: dict[str, Any] = {
        "max_output_tokens": min(request.max_output_tokens, card.max_output_tokens),
        "automatic_function_calling": types.AutomaticFunctionCallingConfig(disable=True),
        "automatic_continuation": False,
        "http_options": _timeout(deadline),
    }
    if request.system:
        config["system_instruction"] = request.system
    if request.temperature is not None and card.accepts("temperature"):
        config["temperature"] = request.temperature
    if request.thinking and card.thinking and request.thinking in card.thinking.levels:
        config["thinking_config"] = types.ThinkingConfig(thinking_level=request.thinking.upper())
    if request.tools and "tools" in card.abilities:
        config["tools"] = _tools(request)
    if request.labels:
        config["labels"] = dict(request.labels)
    return types.GenerateContentConfig(**config)


def _name(value: Any) -> str:
    return str(getattr(value, "value", value))


@contextmanager
def _errors(cut: Cut, started: bool = False) -> Iterator[None]:
    """Translate what the SDK raises; its transport errors come from httpx or httpx2, so they are told by name."""
    try:
        yield
    except errors.ModelError:
        raise
    except Exception as problem:  # the SDK lets errors of several libraries through; all are sorted here
        raise _translated(problem, cut.fired, started) from problem


def _translated(problem: Exception, late: bool, started: bool) -> errors.ModelError:
    from google.genai.errors import APIError

    kinds = {kind.__name__ for kind in type(problem).__mro__}
    if late or ("TimeoutException" in kinds and "ConnectTimeout" not in kinds):
        return errors.ModelTimeout(f"no answer before the deadline ({type(problem).__name__})")
    if isinstance(problem, APIError):
        headers = getattr(problem.response, "headers", None) or {}
        found = errors.from_status(
            int(problem.code or 500), f"{problem.status} {problem.message}", errors.seconds(headers.get("retry-after"))
        )
    elif kinds & {"DefaultCredentialsError", "RefreshError", "MutualTLSChannelError"}:
        return errors.ModelRejected(f"credentials: {problem}")
    elif kinds & {"TransportError", "UnknownApiResponseError", "JSONDecodeError", "OSError"}:
        found = errors.ModelUnavailable(f"{type(problem).__name__}: {problem}")
    else:
        return errors.ModelRejected(f"{type(problem).__name__}: {problem}")
    if started and isinstance(found, errors.ModelUnavailable):
        return errors.ModelInterrupted(str(found), found.retry_after)
    return found

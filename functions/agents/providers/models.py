"""The nouns between a turn and a language model, so that the turn never learns which provider answers it.

A provider is asked with a `ModelRequest` and answers with a stream of items. Every `UsageReport` replaces the one
before it; providers report running totals. A bucket that was not reported is `None`: pending, never 0.
"""

import math
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from functions.agents.providers.errors import ModelRejected

if TYPE_CHECKING:
    from functions.agents.providers.attempts import Cancellation

Role = Literal["user", "assistant"]
Reason = Literal["stop", "max_tokens", "blocked"]
Purpose = Literal["document", "query"]


class Turn(NamedTuple):
    """What one side of the conversation said."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A structured action that the model may ask for; `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of a model. `temperature` and `thinking` are wishes: a model that refuses them is not sent them."""

    model: str
    turns: tuple[Turn, ...]
    max_output_tokens: int
    system: str = ""
    temperature: float | None = None
    thinking: str | None = None
    tools: tuple[Tool, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no provider answers.

        Raises:
            ModelRejected: no turn, an empty one, one of the model at the end, or no room for an answer.
        """
        if not self.turns or self.turns[-1].role != "user":
            raise ModelRejected("the last turn must be the user's")
        if any(not turn.text.strip() for turn in self.turns):
            raise ModelRejected("a turn has no text")
        if self.max_output_tokens < 1:
            raise ModelRejected("max_output_tokens must be positive")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens in exclusive buckets: each token is counted in one of them. `None` means not reported."""

    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False

    @property
    def pending(self) -> tuple[str, ...]:
        """The buckets that nobody has reported."""
        names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens")
        return tuple(name for name in names if getattr(self, name) is None)


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for an action; `arguments` are as the model made them: validate before use."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UsageReport:
    """The provider's count so far; it replaces earlier ones."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """The last item of a stream that ended properly."""

    reason: Reason


StreamItem = TextDelta | ToolCall | UsageReport | Finished


class Provider(Protocol):
    """A way to reach models. A `deadline` is a value of `time.monotonic()` that no call outlives."""

    def stream(
        self, request: ModelRequest, deadline: float, cancellation: "Cancellation | None" = None
    ) -> Generator[StreamItem, None, None]:
        """The answer as it is made; ends with `Finished`. Closing the generator closes the connection at once.

        `cancellation` does so from another thread, while this one waits.

        Raises:
            ModelUnavailable: overloaded, unreachable, or broken off; retried already where nothing had come.
            ModelTimeout: the deadline passed.
            ModelRefused: the prompt was blocked.
            ModelRejected: the request or our configuration is wrong.
        """
        ...

    def embed(
        self, texts: Sequence[str], model: str, deadline: float, purpose: Purpose = "document"
    ) -> list[list[float]]:
        """One vector for each text, in order; raises as `stream` does."""
        ...

    def count_tokens(self, request: ModelRequest, deadline: float) -> int:
        """The prompt's tokens; an estimate where the provider has no way to count."""
        ...


def deadline_in(seconds: float) -> float:
    """The deadline that lies `seconds` from now."""
    return time.monotonic() + seconds


def estimate_tokens(text: str) -> int:
    """A guess at the tokens of a text: a token is about four bytes of UTF-8 in the languages that we know."""
    return math.ceil(len(text.encode()) / 4)


def estimate_prompt(request: ModelRequest) -> int:
    """A guess at the tokens of the whole prompt."""
    tools = "".join(f"{tool.name}{tool.description}{dict(tool.parameters)}" for tool in request.tools)
    return estimate_tokens(request.system + "".join(turn.text for turn in request.turns) + tools)


def interrupted_usage(request: ModelRequest, last: Usage | None, emitted: str, *, thinks: bool) -> Usage:
    """The usage of a stream that was cut off: what was reported last, completed by what came out.

    Thoughts of a thinking model stay pending when nothing was reported: nobody saw them, so nobody can guess.
    """
    known = last or Usage()
    output = max(known.output_tokens or 0, estimate_tokens(emitted))
    if known.input_tokens is None:
        known = replace(known, input_tokens=estimate_prompt(request), cached_input_tokens=0)
    return replace(
        known,
        cached_input_tokens=known.cached_input_tokens or 0,
        output_tokens=output,
        reasoning_tokens=known.reasoning_tokens if thinks else known.reasoning_tokens or 0,
        estimated=True,
    )

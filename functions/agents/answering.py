"""Asks the agent's model for an answer, or its fallback where that cannot be reached, and keeps all that came.

The fallback is asked when the first model is unavailable, or silent for too long, before its first word: what was said
once is never said again in other words, and what was billed once is not billed twice.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from functions.agents import prompt_format
from functions.agents.models import Definition, Exchange
from functions.agents.providers import (
    Finished,
    Listening,
    ModelRefused,
    ModelRequest,
    ModelTimeout,
    ModelUnavailable,
    Provider,
    TextDelta,
    ToolCall,
    Usage,
    UsageReport,
    deadline_in,
)
from functions.agents.providers import Turn as Said
from functions.agents.providers.catalogue import ModelCard
from functions.agents.providers.models import Tool
from functions.agents.retrieval import Hit
from functions.shared import clock, contracts, logs, pricing

THINKING_TOKENS = 4096
"""What a model that thinks may use for thoughts, beside the answer: providers count both against one limit."""

PULSE_SECONDS = 0.25
"""How often a silent model's turn looks whether its caller has left."""

PATIENCE_SECONDS = 45.0
"""How long a model that has a fallback may be silent at first; a thinking one may need half a minute."""

FOR_A_PERSON = ("asked", "rule")
"""Reasons for which a model hands over; of an unanswered question the visitor decides, so that is only offered."""


class CallerLeft(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Candidate:
    """A model that may answer, and what it costs."""

    card: ModelCard
    price: pricing.Price


def output_limit(definition: Definition, card: ModelCard) -> int:
    """The most tokens that one answer may take, thoughts included; what is sent to the model and what the hold counts."""
    thoughts = THINKING_TOKENS if card.thinking is not None else 0
    return min(definition.model.max_output_tokens + thoughts, card.max_output_tokens)


def tools(definition: Definition) -> tuple[Tool, ...]:
    """The actions that the agent's model is offered, where it can call tools at all."""
    offered = (
        (definition.hand_off.enabled, prompt_format.HAND_OFF),
        (definition.leads.enabled, prompt_format.COLLECT_LEAD),
    )
    return tuple(tool for enabled, tool in offered if enabled)


@dataclass
class Answering:
    """One answer as it is made: use `texts` once, then read the rest."""

    definition: Definition
    candidates: tuple[Candidate, ...]
    system: str
    history: list[Exchange]
    message: str
    is_open: bool
    """Whether a person can be reached at this moment."""
    provider: Callable[[str], Provider]
    text: str = ""
    actions: list[str] = field(default_factory=list)
    for_a_person: bool = False
    note: str | None = None
    filtered: bool = False
    """Whether a filter of the provider cut the answer."""
    first_word_at: float | None = None
    """By `clock.monotonic`."""
    left: threading.Event = field(default_factory=threading.Event)
    used: Candidate = field(init=False)
    """The model that answered, or was asked last."""
    _reported: Usage | None = None
    _listening: Listening | None = None

    def __post_init__(self) -> None:
        """Nobody was asked yet."""
        self.used = self.candidates[0]

    def texts(self, hits: list[Hit], seconds: float) -> Iterator[str]:
        """The answer as it comes, within `seconds`. Raises CallerLeft, and ModelError when there is none or it broke."""
        deadline = deadline_in(seconds)
        for candidate in self.candidates:
            self.used, self._reported = candidate, None
            last = candidate is self.candidates[-1]
            try:
                yield from self._of(candidate, hits, deadline, None if last else clock.monotonic() + PATIENCE_SECONDS)
                break
            except (ModelUnavailable, ModelTimeout) as error:
                if last or self.text or self.actions or self.left.is_set():
                    raise
                self._listening = None
                logs.warning("the fallback is asked", model=candidate.card.id, reason=type(error).__name__)
        if not self.text.strip():
            if not self.actions:
                raise ModelUnavailable("the model ended without a word")
            # A model that only called a tool still owes the visitor a sentence; it is the business's own.
            self.text = self._own_words()
            yield self.text

    def _of(self, candidate: Candidate, hits: list[Hit], deadline: float, patience_ends: float | None) -> Iterator[str]:
        if self.left.is_set():
            raise CallerLeft
        request = self._request(candidate.card, hits)
        model = self.provider(candidate.card.provider)
        self._listening = Listening(model, request, deadline, PULSE_SECONDS)
        offered = {tool.name for tool in request.tools}
        try:
            for item in self._listening:
                if self.left.is_set():
                    raise CallerLeft
                match item:
                    case TextDelta(text) if text:
                        if self.first_word_at is None:
                            self.first_word_at = clock.monotonic()
                        self.text += text
                        yield text
                    case ToolCall(name, arguments) if name in offered:
                        self._act(name, arguments)
                    case UsageReport(usage):
                        self._reported = usage
                    case Finished("blocked") if not self.text.strip():
                        raise ModelRefused("blocked")
                    case Finished("blocked"):
                        self.filtered = True
                    case None if patience_ends is not None and not self.text and clock.monotonic() > patience_ends:
                        raise ModelTimeout("no word in time, and there is a fallback")
        finally:
            self._listening.close()
            # All that came out is paid for, so all of it is kept, also what was on its way when the caller left.
            self.text = self._listening.text or self.text

    def _own_words(self) -> str:
        if "hand_off" not in self.actions:
            return self.definition.leads.message
        return self.definition.hand_off.message if self.is_open else self.definition.hand_off.away_message

    def _request(self, card: ModelCard, hits: list[Hit]) -> ModelRequest:
        block = prompt_format.knowledge_block([(hit.title, hit.text) for hit in hits])
        history: list[Said] = []
        for exchange in self.history:
            history += [Said("user", exchange["message"]), Said("assistant", exchange["answer"])]
        chosen = self.definition.model
        # A level that the fallback does not know is not asked of it.
        thinks = card.thinking is not None and chosen.thinking in card.thinking.levels
        return ModelRequest(
            model=card.id,
            turns=(*history, Said("user", self.message)),
            max_output_tokens=output_limit(self.definition, card),
            system=f"{self.system}\n\n{block}" if block else self.system,
            temperature=chosen.temperature,
            thinking=chosen.thinking if thinks else None,
            tools=tools(self.definition) if "tools" in card.abilities else (),
        )

    def _act(self, name: str, arguments: Mapping[str, Any]) -> None:
        if name not in self.actions:
            self.actions.append(name)
        if name == prompt_format.HAND_OFF.name and arguments.get("reason") in FOR_A_PERSON:
            self.for_a_person = True
            summary = arguments.get("summary")
            self.note = summary[:2000] if isinstance(summary, str) else None

    def usage(self, outcome: contracts.Outcome) -> Usage:
        """What the model that answered used, as it reported, or by an estimate where it was cut off."""
        if self._listening is None:
            # No model was called, and that is known.
            return Usage(0, 0, 0, 0)
        if outcome == "failed":
            return self._reported or Usage()
        card = self.used.card
        usage = self._listening.usage(thinks=card.thinking is not None)
        if not usage.estimated:
            return usage
        # A guess by length may pass what the model was allowed; what it reported may not be guessed away.
        most = max(0, output_limit(self.definition, card) - (usage.reasoning_tokens or 0))
        reported = (self._reported.output_tokens if self._reported else None) or 0
        return replace(usage, output_tokens=max(reported, min(usage.output_tokens or 0, most)))

"""One turn of a conversation, from the question to the settled, published event (ARCHITECTURE, Talk).

`admission.admit` has taken room; `Turn.events` answers, and whatever happens, the turn is settled before it ends: one
commit of four, one publish and one write after the model, and nothing written between.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.agents import conversations, passages, prompt_format, repository
from functions.agents.models import Agent, Ask, Definition
from functions.agents.providers import (
    Finished,
    ModelError,
    ModelInterrupted,
    ModelRefused,
    ModelRequest,
    ModelTimeout,
    Provider,
    TextDelta,
    ToolCall,
    Usage,
    UsageReport,
    deadline_in,
    interrupted_usage,
)
from functions.agents.providers import Turn as Said
from functions.agents.providers.catalogue import ModelCard
from functions.agents.retrieval import Hit
from functions.shared import clock, contracts, firestore, logs, metering, plans, pricing, words
from functions.shared import events as usage_events
from functions.shared.contracts import Source, TurnRead
from functions.shared.errors import Invalid, Problem, Unavailable
from functions.shared.http import Event
from functions.shared.identity import WorkspaceId
from functions.shared.metering import Hold
from functions.shared.metering.holds import OtherPayload

SETTLE_ATTEMPTS = 5

THINKING_TOKENS = 4096
"""What a model that thinks may use for thoughts, beside the answer: providers count both against one limit."""


@dataclass(frozen=True)
class Answered:
    """The turn was answered before; this is its answer."""

    turn_id: str
    conversation_id: str
    turn: TurnRead


@dataclass
class Turn:
    """A turn that has its room and will be settled whatever happens. Use `events` once, to its end, or close it."""

    workspace: WorkspaceId
    ask: Ask
    definition: Definition
    card: ModelCard
    price: pricing.Price
    terms: plans.PlanTerms
    hold: Hold
    agent: Agent
    conversation: Mapping[str, Any]
    system: str
    provider: Callable[[str], Provider]
    answer: str = ""
    sources: tuple[Source, ...] = ()
    actions: list[str] = field(default_factory=list)
    usage: Usage | None = None
    request: ModelRequest | None = None
    stored: TurnRead | None = None
    problem: Problem | None = None
    first_token_ms: int | None = None

    def events(self) -> Iterator[Event]:
        """The answer as it comes: start, delta…, sources, action…, usage, done. Raises the Problem of a failed model,
        after everything is settled; when the caller leaves, what came so far is settled as interrupted."""
        started = clock.monotonic()
        outcome: contracts.Outcome = "interrupted"
        try:
            yield Event("start", {"turn_id": self.ask.turn_id, "conversation_id": self.ask.conversation_id})
            for text in self._model(started):
                yield Event("delta", {"text": text})
            outcome = "completed"
        except ModelError as error:
            outcome = "interrupted" if self.answer else "failed"
            self.problem = _problem(error)
            logs.warning("a model did not answer", reason=type(error).__name__, detail=str(error)[:300])
        finally:
            self._settle(outcome, round((clock.monotonic() - started) * 1000))
        if self.problem is not None and outcome == "failed":
            raise self.problem
        assert self.stored is not None
        yield from told(self.stored, after_text=True)
        yield done(Answered(self.ask.turn_id, self.ask.conversation_id, self.stored))

    def _model(self, started: float) -> Iterator[str]:
        hits = passages.find(
            self.workspace,
            self.ask.agent_id,
            self.agent.knowledge,
            self.ask.message,
            self.definition.knowledge.passages,
            self.provider,
        )
        block = prompt_format.knowledge_block([(hit.title, hit.text) for hit in hits])
        history: list[Said] = []
        for exchange in self.conversation.get("history") or ():
            history += [Said("user", exchange["message"]), Said("assistant", exchange["answer"])]
        hand_off = self.definition.hand_off.enabled and "tools" in self.card.abilities
        self.request = ModelRequest(
            model=self.card.id,
            turns=(*history, Said("user", self.ask.message)),
            max_output_tokens=output_limit(self.definition, self.card),
            system=f"{self.system}\n\n{block}" if block else self.system,
            temperature=self.definition.model.temperature,
            thinking=self.definition.model.thinking,
            tools=(prompt_format.HAND_OFF,) if hand_off else (),
        )
        left = self.ask.deadline_seconds - (clock.monotonic() - started)
        stream = self.provider(self.card.provider).stream(self.request, deadline_in(left))
        try:
            for item in stream:
                match item:
                    case TextDelta(text) if text:
                        if self.first_token_ms is None:
                            self.first_token_ms = round((clock.monotonic() - started) * 1000)
                        self.answer += text
                        yield text
                    case ToolCall(name, _) if name == prompt_format.HAND_OFF.name and "hand_off" not in self.actions:
                        self.actions.append("hand_off")
                    case UsageReport(usage):
                        self.usage = usage
                    case Finished("blocked") if not self.answer:
                        raise ModelRefused("blocked")
        finally:
            stream.close()
        if not self.answer:
            # A model that only called the tool still owes the visitor a sentence; it is the business's own.
            text = self.definition.hand_off.message if self.actions else "…"
            self.answer = text
            yield text
        self.sources = _cited(self.answer, hits)

    def _settle(self, outcome: contracts.Outcome, latency_ms: int) -> None:
        usage = self.usage or Usage()
        if outcome == "interrupted" and self.request is not None:
            usage = interrupted_usage(self.request, self.usage, self.answer, thinks=self.card.thinking is not None)
        buckets = {name: getattr(usage, name) for name in contracts.BUCKETS}
        counted = pricing.Usage(**buckets)
        cost = pricing.rate(counted, self.price)
        new = bool(self.hold.row["new_conversation"])
        messages = 0 if outcome == "failed" else 1
        charge = plans.charge(
            counted, cost, self.terms, model=self.card.id, messages=messages, conversations=int(new and messages)
        )
        now = clock.now()
        row = {
            **self.hold.row,
            "outcome": outcome,
            "estimated": usage.estimated,
            **buckets,
            "cost_nanos": cost,
            "charge_nanos": min(charge, self.hold.amount),
            "latency_ms": latency_ms,
            "first_token_ms": self.first_token_ms,
            "error_code": self.problem.code if self.problem is not None else None,
            "handed_off": "hand_off" in self.actions,
            "recorded_at": clock.to_text(now),
        }
        if charge > self.hold.amount:
            logs.alarm("a turn cost more than its highest price", turn=self.ask.turn_id, charge=charge)
        self.stored = self._turn(row, now)
        settled = self._recorded(row, now)
        if settled is not None:
            usage_events.publish(settled)

    def _recorded(self, row: Mapping[str, Any], now: datetime) -> usage_events.Event | None:
        for attempt in range(SETTLE_ATTEMPTS):
            try:
                return metering.settle(self.workspace, self.hold, row, self._documents, now=now)
            except Unavailable:
                time.sleep(0.1 * 4**attempt)
            except OtherPayload as error:
                logs.alarm("a turn was settled with another content before", turn=self.ask.turn_id, reason=str(error))
                return None
        # The hold does the rest: it dies, and the turn becomes an event `abandoned`.
        logs.alarm("a turn could not be settled", turn=self.ask.turn_id)
        return None

    def _turn(self, row: Mapping[str, Any], now: datetime) -> TurnRead:
        return TurnRead(
            seq=int(self.conversation.get("turn_count") or 0) + 1,
            message_id=f"msg_{self.ask.turn_id}",
            message=self.ask.message,
            answer=self.answer,
            sources=self.sources,
            actions=tuple(self.actions),
            occurred_at=self.hold.occurred_at,
            completed_at=now,
            **{name: row[name] for name in TurnRead.model_fields if name in row and name != "occurred_at"},
        )

    def _documents(self, batch: firestore.Batch) -> None:
        stored = self.stored
        assert stored is not None
        path = repository.conversation_path(self.workspace, self.ask.conversation_id)
        batch.create(f"{path}/turns/{self.ask.turn_id}", stored.model_dump())
        text = f"{self.ask.message} {self.answer}"
        history = conversations.remembered(self.conversation.get("history") or (), self.ask.message, self.answer)
        fields: dict[tuple[str, ...], Any] = {
            ("running", self.ask.turn_id): firestore.DELETE,
            ("updated_at",): stored.completed_at,
            ("turn_count",): stored.seq,
            ("history",): history,
            ("words",): words.significant(text, self.conversation.get("words") or ()),
            ("handed_off",): bool(self.conversation.get("handed_off")) or "hand_off" in self.actions,
            ("cost_nanos",): firestore.Increment(stored.cost_nanos),
            ("charge_nanos",): firestore.Increment(stored.charge_nanos),
        }
        fields |= {(name,): firestore.Increment(getattr(stored, name) or 0) for name in contracts.BUCKETS}
        batch.update(path, fields)


def _cited(answer: str, hits: list[Hit]) -> tuple[Source, ...]:
    """The passages whose number the answer names, once each item; their numbers stay those in the text."""
    return tuple(
        Source(number=number, item_id=hit.item_id, title=hit.title, text=hit.text[:600], score=round(hit.score, 4))
        for number, hit in enumerate(hits, 1)
        if f"[{number}]" in answer
    )


def _problem(error: ModelError) -> Problem:
    if isinstance(error, ModelRefused):
        return Invalid("The model declined to answer this. Ask in another way.", code="model_refused")
    if isinstance(error, ModelTimeout):
        return Unavailable("The model took too long. Nothing is lost; try again.", code="model_timeout", retry_after=2)
    if isinstance(error, ModelInterrupted):
        return Unavailable("The model broke off. Nothing is lost; try again.", code="model_interrupted", retry_after=2)
    return Unavailable(
        "The model cannot be reached at this moment. Nothing is lost; try again.",
        code="model_unavailable",
        retry_after=5,
    )


def told(turn: TurnRead, *, after_text: bool = False) -> Iterator[Event]:
    """The events of an answer that is known: its text unless that was streamed already, sources, actions, usage."""
    if not after_text:
        yield Event("delta", {"text": turn.answer})
    if turn.sources:
        sources = [{"number": s.number, "title": s.title, "item_id": s.item_id} for s in turn.sources]
        yield Event("sources", {"sources": sources})
    for action in turn.actions:
        yield Event("action", {"type": action})
    yield Event("usage", {name: getattr(turn, name) for name in contracts.BUCKETS} | {"estimated": turn.estimated})


def done(answered: Answered) -> Event:
    """The last event: the answer is stored and its usage is published."""
    return Event(
        "done",
        {
            "turn_id": answered.turn_id,
            "message_id": answered.turn.message_id,
            "conversation_id": answered.conversation_id,
            "outcome": answered.turn.outcome,
        },
    )


def output_limit(definition: Definition, card: ModelCard) -> int:
    """The most tokens that one answer may take, thoughts included; what is sent to the model and what the hold counts."""
    thoughts = THINKING_TOKENS if card.thinking is not None else 0
    return min(definition.model.max_output_tokens + thoughts, card.max_output_tokens)

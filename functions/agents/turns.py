"""One turn of a conversation, from the question to the settled, published event (ARCHITECTURE, Talk).

`admission.admit` has taken room; `Turn.events` answers, and whatever happens, the turn is settled before it ends: one
commit of four, one publish and one write after the model, and nothing written between.

How it ended is its outcome: `completed`; `interrupted`, when some of the answer came or the caller left, charged for what
came; `failed`, when there is no answer, charged nothing.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from functions.agents import conversations, passages, prompt_format, repository
from functions.agents.models import Agent, Ask, Definition
from functions.agents.providers import (
    Finished,
    Listening,
    ModelError,
    ModelInterrupted,
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
from functions.agents.retrieval import Hit
from functions.agents.telling import Answered, done, problem_of, start, told
from functions.shared import clock, contracts, firestore, logs, metering, plans, pricing, words
from functions.shared import events as usage_events
from functions.shared.contracts import Source, TurnRead
from functions.shared.errors import Problem, Unavailable
from functions.shared.http import Event
from functions.shared.identity import WorkspaceId
from functions.shared.metering import Hold
from functions.shared.metering.holds import OtherPayload

SETTLE_ATTEMPTS = 4
"""How often a settlement is tried, with pauses of 0.1, 0.4 and 1.6 seconds: the request must end in its time."""

THINKING_TOKENS = 4096
"""What a model that thinks may use for thoughts, beside the answer: providers count both against one limit."""

PULSE_SECONDS = 0.25
"""How often a silent model's turn looks whether its caller has left."""

FOR_A_PERSON = ("asked", "rule")
"""Reasons for which a model hands over; of an unanswered question the visitor decides, so that is only offered."""


class _CallerLeft(Exception):
    """Nobody waits for the answer any more."""


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
    """As it was when this turn began; for a new one, as it was opened."""
    system: str
    provider: Callable[[str], Provider]
    answer: str = ""
    actions: list[str] = field(default_factory=list)
    for_a_person: bool = False
    note: str | None = None
    problem: Problem | None = None
    stored: TurnRead | None = None
    first_token_ms: int | None = None
    _hits: list[Hit] = field(default_factory=list)
    _reported: Usage | None = None
    _listening: Listening | None = None
    _hands_off: bool = False
    """Whether the conversation waits for a person from this turn on; when it did so before, it is no further hand-off."""
    _left: threading.Event = field(default_factory=threading.Event)

    def leave(self) -> None:
        """The caller has gone: end the model's call soon, also while it is silent. From any thread."""
        self._left.set()

    def events(self) -> Iterator[Event]:
        """The answer as it comes: start, delta…, sources, action…, usage, done. Raises the Problem of a turn without an
        answer, after everything is settled; when the caller leaves, what came so far is settled as interrupted."""
        started = clock.monotonic()
        outcome: contracts.Outcome = "interrupted"
        try:
            yield start(self.ask.turn_id, self.ask.conversation_id)
            for text in self._model(started):
                yield Event("delta", {"text": text})
            outcome = "completed" if self.problem is None else "interrupted"
        except _CallerLeft:
            pass
        except ModelError as error:
            outcome = self._broken(problem_of(_code(error)))
            logs.warning("a model did not answer", reason=type(error).__name__, detail=str(error)[:300])
        except Problem as error:
            outcome = self._broken(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the turn is settled and its caller hears of it
            outcome = self._broken(problem_of("internal"))
            logs.error("a turn failed", error)
        finally:
            settled = self._settle(outcome, round((clock.monotonic() - started) * 1000))
        if not settled:
            raise problem_of("not_stored")
        if outcome == "failed" and self.problem is not None:
            raise self.problem
        assert self.stored is not None
        yield from told(self.stored, after_text=True)
        yield done(Answered(self.ask.turn_id, self.ask.conversation_id, self.stored))

    def _broken(self, problem: Problem) -> contracts.Outcome:
        self.problem = problem
        if self.answer.strip():
            return "interrupted"
        self.answer = ""
        return "failed"

    def _model(self, started: float) -> Iterator[str]:
        self._hits = passages.find(
            self.workspace,
            self.ask.agent_id,
            self.agent.knowledge,
            self.ask.message,
            self.definition.knowledge.passages,
            self.provider,
        )
        if self._left.is_set():
            raise _CallerLeft
        request = self._request()
        left = self.ask.deadline_seconds - (clock.monotonic() - started)
        model = self.provider(self.card.provider)
        self._listening = Listening(model, request, deadline_in(left), PULSE_SECONDS)
        try:
            for item in self._listening:
                if self._left.is_set():
                    raise _CallerLeft
                match item:
                    case TextDelta(text) if text:
                        if self.first_token_ms is None:
                            self.first_token_ms = round((clock.monotonic() - started) * 1000)
                        self.answer += text
                        yield text
                    case ToolCall(prompt_format.HAND_OFF.name, arguments) if request.tools:
                        self._hand_off(arguments)
                    case UsageReport(usage):
                        self._reported = usage
                    case Finished("blocked") if not self.answer.strip():
                        raise ModelRefused("blocked")
                    case Finished("blocked"):
                        self.problem = problem_of("model_refused")
        finally:
            self._listening.close()
            # All that came out is paid for, so all of it is kept, also what was on its way when the caller left.
            self.answer = self._listening.text or self.answer
        if not self.answer.strip():
            if not self.actions:
                raise ModelUnavailable("the model ended without a word")
            # A model that only called the tool still owes the visitor a sentence; it is the business's own.
            self.answer = self.definition.hand_off.message
            yield self.answer

    def _request(self) -> ModelRequest:
        block = prompt_format.knowledge_block([(hit.title, hit.text) for hit in self._hits])
        history: list[Said] = []
        for exchange in self.conversation.get("history") or ():
            history += [Said("user", exchange["message"]), Said("assistant", exchange["answer"])]
        hand_off = self.definition.hand_off.enabled and "tools" in self.card.abilities
        return ModelRequest(
            model=self.card.id,
            turns=(*history, Said("user", self.ask.message)),
            max_output_tokens=output_limit(self.definition, self.card),
            system=f"{self.system}\n\n{block}" if block else self.system,
            temperature=self.definition.model.temperature,
            thinking=self.definition.model.thinking,
            tools=(prompt_format.HAND_OFF,) if hand_off else (),
        )

    def _hand_off(self, arguments: Mapping[str, Any]) -> None:
        if "hand_off" not in self.actions:
            self.actions.append("hand_off")
        if arguments.get("reason") in FOR_A_PERSON:
            self.for_a_person = True
            summary = arguments.get("summary")
            self.note = summary[:2000] if isinstance(summary, str) else None

    def _usage(self, outcome: contracts.Outcome) -> Usage:
        if self._listening is None:
            # No model was called, and that is known.
            return Usage(0, 0, 0, 0)
        if outcome == "failed":
            return self._reported or Usage()
        usage = self._listening.usage(thinks=self.card.thinking is not None)
        if not usage.estimated:
            return usage
        # A guess by length may pass what the model was allowed; what it reported may not be guessed away.
        most = max(0, output_limit(self.definition, self.card) - (usage.reasoning_tokens or 0))
        reported = (self._reported.output_tokens if self._reported else None) or 0
        return replace(usage, output_tokens=max(reported, min(usage.output_tokens or 0, most)))

    def _settle(self, outcome: contracts.Outcome, latency_ms: int) -> bool:
        usage = self._usage(outcome)
        buckets = {name: getattr(usage, name) for name in contracts.BUCKETS}
        counted = pricing.Usage(**buckets)
        cost = pricing.rate(counted, self.price)
        first = outcome != "failed" and not self.conversation.get("answered")
        charge = 0
        if outcome != "failed":
            charge = plans.charge(counted, cost, self.terms, model=self.card.id, conversations=int(first))
        self._hands_off = self.for_a_person and not conversations.waits(self._home())
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
            "new_conversation": first,
            "new_visitor": first and bool(self.conversation.get("new_visitor")),
            "handed_off": self._hands_off,
            "recorded_at": clock.to_text(now),
        }
        if charge > self.hold.amount:
            logs.alarm("a turn cost more than its highest price", turn=self.ask.turn_id, charge=charge)
        self.stored = self._turn(row, now)
        settled = self._recorded(row, now)
        if settled is not None:
            usage_events.publish(settled)
        return settled is not None

    def _recorded(self, row: Mapping[str, Any], now: datetime) -> usage_events.Event | None:
        for attempt in range(SETTLE_ATTEMPTS):
            try:
                return metering.settle(self.workspace, self.hold, row, self._documents, now=now)
            except (Unavailable, firestore.Changed) as error:
                reason = type(error).__name__
                if attempt < SETTLE_ATTEMPTS - 1:
                    time.sleep(0.1 * 4**attempt)
            except OtherPayload:
                reason = "settled with another content before"
                break
        # The hold does the rest: it dies, and the turn becomes an event `abandoned`.
        logs.alarm("a turn could not be settled", turn=self.ask.turn_id, reason=reason)
        return None

    def _turn(self, row: Mapping[str, Any], now: datetime) -> TurnRead:
        return TurnRead(
            seq=int(self.conversation.get("turn_count") or 0) + 1,
            message_id=f"msg_{self.ask.turn_id}",
            message=self.ask.message,
            answer=self.answer,
            sources=_cited(self.answer, self._hits),
            actions=tuple(self.actions),
            occurred_at=self.hold.occurred_at,
            completed_at=now,
            **{name: row[name] for name in TurnRead.model_fields if name in row and name != "occurred_at"},
        )

    def _documents(self, batch: firestore.Batch) -> None:
        stored = self.stored
        assert stored is not None
        path = repository.conversation_path(self.workspace, self.ask.conversation_id)
        if not self.hold.lives(clock.now()) and self.ask.turn_id not in (firestore.get(path).data.get("running") or {}):
            # Another turn has begun meanwhile, or the conversation was erased: what it says is not overwritten.
            return
        batch.create(f"{path}/turns/{self.ask.turn_id}", stored.model_dump())
        known = self.conversation
        fields: dict[tuple[str, ...], Any] = {
            ("running", self.ask.turn_id): firestore.DELETE,
            ("updated_at",): stored.completed_at,
            ("turn_count",): stored.seq,
            ("cost_nanos",): firestore.Increment(stored.cost_nanos),
            ("charge_nanos",): firestore.Increment(stored.charge_nanos),
        }
        fields |= {(name,): firestore.Increment(getattr(stored, name) or 0) for name in contracts.BUCKETS}
        if stored.outcome != "failed":
            text = f"{self.ask.message} {self.answer}"
            fields |= {
                ("answered",): True,
                ("history",): conversations.remembered(known.get("history") or (), self.ask.message, self.answer),
                ("words",): words.significant(text, known.get("words") or ()),
            }
        if self._hands_off:
            fields |= {
                ("handed_off",): True,
                ("hand_off",): {"state": "waiting", "note": self.note, "asked_at": stored.completed_at},
            }
        batch.update(path, fields)

    def _home(self) -> Mapping[str, Any]:
        """The conversation as it is now: the visitor may have asked for a person while the model spoke."""
        try:
            return firestore.get(repository.conversation_path(self.workspace, self.ask.conversation_id)).data
        except Unavailable:
            return self.conversation


def _cited(answer: str, hits: list[Hit]) -> tuple[Source, ...]:
    """The passages whose number the answer names; their numbers stay those in the text."""
    return tuple(
        Source(number=number, item_id=hit.item_id, title=hit.title, text=hit.text[:600], score=round(hit.score, 4))
        for number, hit in enumerate(hits, 1)
        if f"[{number}]" in answer
    )


def _code(error: ModelError) -> str:
    kinds = {ModelRefused: "model_refused", ModelTimeout: "model_timeout", ModelInterrupted: "model_interrupted"}
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), "model_unavailable")


def output_limit(definition: Definition, card: ModelCard) -> int:
    """The most tokens that one answer may take, thoughts included; what is sent to the model and what the hold counts."""
    thoughts = THINKING_TOKENS if card.thinking is not None else 0
    return min(definition.model.max_output_tokens + thoughts, card.max_output_tokens)

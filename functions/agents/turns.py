"""One turn of a conversation, from the question to the settled, published event (ARCHITECTURE, Talk).

`admission.admit` has taken room; `Turn.events` answers, and whatever happens, the turn is settled before it ends: one
commit of four, one publish and one write after the model, and nothing written between.

How it ended is its outcome: `completed`; `interrupted`, when some of the answer came or the caller left, charged for what
came; `failed`, when there is no answer, charged nothing.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from functions.agents import conversations, passages, repository
from functions.agents.answering import Answering, CallerLeft, Candidate
from functions.agents.models import Agent, Ask
from functions.agents.providers import ModelError, ModelInterrupted, ModelRefused, ModelTimeout
from functions.agents.retrieval import Hit
from functions.agents.telling import Answered, done, problem_of, start, told
from functions.shared import clock, contracts, failing, firestore, logs, metering, notifications, plans, pricing, words
from functions.shared import events as usage_events
from functions.shared.contracts import Source, TurnRead
from functions.shared.errors import Problem, Unavailable
from functions.shared.http import Event
from functions.shared.identity import WorkspaceId
from functions.shared.metering import Hold
from functions.shared.metering.holds import OtherPayload
from functions.shared.resolution import RULE

SETTLE_ATTEMPTS = 4
"""How often a settlement is tried, with pauses of 0.1, 0.4 and 1.6 seconds: the request must end in its time."""

VISITORS = ("widget", "api")
"""Where visitors speak; in the playground and in test cases the makers see for themselves that an agent fails."""


@dataclass
class Turn:
    """A turn that has its room and will be settled whatever happens. Use `events` once, to its end, or close it."""

    workspace: WorkspaceId
    ask: Ask
    terms: plans.PlanTerms
    hold: Hold
    agent: Agent
    conversation: Mapping[str, Any]
    """As it was when this turn began; for a new one, as it was opened."""
    retention_days: int | None
    answering: Answering
    problem: Problem | None = None
    stored: TurnRead | None = None
    _hits: list[Hit] = field(default_factory=list)
    _hands_off: bool = False
    """Whether the conversation waits for a person from this turn on; when it did so before, it is no further hand-off."""
    _notification: usage_events.Event | None = None

    def leave(self) -> None:
        """The caller has gone: end the model's call soon, also while it is silent. From any thread."""
        self.answering.left.set()

    def events(self) -> Iterator[Event]:
        """The answer as it comes: start, delta…, sources, action…, usage, done. Raises the Problem of a turn without an
        answer, after everything is settled; when the caller leaves, what came so far is settled as interrupted."""
        started = clock.monotonic()
        outcome: contracts.Outcome = "interrupted"
        try:
            yield start(self.ask.turn_id, self.ask.conversation_id)
            for text in self._texts(started):
                yield Event("delta", {"text": text})
            if self.answering.filtered:
                self.problem = problem_of("model_refused")
            outcome = "completed" if self.problem is None else "interrupted"
        except CallerLeft:
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
            settled = self._settle(outcome, started)
        if not settled:
            raise problem_of("not_stored")
        if outcome == "failed" and self.problem is not None:
            raise self.problem
        assert self.stored is not None
        yield from told(self.stored, after_text=True)
        yield done(Answered(self.ask.turn_id, self.ask.conversation_id, self.stored))

    def _broken(self, problem: Problem) -> contracts.Outcome:
        self.problem = problem
        if self.answering.text.strip():
            return "interrupted"
        self.answering.text = ""
        return "failed"

    def _texts(self, started: float) -> Iterator[str]:
        answering = self.answering
        self._hits = passages.find(
            self.workspace,
            self.ask.agent_id,
            self.agent.knowledge,
            self.ask.message,
            answering.definition.knowledge.passages,
            answering.provider,
        )
        yield from answering.texts(self._hits, self.ask.deadline_seconds - (clock.monotonic() - started))

    def _settle(self, outcome: contracts.Outcome, started: float) -> bool:
        answering, used = self.answering, self.answering.used
        usage = answering.usage(outcome)
        buckets = {name: getattr(usage, name) for name in contracts.BUCKETS}
        counted = pricing.Usage(**buckets)
        cost = pricing.rate(counted, used.price)
        first = outcome != "failed" and not self.conversation.get("answered")
        charge = 0
        if outcome != "failed":
            charge = plans.charge(counted, cost, self.terms, model=used.card.id, conversations=int(first))
        # Of a test case nobody waits for a person.
        asked_for = answering.for_a_person and self.ask.channel != "check"
        self._hands_off = asked_for and not conversations.waits(self._home())
        now, first_word = clock.now(), answering.first_word_at
        row = {
            **self.hold.row,
            **model_of(used),
            "outcome": outcome,
            "estimated": usage.estimated,
            **buckets,
            "cost_nanos": cost,
            "charge_nanos": min(charge, self.hold.amount),
            "latency_ms": _milliseconds(clock.monotonic() - started),
            "first_token_ms": None if first_word is None else _milliseconds(first_word - started),
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
        if settled is None:
            return False
        usage_events.publish_all([settled, *self._notified()])
        if outcome == "failed" and self.ask.channel in VISITORS:
            self._tell_if_failing(now)
        return True

    def _tell_if_failing(self, now: datetime) -> None:
        """The business hears on the same day of an agent that fails too often; this turn may not be counted yet."""
        try:
            home = contracts.WorkspaceRead.model_validate(firestore.get(contracts.workspace_path(self.workspace)).data)
            today = f"{now.astimezone(ZoneInfo(home.time_zone)):%Y-%m-%d}"
            failing.tell(self.workspace, today, now, only=self.ask.agent_id)
        except Exception as error:  # noqa: BLE001 - the turn is settled, and the night looks at the whole day
            logs.error("whether an agent fails was not seen", error)

    def _notified(self) -> list[usage_events.Event]:
        """The notification of a turn that handed over, if it was recorded: of an erased conversation nobody is told."""
        if self._notification is None or usage_events.read(self.workspace, self._notification.id) is None:
            return []
        return [self._notification]

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
            answer=self.answering.text,
            sources=_cited(self.answering.text, self._hits),
            actions=tuple(self.answering.actions),
            history_turns=len(self.answering.history),
            history_cut=max(0, conversations.exchanged(self.conversation) - len(self.answering.history)),
            occurred_at=self.hold.occurred_at,
            completed_at=now,
            **{name: row[name] for name in TurnRead.model_fields if name in row and name != "occurred_at"},
        )

    def _documents(self, batch: firestore.Batch) -> None:
        stored = self.stored
        assert stored is not None
        self._notification = None
        path = repository.conversation_path(self.workspace, self.ask.conversation_id)
        if not self.hold.lives(clock.now()) and self.ask.turn_id not in (firestore.get(path).data.get("running") or {}):
            # Another turn has begun meanwhile, or the conversation was erased: what it says is not overwritten.
            return
        until = conversations.kept_until(stored.completed_at, self.retention_days)
        expiry = {} if until is None else {"expire_at": until}
        batch.create(f"{path}/turns/{self.ask.turn_id}", {**stored.model_dump(), **expiry})
        known = self.conversation
        fields: dict[tuple[str, ...], Any] = {
            ("running", self.ask.turn_id): firestore.DELETE,
            ("updated_at",): stored.completed_at,
            ("turn_count",): stored.seq,
            ("version_id",): stored.version_id,
            ("outcome",): stored.outcome,
            ("industry",): self.hold.row["industry"],
            ("expire_at",): firestore.DELETE if until is None else until,
            ("cost_nanos",): firestore.Increment(stored.cost_nanos),
            ("charge_nanos",): firestore.Increment(stored.charge_nanos),
        }
        fields |= {(name,): firestore.Increment(getattr(stored, name) or 0) for name in contracts.BUCKETS}
        if not known.get("resolved"):
            fields[("quiet_at",)] = stored.completed_at + RULE.quiet
        if stored.outcome != "failed":
            fields |= {
                ("answered",): True,
                ("history",): conversations.remembered(known.get("history") or (), stored.message, stored.answer),
                ("exchanges",): conversations.exchanged(known) + int(bool(stored.answer.strip())),
                ("words",): words.significant(f"{stored.message} {stored.answer}", known.get("words") or ()),
            }
        if self._hands_off:
            waiting = {"state": "waiting", "note": self.answering.note, "asked_at": stored.completed_at}
            fields |= {("handed_off",): True, ("hand_off",): waiting}
            self._notification = notifications.record(
                batch,
                self.workspace,
                "hand_off.requested",
                subject=self.ask.conversation_id,
                once=self.ask.turn_id,
                facts={"agent_id": self.ask.agent_id},
                now=stored.completed_at,
            )
        batch.update(path, fields)

    def _home(self) -> Mapping[str, Any]:
        """The conversation as it is now: the visitor may have asked for a person while the model spoke."""
        try:
            return firestore.get(repository.conversation_path(self.workspace, self.ask.conversation_id)).data
        except Unavailable:
            return self.conversation


def model_of(candidate: Candidate) -> dict[str, Any]:
    """The columns of an event that say which model answered, and at which price."""
    card, price = candidate.card, candidate.price
    return {
        "provider": card.provider,
        "model": card.id,
        "region": price.region if card.provider == "vertexai" else None,
        "price_version": price.version,
    }


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


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

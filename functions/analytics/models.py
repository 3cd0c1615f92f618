"""The nouns of the analytics' room: figures over time, performance, and conversations as they are read."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from functions.shared.contracts import Channel, Counters, Outcome
from functions.shared.http import Answer, Page, Query
from functions.shared.money import Money

Granularity = Literal["hour", "day", "week", "month"]
Dimension = Literal["agent", "model", "channel", "industry", "version"]

MOST_DAYS = 366
MOST_HOUR_DAYS = 14


Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]


class Range(Query):
    """Which days, both included, in the workspace's time zone; without them the last 30 days."""

    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None


class StatsQuery(Range):
    """How usage is to be cut."""

    granularity: Granularity = "day"
    group_by: Dimension | None = None


class PerformanceQuery(Range):
    """Which span performance is for."""


class ConversationFilter(Page):
    """Which conversations to list; both conditions hold together."""

    agent_id: str | None = Field(default=None, max_length=60)
    q: str | None = Field(default=None, max_length=200, description="Words that were said, all of them.")


class Figures(Answer):
    """What was used and what it costs. Pending counts turns whose usage is not fully known: unknown is not zero."""

    conversations: int
    turns: int
    visitors: int
    errors: int
    hand_offs: int
    leads: int
    resolved: int
    ratings: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    pending: int
    estimated: int
    cost: Money
    charge: Money

    @classmethod
    def of(cls, counters: Counters, currency: str) -> "Figures":
        """From what was counted."""
        return cls(
            conversations=counters.conversations,
            turns=counters.turns,
            visitors=counters.visitors,
            errors=counters.failed + counters.abandoned,
            hand_offs=counters.handed_off,
            leads=counters.leads,
            resolved=counters.resolved,
            ratings=counters.ratings,
            input_tokens=counters.input_tokens,
            cached_input_tokens=counters.cached_input_tokens,
            output_tokens=counters.output_tokens,
            reasoning_tokens=counters.reasoning_tokens,
            pending=counters.pending,
            estimated=counters.estimated,
            cost=Money.of_nanos(counters.cost_nanos, currency),
            charge=Money.of_nanos(counters.charge_nanos, currency),
        )


class Bucket(Answer):
    """One step of time; `start` is a day, or an hour's beginning in UTC. A step without usage is there, with zeros.

    A week begins on Monday and is named by it, even where the span begins later. Hours are those of UTC, and all that
    the span touches are there whole, which differs from the days' sum where a time zone is off by half an hour.
    """

    start: str
    figures: Figures
    groups: dict[str, Figures] = Field(default_factory=dict)


class Stats(Answer):
    """Usage over time; the sum of the items is the total."""

    granularity: Granularity
    group_by: Dimension | None
    time_zone: str
    items: list[Bucket]
    total: Figures
    as_of: datetime | None


class Performance(Answer):
    """How well it went; shares are of 1, latencies in ms, null where nothing was measured."""

    turns: int
    conversations: int
    latency_p50_ms: int | None
    latency_p95_ms: int | None
    latency_p99_ms: int | None
    first_token_p50_ms: int | None
    first_token_p95_ms: int | None
    error_rate: float | None
    hand_off_rate: float | None
    resolution_rate: float | None
    helpful_rate: float | None
    leads: int
    ratings: int
    rating: float | None
    cost_per_conversation: Money | None
    charge_per_conversation: Money | None


class Comparison(Answer):
    """A span of days and the one of the same length before it."""

    current: Performance
    before: Performance
    time_zone: str
    as_of: datetime | None


class Definition(Answer):
    """What a figure means, exactly."""

    name: str
    definition: str
    unit: str


class ConversationItem(Answer):
    """A conversation in a list."""

    id: str
    agent_id: str
    channel: Channel
    widget_id: str | None
    visitor_id: str | None
    title: str
    turns: int
    handed_off: bool
    resolved: bool
    rating: int | None
    has_lead: bool
    tokens: int
    cost: Money
    charge: Money
    created_at: datetime
    updated_at: datetime


class TurnSource(Answer):
    """What an answer rests on."""

    number: int
    item_id: str
    title: str
    text: str
    score: float


class TranscriptTurn(Answer):
    """One turn with everything that is known of it; a null bucket is pending.

    The model saw the latest `history_turns` exchanges before it; the `history_cut` oldest were left out of its prompt.
    """

    id: str
    seq: int
    message: str
    answer: str
    outcome: Outcome
    provider: str
    model: str
    version_id: str | None
    price_version: str
    input_tokens: int | None
    cached_input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    estimated: bool
    cost: Money
    charge: Money
    latency_ms: int | None
    first_token_ms: int | None
    error_code: str | None
    sources: list[TurnSource]
    actions: list[str]
    feedback: Literal["up", "down"] | None
    comment: str | None
    history_turns: int | None
    history_cut: int
    occurred_at: datetime


class HandOff(Answer):
    """The wish for a person. `note` is the visitor's or the model's, `staff_note` the business's own."""

    state: Literal["waiting", "taken", "done"]
    note: str | None
    staff_note: str | None
    taken_by: str | None
    asked_at: datetime | None


class Lead(Answer):
    """What the visitor left of themselves, with what they agreed to, word for word."""

    name: str
    email: str
    phone: str
    message: str
    consent: str
    left_at: datetime


class Transcript(ConversationItem):
    """A whole conversation; of a very long one the latest 200 turns."""

    locale: str | None
    page_url: str | None
    hand_off: HandOff | None
    lead: Lead | None
    rating_comment: str | None
    transcript: list[TranscriptTurn]

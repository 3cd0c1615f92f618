"""What analytics answers: figures over time, performance, and conversations as they are read."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from functions.analytics.steps import Granularity
from functions.shared.contracts import Channel, Outcome
from functions.shared.http import Answer
from functions.shared.money import Money

Dimension = Literal["agent", "model", "channel", "industry", "version"]


class Figures(Answer):
    """What was used and what it costs. Pending counts turns whose usage is not fully known: unknown is not zero.

    What conversations are told of beside their turns names no model: by model it is null.
    """

    conversations: int
    turns: int
    visitors: int
    returning_visitors: int
    errors: int
    hand_offs: int | None
    leads: int | None
    resolved: int | None
    unresolved: int | None
    ratings: int | None
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    pending: int
    estimated: int
    cost: Money
    charge: Money


class Bucket(Answer):
    """One step of time; `start` is a day, or an hour's beginning in UTC. A step without usage is there, with zeros.

    A week begins on Monday and is named by it, even where the span begins later. Hours are those of the time zone's own
    clock: one that comes twice in autumn is two steps.
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
    turns_per_conversation: float | None
    visitors: int
    returning_visitors: int
    latency_p50_ms: int | None
    latency_p95_ms: int | None
    latency_p99_ms: int | None
    first_token_p50_ms: int | None
    first_token_p95_ms: int | None
    first_token_p99_ms: int | None
    errors: int
    error_rate: float | None
    hand_offs: int | None
    hand_off_rate: float | None
    resolved: int | None
    unresolved: int | None
    resolution_rate: float | None
    helpful_rate: float | None
    leads: int | None
    ratings: int | None
    rating: float | None
    cost: Money
    charge: Money
    cost_per_conversation: Money | None
    charge_per_conversation: Money | None


class Detailed(Performance):
    """Performance with the tokens and the margin."""

    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    pending: int
    estimated: int
    margin: Money
    margin_rate: float | None


class PerformanceStep(Answer):
    """One step of time; `start` is as in usage over time. `unfinished` while the step is not over."""

    start: str
    unfinished: bool
    figures: Detailed


class Series(Answer):
    """A span step by step, and the span before step by step.

    `change` compares `compared`, which is what is over of the span (its finished days; with hours its finished hours),
    with `compared_before`, which is the same part of the span before.
    """

    granularity: Granularity
    items: list[PerformanceStep]
    before: list[PerformanceStep]
    total: Detailed
    compared: Detailed
    compared_before: Detailed
    change: dict[str, float | None]


class Days(Answer):
    """A span of days, both included."""

    first: date
    last: date


class Comparison(Answer):
    """A span of days and the one before it: of the same length, or as it was asked for.

    `change` has for each figure how much it grew, as a share of what it was before; null where that was nothing or
    unknown. `groups` are those of the current span, `series` its steps, if asked for. `as_of` is the time of the newest
    event in the figures. `late_since` is there when turns are stored that should be counted and are not: the time of the
    oldest of them, ten minutes ago or more. It is null for a span that is over.
    """

    days: Days
    days_before: Days
    current: Performance
    before: Performance
    change: dict[str, float | None]
    group_by: Dimension | None
    groups: dict[str, Performance]
    series: Series | None
    time_zone: str
    as_of: datetime | None
    late_since: datetime | None


class VersionPerformance(Performance):
    """How well a published version of an agent did. What was tried on a draft belongs to none."""

    version_id: str
    number: int
    name: str
    model: str
    published_at: datetime
    is_published: bool
    margin: Money
    margin_rate: float | None


class VersionList(Answer):
    """An agent's published versions, the newest first, each with its figures of the span."""

    items: list[VersionPerformance]
    days: Days
    time_zone: str
    as_of: datetime | None
    next_page_token: str | None


class Compared(Answer):
    """One figure among workspaces of the same industry: the typical one, and where the own one lies."""

    typical: float
    own: float | None
    position: Literal["lower", "similar", "higher"] | None


class Benchmark(Answer):
    """The industry across workspaces; `too_few` as long as fewer than `least_workspaces` have enough turns in it."""

    state: Literal["compared", "too_few", "unavailable"]
    workspaces: int | None
    figures: dict[str, Compared]


class IndustryPerformance(Answer):
    """One industry that the workspace's agents are for."""

    industry: str
    current: Performance
    before: Performance
    change: dict[str, float | None]
    benchmark: Benchmark


class Industries(Answer):
    """By industry, with the most turns first. Benchmarks are made once a day, of the 30 days of UTC before it."""

    items: list[IndustryPerformance]
    days: Days
    days_before: Days
    benchmark_days: Days
    least_workspaces: int
    benchmark_as_of: datetime | None
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
    outcome: Outcome | None
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
    """What the visitor left of themselves, with what they agreed to, word for word. `staff_note` is the business's own."""

    name: str
    email: str
    phone: str
    message: str
    consent: str
    left_at: datetime
    state: Literal["waiting", "taken", "done"]
    staff_note: str | None
    taken_by: str | None


class Transcript(ConversationItem):
    """A whole conversation; of a very long one 200 turns. `earlier` is the `before` of those before them, null at the first.

    `lead` is there for members: a viewer sees by `has_lead` that the visitor left contact details.
    """

    locale: str | None
    page_url: str | None
    hand_off: HandOff | None
    lead: Lead | None
    rating_comment: str | None
    transcript: list[TranscriptTurn]
    earlier: int | None

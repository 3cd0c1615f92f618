"""What analytics counts, as other folders read it: the counters of a span and the rollups that hold them.

Part of the contracts between folders; import them from there.
"""

from __future__ import annotations

from pydantic import Field

from functions.shared.reads import Read

LATENCY_BOUNDS_MS = (50, 100, 200, 300, 400, 500, 700, 1000, 1400, 2000, 3000, 4000, 6000, 8000, 12000, 20000, 40000)
"""Upper bounds of the latency buckets; a bucket's key is its bound as text, and `inf` above the last."""


class Counters(Read):
    """What is counted of one agent, model, channel, … in one hour, day or month. All integers; money in nanos."""

    turns: int = 0
    conversations: int = 0
    visitors: int = 0
    returning: int = 0
    """Conversations that a visitor began who had been there before; those who had not are `visitors`."""
    completed: int = 0
    interrupted: int = 0
    failed: int = 0
    abandoned: int = 0
    handed_off: int = 0
    resolved: int = 0
    unresolved: int = 0
    """Conversations that were not resolved when they were first looked at."""
    leads: int = 0
    feedback_up: int = 0
    feedback_down: int = 0
    ratings: int = 0
    rating_sum: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    pending: int = 0
    estimated: int = 0
    cost_nanos: int = 0
    charge_nanos: int = 0
    latency: dict[str, int] = Field(default_factory=dict)
    first_token: dict[str, int] = Field(default_factory=dict)
    last_micros: int = 0

    @property
    def errors(self) -> int:
        """Turns that ended without an answer, by the model's fault or ours."""
        return self.failed + self.abandoned

    @property
    def failing(self) -> bool:
        """Whether more than one turn in ten ended without an answer; one definition for fleet, alerts, notifications."""
        return self.errors * 10 > self.turns + self.errors


class RollupCut(Read):
    """Counters of one span, in total and by dimension. `as_of_micros` is the newest `occurred_at` counted, in Unix
    microseconds.
    """

    as_of_micros: int = 0
    total: Counters = Counters()
    agents: dict[str, Counters] = Field(default_factory=dict)
    models: dict[str, Counters] = Field(default_factory=dict)
    channels: dict[str, Counters] = Field(default_factory=dict)
    industries: dict[str, Counters] = Field(default_factory=dict)
    versions: dict[str, Counters] = Field(default_factory=dict)


QUARTERS = ("00", "15", "30", "45")
"""The quarters of an hour, by the minute that they begin with."""


class RollupRead(RollupCut):
    """`workspaces/{workspace}/rollups/{kind}_{start}`: `hour_2026-11-25T13` (UTC), `day_2026-11-25`, `month_2026-11`
    (both in the workspace's time zone).

    An hour has its quarters besides, for time zones that are off by a part of an hour: without latencies and versions,
    which would make the documents of large fleets too large.
    """

    quarters: dict[str, RollupCut] = Field(default_factory=dict)

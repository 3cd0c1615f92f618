"""What may be asked of analytics: spans of days, how figures are cut and grouped, which conversations."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from functions.analytics.models import Dimension
from functions.analytics.steps import Granularity
from functions.shared.contracts import Channel, Outcome
from functions.shared.http import Page, Query

MOST_DAYS = 366
MOST_HOUR_DAYS = 14
MOST_FOREIGN_DAYS = {"day": 31, "week": 182, "month": 366}
"""By the steps, where their days are not the workspace's: about 800 documents each (docs/decisions/0027)."""

Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]
Key = Annotated[str | None, Field(min_length=1, max_length=200)]


class Range(Query):
    """Which days, both included, in the workspace's time zone; without them the last 30 days."""

    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None


class Cutting(Range):
    """Of what the figures are: of all, or of one agent, model, channel, industry or version; and by what to group them.

    Counters are kept by one dimension each, so only one of them can be named at once.
    """

    agent: Key = None
    model: Annotated[Key, Field(description="As provider/model.")] = None
    channel: Channel | None = None
    industry: Key = None
    version: Key = None
    group_by: Dimension | None = None


class StatsQuery(Cutting):
    """How usage is to be cut."""

    granularity: Granularity = "day"
    time_zone: str | None = Field(
        default=None,
        max_length=60,
        description="Of which IANA time zone the days and hours are, such as Asia/Kathmandu; the workspace's by default. "
        "Where its days are others: at most 31 days by day, 182 by week, 366 by month.",
    )


class PerformanceQuery(Cutting):
    """Which span performance is for, of what, and beside which span."""

    granularity: Granularity | None = Field(
        default=None, description="Also step by step, in `series`, where what is not over yet is not compared."
    )
    before_from: Day | None = Field(
        default=None, description="Where the span to compare with begins; by default it is the one right before."
    )
    before_to: Day | None = Field(default=None, description="Its last day; goes with `before_from`.")


class VersionsQuery(Page, Range):
    """Which span the versions' figures are for."""


class ConversationFilter(Page):
    """Which conversations to list; all conditions hold together."""

    agent_id: str | None = Field(default=None, max_length=60)
    widget_id: str | None = Field(default=None, max_length=60)
    visitor_id: str | None = Field(default=None, max_length=60)
    channel: Channel | None = None
    outcome: Outcome | None = Field(default=None, description="How its latest turn ended.")
    handed_off: bool | None = Field(default=None, description="Whether a person was asked for at any time.")
    hand_off: Literal["waiting", "taken", "done"] | None = Field(default=None, description="How that stands now.")
    resolved: bool | None = None
    has_lead: bool | None = None
    min_rating: int | None = Field(default=None, ge=1, le=5)
    max_rating: int | None = Field(default=None, ge=1, le=5)
    from_: Annotated[Day | None, Field(alias="from", description="From this day on, by the last message.")] = None
    to: Annotated[Day | None, Field(description="Up to this day, which is included.")] = None
    q: str | None = Field(default=None, max_length=200, description="Words that were said, all of them.")


class TranscriptQuery(Query):
    """Which turns of a conversation: the latest, or the latest before one."""

    before: int | None = Field(default=None, ge=1, description="Only turns before this `seq`; `earlier` says which.")

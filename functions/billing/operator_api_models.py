"""What billing takes from and shows to the operator alone: who owes what and since when, what each workspace brings and
costs, usage that a provider did not report."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from functions.billing.api_models import Month, Text
from functions.shared.http import Answer, Body, Query
from functions.shared.money import Money


class Aging(Answer):
    """What is due by how long it is overdue, in days. A day that has begun counts."""

    not_due: Money
    days_1_30: Money
    days_31_60: Money
    days_61_90: Money
    over_90: Money


class Debtor(Answer):
    """A workspace as the operator sees it: what it owes, what this month brings and costs."""

    id: str
    name: str
    state: str
    plan: str
    due: Money
    overdue: Money
    aging: Aging
    credit: Money
    charge_so_far: Money
    cost_so_far: Money
    margin_so_far: Money
    open_invoices: int
    last_closed: str | None
    as_of: datetime = Field(description="When these figures were read; a turn and a payment count at once.")


class MarginQuery(Query):
    """Which month."""

    period: Month | None = Field(default=None, description="A UTC month, 2026-11; the running one if absent.")


class MarginOf(Answer):
    """What a model or an agent brings, what the provider takes for it, and what is left."""

    key: str
    name: str | None
    messages: int
    charge: Money
    cost: Money
    margin: Money


class Margin(Answer):
    """A month's margin, before fee, allowance and discount."""

    period: str
    total: MarginOf
    by_model: list[MarginOf]
    by_agent: list[MarginOf]
    as_of: datetime | None = Field(description="The time of the newest event in it; null without any.")


class PendingUsage(Answer):
    """A turn whose provider did not report all of its tokens, with what finds it in the provider's logs; null: pending."""

    id: str
    agent_id: str
    occurred_at: datetime
    outcome: str
    provider: str
    model: str
    region: str | None
    trace_id: str | None
    input_tokens: int | None
    cached_input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None


Tokens = Annotated[int, Field(ge=0, le=10_000_000)]


class UsageReport(Body):
    """The tokens of exactly the buckets that are pending; 0 where there were none."""

    input_tokens: Tokens | None = None
    cached_input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    reasoning_tokens: Tokens | None = None
    reason: Text = Field(description="Where it is from, such as the line of the provider's bill.")


class ReportedUsage(Answer):
    """The correction that a report became: the tokens it brings, and what the turn cost and is charged more for them."""

    id: str
    corrects: str
    input_tokens: int | None
    cached_input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cost: Money
    charge: Money
    recorded_at: datetime

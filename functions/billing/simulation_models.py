"""What a simulation takes and shows over HTTP."""

from datetime import datetime

from pydantic import Field

from functions.billing.api_models import Plan, Text
from functions.shared.http import Answer, Body
from functions.shared.money import Money


class Simulate(Body):
    """Another plan, another model, or both. The model answers for one agent, or for all if none is named."""

    plan: Text | None = None
    model: Text | None = None
    agent: Text | None = None


class Compared(Answer):
    """As it was, and as it would have been. `usage` is turns at list price, `net` what the plan makes of them."""

    usage_was: Money
    usage: Money
    net_was: Money
    net: Money
    difference: Money = Field(description="`net` less `net_was`: below zero is cheaper.")


class SimulatedMonth(Compared):
    """The days of a UTC month that lie in the window; `plan` is the one that governed it."""

    month: str
    days: int
    days_of_month: int
    plan: str


class SimulatedAgent(Compared):
    """An agent's part; without an agent what nobody used, as a fee. The net is shared out by usage."""

    agent_id: str | None
    name: str | None


class Note(Answer):
    """Something to know about the figures."""

    code: str
    text: str


class Simulation(Answer):
    """The last 90 days, or as many as the workspace is old, under another plan or with another model, before tax."""

    days: int
    starts_at: datetime
    ends_at: datetime
    currency: str
    plan: Plan | None
    model: str | None
    price_version: str | None
    total: Compared
    by_month: list[SimulatedMonth]
    by_agent: list[SimulatedAgent]
    unknown: list[Note] = Field(description="What the figures cannot know.")
    caveats: list[Note] = Field(description="How they were made.")
    as_of: datetime | None = Field(description="The time of the newest event in them; null without any.")

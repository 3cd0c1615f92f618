"""The nouns of the home page: figures, alerts, who did what, what a search finds, and how the service is."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from functions.dashboard.models import Workspace
from functions.shared.http import Answer, Page, Query
from functions.shared.money import Money


class Figures(Answer):
    """What a span of time has brought."""

    conversations: int
    turns: int
    visitors: int
    tokens: int
    charge: Money
    cost: Money
    errors: int
    hand_offs: int
    first_token_p95_ms: int | None
    latency_p95_ms: int | None


class Summary(Answer):
    """The figures of the home page; `as_of` is the time of the newest turn in them, null before the first."""

    today: Figures
    month: Figures
    charge_so_far: Money
    projection: Money
    cap: Money | None
    as_of: datetime | None


class ActivityFilter(Page):
    """Which entries to show; all conditions hold together. A page may be short and still not be the last."""

    actor: str | None = Field(default=None, max_length=200, description="As in `actor`, such as person:UID or key:ID.")
    action: str | None = Field(
        default=None, max_length=100, description="How the action begins: `api_key.` or `agent.published`."
    )
    kind: str | None = Field(default=None, max_length=60)
    subject: str | None = Field(default=None, max_length=200)
    from_: AwareDatetime | None = Field(default=None, alias="from", description="Entries of this moment and later.")
    to: AwareDatetime | None = Field(default=None, description="Entries before this moment.")


class Activity(Answer):
    """One entry of who did what, the changed fields before and after, without secrets."""

    id: str
    at: datetime
    actor: str
    actor_name: str
    action: str
    kind: str
    subject: str
    name: str
    before: dict[str, object] | None = None
    after: dict[str, object] | None = None


class Alert(Answer):
    """Something that needs attention. `code` is stable, `definition` says exactly when it is shown."""

    code: str
    severity: Literal["info", "warning", "critical"]
    text: str
    kind: str
    subject: str
    definition: str


class Home(Answer):
    """The home page in one call."""

    workspace: Workspace
    summary: Summary
    agents: dict[str, int] = Field(description="How many agents there are by status.")
    alerts: list[Alert]
    activity: list[Activity]


class SearchQuery(Query):
    """What to look for: part of a name, an id, a word that was said, the beginning of an invoice's number."""

    q: str = Field(min_length=1, max_length=200)


class Hit(Answer):
    """Something that a search found."""

    kind: Literal["agent", "widget", "conversation", "invoice"]
    id: str
    name: str
    at: datetime | None = None


class DeploymentHealth(Answer):
    """What one deployment says of itself."""

    name: str
    status: Literal["healthy", "unhealthy", "unreachable"]
    version: str | None = None
    latency_ms: int | None = None


class Status(Answer):
    """How the service is; the counters are the relay's, which runs every ten minutes."""

    deployments: list[DeploymentHealth]
    unsent_events: int
    dead_letters: int
    relay_ran_at: datetime | None
    last_event_at: datetime | None
    checked_at: datetime

"""The nouns of the fleet: an agent's status and metadata, and how it is seen beside its figures."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from functions.shared.contracts import AgentStatus
from functions.shared.http import Answer, Body, Page
from functions.shared.money import Money

Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
Sort = Literal["name", "-name", "created_at", "-created_at", "charge", "-charge", "last_active", "-last_active"]

TRANSITIONS: dict[AgentStatus, frozenset[AgentStatus]] = {
    "draft": frozenset({"active", "archived"}),
    "active": frozenset({"paused", "archived"}),
    "paused": frozenset({"active", "archived"}),
    "archived": frozenset({"paused"}),
}
"""From each status, the ones that may follow."""


MOST_IN_BULK = 500
"""Agents that one bulk call takes, and that one page of the list shows: a whole fleet in one call."""
MOST_TAGS = 20


class Filter(Page):
    """Which agents to list; all conditions hold together."""

    page_size: int = Field(default=20, ge=1, le=MOST_IN_BULK, description="How many items at most.")
    status: AgentStatus | None = None
    industry: str | None = Field(default=None, max_length=40)
    model: str | None = Field(default=None, max_length=160)
    tag: str | None = Field(default=None, max_length=40)
    text: str | None = Field(default=None, max_length=100, description="Part of the name, a tag or the note.")
    deleted: bool = Field(default=False, description="Those that can still be restored, instead of the others.")
    sort: Sort = "name"


def _once(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


Tags = Annotated[list[Tag], Field(max_length=MOST_TAGS), AfterValidator(_once)]


class NewAgent(Body):
    """What the fleet needs to make an agent; everything else is the wizard's."""

    definition: dict[str, object]
    tags: Tags = Field(default_factory=list)
    note: str = Field(default="", max_length=2000)


class FleetChange(Body):
    """What may be changed of an agent in the fleet; absent fields stay."""

    tags: Tags | None = None
    note: str | None = Field(default=None, max_length=2000)
    pinned: bool | None = None


class NewDuplicate(Body):
    """How the duplicate differs; without a name it is called a copy, without tags it has the agent's own."""

    name: str | None = Field(default=None, min_length=1, max_length=80)
    tags: Tags | None = None
    note: str = Field(default="", max_length=2000)


class Conditions(Body):
    """Which agents a bulk action takes; all conditions hold together."""

    status: AgentStatus | None = None
    industry: str | None = Field(default=None, max_length=40)
    model: str | None = Field(default=None, max_length=160)
    tag: str | None = Field(default=None, max_length=40)
    text: str | None = Field(default=None, max_length=100)
    deleted: bool = False


AgentName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,80}$")]
Action = Literal["enable", "disable", "archive", "restore", "delete", "tag", "untag", "export"]


class Bulk(Body):
    """One action on the agents with these ids, or on all that fit a filter; `tags` for tag and untag.

    With `dry_run` nothing is written and the outcomes say what would be.
    """

    action: Action
    ids: Annotated[list[AgentName], Field(min_length=1, max_length=MOST_IN_BULK), AfterValidator(_once)] | None = None
    filter: Conditions | None = None
    tags: Annotated[Tags, Field(min_length=1)] | None = None
    reason: str = Field(default="", max_length=300)
    dry_run: bool = False

    @model_validator(mode="after")
    def _fits(self) -> "Bulk":
        if (self.ids is None) == (self.filter is None):
            raise ValueError("name the agents by ids or by a filter")
        if (self.tags is not None) != (self.action in ("tag", "untag")):
            raise ValueError("tags belong to the actions tag and untag, and these need them")
        return self


class Outcome(Answer):
    """What became of one agent: `refused` for a reason that stays, `failed` for one that may pass.

    `yaml` is there after an export.
    """

    agent_id: str
    name: str = ""
    outcome: Literal["done", "unchanged", "refused", "failed"]
    code: str | None = None
    detail: str | None = None
    yaml: str | None = None


class BulkAnswer(Answer):
    """The outcomes in the order of the ids, or of a filter's agents by age, and how many there are of each kind."""

    action: Action
    dry_run: bool
    done: int
    unchanged: int
    refused: int
    failed: int
    outcomes: list[Outcome]


class StatusChange(Body):
    """The status that is wanted."""

    status: Literal["active", "paused", "archived"]
    reason: str = Field(default="", max_length=300)


class StatusStep(Answer):
    """One step of an agent's history."""

    status: AgentStatus
    at: datetime
    actor: str
    reason: str = ""


class Status(Answer):
    """An agent's status and how it came to it, the latest step first; `allowed` is what may follow."""

    agent_id: str
    status: AgentStatus
    allowed: list[AgentStatus]
    history: list[StatusStep]


class Figures(Answer):
    """What an agent did in a span of time."""

    conversations: int
    turns: int
    charge: Money


class Health(Answer):
    """How an agent does today; `state` is what a glance should see."""

    state: Literal["ok", "failing", "silent"]
    turns: int
    errors: int
    latency_p95_ms: int | None


class FleetAgent(Answer):
    """An agent as the fleet shows it.

    `as_of` is the time of the newest turn of the workspace in the figures, null when none is counted yet this month:
    turns after it, of this agent or of others, are not in them yet.
    """

    id: str
    name: str
    industry: str
    model: str
    status: AgentStatus
    version: int | None
    version_id: str | None
    tags: list[str]
    note: str
    pinned: bool
    health: Health
    today: Figures
    month: Figures
    last_active: datetime | None
    as_of: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

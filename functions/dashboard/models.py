"""The nouns of the dashboard's room: workspaces, members, API keys, and what the home page shows."""

from datetime import datetime
from typing import Annotated, Literal, get_args
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StringConstraints

from functions.shared.http import Answer, Body
from functions.shared.money import Money


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not a time zone of the IANA database, such as Europe/Berlin")
    return name


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Scope = Literal["read", "write", "chat"]


class NewWorkspace(Body):
    """What is needed to begin."""

    name: Name
    country: Country | None = Field(default=None, description="ISO 3166 code of the country the bills go to.")
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"
    time_zone: TimeZone = "UTC"


class WorkspaceChange(Body):
    """What an admin may change later; absent fields stay."""

    name: Name | None = None
    time_zone: TimeZone | None = None


class Workspace(Answer):
    """A workspace as its members see it; `role` is the caller's."""

    id: str
    name: str
    code: str
    country: str | None
    currency: str
    time_zone: str
    state: str
    role: str
    created_at: datetime


class Member(Answer):
    """A person of the workspace."""

    id: str
    email: str
    name: str
    role: str
    since: datetime


def _in_order(scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    return tuple(scope for scope in get_args(Scope) if scope in scopes)


class NewApiKey(Body):
    """A key for a program."""

    name: Name
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=3, strict=False), AfterValidator(_in_order)] = (
        "read",
    )
    role: Literal["viewer", "member", "admin"] = Field(
        default="member", description="What the key may do within its scopes, as a person with this role may."
    )


class ApiKey(Answer):
    """A key without its secret."""

    id: str
    name: str
    scopes: list[str]
    role: str
    created_at: datetime
    revoked_at: datetime | None = None


class ApiKeyWithSecret(ApiKey):
    """A key as it is shown once; only a hash of the secret is kept."""

    secret: str


class Token(Answer):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme, not a secret
    expires_in: int


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
    agents: dict[str, int]
    as_of: datetime | None


class Activity(Answer):
    """One entry of who did what."""

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


class Home(Answer):
    """The home page in one call."""

    workspace: Workspace
    summary: Summary
    activity: list[Activity]


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

"""The nouns of the workspace: the workspace itself, its members, invitations to it, and its API keys."""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from functions.shared import clock
from functions.shared.contracts import Role
from functions.shared.http import Answer, Body


def _time_zone(name: str) -> str:
    if not clock.is_time_zone(name):
        raise ValueError("not a time zone of the IANA database, such as Europe/Berlin")
    return name


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        max_length=254,
        pattern=r"^[^@\s,;<>\"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
    ),
]
Scope = Literal["read", "write", "chat"]
KeyRole = Literal["viewer", "member", "admin"]
RETENTION_DAYS = (7, 3650)


class NewWorkspace(Body):
    """What is needed to begin."""

    name: Name
    country: Country | None = Field(default=None, description="ISO 3166 code of the country the bills go to.")
    currency: Currency = "USD"
    time_zone: TimeZone = "UTC"


class _Change(Body):
    """Absent fields stay as they are, and null is as good as absent but where a field may be without value."""

    def given(self, nullable: str = "") -> dict[str, Any]:
        """What is to change, lists as lists; null only for the field that may be."""
        sent = self.model_dump(include=self.model_fields_set)
        kept = {name: value for name, value in sent.items() if value is not None or name == nullable}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}


class WorkspaceChange(_Change):
    """What an admin may change later; absent fields stay."""

    name: Name | None = None
    time_zone: TimeZone | None = None
    currency: Currency | None = Field(default=None, description="Until the first usage only.")
    retention_days: int | None = Field(
        default=None,
        ge=RETENTION_DAYS[0],
        le=RETENTION_DAYS[1],
        description="Days until a conversation's content is erased after its last turn; null: never.",
    )
    alert_emails: (
        Annotated[
            tuple[Email, ...], Field(max_length=10, strict=False), AfterValidator(lambda a: tuple(dict.fromkeys(a)))
        ]
        | None
    ) = Field(default=None, description="Who is told by mail.")


class Suspension(Body):
    """Whether a workspace is suspended, and why."""

    suspended: bool
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Suspended(Answer):
    """Where a workspace stands."""

    id: str
    state: str
    suspended: bool
    reason: str | None
    since: datetime | None


class Closing(Body):
    """The workspace's name, typed out, as the confirmation."""

    name: str = Field(max_length=200)


class Currencies(Answer):
    """ISO 4217 codes of what a workspace can be billed in."""

    currencies: list[str]


class Workspace(Answer):
    """A workspace as its members see it; `role` is the caller's."""

    id: str
    name: str
    code: str
    country: str | None
    currency: str
    time_zone: str
    state: str
    retention_days: int | None
    alert_emails: list[str]
    erase_at: datetime | None = Field(description="While closing: when everything but the books is erased.")
    role: str
    created_at: datetime


class Member(Answer):
    """A person of the workspace."""

    id: str
    email: str
    name: str
    role: str
    since: datetime


class MemberChange(Body):
    """Another role for a member."""

    role: Role


class NewInvitation(Body):
    """Who may join, and as what."""

    email: Email
    role: Role = "member"


class Invitation(Answer):
    """An invitation; `waiting` until it is accepted, revoked, or seven days old."""

    id: str
    email: str
    role: str
    state: Literal["waiting", "accepted", "revoked", "expired"]
    invited_by: str
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None = None


class InvitationWithLink(Invitation):
    """An invitation as it is shown once, with the link to send."""

    token: str
    link: str


class InvitationOffer(Answer):
    """What whoever was invited reads before joining."""

    workspace: str = Field(description="Its name.")
    role: str
    inviter: str
    state: Literal["waiting", "accepted", "revoked", "expired"]
    expires_at: datetime


def _in_order(scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    return tuple(scope for scope in get_args(Scope) if scope in scopes)


Scopes = Annotated[tuple[Scope, ...], Field(min_length=1, max_length=3, strict=False), AfterValidator(_in_order)]
Until = Annotated[AwareDatetime, Field(strict=False)]


class NewApiKey(Body):
    """A key for a program."""

    name: Name
    scopes: Scopes = ("read",)
    role: KeyRole = Field(
        default="member", description="What the key may do within its scopes, as a person with this role may."
    )
    expires_at: Until | None = Field(default=None, description="From then on it is refused; null: never.")


class ApiKeyChange(_Change):
    """What of a key may change; absent fields stay."""

    name: Name | None = None
    scopes: Scopes | None = None
    role: KeyRole | None = None
    expires_at: Until | None = Field(default=None, description="null: it never expires.")


class Rotation(Body):
    """How long the old secret still works."""

    overlap_hours: int = Field(default=24, ge=0, le=168)


class ApiKey(Answer):
    """A key without its secret. `last_used_at` is exact to the hour and counts exchanges for a token."""

    id: str
    name: str
    scopes: list[str]
    role: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    rotated_at: datetime | None = None
    old_secret_until: datetime | None = Field(
        default=None, description="Until when a secret before the last one works."
    )
    revoked_at: datetime | None = None


class ApiKeyWithSecret(ApiKey):
    """A key as it is shown once; only a hash of the secret is kept."""

    secret: str


class Token(Answer):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme, not a secret
    expires_in: int

"""What one folder may know of another's state: collections with their owners, paths, events, and frozen read models.

Only a collection's owner writes it (a contract test reads this table); `shared` is the owner where shared/ writes
for whoever calls. Another folder reads a document through its read model here, never through the owner's code. The
fields of a read model are a promise: the owner may store more, and may not store these differently.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from functions.shared.counters import LATENCY_BOUNDS_MS as LATENCY_BOUNDS_MS
from functions.shared.counters import QUARTERS as QUARTERS
from functions.shared.counters import Counters as Counters
from functions.shared.counters import RollupCut as RollupCut
from functions.shared.counters import RollupRead as RollupRead
from functions.shared.money_reads import ALERTS as ALERTS
from functions.shared.money_reads import AgreedPlan as AgreedPlan
from functions.shared.money_reads import BillingRead as BillingRead
from functions.shared.money_reads import BooksRead as BooksRead
from functions.shared.money_reads import InvoiceRead as InvoiceRead
from functions.shared.money_reads import PaymentRead as PaymentRead
from functions.shared.money_reads import SpendRead as SpendRead
from functions.shared.money_reads import filed_credit_note as filed_credit_note
from functions.shared.money_reads import filed_evidence as filed_evidence
from functions.shared.money_reads import filed_invoice as filed_invoice
from functions.shared.reads import Read as Read

if TYPE_CHECKING:
    from functions.shared.identity import WorkspaceId

OWNERS: dict[str, str] = {
    "workspaces": "dashboard",
    "members": "dashboard",
    "api_keys": "dashboard",
    "agents": "agents",
    "versions": "agents",
    "knowledge": "agents",
    "chunks": "agents",
    "copies": "agents",
    "conversations": "agents",
    "turns": "agents",
    "fleet": "my_agents",
    "widgets": "widgets",
    "visitors": "shared",
    "rollups": "analytics",
    "charges": "billing",
    "billing": "billing",
    "ledger": "billing",
    "invoices": "billing",
    "payments": "billing",
    "strays": "billing",
    "credit_notes": "billing",
    "directory": "shared",
    "events": "shared",
    "activity": "shared",
    "processed": "shared",
    "idempotency": "shared",
    "spend": "shared",
    "relay": "dashboard",
    "invitations": "dashboard",
    "webhooks": "dashboard",
    "deliveries": "dashboard",
    "checks": "agents",
    "check_runs": "agents",
    "exports": "analytics",
    "benchmarks": "analytics",
    "plans": "billing",
    "operator_acts": "shared",
}
"""Collection → the folder that alone writes it."""

Topic = Literal[
    "usage-recorded",
    "conversation-recorded",
    "ledger-recorded",
    "invoice-recorded",
    "close-requested",
    "sweep-requested",
    "notifications",
    "agent-published",
    "export-requested",
]

Channel = Literal["widget", "playground", "api", "check"]
Outcome = Literal["completed", "interrupted", "failed", "abandoned"]
AgentStatus = Literal["draft", "active", "paused", "archived"]
Role = Literal["viewer", "member", "admin", "owner"]

BUCKETS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens")
"""The exclusive token buckets (MONEY 2), in the order in which they are shown."""


def workspace_path(workspace: WorkspaceId) -> str:
    """The workspace's own document; everything of a workspace lies below it."""
    return f"workspaces/{workspace}"


def path(workspace: WorkspaceId, *parts: str) -> str:
    """A document or collection below a workspace: `path(ws, "agents", agent)`."""
    return "/".join(("workspaces", workspace, *parts))


class WorkspaceRead(Read):
    """`workspaces/{workspace}`."""

    name: str
    code: str = ""
    currency: str = "USD"
    country: str | None = None
    time_zone: str = "UTC"
    state: Literal["active", "suspended", "closing", "erased"] = "active"
    retention_days: int | None = None
    """How long what is said is kept; None: until somebody erases it."""
    alert_emails: tuple[str, ...] = ()
    """Who is told by mail of what `notifications` announces."""
    erase_at: datetime | None = None
    """Of a closed one: from then on every room erases what it holds of the workspace, the books excepted."""
    created_at: datetime

    def is_over(self, as_of: datetime) -> bool:
        """Whether everything is to go but the books; still so when it is erased, for whoever is asked once more then."""
        return self.state in ("closing", "erased") and self.erase_at is not None and self.erase_at <= as_of


class HoursRead(Read):
    """When a business is open: for each weekday spans such as `09:00-12:30`, in its time zone. A span whose end is not
    after its beginning goes on past midnight.
    """

    time_zone: str
    monday: tuple[str, ...] = ()
    tuesday: tuple[str, ...] = ()
    wednesday: tuple[str, ...] = ()
    thursday: tuple[str, ...] = ()
    friday: tuple[str, ...] = ()
    saturday: tuple[str, ...] = ()
    sunday: tuple[str, ...] = ()


class AgentRead(Read):
    """`workspaces/{workspace}/agents/{agent}`: what other folders may know of an agent."""

    name: str
    industry: str = ""
    model: str = ""
    published_version: str | None = None
    published_number: int = 0
    published_name: str | None = None
    published_greeting: str = ""
    published_questions: tuple[str, ...] = ()
    published_away: str = ""
    published_hours: HoursRead | None = None
    """When a person can be reached; None: always."""
    published_hand_off_away: str = ""
    """What a visitor who asks for a person is told outside those hours."""
    published_leads: bool = False
    published_languages: tuple[str, ...] = ()
    created_at: datetime
    updated_at: datetime


class VersionRead(Read):
    """`workspaces/{workspace}/agents/{agent}/versions/{version}`: one published version, written once."""

    number: int
    name: str = ""
    model: str = ""
    published_at: datetime


class FleetRead(Read):
    """`workspaces/{workspace}/fleet/{agent}`; an absent document is a draft that nobody touched."""

    status: AgentStatus = "draft"
    tags: tuple[str, ...] = ()
    deleted_at: datetime | None = None


class StatusStepRead(Read):
    """One step of an agent's `history`."""

    status: AgentStatus
    at: datetime
    actor: str
    reason: str = ""


class FleetRecord(FleetRead):
    """The same document with all that people have said in it: for whoever gives it away whole, not for each turn."""

    note: str = ""
    pinned: bool = False
    history: tuple[StatusStepRead, ...] = ()
    """Its latest steps, the oldest first."""


class WidgetRead(Read):
    """`workspaces/{workspace}/widgets/{widget}`: what a turn needs to know of its widget."""

    agent_id: str
    name: str = ""
    allowed_origins: tuple[str, ...] = ()
    turns_per_hour: int = 30
    deleted_at: datetime | None = None


class Source(Read):
    """One piece of knowledge that an answer rests on."""

    number: int
    item_id: str
    title: str
    text: str = ""
    score: float = 0.0


class TurnRead(Read):
    """`workspaces/{workspace}/conversations/{conversation}/turns/{turn}`: a visitor's message and its answer."""

    seq: int
    message_id: str
    message: str
    answer: str
    outcome: Outcome
    sources: tuple[Source, ...] = ()
    actions: tuple[str, ...] = ()
    provider: str = ""
    model: str = ""
    version_id: str | None = None
    price_version: str = ""
    currency: str = "USD"
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False
    cost_nanos: int = 0
    charge_nanos: int = 0
    latency_ms: int | None = None
    first_token_ms: int | None = None
    error_code: str | None = None
    feedback: Literal["up", "down"] | None = None
    comment: str | None = None
    history_turns: int | None = None
    """How many earlier exchanges went into the prompt."""
    history_cut: int = 0
    """How many more there were, which the model did not see: the oldest."""
    occurred_at: datetime
    completed_at: datetime


class HandOffRead(Read):
    """A conversation's wish for a person. `note` is the visitor's or the model's, `staff_note` the business's own."""

    state: Literal["waiting", "taken", "done"] = "waiting"
    note: str | None = None
    staff_note: str | None = None
    taken_by: str | None = None
    asked_at: datetime | None = None


class LeadRead(Read):
    """What a visitor left of themselves, with what they agreed to, word for word."""

    name: str = ""
    email: str = ""
    phone: str = ""
    message: str = ""
    consent: str = ""
    left_at: datetime
    state: Literal["waiting", "taken", "done"] = "waiting"
    staff_note: str | None = None
    """The business's own."""
    taken_by: str | None = None


class ConversationRead(Read):
    """`workspaces/{workspace}/conversations/{conversation}`."""

    agent_id: str
    channel: Channel
    industry: str | None = None
    version_id: str | None = None
    outcome: Outcome | None = None
    """Industry, published version and outcome of its latest answer; None before the first, version_id of a draft too."""
    widget_id: str | None = None
    visitor_id: str | None = None
    locale: str | None = None
    page_url: str | None = None
    title: str = ""
    turn_count: int = 0
    handed_off: bool = False
    hand_off: HandOffRead | None = None
    lead: LeadRead | None = None
    resolved: bool = False
    rating: int | None = None
    """1 to 5, by the visitor at the end."""
    rating_comment: str | None = None
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_nanos: int = 0
    charge_nanos: int = 0
    currency: str = "USD"
    created_at: datetime
    updated_at: datetime


class VisitorRead(Read):
    """`workspaces/{workspace}/visitors/{visitor}`: that somebody has opened a session, as shared/visitors writes it."""

    seen_at: datetime
    """When their latest session began."""
    identified: bool = False
    """Whether a site has ever signed for them."""


class MemberRead(Read):
    """`workspaces/{workspace}/members/{uid}`."""

    role: Role
    email: str = ""


class ApiKeyTerms(Read):
    """Of `workspaces/{workspace}/api_keys/{key}` what it may do, without anything of its secrets."""

    name: str = ""
    role: Role = "member"
    scopes: tuple[str, ...] = ()
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    rotated_at: datetime | None = None
    revoked_at: datetime | None = None


class ApiKeyRead(ApiKeyTerms):
    """The whole document; the secret is stored hashed only."""

    secret_hash: str


class InvitationRead(Read):
    """`workspaces/{workspace}/invitations/{invitation}`, without the hashes of its links."""

    email: str
    role: Role
    open: bool
    invited_by: str
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None = None

    def state_at(self, now: datetime) -> Literal["waiting", "accepted", "revoked", "expired"]:
        """What has become of it."""
        if self.accepted_at is not None:
            return "accepted"
        if not self.open:
            return "revoked"
        return "waiting" if self.expires_at > now else "expired"


class DirectoryRead(Read):
    """`directory/{uid, widget, key or invitation id}`: which workspace a public id belongs to."""

    workspace_id: str
    kind: Literal["person", "widget", "api_key", "invitation"]


class ActivityRead(Read):
    """`workspaces/{workspace}/activity/{entry}`: who did what, as shared/activity writes it."""

    at: datetime
    actor: str
    actor_name: str = ""
    action: str
    kind: str
    subject: str
    name: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

"""The nouns of who is calling: kinds of caller, roles in a workspace, scopes of keys, and the `Principal` itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from functions.shared.identity.workspace import WorkspaceId

SCOPES = ("read", "write", "chat")
"""What an API key may be allowed: reading (GET), changing things, and talking to agents."""


class Caller(StrEnum):
    """The kinds of caller a route can be declared for."""

    CONSOLE = "console"
    """A person with an Identity Platform token."""
    MACHINE = "machine"
    """A program with a token from /oauth/token."""
    VISITOR = "visitor"
    """A visitor of a widget, with a session's token."""
    OPERATOR = "operator"
    """A person whose token has the operator claim."""
    PUBLIC = "public"
    """Anybody; no header is an identity here."""
    PUSH = "push"
    """Pub/Sub, by the push account; not reachable through the gateway."""
    SCHEDULER = "scheduler"
    """Cloud Scheduler, by its account; not reachable through the gateway."""


class Role(StrEnum):
    """What a person may do in a workspace; each role may do what those before it may."""

    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        """The place in the order viewer < member < admin < owner."""
        return list(Role).index(self)

    def allows(self, needed: "Role") -> bool:
        """Whether this role may do what `needed` may."""
        return self.rank >= needed.rank


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, as far as it was verified. Fields that do not belong to the kind are empty."""

    kind: Caller
    subject: str
    """Uid of a person, id of an API key, id of a visitor, e-mail of a service account; empty for PUBLIC."""
    workspace: WorkspaceId | None = None
    """None for a person on a route without role, for operators' routes, public and internal ones."""
    role: Role | None = None
    operator: bool = False
    email: str = ""
    name: str = ""
    scopes: frozenset[str] = frozenset()
    """Machines: what the key's document allows now."""
    widget: str = ""
    agent: str = ""
    """Visitors: the agent behind the widget when the session was opened."""
    session: str = ""
    origin: str = ""
    """Visitors: the origin that the session was opened from."""
    new_visitor: bool = False
    """Visitors: whether this visitor was never here before this session."""
    via: str = ""
    """The deployment that passed the call on; empty when it came through the gateway."""
    claims: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """The verified claims, which `calls.call` passes on."""

    @property
    def caller(self) -> str:
        """Whose idempotency keys these are: the session, the API key or the person in this workspace.

        It is the first argument of `ids.turn`.
        """
        return f"{self.kind}:{self.workspace or '-'}:{self.session or self.subject}"

    @property
    def actor(self) -> str:
        """How activity entries name the caller: `person:…`, `key:…`, `visitor:…`, `operator:…`, `system`."""
        match self.kind:
            case Caller.CONSOLE:
                return f"person:{self.subject}"
            case Caller.MACHINE:
                return f"key:{self.subject}"
            case Caller.VISITOR | Caller.OPERATOR:
                return f"{self.kind}:{self.subject}"
            case _:
                return "system"

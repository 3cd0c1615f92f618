"""What a handler knows about the call it serves, beside its parameters: who, when, under which names."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from werkzeug.datastructures import Headers

from functions.shared import ids
from functions.shared.errors import Forbidden
from functions.shared.identity import Principal, WorkspaceId

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


@dataclass(frozen=True, slots=True)
class Trace:
    """Where in a W3C trace this call stands."""

    trace_id: str
    span_id: str
    flags: str = "01"

    @property
    def parent(self) -> str:
        """The `traceparent` to send on."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def trace_of(headers: Headers) -> Trace:
    """The caller's trace with a span of our own, or a new trace when none was sent in a valid form."""
    span = secrets.token_hex(8)
    if match := _TRACEPARENT.fullmatch(headers.get("traceparent", "")):
        return Trace(match[1], span, match[3])
    return Trace(secrets.token_hex(16), span)


def request_id_of(headers: Headers) -> str:
    """The caller's X-Request-ID when it is short and harmless, else a new one."""
    stated = headers.get("X-Request-ID", "")
    return stated if _REQUEST_ID.fullmatch(stated) else "req_" + secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Call:
    """One call. Everything in here was verified or is marked as what the caller says."""

    principal: Principal
    request_id: str
    trace: Trace
    now: datetime
    """When the request came; use this instead of the clock, so that one request has one time."""
    deadline: datetime
    """When the gateway gives up on this route; a stream ends itself before."""
    path: str
    if_match: str | None = None
    """The etag that PUT, PATCH and DELETE must find, for `if_etag` of a write; present where the route demands it."""
    idempotency_key: str | None = None
    origin: str | None = None
    """What the browser says; on a visitor's route compare it with the widget's list and `principal.origin`."""
    remote_address: str = ""
    """The client's address as the gateway saw it; empty when unknown."""
    user_agent: str = ""
    wants_stream: bool = False
    """Whether the client prefers text/event-stream."""
    media_type: str = "application/json"
    """What the client prefers among JSON and the media types that the route `produces`."""
    schedule_time: datetime | None = None
    """Scheduler's calls: the time the run stands for, which is the only clock of a closing job."""
    basic: tuple[str, str] | None = None
    """User and password of HTTP Basic, unverified; only on a route declared with `basic=True`."""
    first_at: datetime | None = None
    """When the first request with this Idempotency-Key came that may have done something; absent without a key."""
    signature: str = ""
    """What the sender signed the body with, unverified, on a route declared with `signed_in`."""
    bearer: str = ""
    """The client's bearer token, unverified, on a public route: the handler verifies it or knows nothing."""

    @property
    def workspace(self) -> WorkspaceId:
        """The caller's workspace. Raises Forbidden on routes whose callers have none."""
        if self.principal.workspace is None:
            raise Forbidden("Make a workspace first, or switch to one, and refresh the token.", code="no_workspace")
        return self.principal.workspace

    @property
    def idempotency_id(self) -> str:
        """An id that a repeat of this call has too: name with it what must be made only once.

        Without an Idempotency-Key it is new each time.
        """
        key = self.idempotency_key or secrets.token_hex(16)
        return ids.hashed("idempotency", self.principal.caller, key)

    @property
    def repeated(self) -> bool:
        """Whether an earlier request with this Idempotency-Key may have done what this one is asked to do.

        Only then it is worth a read to look for what that one has made.
        """
        return self.first_at is not None and self.first_at < self.now

    def new_id(self, kind: str, *subject: str) -> str:
        """The id of the one thing of this kind that this call makes, or makes of each `subject`.

        A repeat of the call gets the same, also after a crash: its commit then meets AlreadyExists and the thing is
        there. Without an Idempotency-Key it is new each time.
        """
        return ids.of(kind, self.first_at or self.now, self.idempotency_id, *subject)

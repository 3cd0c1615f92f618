"""Visitors' sessions: who may open one from which page, and how a visitor stays the same person."""

import ipaddress
import threading
from datetime import datetime

from functions.shared import contracts, directory, firestore, ids, visitors
from functions.shared.contracts import FleetRead, WidgetRead
from functions.shared.errors import Conflict, Forbidden, NotFound, TooMany, Unauthenticated
from functions.shared.http import Call
from functions.shared.identity import WorkspaceId, tokens
from functions.widgets import identities, repository
from functions.widgets.models import SESSIONS_PER_ADDRESS, SESSIONS_PER_MINUTE, Session, SessionRequest


class Limiter:
    """So many calls a minute for each key, counted in this instance: cheap, before any work, no promise across instances."""

    def __init__(self, per_minute: int, most_keys: int = 20_000) -> None:
        self._per_minute = per_minute
        self._most_keys = most_keys
        self._lock = threading.Lock()
        self._minute = -1
        self._counts: dict[str, int] = {}

    def take(self, key: str, now: datetime) -> int:
        """Count one call and say which of this minute it is. Raises TooMany with the seconds left in the minute."""
        second = int(now.timestamp())
        with self._lock:
            if second // 60 != self._minute or len(self._counts) >= self._most_keys:
                self._minute, self._counts = second // 60, {}
            count = self._counts[key] = self._counts.get(key, 0) + 1
        within(count, self._per_minute, now)
        return count


def within(count: int, most: int, now: datetime) -> None:
    """Raises TooMany, with the seconds left in the minute, for a count above the most."""
    if count > most:
        raise TooMany("That were many sessions in a short time.", retry_after=60 - int(now.timestamp()) % 60)


by_address = Limiter(SESSIONS_PER_ADDRESS)
by_widget = Limiter(SESSIONS_PER_MINUTE)
by_both = Limiter(SESSIONS_PER_ADDRESS)


def prefix(address: str) -> str:
    """The network that an address belongs to: one IPv4 address, or an IPv6 /64, which is one household."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))


def open_session(call: Call, widget: str, request: SessionRequest) -> Session:
    """A session of the widget for the calling page, or the old one renewed when its token is shown as bearer.

    A visitor whom the site has signed for is the same visitor everywhere; another person's token begins a new session.

    Raises TooMany, NotFound (no such widget), Forbidden (`origin_not_allowed`), Conflict (`agent_paused`,
    `workspace_suspended`), Unauthenticated for a token that is not one of ours, for an identity that does not count
    (`identity_refused`) and without one where the widget demands it (`identity_required`).
    """
    address = prefix(call.remote_address)
    by_address.take(address, call.now)
    if not ids.valid("widget", widget):
        raise NotFound("There is no such widget.")
    of_widget, of_both = by_widget.take(widget, call.now), by_both.take(f"{address} {widget}", call.now)
    workspace = directory.find(widget, "widget")
    if workspace is None:
        raise NotFound("There is no such widget.")
    found = firestore.get(repository.widget_path(workspace, widget))
    known = WidgetRead.model_validate(found.data) if found.exists else None
    if known is None or known.deleted_at is not None:
        raise NotFound("There is no such widget.")
    within(of_widget, found.data.get("sessions_per_minute", SESSIONS_PER_MINUTE), call.now)
    within(of_both, found.data.get("sessions_per_address", SESSIONS_PER_ADDRESS), call.now)
    page = (call.origin or "").lower()
    if page not in known.allowed_origins:
        raise Forbidden(
            "This page is not among the widget's allowed origins. Its owner can add it.", code="origin_not_allowed"
        )
    home, agent = repository.read(
        [contracts.workspace_path(workspace), contracts.path(workspace, "fleet", known.agent_id)]
    )
    if home.data.get("state", "active") != "active":
        raise Conflict("This workspace's agents are not answering at the moment.", code="workspace_suspended")
    fleet = FleetRead.model_validate(agent.data)
    if fleet.status != "active" or fleet.deleted_at is not None:
        raise Conflict("This agent is not answering at the moment.", code="agent_paused")
    old = tokens.read_visitor_token(call.bearer, now=call.now) if call.bearer else None
    if old is not None and (old.widget, old.origin, old.workspace) != (widget, page, workspace):
        raise Unauthenticated("This session belongs to another page or widget.")
    person = None
    if request.identity is not None:
        subject = identities.subject_of(request.identity, widget, found.data, call.now)
        person = identities.visitor_of(workspace, subject)
        if old is not None and old.visitor != person:
            # Somebody else has signed in on this device: what was said before is none of their business.
            old = None
    session = old.session if old is not None else ids.new("session")
    visitor, new = _visitor(call, workspace, widget, old, request, person)
    if person is None and found.data.get("identity_required") and not _is_identified(workspace, visitor):
        raise Unauthenticated("The site has to say who its visitor is.", code="identity_required")
    token, expires_at = tokens.visitor_token(
        workspace,
        widget=widget,
        agent=known.agent_id,
        session=session,
        visitor=visitor,
        origin=page,
        new_visitor=new,
        now=call.now,
    )
    return Session(token=token, expires_at=expires_at, session_id=session, visitor_id=visitor)


def _visitor(
    call: Call,
    workspace: WorkspaceId,
    widget: str,
    old: tokens.ReadVisitor | None,
    request: SessionRequest,
    person: str | None,
) -> tuple[str, bool]:
    """Who the visitor is, and whether they are new: that is, until their first conversation begins."""
    known = old
    if known is None and person is None and request.visitor:
        try:
            shown = tokens.read_visitor_token(request.visitor, now=call.now)
            known = shown if (shown.widget, shown.workspace) == (widget, workspace) else None
        except Unauthenticated:
            known = None
    visitor = person or (known.visitor if known is not None else ids.new("visitor"))
    if old is None:
        visitors.seen(workspace, visitor, call.now, identified=person is not None)
    if known is not None:
        return visitor, known.new_visitor and not repository.has_talked(workspace, visitor)
    return visitor, person is None or not repository.has_talked(workspace, visitor)


def _is_identified(workspace: WorkspaceId, visitor: str) -> bool:
    known = visitors.find(workspace, visitor)
    return known is not None and known.identified

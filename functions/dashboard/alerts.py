"""What needs somebody's attention, computed when it is asked for: each alert with its exact definition.

Alerts are read from what is there anyway: the running period, rollups, the fleet, and a few short queries. None is
stored; an alert is gone when its reason is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from functions.dashboard import repository
from functions.dashboard.home_models import Alert
from functions.shared import clock, contracts, failing, metering
from functions.shared.contracts import ApiKeyRead, FleetRead, InvoiceRead, RollupRead, SpendRead
from functions.shared.contracts import WorkspaceRead as Home
from functions.shared.firestore import Snapshot
from functions.shared.http import Call
from functions.shared.identity import Role, WorkspaceId

Severity = Literal["info", "warning", "critical"]

NEAR_PERCENT = 80
RELAY_LATE = timedelta(minutes=30)
SILENT_AFTER = timedelta(days=3)
UNPUBLISHED_AFTER = timedelta(days=1)
KEY_ENDS_WITHIN = timedelta(days=7)
MOST = 20
MOST_WAITING = 50

DEFINITIONS: dict[str, tuple[Severity, str]] = {
    "workspace_suspended": ("critical", "The workspace is suspended: none of its agents answers."),
    "workspace_closing": ("critical", "The workspace is closed and will be erased, unless an owner reopens it before."),
    "cap_reached": ("critical", "What is spent this month (UTC) leaves nothing under the cap, or the trial's."),
    "cap_near": ("warning", f"At least {NEAR_PERCENT} % of the cap, or of the trial's, is spent this month (UTC)."),
    "invoice_overdue": ("critical", "An invoice was not paid by the day on which it was due."),
    "agent_failing": (
        "critical",
        f"Today or yesterday, at least {failing.FEWEST} turns of an agent and more than one in ten ended without answer.",
    ),
    "agent_silent": (
        "warning",
        f"An active agent had turns this month or the month before, and none for {SILENT_AFTER.days} days.",
    ),
    "agent_unpublished": ("info", "An agent was made more than a day ago and never published."),
    "hand_off_waiting": ("warning", "Visitors asked for a person, and nobody has taken it on."),
    "figures_late": (
        "warning",
        f"Events wait to be published, or the relay has not run for {RELAY_LATE.seconds // 60} minutes: figures may lag.",
    ),
    "key_expiring": ("info", f"An API key expires within {KEY_ENDS_WITHIN.days} days. Shown to admins and owners."),
}
"""Code → severity and definition, in the order in which they are shown."""


@dataclass(frozen=True)
class _Seen:
    """What was read, once for all alerts."""

    now: datetime
    workspace: WorkspaceId
    role: Role
    home: Home
    spend: SpendRead
    today: RollupRead
    yesterday: RollupRead
    month: RollupRead
    last_month: RollupRead
    relay: Snapshot
    fleet: dict[str, Snapshot]

    def standing(self, agent: str) -> FleetRead:
        """An agent's status; a draft where the fleet knows nothing of it."""
        found = self.fleet.get(agent)
        return FleetRead.model_validate(found.data if found is not None else {})


def needed(call: Call, home: Home) -> list[str]:
    """The documents that `alerts` wants to be given, so that a page that shows some of them reads each once."""
    local = call.now.astimezone(ZoneInfo(home.time_zone))
    before = local.replace(day=1) - timedelta(days=1)
    names = (
        f"day_{local:%Y-%m-%d}",
        f"day_{local - timedelta(days=1):%Y-%m-%d}",
        f"month_{local:%Y-%m}",
        f"month_{before:%Y-%m}",
    )
    rollups = (contracts.path(call.workspace, "rollups", name) for name in names)
    return [*rollups, metering.spend_path(call.workspace, call.now), repository.RELAY]


def alerts(call: Call, home: Home, read: Mapping[str, Snapshot], fleet: dict[str, Snapshot]) -> list[Alert]:
    """Everything that needs attention, in the order of DEFINITIONS; `read` holds what `needed` names, by path."""
    *found, spend, relay = (read[path] for path in needed(call, home))
    today, yesterday, month, last_month = (RollupRead.model_validate(one.data) for one in found)
    seen = _Seen(
        now=call.now,
        workspace=call.workspace,
        role=call.principal.role or Role.VIEWER,
        home=home,
        spend=SpendRead.model_validate(spend.data) if spend.exists else metering.current(call.workspace, call.now),
        today=today,
        yesterday=yesterday,
        month=month,
        last_month=last_month,
        relay=relay,
        fleet=fleet,
    )
    order = list(DEFINITIONS)
    return sorted(_all(seen), key=lambda alert: order.index(alert.code))


def _all(seen: _Seen) -> Iterator[Alert]:
    yield from _state(seen)
    yield from _cap(seen)
    yield from _overdue(seen)
    yield from _agents(seen)
    yield from _waiting(seen)
    yield from _late(seen)
    if seen.role.allows(Role.ADMIN):
        yield from _keys(seen)


def _alert(code: str, text: str, kind: str, subject: str) -> Alert:
    severity, definition = DEFINITIONS[code]
    return Alert(code=code, severity=severity, text=text, kind=kind, subject=subject, definition=definition)


def _state(seen: _Seen) -> Iterator[Alert]:
    if seen.home.state == "suspended":
        yield _alert("workspace_suspended", "Your agents do not answer.", "workspace", seen.workspace)
    if seen.home.state == "closing" and seen.home.erase_at is not None:
        text = f"This workspace is closed and will be erased after {seen.home.erase_at:%Y-%m-%d}."
        yield _alert("workspace_closing", text, "workspace", seen.workspace)


def _cap(seen: _Seen) -> Iterator[Alert]:
    """As a turn is refused (metering's holds): the cap counts after what plan and credit pay, the trial's at once."""
    spend, month = seen.spend, clock.month_of(seen.now)
    limits = []
    if spend.cap_nanos is not None:
        limits.append((spend.spent_nanos - spend.allowance_nanos - spend.credit_at(seen.now), spend.cap_nanos, "cap"))
    if spend.trial_nanos is not None:
        limits.append((spend.spent_nanos, spend.trial_nanos, "trial"))
    for used, limit, name in limits:
        words = "the cap" if name == "cap" else "what can be tried without paying"
        if used >= limit:
            yield _alert("cap_reached", f"Spent: all of {words}. Agents no longer answer.", name, month)
        elif used * 100 >= limit * NEAR_PERCENT:
            yield _alert("cap_near", f"Spent: {used * 100 // limit} % of {words}.", name, month)
    for agent, limit in sorted(spend.agent_caps.items()):
        used = spend.spent_by_agent.get(agent, 0)
        if used >= limit:
            yield _alert("cap_reached", "Spent: all of an agent's cap. It no longer answers.", "agent", agent)
        elif used * 100 >= limit * NEAR_PERCENT:
            yield _alert("cap_near", f"Spent: {used * 100 // limit} % of an agent's cap.", "agent", agent)


def _overdue(seen: _Seen) -> Iterator[Alert]:
    for found in repository.overdue(seen.workspace, MOST):
        invoice = InvoiceRead.model_validate(found.data)
        text = f"Invoice {invoice.number or found.id} is overdue."
        yield _alert("invoice_overdue", text, "invoice", found.id)


def _agents(seen: _Seen) -> Iterator[Alert]:
    failed = set(failing.failing(seen.today)) | set(failing.failing(seen.yesterday))
    failed = {agent for agent in failed if _answers(seen, agent)}
    silent = _silent(seen) - failed
    unpublished = [
        found
        for found in repository.unpublished(seen.workspace, MOST)
        if found.data["created_at"] <= seen.now - UNPUBLISHED_AFTER and seen.standing(found.id).deleted_at is None
    ]
    told = sorted(failed | silent)[:MOST]
    stored = repository.read(contracts.path(seen.workspace, "agents", agent) for agent in told)
    for found in stored:
        name = found.data.get("name", found.id)
        if found.id in failed:
            yield _alert("agent_failing", f"{name}: too many answers fail.", "agent", found.id)
        else:
            text = f"{name}: nobody has talked to it for {SILENT_AFTER.days} days."
            yield _alert("agent_silent", text, "agent", found.id)
    for found in unpublished:
        yield _alert("agent_unpublished", f"{found.data['name']}: not published yet.", "agent", found.id)


def _answers(seen: _Seen, agent: str) -> bool:
    standing = seen.standing(agent)
    return standing.status == "active" and standing.deleted_at is None


def _silent(seen: _Seen) -> set[str]:
    latest: dict[str, int] = {}
    for rollup in (seen.month, seen.last_month):
        for agent, counted in rollup.agents.items():
            latest[agent] = max(latest.get(agent, 0), counted.last_micros)
    before = clock.to_micros(seen.now - SILENT_AFTER)
    return {agent for agent, last in latest.items() if 0 < last < before and _answers(seen, agent)}


def _waiting(seen: _Seen) -> Iterator[Alert]:
    waiting = repository.waiting_for_a_person(seen.workspace, MOST_WAITING)
    if waiting:
        number = f"{len(waiting)} or more" if len(waiting) == MOST_WAITING else str(len(waiting))
        text = "A conversation waits for a person." if number == "1" else f"{number} conversations wait for a person."
        yield _alert("hand_off_waiting", text, "conversation", waiting[0])


def _late(seen: _Seen) -> Iterator[Alert]:
    ran: datetime | None = seen.relay.data.get("ran_at")
    if seen.relay.data.get("unsent", 0) or (ran is not None and ran < seen.now - RELAY_LATE):
        yield _alert("figures_late", "Figures and charges may be some time behind.", "service", "relay")


def _keys(seen: _Seen) -> Iterator[Alert]:
    for found in repository.keys_ending(seen.workspace, seen.now, seen.now + KEY_ENDS_WITHIN):
        key = ApiKeyRead.model_validate(found.data)
        if key.revoked_at is None and key.expires_at is not None:
            text = f"API key {key.name} expires on {key.expires_at:%Y-%m-%d}."
            yield _alert("key_expiring", text, "api_key", found.id)

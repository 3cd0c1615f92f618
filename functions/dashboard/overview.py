"""The home page in one call, its figures alone, and the service's status. Every figure comes from Firestore's rollups."""

import contextvars
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from functions.dashboard import alerts as attention
from functions.dashboard import audit, repository, workspaces
from functions.dashboard.home_models import (
    ActivityFilter,
    Alert,
    DeploymentHealth,
    Figures,
    Home,
    Status,
    Summary,
)
from functions.shared import calls, clock, contracts, firestore, histogram, logs, metering, plans
from functions.shared.config import settings
from functions.shared.contracts import Counters, FleetRead, RollupRead, SpendRead, WorkspaceRead
from functions.shared.firestore import Snapshot
from functions.shared.http import Call
from functions.shared.money import Money

SECONDS = 2.0
DEPLOYMENTS = (
    "agents-api",
    "agents-chat",
    "my-agents-api",
    "widgets-api",
    "widgets-public",
    "analytics-api",
    "analytics-usage",
    "analytics-exports",
    "billing-api",
    "billing-usage",
    "billing-close",
    "dashboard-relay",
    "dashboard-sweep",
    "dashboard-webhooks",
)


def summary(call: Call) -> Summary:
    """Today and this month in the workspace's time zone; the charge and its projection in the billing month (UTC).

    Four reads, beside the one that says who is calling.
    """
    home = _home(call)
    return _summary(call, _by_path(_figures_in(call, home)), home)


def _home(call: Call) -> WorkspaceRead:
    return WorkspaceRead.model_validate(firestore.get(contracts.workspace_path(call.workspace)).data)


def _by_path(paths: Iterable[str]) -> dict[str, Snapshot]:
    return {found.path: found for found in repository.read(dict.fromkeys(paths))}


def _figures_in(call: Call, home: WorkspaceRead) -> list[str]:
    local = call.now.astimezone(ZoneInfo(home.time_zone))
    return [
        contracts.path(call.workspace, "rollups", f"day_{local:%Y-%m-%d}"),
        contracts.path(call.workspace, "rollups", f"month_{local:%Y-%m}"),
        metering.spend_path(call.workspace, call.now),
    ]


def _summary(call: Call, read: Mapping[str, Snapshot], home: WorkspaceRead) -> Summary:
    day, month, spend = (read[path] for path in _figures_in(call, home))
    today, this_month = RollupRead.model_validate(day.data), RollupRead.model_validate(month.data)
    period = SpendRead.model_validate(spend.data) if spend.exists else metering.current(call.workspace, call.now)
    currency = period.currency
    newest = max(today.as_of_micros, this_month.as_of_micros)
    return Summary(
        today=_figures(today.total, currency),
        month=_figures(this_month.total, currency),
        charge_so_far=Money.of_nanos(period.spent_nanos, currency),
        projection=Money.of_nanos(plans.projection(period.spent_nanos, call.now), currency),
        cap=None if period.cap_nanos is None else Money.of_nanos(period.cap_nanos, currency),
        as_of=clock.from_micros(newest),
    )


def _figures(counters: Counters, currency: str) -> Figures:
    return Figures(
        conversations=counters.conversations,
        turns=counters.turns,
        visitors=counters.visitors,
        tokens=sum(getattr(counters, bucket) for bucket in contracts.BUCKETS),
        charge=Money.of_nanos(counters.charge_nanos, currency),
        cost=Money.of_nanos(counters.cost_nanos, currency),
        errors=counters.errors,
        hand_offs=counters.handed_off,
        first_token_p95_ms=histogram.percentile(counters.first_token, 95),
        latency_p95_ms=histogram.percentile(counters.latency, 95),
    )


def home(call: Call) -> Home:
    """The home page in one call."""
    found = firestore.get(contracts.workspace_path(call.workspace))
    known = WorkspaceRead.model_validate(found.data)
    read = _by_path([*_figures_in(call, known), *attention.needed(call, known)])
    fleet = repository.fleet(call.workspace)
    return Home(
        workspace=workspaces.shown(found, str(call.principal.role or "viewer")),
        summary=_summary(call, read, known),
        agents=_agents(call, fleet),
        alerts=attention.alerts(call, known, read, fleet),
        activity=audit.page(call.workspace, ActivityFilter(page_size=10)).items,
    )


def alerts(call: Call) -> list[Alert]:
    """What needs attention."""
    known = _home(call)
    return attention.alerts(call, known, _by_path(attention.needed(call, known)), repository.fleet(call.workspace))


def _agents(call: Call, fleet: Mapping[str, Snapshot]) -> dict[str, int]:
    counted = dict.fromkeys(("draft", "active", "paused", "archived"), 0)
    for found in fleet.values():
        agent = FleetRead.model_validate(found.data)
        if agent.deleted_at is None:
            counted[agent.status] += 1
    # Who was never touched by the fleet has no document there, and is a draft.
    counted["draft"] += max(0, repository.agents(call.workspace) - len(fleet))
    return counted


def status(call: Call) -> Status:
    """Every deployment's own health, asked in parallel with 2 s for each, and what the relay last counted."""
    with ThreadPoolExecutor(len(DEPLOYMENTS)) as pool:
        asked = [pool.submit(contextvars.copy_context().run, _health, call, name) for name in DEPLOYMENTS]
        deployments = [answer.result() for answer in asked]
    own = DeploymentHealth(name="dashboard-api", status="healthy", version=settings().version, latency_ms=0)
    relay = firestore.get(repository.RELAY).data
    return Status(
        deployments=[own, *deployments],
        unsent_events=relay.get("unsent", 0),
        dead_letters=relay.get("dead_letters", 0),
        relay_ran_at=relay.get("ran_at"),
        last_event_at=last_event(call),
        checked_at=call.now,
    )


def last_event(call: Call) -> datetime | None:
    """The time of the newest event that was counted this month or the month before."""
    local = call.now.astimezone(ZoneInfo(_home(call).time_zone))
    names = [f"month_{moment:%Y-%m}" for moment in (local, local.replace(day=1) - timedelta(days=1))]
    found = repository.read([contracts.path(call.workspace, "rollups", name) for name in names])
    return clock.from_micros(max(RollupRead.model_validate(one.data).as_of_micros for one in found))


def _health(call: Call, name: str) -> DeploymentHealth:
    started = clock.monotonic()
    try:
        body = calls.call(call, name, "GET", "/health", timeout=SECONDS).body
    except calls.Refused as error:
        logs.warning("a deployment is not well", deployment=name, status=error.status)
        return DeploymentHealth(name=name, status="unhealthy")
    except Exception as error:  # noqa: BLE001 - whatever fails there is what this page is about
        logs.warning("a deployment did not answer", deployment=name, reason=type(error).__name__)
        return DeploymentHealth(name=name, status="unreachable")
    latency = round((clock.monotonic() - started) * 1000)
    healthy = isinstance(body, dict) and body.get("status") == "healthy"
    version = body.get("version") if isinstance(body, dict) else None
    return DeploymentHealth(
        name=name, status="healthy" if healthy else "unhealthy", version=version, latency_ms=latency
    )

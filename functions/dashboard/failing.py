"""Tells a business, once a day for each agent, that too many of its answers failed the day before."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from functions.dashboard import repository
from functions.shared import contracts, events, firestore, notifications
from functions.shared.contracts import FleetRead, RollupRead, WorkspaceRead
from functions.shared.identity import WorkspaceId

FEWEST = 3
"""Errors in a day before anybody is told: one visitor's bad minute is no failing agent."""


def failing(rollup: RollupRead) -> list[str]:
    """The agents that failed too often in this time, at least FEWEST times and more than once in ten turns."""
    return sorted(name for name, agent in rollup.agents.items() if agent.failing and agent.errors >= FEWEST)


def tell(workspace: WorkspaceId, home: WorkspaceRead, as_of: datetime) -> int:
    """Notify of each agent that failed on the workspace's last whole day before `as_of`; returns how many are new."""
    day = f"{as_of.astimezone(ZoneInfo(home.time_zone)) - timedelta(days=1):%Y-%m-%d}"
    rollup = RollupRead.model_validate(repository.read([contracts.path(workspace, "rollups", f"day_{day}")])[0].data)
    suspects = failing(rollup)
    fleet = repository.read(contracts.path(workspace, "fleet", agent) for agent in suspects)
    told = 0
    for agent, found in zip(suspects, fleet, strict=True):
        known = FleetRead.model_validate(found.data)
        # Whoever is paused is known not to answer, and a draft is tried by its makers alone.
        if known.deleted_at is None and known.status == "active":
            counted = rollup.agents[agent]
            facts: dict[str, str | int | bool | None] = {"day": day, "turns": counted.turns, "errors": counted.errors}
            told += _once(workspace, agent, day, facts, as_of)
    return told


def _once(workspace: WorkspaceId, agent: str, day: str, facts: notifications.Facts, now: datetime) -> int:
    batch = firestore.Batch()
    event = notifications.record(batch, workspace, "agent.failing", subject=agent, once=day, facts=facts, now=now)
    try:
        batch.commit()
    except firestore.AlreadyExists:
        return 0
    events.publish(event)
    return 1

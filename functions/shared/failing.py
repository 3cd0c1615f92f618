"""Agents that fail too often, and telling their business: once a day for each, whoever sees it first.

A turn that failed looks at its own agent at once; the night looks at every agent's whole day, with the turns in it that
nobody ended.
"""

from datetime import datetime

from functions.shared import contracts, events, firestore, notifications
from functions.shared.contracts import FleetRead, RollupRead
from functions.shared.identity import WorkspaceId

FEWEST = 3
"""Errors in a day before anybody is told: one visitor's bad minute is no failing agent."""


def failing(rollup: RollupRead) -> list[str]:
    """The agents that failed too often in this time, at least FEWEST times and more than once in ten turns."""
    return sorted(name for name, agent in rollup.agents.items() if agent.failing and agent.errors >= FEWEST)


def tell(workspace: WorkspaceId, day: str, now: datetime, *, only: str | None = None) -> int:
    """Notify of each agent, or of one, that has failed on a day of the workspace's; returns how many are new.

    One read, one more for each that failed, and a commit for each that is told. Raises Unavailable.
    """
    rollup = RollupRead.model_validate(firestore.get(contracts.path(workspace, "rollups", f"day_{day}")).data)
    suspects = [agent for agent in failing(rollup) if only in (None, agent)]
    fleet = firestore.get_all([contracts.path(workspace, "fleet", agent) for agent in suspects]) if suspects else []
    told = 0
    for agent, found in zip(suspects, fleet, strict=True):
        known = FleetRead.model_validate(found.data)
        # Whoever is paused is known not to answer, and a draft is tried by its makers alone.
        if known.deleted_at is None and known.status == "active":
            counted = rollup.agents[agent]
            facts: dict[str, str | int | bool | None] = {"day": day, "turns": counted.turns, "errors": counted.errors}
            told += _once(workspace, agent, day, facts, now)
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

"""Tells a business that a cap is nearly used, and that it is used up, as soon as the turn is counted that did it.

A turn's commit has changed the spend before its event is published, so whoever counts the event sees at least that much
spent: the last turn before a cap refuses the next one is never missed, however fast they come, for the price of one read
a turn. What no turn's event tells (credit whose time is over, a look that nobody repeated) the daily close sees, and that
a turn was refused is told by its refusal (shared/metering's alerts).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from functions.shared import clock, events, firestore, logs, metering
from functions.shared.contracts import ALERTS, SpendRead
from functions.shared.errors import Problem
from functions.shared.identity import WorkspaceId


def look_anew(workspace: WorkspaceId, now: datetime) -> None:
    """As `look`, for caps that somebody has just set: what a lower one has reached already waits for no turn.

    Never raises: the caps are set, and whatever fails here the next turn's look makes good.
    """
    try:
        look(workspace, clock.month_of(now), now)
    except Problem as problem:
        logs.warning("a changed cap was not looked at", workspace_id=workspace, code=problem.code)


def look_back(workspace: WorkspaceId, as_of: datetime) -> None:
    """As `look`, for the month that runs and, on its first day, for the one that has just ended."""
    for month in sorted({clock.month_of(as_of - timedelta(days=1)), clock.month_of(as_of)}):
        look(workspace, month, as_of)


def look(workspace: WorkspaceId, month: str, now: datetime) -> int:
    """Notify of every share of a month's caps that was reached since the last look; returns how many. One read."""
    found = firestore.get(metering.spend_path(workspace, clock.start_of_month(month)))
    if not found.exists:
        return 0
    spend = SpendRead.model_validate(found.data)
    told = 0
    for agent, used, limit, shares in _limits(spend, now):
        if limit <= 0:
            # Who sets a cap of nothing knows that nothing is answered.
            continue
        for share in shares:
            if used * 1000 >= share * limit:
                event = metering.record_share(workspace, month, agent, used, limit, share, spend.currency, now)
                if event is not None:
                    events.publish(event)
                    told += 1
    return told


def _limits(spend: SpendRead, now: datetime) -> Iterator[tuple[str, int, int, tuple[int, ...]]]:
    """What is limited, what counts against it, the limit in nanos, and at which permille of it somebody is told, once
    for each height of the cap and month; as metering refuses turns."""
    if spend.cap_nanos is not None:
        yield "", spend.spent_nanos - spend.allowance_nanos - spend.credit_at(now), spend.cap_nanos, spend.alerts
    for agent, limit in sorted(spend.agent_caps.items()):
        yield agent, spend.spent_by_agent.get(agent, 0), limit, spend.agent_alerts.get(agent, ALERTS)

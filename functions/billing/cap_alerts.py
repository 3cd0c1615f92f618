"""Tells a business that a cap is nearly used, and that it is used up, as soon as the turn is counted that did it.

A turn's commit has changed the spend before its event is published, so whoever counts the event sees at least that much
spent: the last turn before a cap refuses the next one is never missed. Where a look a moment ago found everything far
from every cap, the next one waits, so that a busy workspace does not cost a read for each turn.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from functions.shared import contracts, events, firestore, logs, metering, notifications
from functions.shared.contracts import ALERTS, SpendRead
from functions.shared.errors import Problem
from functions.shared.identity import WorkspaceId
from functions.shared.money import NANOS, Money, format_decimal

PAUSE = timedelta(minutes=1)
"""Where less than half of the lowest share is used, nothing is reached within it but by a flood that caps are there to
stop."""

_quiet_until: dict[str, datetime] = {}
_told: set[str] = set()


def look_anew(workspace: WorkspaceId, now: datetime) -> None:
    """As `look`, for caps that somebody has just set: what a lower one has reached already waits for no turn.

    Never raises: the caps are set, and whatever fails here the next turn's look makes good.
    """
    _quiet_until.pop(workspace, None)
    try:
        look(workspace, now)
    except Problem as problem:
        logs.warning("a changed cap was not looked at", workspace_id=workspace, code=problem.code)


def look(workspace: WorkspaceId, now: datetime) -> int:
    """Notify of every share that was reached since the last look; returns how many are new. One read, or none."""
    if now < _quiet_until.get(workspace, now):
        return 0
    found = firestore.get(metering.spend_path(workspace, now))
    if not found.exists:
        return 0
    spend = SpendRead.model_validate(found.data)
    told, far = 0, True
    for name, used, limit, shares in _limits(spend, now):
        if limit <= 0:
            # Who sets a cap of nothing knows that nothing is answered.
            continue
        far = far and used * 2000 < min(shares, default=1000) * limit
        for share in shares:
            if used * 1000 >= share * limit:
                told += _once(workspace, found.id, name, used, limit, share, spend.currency, now)
    if far:
        _quiet_until[workspace] = now + PAUSE
    return told


def _limits(spend: SpendRead, now: datetime) -> Iterator[tuple[str, int, int, tuple[int, ...]]]:
    """What is limited, what counts against it, the limit in nanos, and at which permille of it somebody is told, once
    for each height of the cap and month; as metering refuses turns."""
    if spend.cap_nanos is not None:
        yield "", spend.spent_nanos - spend.allowance_nanos - spend.credit_at(now), spend.cap_nanos, spend.alerts
    for agent, limit in sorted(spend.agent_caps.items()):
        yield agent, spend.spent_by_agent.get(agent, 0), limit, spend.agent_alerts.get(agent, ALERTS)


def _once(
    workspace: WorkspaceId, month: str, agent: str, used: int, limit: int, share: int, currency: str, now: datetime
) -> int:
    percent = share // 10 if share % 10 == 0 else format_decimal(share * NANOS // 10)
    occasion = f"{agent}:{limit}:{percent}"
    name = contracts.path(workspace, "events", notifications.name("cap.alert", month, occasion))
    if name in _told:
        return 0
    facts: dict[str, str | int | bool | None] = {
        "share_percent": percent,
        "cap": Money.of_nanos(limit, currency).amount,
        "spent": Money.of_nanos(used, currency).amount,
        "currency": currency,
        "agent_id": agent or None,
    }
    batch = firestore.Batch()
    event = notifications.record(batch, workspace, "cap.alert", subject=month, once=occasion, facts=facts, now=now)
    try:
        batch.commit()
    except firestore.AlreadyExists:
        _told.add(name)
        return 0
    _told.add(name)
    events.publish(event)
    return 1

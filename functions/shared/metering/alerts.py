"""Tells a business of its limits: that one is nearly used or used up, and that turns are refused for it.

Once for each occasion: a notification, named by it, and an entry in the activity, in one commit. A refused turn makes no
event that anybody would count, so its refusal is what tells; who told already remembers it, and a refusal then costs
nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from functions.shared import activity, contracts, events, firestore, logs, notifications
from functions.shared.errors import Problem
from functions.shared.metering.limits import Hold, Spend, met
from functions.shared.money import NANOS, Money, format_decimal

if TYPE_CHECKING:
    from functions.shared.identity import WorkspaceId

_MOST_REMEMBERED = 10_000

_told: set[str] = set()


def record_share(
    workspace: WorkspaceId, month: str, agent: str, used: int, limit: int, permille: int, currency: str, now: datetime
) -> events.Event | None:
    """Record that this share of a cap is used; `agent` is empty for the workspace's. The notification, to be published,
    or None when it was told before: once for each share, height of the cap and month."""
    percent = _percent(permille)
    facts: notifications.Facts = {
        "share_percent": percent,
        "cap": Money.of_nanos(limit, currency).amount,
        "spent": Money.of_nanos(used, currency).amount,
        "currency": currency,
        "agent_id": agent or None,
    }
    return _once(workspace, month, f"{agent}:{limit}:{percent}", f"{percent} %", facts, now)


def record_refusal(
    workspace: WorkspaceId, month: str, document: Mapping[str, Any], ask: Hold, now: datetime
) -> events.Event | None:
    """Record that this turn was refused for what is spent, as the spend `document` says: once for each height of a cap, and
    of the visitors' share once an hour or a day. The notification, to be published, or None when it was told before.

    Never raises: the refusal is what the caller hears.
    """
    spend = Spend.stored(document)
    limit = met(spend, ask, now)
    if limit is None or limit.of <= 0:
        # Who sets a cap of nothing knows that nothing is answered.
        return None
    # What the plan includes and credit pays makes room beyond the cap, and does not count against it.
    used = limit.spent - max(0, limit.room - limit.of)
    facts: dict[str, str | int | bool | None] = {
        "share_percent": used * 100 // limit.of,
        "cap": Money.of_nanos(limit.of, spend.currency).amount,
        "spent": Money.of_nanos(used, spend.currency).amount,
        "currency": spend.currency,
        "agent_id": ask.agent if limit.name == "agent" else None,
        "refused": limit.name,
    }
    once, name = f"refused:{limit.name}:{facts['agent_id'] or ''}:{limit.of}", "turns are refused"
    if limit.span:
        facts["share_percent"] = _percent(limit.permille)
        once, name = f"refused:{limit.name}:{limit.span}", f"the visitors' share of this {limit.name}"
    try:
        return _once(workspace, month, once, name, facts, now)
    except Problem as problem:
        logs.warning("a refusal was not told", workspace_id=workspace, code=problem.code)
        return None


def _percent(permille: int) -> int | str:
    return permille // 10 if permille % 10 == 0 else format_decimal(permille * NANOS // 10)


def _once(
    workspace: WorkspaceId, month: str, occasion: str, name: str, facts: notifications.Facts, now: datetime
) -> events.Event | None:
    key = contracts.path(workspace, "events", notifications.name("cap.alert", month, occasion))
    if key in _told:
        return None
    batch = firestore.Batch()
    event = notifications.record(batch, workspace, "cap.alert", subject=month, once=occasion, facts=facts, now=now)
    activity.record(
        batch, workspace, None, "cap.alerted", kind="budget", subject=month, name=name, after=facts, now=now
    )
    new: events.Event | None = event
    try:
        batch.commit()
    except firestore.AlreadyExists:
        new = None
    if len(_told) >= _MOST_REMEMBERED:
        _told.clear()
    _told.add(key)
    return new

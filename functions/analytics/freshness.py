"""Since when usage is not counted: what a page must say before it calls silence what is only late.

A turn is stored by its own commit and counted by an event, seconds later as a rule. So a stored turn that is newer than the
newest that was counted is one that the counters lack; the oldest of those says since when they are late.
"""

from datetime import datetime, timedelta

from functions.analytics import repository
from functions.shared.contracts import TurnRead
from functions.shared.identity import WorkspaceId

CONVERSATIONS, TURNS = 3, 5
"""How many are looked at: of the conversations the oldest that changed since, where it may have been a visitor's new
address and no turn; of each its latest turns."""

LATE = timedelta(minutes=10)
"""Counting takes seconds, and a few minutes after a failed attempt: within these nothing is called late."""


def late_since(workspace: WorkspaceId, newest: datetime, now: datetime) -> datetime | None:
    """When the oldest turn began that is stored and late to be counted; `newest` is that of the newest counted event.

    One read where nothing is late. What began before `newest` and was overtaken is not seen, nor is a test case's turn,
    which no conversation holds.
    """
    late = []
    for conversation in repository.changed_since(workspace, newest, CONVERSATIONS):
        for found in repository.turns(workspace, conversation.id, None, TURNS):
            began = TurnRead.model_validate(found.data).occurred_at
            if began > newest:
                late.append(began)
    oldest = min(late, default=now)
    return oldest if now - oldest > LATE else None

"""A workspace's books while they are closed: how far they are, and every write tied to that, so two closes never mix.

Each commit of a close replaces `billing/state` and demands the etag that was read. A second run of the same close,
or one of another day, meets Changed, starts again from what is there, and finds that much less to do.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.billing import repository
from functions.billing.models import LedgerEntry
from functions.shared import clock, contracts, events, firestore
from functions.shared.contracts import WorkspaceRead
from functions.shared.events import Event
from functions.shared.identity import WorkspaceId

AHEAD = 7
"""Days that one query reads at most, so that none streams for long; most nights have one day."""


@dataclass
class Books:
    """The state of one workspace's close as it was read, and the `as_of` that this run stands for."""

    workspace: WorkspaceId
    home: WorkspaceRead
    as_of: datetime
    data: dict[str, Any]
    etag: str
    seen: dict[str, list[Event]] = field(default_factory=dict)
    """Events by the day they are booked on, as far as this run has read them."""
    posted: dict[str, list[LedgerEntry]] = field(default_factory=dict)
    """Usage entries by the day they are booked on, read ahead of the booking and not kept after it."""
    others: dict[str, set[str]] = field(default_factory=dict)
    """By closed day the other days on which some of its events happened (corrections); most have none."""

    @classmethod
    def open(cls, workspace: WorkspaceId, as_of: datetime) -> "Books | None":
        """Read how far the books are; None for a workspace that is erased or was never there."""
        home, state = repository.read([contracts.workspace_path(workspace), repository.state_path(workspace)])
        if not home.exists or home.data.get("state") == "erased":
            return None
        return cls(workspace, WorkspaceRead.model_validate(home.data), as_of, state.data, state.etag)

    @property
    def first_day(self) -> str:
        """The UTC day on which the workspace was made."""
        return clock.day_of(self.home.created_at)

    @property
    def last_closed(self) -> str | None:
        """The last day that has its closing mark; all before it have theirs."""
        return self.data.get("last_closed")

    @property
    def period(self) -> str:
        """The first month whose invoice is not final: what is booked for earlier months goes on it."""
        return str(self.data.get("period") or self.first_day[:7])

    def period_for(self, usage_period: str) -> str:
        """The month on whose invoice usage of a month goes now."""
        return max(usage_period, self.period)

    def events_of(self, day: str) -> list[Event]:
        """The usage events that are booked on a day; read once in a run."""
        if day not in self.seen:
            self.seen[day] = events.of_day(self.workspace, day)
        return self.seen[day]

    def read_ahead(self, days: Iterable[str], *, entries: bool = False) -> None:
        """Read the events of these days, and the entries that are booked on them, with one query for many."""
        for first, last in clock.runs((day for day in days if day not in self.seen), AHEAD):
            found = dict(events.by_day(self.workspace, first, last))
            posted = repository.entries_by_day(self.workspace, first, last) if entries else {}
            for day in clock.days_between(first, last):
                self.seen[day] = found.get(day, [])
                if entries:
                    self.posted[day] = posted.get(day, [])

    def posted_of(self, day: str) -> list[LedgerEntry]:
        """The usage entries that were booked on a day before this run books it."""
        ahead = self.posted.pop(day, None)
        return repository.entries_of_day(self.workspace, day) if ahead is None else ahead

    def commit(self, batch: firestore.Batch, **changes: Any) -> None:
        """Commit what is in the batch together with the changed state. Raises Changed when another run came first."""
        data = {**self.data, **changes}
        path = repository.state_path(self.workspace)
        batch.replace(path, data, if_etag=self.etag)
        self.etag = batch.commit()[path]
        self.data = data


def post(batch: firestore.Batch, workspace: WorkspaceId, entries: Sequence[LedgerEntry], now: datetime) -> list[Event]:
    """Add ledger entries with their events to a commit: two writes each. Publish the events after it."""
    told = []
    for entry in entries:
        batch.create(repository.entry_path(workspace, entry.entry_id), entry.to_document())
        event = Event(workspace, "ledger-recorded", entry.entry_id, entry.to_row())
        events.record(batch, event, now=now)
        told.append(event)
    return told


def tell(told: Sequence[Event]) -> None:
    """Publish what a commit recorded, all at once; what fails is left to the relay."""
    events.publish_all(told)

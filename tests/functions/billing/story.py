"""A workspace with turns on known days, and what its books, tallies and invoices hold afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from functions.analytics import consumer
from functions.billing import closing, repository, tallies
from functions.billing.models import Invoice, LedgerEntry
from functions.billing.notes import CreditNote
from functions.shared import bigquery, clock, contracts, events, firestore, ids, metering, storage
from functions.shared.config import settings
from functions.shared.events import Event
from functions.shared.identity import WorkspaceId
from functions.shared.metering.holds import sealed
from functions.shared.metering.spend import opening
from tests.cloud import Cloud

MADE = datetime(2026, 11, 25, 9, tzinfo=UTC)
NIGHT = datetime(2026, 12, 1, 0, 10, tzinfo=UTC)
FINAL = datetime(2026, 12, 2, 0, 10, tzinfo=UTC)
NEXT_FINAL = datetime(2027, 1, 2, 0, 10, tzinfo=UTC)
AGENT = "agt_" + "0" * 25 + "1"


def row(workspace: WorkspaceId, at: datetime, **fields: Any) -> dict[str, Any]:
    """The columns of a turn that happened then."""
    return sealed(
        {
            "event_id": ids.hashed("turn", workspace, clock.to_text(at), str(fields)),
            "type": "turn",
            "corrects": None,
            "workspace_id": str(workspace),
            "agent_id": AGENT,
            "version_id": None,
            "conversation_id": "cnv_1",
            "channel": "widget",
            "widget_id": None,
            "industry": "dental",
            "provider": "offline",
            "model": "offline-extractive",
            "region": None,
            "occurred_at": clock.to_text(at),
            "recorded_at": clock.to_text(at),
            "outcome": "completed",
            "estimated": False,
            "input_tokens": 1000,
            "cached_input_tokens": 0,
            "output_tokens": 200,
            "reasoning_tokens": 0,
            "price_version": "2026-01-01",
            "plan_version": "pay_as_you_go-1",
            "currency": "USD",
            "cost_nanos": 9_000_000,
            "charge_nanos": 10_800_000,
            "latency_ms": 700,
            "first_token_ms": 200,
            "error_code": None,
            "new_conversation": True,
            "new_visitor": True,
            "handed_off": False,
            "trace_id": None,
            **fields,
        }
    )


@dataclass
class Story:
    """One workspace in the local cloud."""

    cloud: Cloud
    workspace: WorkspaceId = field(init=False)
    made: datetime = MADE
    stores: bool = True
    """Whether the warehouse gets what a close books."""
    stores_notes: bool = True
    """Whether it gets credit notes, too."""
    adds: bool = False
    """Whether turns add to the spend of a month that something else than a turn has opened, too."""
    stored: set[str] = field(default_factory=set)
    unspent: list[Event] = field(default_factory=list)
    months: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.workspace = self.cloud.workspace(created_at=self.made)
        batch = firestore.Batch()
        batch.set(contracts.path(self.workspace, "agents", AGENT), {"name": "Front desk"})
        batch.commit()

    def record(self, at: datetime, day: str | None = None, **fields: Any) -> Event:
        """A turn's event as its commit writes it; nobody has counted it yet."""
        columns = row(self.workspace, at, **fields)
        event = Event(self.workspace, "usage-recorded", columns["event_id"], columns)
        batch = firestore.Batch()
        events.record(batch, event, day=day or clock.day_of(at), now=at)
        batch.commit()
        self.unspent.append(event)
        return event

    def spend(self) -> None:
        """What the turns' commits have added to each month's spend; a month that a test has written stays as it is."""
        while self.unspent:
            event = self.unspent.pop(0)
            path = metering.spend_path(self.workspace, clock.from_text(event.row["occurred_at"]))
            if path not in self.months and firestore.get(path).exists:
                if not self.adds:
                    continue
                self.months.add(path)
            batch = firestore.Batch()
            if path not in self.months:
                batch.set(path, opening(self.workspace, path.rsplit("/", 1)[-1]))
                self.months.add(path)
            added = {
                (f"{name}_nanos",): event.row[f"{of}_nanos"] for name, of in (("spent", "charge"), ("cost", "cost"))
            }
            batch.update(path, {field: firestore.Increment(by) for field, by in added.items()})
            batch.commit()

    def count(self, *counted: Event, warehouse: Sequence[dict[str, Any]] | None = None) -> None:
        """What both consumers and the warehouse do with them, at a time close to when they happened."""
        for event in counted:
            now = clock.from_text(event.row["recorded_at"])
            tallies.count(event, now)
            consumer.count(self.cloud.call(self.workspace, now=now), event)
        table = f"{settings().project}.{settings().dataset}.usage_events"
        rows = [event.row for event in counted] if warehouse is None else list(warehouse)
        assert not rows or bigquery.client().insert_rows_json(table, rows) == []

    def turn(self, at: datetime, **fields: Any) -> Event:
        """A turn that everybody has counted."""
        event = self.record(at, **fields)
        self.count(event)
        return event

    def close(self, as_of: datetime) -> None:
        self.spend()
        if self.stores:
            # What was booked before this night has long been stored.
            self.store()
        closing.close(self.workspace, as_of)
        if self.stores:
            self.store()

    def store(self) -> None:
        """What BigQuery's own subscriptions do with entries, lines and notes: each becomes a row."""
        entries = {entry.entry_id: entry.to_row() for entry in self.entries()}
        lines = {row["line_id"]: row for invoice in self.invoices() if invoice.number for row in invoice.to_rows()}
        if self.stores_notes:
            notes = firestore.find(firestore.Query(contracts.path(self.workspace, "credit_notes")))
            lines |= {row["line_id"]: row for one in notes for row in CreditNote.model_validate(one.data).to_rows()}
        for table, rows in (("ledger_entries", entries), ("invoice_lines", lines)):
            new = [row for name, row in rows.items() if name not in self.stored]
            if new:
                name = f"{settings().project}.{settings().dataset}.{table}"
                assert bigquery.client().insert_rows_json(name, new) == []
            self.stored |= rows.keys()

    def state(self) -> dict[str, Any]:
        return firestore.get(repository.state_path(self.workspace)).data

    def entries(self) -> list[LedgerEntry]:
        found = firestore.find(firestore.Query(contracts.path(self.workspace, "ledger")))
        return [LedgerEntry.from_document(one.data) for one in found]

    def invoices(self) -> list[Invoice]:
        found = firestore.find(firestore.Query(contracts.path(self.workspace, "invoices")))
        return [repository.invoice_of(one) for one in found]

    def archived(self) -> dict[str, bytes | None]:
        names = [f"invoices/{self.workspace}/{i.invoice_id}.{e}" for i in self.invoices() for e in ("json", "pdf")]
        return {name: storage.read(settings().archive_bucket, name) for name in names}

    def everything(self) -> dict[str, dict[str, Any]]:
        """All that the close writes, by path, without the marks that events lose when they are published."""
        found = {}
        for collection in ("ledger", "invoices", "billing", "events"):
            for one in firestore.find(firestore.Query(contracts.path(self.workspace, collection))):
                found[one.path] = {name: value for name, value in one.data.items() if name != "unsent"}
        return found


def at(day: str, hour: int = 10, minute: int = 0) -> datetime:
    """A moment of a UTC day."""
    return datetime.fromisoformat(f"{day}T{hour:02d}:{minute:02d}:00+00:00")


def owing(cloud: Cloud, nanos: int = 10_000_000_000) -> Story:
    """A workspace of November's last day that owes for it, 10 dollars unless said; each day more would take its time."""
    story = Story(cloud, made=at("2026-11-30", 9))
    story.turn(at("2026-11-30"), charge_nanos=nanos)
    story.close(FINAL)
    return story

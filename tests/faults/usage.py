"""Usage events, some of them twice and in no order, to the real consumers, which are killed while they count; then the close.

What must come out whatever was killed: ledger = events = charges = rollups = spend to the nano, none lost, none twice.
"""

import json
import random
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from functions.billing import charges, ledger, repository
from functions.billing.models import Account, InvoiceState, LedgerEntry, UsageEvent
from functions.shared import bigquery, clock, contracts, events, firestore
from functions.shared.config import settings
from functions.shared.events import Event
from functions.shared.identity import WorkspaceId
from functions.shared.metering.holds import sealed
from functions.shared.metering.spend import opening
from tests.cloud import Cloud
from tests.faults.hands import Order, Orders, work_off
from tests.functions import rooms

Say = Callable[[str, int, int], None]
DAYS = 3
AT_ONCE = 400


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    events: int
    workspaces: int
    processes: int
    kills: int
    threads: int = 8


@dataclass
class Town:
    """Workspaces with recorded turns that nobody has counted."""

    rows: dict[WorkspaceId, list[dict[str, Any]]]
    as_of: datetime

    @property
    def everything(self) -> list[dict[str, Any]]:
        """All rows of all workspaces."""
        return [row for rows in self.rows.values() for row in rows]


def found_town(cloud: Cloud, size: Size, say: Say) -> Town:
    """Record the turns as their commits do: the event, the spend, and the warehouse's row."""
    chance, today = random.Random(5), clock.start_of_day(clock.day_of(clock.now()))
    made = today - timedelta(days=DAYS)
    homes = [cloud.workspace(created_at=made) for _ in range(size.workspaces)]
    rows: dict[WorkspaceId, list[dict[str, Any]]] = {home: [] for home in homes}
    for place in range(size.events):
        home = homes[place % len(homes)]
        at = made + timedelta(microseconds=chance.randrange(DAYS * 86_400 * 10**6))
        free = place % 50 == 0
        fields = {
            "event_id": f"turn-{place}",
            "model": chance.choice(("offline-extractive", "gemini-3.5-flash-lite")),
            "input_tokens": chance.randrange(4000),
            "output_tokens": chance.randrange(600),
            "outcome": "failed" if free else "completed",
            "cost_nanos": chance.randrange(10**9),
            "charge_nanos": 0 if free else chance.randrange(1, 10**9),
            "new_conversation": place % 3 == 0,
        }
        rows[home].append(sealed(rooms.usage(home, f"agt_{chance.randrange(4)}", at, **fields)))
    done = 0
    for home, own in rows.items():
        for part in _parts(own):
            batch = firestore.Batch()
            for row in part:
                event = Event(home, "usage-recorded", row["event_id"], row)
                events.record(batch, event, day=row["occurred_at"][:10])
            batch.commit()
            _warehouse("usage_events", part)
            done += len(part)
            say("recorded", done, size.events)
        for month in sorted({row["occurred_at"][:7] for row in own}):
            sums = {f"{to}_nanos": _sum(own, of, month) for to, of in (("spent", "charge"), ("cost", "cost"))}
            rooms.write(contracts.path(home, "spend", month), {**opening(home, month), **sums})
    # The first close after the grace period of the last month that has an event.
    last = max(row["occurred_at"] for own in rows.values() for row in own)[:7]
    return Town(rows, clock.start_of_month(clock.next_month(last)) + timedelta(days=1, minutes=10))


def _parts(rows: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]


def _sum(rows: Sequence[dict[str, Any]], name: str, month: str = "") -> int:
    return sum(row[f"{name}_nanos"] for row in rows if row["occurred_at"].startswith(month))


def _warehouse(table: str, rows: Sequence[dict[str, Any]]) -> None:
    name = f"{settings().project}.{settings().dataset}.{table}"
    assert bigquery.client().insert_rows_json(name, list(rows)) == []


def orders(town: Town, share_twice: float = 0.2) -> list[Order]:
    """Each event's delivery, and of a share of them a second one, shuffled."""
    chance, rows = random.Random(11), town.everything
    every = rows + chance.sample(rows, int(len(rows) * share_twice))
    chance.shuffle(every)
    return [_order(number, "usage-recorded", row, row["event_id"]) for number, row in enumerate(every)]


def _order(number: int, topic: str, row: dict[str, Any], event_id: str) -> Order:
    data = b64encode(json.dumps(row).encode()).decode()
    attributes = {"event_id": event_id, "workspace_id": row["workspace_id"]}
    return {"n": number, "topic": topic, "message": {"data": data, "attributes": attributes, "messageId": str(number)}}


def deliver(deployment: str, town: Town, size: Size, log: Path, say: Say) -> Orders:
    """Push everything to one deployment, whose processes are killed on the way."""
    every = orders(town)
    return work_off(
        deployment,
        every,
        processes=size.processes,
        threads=size.threads,
        kills=size.kills,
        log=log,
        progress=lambda done: say(deployment, done, len(every)),
    )


def close(town: Town, size: Size, log: Path, say: Say, *, kills: int) -> Orders:
    """Ask the real close for each workspace, at a time when the month's invoice is final; the processes are killed too."""
    asked = [
        _order(number, "close-requested", {"workspace_id": str(home), "as_of": clock.to_text(town.as_of)}, "")
        for number, home in enumerate(town.rows)
    ]
    return work_off(
        "billing-close",
        asked,
        processes=min(size.processes, 2),
        threads=2,
        kills=kills,
        log=log,
        progress=lambda done: say("billing-close", done, len(asked)),
    )


def check(town: Town) -> dict[str, int]:
    """Compare everything with everything; returns the sums. AssertionError with what differs."""
    sums = dict.fromkeys(("events", "charge_nanos", "cost_nanos", "entries", "invoices"), 0)
    for home, rows in town.rows.items():
        usage = [UsageEvent.model_validate(row) for row in rows]
        expected = charges.tally(usage, "USD")
        days = sorted({event.day for event in usage})
        months = sorted({day[:7] for day in days})
        # Charges: the days' tallies and the months', with a piece of each event's digest.
        for names in ([f"day_{day}" for day in days], [f"month_{month}" for month in months]):
            whole = charges.Tally(currency="USD", cells={})
            for tally, _ in repository.tallies(home, names, "USD"):
                whole = whole.plus(tally)
            assert charges.difference(expected, whole) == {}, (home, names)
        # Rollups: hours, and the workspace's days, which are UTC's here.
        hours = [hour for day in days for hour in repository.hours(home, day, day).get(day, ())]
        paths = [contracts.path(home, "rollups", f"day_{day}") for day in days]
        rolled = [contracts.RollupRead.model_validate(one.data) for one in repository.read(paths)]
        for cuts in (hours, rolled):
            for name in ("charge_nanos", "cost_nanos", *contracts.BUCKETS):
                assert sum(getattr(cut.total, name) for cut in cuts) == getattr(expected.total, name), (home, name)
            assert sum(cut.total.turns for cut in cuts) == expected.total.messages
            assert sum(cut.total.failed for cut in cuts) == sum(event.outcome == "failed" for event in usage)
        # The ledger, and the invoice that it makes.
        found = firestore.find(firestore.Query(contracts.path(home, "ledger")))
        entries = [LedgerEntry.from_document(one.data) for one in found]
        booked = [entry for entry in entries if entry.kind == "usage"]
        assert ledger.unbilled(booked) == expected.total.charge_nanos
        assert sum(entry.count for entry in booked) == len(usage)
        assert sum(entry.cost_nanos for entry in booked) == expected.total.cost_nanos
        assert sum(ledger.balances(entries).values()) == 0
        assert ledger.balances(entries)[Account.UNBILLED] == 0
        found = firestore.find(firestore.Query(contracts.path(home, "invoices")))
        invoices = [repository.invoice_of(one) for one in found]
        assert {one.state for one in invoices} == {InvoiceState.OPEN}
        lines = [line for one in invoices for line in one.lines]
        assert sum(line.amount_nanos for line in lines) == expected.total.charge_nanos
        spent = repository.read([contracts.path(home, "spend", month) for month in months])
        assert sum(one.data["spent_nanos"] for one in spent) == expected.total.charge_nanos
        # What the close itself found when it compared all of it, the warehouse too.
        differences = firestore.get(repository.state_path(home)).data.get("differences", {})
        assert not set(differences) & {*days, *months}, differences
        sums["events"] += len(usage)
        sums["charge_nanos"] += expected.total.charge_nanos
        sums["cost_nanos"] += expected.total.cost_nanos
        sums["entries"] += len(entries)
        sums["invoices"] += len(invoices)
    return sums

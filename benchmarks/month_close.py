"""What the close of a month takes for many workspaces: the rules alone on two cores, and a sample with its database.

The rules are pure: each day's events into that day's entries, then the month's entries into its invoice, numbered, booked
and as the bytes that are filed. The month is made twice and must be the same, byte for byte. The baseline is reading the
same entries from JSON. By rules all ten thousand are closed, unless fewer are asked for. Over the local Firestore,
BigQuery and Storage `--stored` of them are; what ten thousand would take there is extrapolated from their mean, and
printed as that. PDFs are counted apart.
"""

import datetime
import hashlib
import json
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from benchmarks.rig.figures import arguments, exit_code, verdict

WORKSPACES, EVENTS, CORES = 10_000, 100, 2
STORED = 200
AIM_SECONDS = 300
MONTH = "2026-11"
START = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)
FINAL = datetime.datetime(2026, 12, 2, 0, 10, tzinfo=datetime.UTC)
PLANS = ("pay_as_you_go", "starter", "per_unit", "per_message")


class Closed(NamedTuple):
    """What some workspaces came to: CPU seconds by part, entries, cents, and a digest of every byte that was made."""

    days: float
    month: float
    reading: float
    entries: int
    cents: int
    digest: str


def events_of(workspace: str, number: int) -> list[Any]:
    """A month of turns of two agents on two models."""
    from functions.billing.models import UsageEvent
    from functions.shared.digests import leaf

    chance = random.Random(f"{workspace}")
    found = []
    for place in range(number):
        row = {
            "event_id": f"{workspace}-{place}",
            "type": "turn",
            "workspace_id": workspace,
            "agent_id": f"agt_{chance.randrange(2)}",
            "model": chance.choice(("offline-extractive", "gemini-3.5-flash-lite")),
            "occurred_at": START + datetime.timedelta(seconds=chance.randrange(30 * 86_400)),
            "price_version": "2026-01-01",
            "plan_version": "1",
            "currency": "USD",
            "input_tokens": chance.randrange(4000),
            "cached_input_tokens": 0,
            "output_tokens": chance.randrange(600),
            "reasoning_tokens": 0,
            "cost_nanos": chance.randrange(10**7),
            "charge_nanos": chance.randrange(1, 10**8),
        }
        found.append(UsageEvent(**row, digest=leaf(row)))
    return found


def days(workspace: str, found: list[Any]) -> list[Any]:
    """The entries that the close of each day books."""
    from functions.billing import charges, ledger

    by_day: dict[str, list[Any]] = {}
    for event in found:
        by_day.setdefault(event.day, []).append(event)
    entries = []
    for day, own in sorted(by_day.items()):
        entries += ledger.close_day(
            workspace_id=workspace,
            day=day,
            tally=charges.tally(own, "USD"),
            digests=charges.cell_digests(own),
            posted=[],
            period=MONTH,
            booked_at=FINAL,
        )
    return entries


def month(workspace: str, entries: list[Any], plan: str) -> tuple[bytes, int]:
    """The month's invoice out of its day entries, as the bytes that are filed and booked, and its total in cents."""
    from functions.billing import invoicing, ledger
    from functions.billing.models import Party
    from functions.shared import plans
    from functions.shared.digests import canonical_json

    terms = plans.plan_at(plan, START)
    posts = ledger.post_period(
        workspace_id=workspace,
        usage_period=MONTH,
        terms=terms,
        usage=entries,
        posted=[],
        period=MONTH,
        booked_at=FINAL,
    )
    draft = invoicing.draft(
        workspace_id=workspace,
        period=MONTH,
        entries=[*entries, *posts],
        terms=terms,
        agent_names={"agt_0": "Front desk", "agt_1": "Night desk"},
        seller=Party(name="AgentHub Ltd", country="GB", vat_id="GB123"),
        bill_to=Party(name=workspace, country="CZ"),
        payment_terms="Pay within 14 days.",
        as_of=FINAL,
    )
    invoice = invoicing.freeze(
        draft,
        number=invoicing.number("BENCH", FINAL, 0),
        issued_at=FINAL,
        due_at=FINAL + datetime.timedelta(days=14),
        credit_minor=0,
    )
    booked = [entry.to_row() for entry in (*posts, *ledger.finalize(invoice, FINAL))]
    return invoice.frozen_bytes() + canonical_json(booked) + canonical_json(invoice.to_rows()), invoice.total_minor


def close_some(span: tuple[int, int, int]) -> Closed:
    """Close workspaces from one number to another, each with so many events."""
    from functions.billing.models import LedgerEntry

    first, end, number = span
    spent = {"days": 0.0, "month": 0.0, "reading": 0.0}
    digest, count, cents = hashlib.sha256(), 0, 0
    for place in range(first, end):
        workspace, plan = f"ws_{place:06d}", PLANS[place % len(PLANS)]
        found = events_of(workspace, number)
        began = time.process_time()
        entries = days(workspace, found)
        spent["days"] += time.process_time() - began
        texts = [json.dumps(entry.to_row()) for entry in entries]
        began = time.process_time()
        read = [json.loads(text) for text in texts]
        spent["reading"] += time.process_time() - began
        began = time.process_time()
        stored = [LedgerEntry.from_document(row) for row in read]
        made, total = month(workspace, stored, plan)
        spent["month"] += time.process_time() - began
        digest.update(made)
        count += len(entries)
        cents += total
        backwards = [LedgerEntry.from_document(row) for row in reversed(read)]
        if month(workspace, backwards, plan)[0] != made:
            raise RuntimeError(f"{workspace} is not the same when it is closed again")
    return Closed(**spent, entries=count, cents=cents, digest=digest.hexdigest())


def pure(workspaces: int, number: int) -> None:
    """The rules alone, on two processes."""
    step = max(1, -(-workspaces // (CORES * 20)))
    spans = [(start, min(start + step, workspaces), number) for start in range(0, workspaces, step)]
    began, done = time.perf_counter(), []
    with multiprocessing.get_context("spawn").Pool(CORES) as pool:
        for part in pool.imap(close_some, spans):
            done.append(part)
            if len(done) % 10 == 0:
                closed = sum(end - start for start, end, _ in spans[: len(done)])
                print(
                    f"  {closed} of {workspaces} closed by the rules, {time.perf_counter() - began:.0f} s", flush=True
                )
    took = time.perf_counter() - began
    by_part = {name: sum(getattr(part, name) for part in done) for name in ("days", "month", "reading")}
    entries, cents = sum(part.entries for part in done), sum(part.cents for part in done)
    every = hashlib.sha256("".join(part.digest for part in done).encode()).hexdigest()
    print(f"  {workspaces} workspaces × {number} events: {entries} day entries, USD {cents // 100:,}.{cents % 100:02d}")
    print(f"  wall {took:.1f} s with making the events, closing the month twice and whatever else ran here")
    for name, said in (("days", "events into day entries"), ("month", "day entries into filed invoices")):
        whole = by_part[name] / workspaces * WORKSPACES / CORES
        which = f"{WORKSPACES:,} on {CORES} cores{'' if workspaces == WORKSPACES else ', extrapolated'}"
        print(
            f"  {said:<34} {by_part[name]:7.1f} s of CPU, {1000 * by_part[name] / workspaces:6.2f} ms a workspace, "
            f"{by_part[name] / by_part['reading']:5.1f}× reading the entries; {which}: {whole:6.1f} s"
            + (f", {verdict(whole, AIM_SECONDS)}" if name == "month" else "")
        )
    print(f"  closed again, entries in another order: the same, byte for byte; all bytes {every[:16]}")


class Sampled(NamedTuple):
    """One workspace that was closed over its database: wall and CPU seconds, those of its PDF apart, and operations."""

    wall: float
    cpu: float
    printed: float
    operations: dict[str, int]


def stored(workspaces: int, number: int) -> None:
    """A sample over the local database, on two processes: the run that ends the month, after the daily ones."""
    import pytest

    from tests import engines
    from tests.cloud import PROJECT, Cloud

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        cloud = Cloud(Path(folder))
        warehouse = engines.start("bigquery", Path(folder) / "bigquery", "--project", PROJECT)
        try:
            # The processes that close have the same environment.
            cloud.enter(patch)
            patch.setenv("BIGQUERY_EMULATOR_HOST", f"http://{warehouse.address}")
            began, sampled = time.monotonic(), list[Sampled]()
            with multiprocessing.get_context("spawn").Pool(CORES) as pool:
                for one in pool.imap(close_stored, [(place, number) for place in range(workspaces)]):
                    sampled.append(one)
                    if len(sampled) % 50 == 0:
                        print(f"  {len(sampled)} of {workspaces} closed, {time.monotonic() - began:.0f} s", flush=True)
        finally:
            cloud.leave()
            cloud.stop()
            warehouse.kill()
    printed, cpu = (statistics.mean(getattr(one, name) for one in sampled) for name in ("printed", "cpu"))
    per, least, most = cpu - printed, min(one.cpu for one in sampled), max(one.cpu for one in sampled)
    print(
        f"  with its database, {workspaces} workspaces × {number} events closed for real: {1000 * per:.0f} ms of CPU each "
        f"in the function without its PDF ({1000 * least:.0f} to {1000 * most:.0f} with it), {1000 * printed:.0f} ms for "
        f"that, wall {statistics.mean(one.wall for one in sampled):.2f} s each, two at once and with the local engines on "
        f"the same cores\n  the last one's operations: {sampled[-1].operations}\n"
        f"  extrapolated from the mean of those {workspaces} and not measured: {WORKSPACES:,} would take "
        f"{per * WORKSPACES / CORES:.0f} s of {CORES} cores in the function without PDFs "
        f"({verdict(per * WORKSPACES / CORES, AIM_SECONDS)}) and {printed * WORKSPACES / CORES:.0f} s for the PDFs; "
        "what the database itself takes is not in it"
    )


def close_stored(asked: tuple[int, int]) -> Sampled:
    """Close one workspace's month over the database, twice, and demand the same archive."""
    from functions.billing import closing, pdf, period_figures
    from functions.shared import logs
    from tests.cloud import Cloud
    from tests.functions.billing.story import Story

    place, number = asked
    _warehouse()
    story = Story(Cloud.__new__(Cloud), made=START)
    _lives(story, random.Random(f"stored {place}"), number)
    # The nights before, as in life, but that the first of these books all days so far: what was booked lately is compared.
    for night in range(period_figures.BOOKED_DAYS, 0, -1):
        story.close(FINAL - datetime.timedelta(days=night))
    printed: list[float] = []
    render = pdf.render

    def timed(invoice: Any, evidence: Any = None) -> bytes:
        began = time.process_time()
        made = render(invoice, evidence)
        printed.append(time.process_time() - began)
        return made

    pdf.render = timed
    try:
        began, used = time.perf_counter(), time.process_time()
        with logs.request() as counted:
            closing.close(story.workspace, FINAL)
        wall, cpu, operations = time.perf_counter() - began, time.process_time() - used, dict(counted)
        before = story.archived()
        closing.close(story.workspace, FINAL)
    finally:
        pdf.render = render
    if story.archived() != before or len(before) != 2:
        raise RuntimeError("closed again, the archive is not the same")
    return Sampled(wall, cpu, sum(printed), operations)


@cache
def _warehouse() -> None:
    """The local warehouse, once for each process."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery as native

    from functions.shared import bigquery
    from tests.cloud import PROJECT

    options = {"api_endpoint": os.environ["BIGQUERY_EMULATOR_HOST"]}
    client = native.Client(PROJECT, AnonymousCredentials(), client_options=options)
    bigquery.client = lambda: client  # type: ignore[assignment]


def _lives(story: Any, chance: random.Random, number: int) -> None:
    """A month of turns that everybody has counted: what counting them one by one adds up to, since nobody measures it."""
    from functions.analytics import rollups
    from functions.billing import charges
    from functions.billing import repository as billing
    from functions.billing.models import UsageEvent
    from functions.shared import bigquery, clock, contracts, events, firestore, metering
    from functions.shared.config import settings
    from functions.shared.events import Event
    from functions.shared.metering.spend import opening
    from tests.functions.billing.story import row

    batch, rows = firestore.Batch(), []
    counted: dict[str, dict[str, Any]] = {}
    charged: dict[str, list[UsageEvent]] = {}
    for _ in range(number):
        at = START + datetime.timedelta(seconds=chance.randrange(30 * 86_400))
        agent, charge = f"agt_{chance.randrange(2)}", chance.randrange(1, 10**8)
        columns = row(story.workspace, at, agent_id=agent, charge_nanos=charge)
        event = Event(story.workspace, "usage-recorded", columns["event_id"], columns)
        events.record(batch, event, day=clock.day_of(at), now=at)
        for name in rollups.names(at, ZoneInfo("UTC")):
            added = rollups.placed(name, rollups.of_usage(columns), rollups.micros(columns))
            counted[name] = rollups.plus(counted.get(name, {}), added)
            charged.setdefault(name, []).append(UsageEvent.model_validate(columns))
        rows.append(columns)
    batch.commit()
    batch = firestore.Batch()
    for name, document in counted.items():
        batch.set(contracts.path(story.workspace, "rollups", name), document)
        if not name.startswith("hour_"):
            tally = charges.tally(charged[name], "USD").to_document()
            batch.set(billing.charges_path(story.workspace, name), {**tally, "as_of_micros": document["as_of_micros"]})
    spent = {
        f"{name}_nanos": sum(one[f"{of}_nanos"] for one in rows) for name, of in (("spent", "charge"), ("cost", "cost"))
    }
    batch.set(metering.spend_path(story.workspace, START), opening(story.workspace, MONTH) | spent)
    batch.commit()
    table = f"{settings().project}.{settings().dataset}.usage_events"
    if errors := bigquery.client().insert_rows_json(table, rows):
        raise RuntimeError(errors[:1])


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--workspaces", type=int, default=WORKSPACES)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument(
        "--stored", type=int, default=STORED, help="workspaces closed over the local database; 0 for none"
    )
    options = parser.parse_args()
    os.environ.setdefault("AGENTHUB_FSYNC", "off")
    pure(options.workspaces, options.events)
    if options.stored:
        stored(options.stored, options.events)
    return exit_code(options)


if __name__ == "__main__":
    sys.exit(main())

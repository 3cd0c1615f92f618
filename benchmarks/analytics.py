"""What each page of figures costs with a million events behind it, against bare reads of the same documents.

The pages are asked from the real function over the real local Firestore; their baseline is bare reads of the same
rollups, whole: a page reads only the fields that it shows, and may so cost less. The day's benchmarks are made by the
real queries on the local BigQuery over all events; their baseline is a count of the same rows. Rollups are those of a
sample of the events, times what they stand for: as many documents with as many keys, at the price of fewer additions.
Storing a million rows in the local BigQuery takes long: `--events` says how many, `--only` which half.
"""

import argparse
import datetime
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.rig.figures import interleaved, ratio, verdict
from benchmarks.rig.processes import Asked, Function
from benchmarks.rig.shop import Shop
from tests import engines
from tests.functions import rooms
from tests.functions.shared.http import callers

DAYS = 60
AGENTS, VERSIONS, WORKSPACES = 20, 3, 20
SAMPLE = 3_000
PAGE_AIM, LIST_AIM, QUERY_AIM = 1.5, 3.0, 20.0
FUNCTION = ("functions/analytics/main.py", "analytics_api")
INDUSTRIES = ("dental", "legal", "travel", "education")


def made(number: int, workspace: str, names: list[str], now: datetime.datetime, seed: int) -> list[dict[str, Any]]:
    """So many turns spread over the days, agents and their versions."""
    chance = random.Random(seed)
    start = now - datetime.timedelta(days=DAYS)
    rows = []
    for place in range(number):
        agent = chance.randrange(len(names))
        latency = int(chance.lognormvariate(7, 0.8))
        rows.append(
            rooms.usage(
                workspace,  # type: ignore[arg-type]
                names[agent],
                start + datetime.timedelta(seconds=chance.randrange(DAYS * 86_400)),
                event_id=f"e{seed}-{place}",
                version_id=f"ver_{agent}_{chance.randrange(VERSIONS)}",
                industry=INDUSTRIES[agent % len(INDUSTRIES)],
                channel=("widget", "api")[agent % 2],
                new_conversation=place % 3 == 0,
                new_visitor=place % 6 == 0,
                handed_off=place % 40 == 0,
                outcome="failed" if place % 90 == 0 else "completed",
                latency_ms=latency,
                first_token_ms=latency // 4,
            )
        )
    return rows


def rolled_up(home: str, rows: list[dict[str, Any]], times: int) -> int:
    """Write the rollups of the rows, each counted so many times; returns how many documents that makes."""
    from zoneinfo import ZoneInfo

    from functions.analytics import rebuilding, rollups
    from functions.shared import clock

    documents: dict[str, dict[str, Any]] = {}
    for row in rows:
        added, newest = rollups.of_usage(row), rollups.micros(row)
        for name in rollups.names(clock.from_text(row["occurred_at"]), ZoneInfo("UTC")):
            documents[name] = rebuilding._plus(documents.get(name, {}), rollups.placed(name, added, newest))
    for name, document in documents.items():
        callers.write(f"{home}/rollups/{name}", _times(document, times))
    return len(documents)


def _times(counters: dict[str, Any], times: int) -> dict[str, Any]:
    return {
        key: _times(value, times)
        if isinstance(value, dict)
        else value
        if key in ("as_of_micros", "last_micros")
        else value * times
        for key, value in counters.items()
    }


def bare(paths: list[str]) -> Callable[[], float]:
    """The seconds of reading these documents and nothing else, as many at once as the function reads."""
    from functions.analytics.repository import AT_ONCE
    from functions.shared import firestore

    def read() -> float:
        began = time.perf_counter()
        for start in range(0, len(paths), AT_ONCE):
            firestore.get_all(paths[start : start + AT_ONCE])
        return time.perf_counter() - began

    return read


def pages(events: int, times: int) -> None:
    """Each route, as many rollups as it reads beside it."""
    from functions.analytics.steps import cut, days_of
    from functions.shared import clock, contracts, ids

    owner, now = callers.person("owner"), clock.now().replace(hour=12)
    home = f"workspaces/{owner.claims['workspace_id']}"
    callers.write(home, {"name": "Chain", "currency": "USD", "time_zone": "UTC", "state": "active", "created_at": now})
    names = [ids.new("agent") for _ in range(AGENTS)]
    for name in names:
        callers.write(f"{home}/agents/{name}", {"name": "Desk", "created_at": now, "updated_at": now})
        for number in range(VERSIONS):
            version = {"number": number + 1, "name": "Desk", "model": "offline/x", "published_at": now}
            callers.write(f"{home}/agents/{name}/versions/{ids.new('version')}", version)
    rows = made(min(SAMPLE, events), str(owner.claims["workspace_id"]), names, now, 1)
    written = rolled_up(home, rows, max(1, events // len(rows)))
    for place in range(1, 400):
        conversation = contracts.ConversationRead(
            agent_id=names[place % AGENTS],
            channel="widget",
            resolved=place % 5 == 0,
            created_at=now,
            updated_at=now - datetime.timedelta(minutes=place),
        )
        document = {**conversation.model_dump(), "words": ["whitening", f"word{place % 7}"]}
        callers.write(f"{home}/conversations/{ids.conversation_of(str(place))}", document)
    callers.write(f"benchmarks/{now.date()}", {"industries": {}, "as_of": now, "expire_at": now})
    print(f"Pages over {events} events of {AGENTS} agents in {DAYS} days ({written} rollups), against bare reads:")
    today = now.date()

    def days(number: int) -> list[str]:
        return [f"day_{day}" for day in days_of(today - datetime.timedelta(days=number - 1), today)]

    def hours(number: int, zone: str) -> list[str]:
        from zoneinfo import ZoneInfo

        first = today - datetime.timedelta(days=number - 1)
        found = cut(first, today, "hour", ZoneInfo(zone), ZoneInfo("UTC"))
        return list(dict.fromkeys(part.name for step in found for part in step.parts))

    month = f"from={today - datetime.timedelta(days=30)}&to={today}"
    routes = {
        "/api/usage/stats": days(30),
        "/api/usage/stats?group_by=agent": days(30),
        f"/api/usage/stats?from={today - datetime.timedelta(days=365)}&granularity=month": days(366),
        "/api/usage/stats?granularity=hour": hours(14, "UTC"),
        f"/api/usage/stats?{month}&time_zone=Asia/Kathmandu": hours(31, "Asia/Kathmandu"),
        "/api/analytics": days(60),
        "/api/analytics?group_by=agent": days(60),
        f"/api/analytics/agents/{names[0]}": days(60),
        f"/api/analytics/agents/{names[0]}/versions": days(30),
        "/api/analytics/industries": days(60),
    }
    with Shopping.function() as function:
        for path, read in routes.items():
            tries = {
                "page": Asked(function, path, owner.headers()),
                "bare": bare([f"{home}/rollups/{name}" for name in read]),
            }
            for once in tries.values():
                once()
            found = interleaved(times, tries)
            _show(path.replace(names[0], "…"), found["page"], found["bare"], f"{len(read)} rollups", PAGE_AIM)
        for path in ("/api/conversations", "/api/conversations?q=whitening", "/api/conversations?resolved=true"):
            listed = Asked(function, path, owner.headers())
            found = interleaved(times, {"page": listed, "bare": bare([f"{home}/rollups/{name}" for name in days(30)])})
            _show(path, found["page"], found["bare"], "against 30 rollups", LIST_AIM)


class Shopping:
    """The engines of this run; set by `main`, so that a function can be started where it is asked."""

    shop: Shop

    @classmethod
    def function(cls) -> Function:
        """The real deployment over these engines."""
        return Function(*FUNCTION, cls.shop.environment)


def _show(name: str, found: list[float], baseline: list[float], what: str, aim: float) -> None:
    best, median = ratio(found, baseline)
    print(
        f"  {name:<66} median {1000 * statistics.median(found):8.1f} ms, {what}: {best:5.2f}× by the best, "
        f"{median:5.2f}× by the medians   {verdict(best, aim)}",
        flush=True,
    )


def warehouse(events: int, times: int, address: str) -> None:
    """The queries of the day's benchmarks over all events of many workspaces."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery as native

    from functions.analytics import benchmarks
    from functions.shared import bigquery, clock
    from functions.shared.config import settings

    client = native.Client(callers.PROJECT, AnonymousCredentials(), client_options={"api_endpoint": address})
    bigquery.client = lambda: client  # type: ignore[assignment]
    now = clock.now()
    table = f"{settings().project}.{settings().dataset}.usage_events"
    names = [f"agt_{place}" for place in range(AGENTS)]
    began, stored = time.perf_counter(), 0
    while stored < events:
        rows = made(min(2_000, events - stored), f"ws_{(stored // 2_000) % WORKSPACES}", names, now, stored)
        if errors := client.insert_rows_json(table, rows, row_ids=[None] * len(rows)):
            raise RuntimeError(errors[:1])
        stored += len(rows)
    print(f"Benchmarks of {WORKSPACES} workspaces: {events} events stored in {time.perf_counter() - began:.0f} s")
    since, until = now - datetime.timedelta(days=30), now
    count = "SELECT COUNT(*) AS number FROM `{dataset}.usage_of_all`(@since, @until)"

    def timed(work: Callable[[], object]) -> Callable[[], float]:
        def run() -> float:
            began = time.perf_counter()
            work()
            return time.perf_counter() - began

        return run

    tries = {
        "made": timed(lambda: benchmarks.computed(since, until)),
        "bare": timed(lambda: bigquery.query(count, {"since": since, "until": until})),
    }
    for once in tries.values():
        once()
    found = interleaved(times, tries)
    compared = benchmarks.computed(since, until)
    _show("both queries of a day", found["made"], found["bare"], "against a count of the rows", QUERY_AIM)
    print(f"  {len(compared)} industries, {sorted(one['workspaces'] for one in compared.values())} workspaces")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("pages", "warehouse"))
    options = parser.parse_args()
    with Shop() as shop, tempfile.TemporaryDirectory() as folder:
        Shopping.shop = shop
        if options.only != "warehouse":
            pages(options.events, options.times)
        if options.only == "pages":
            return
        engine = engines.start("bigquery", Path(folder) / "bigquery", "--project", callers.PROJECT)
        try:
            warehouse(options.events, max(3, options.times // 3), f"http://{engine.address}")
        finally:
            engine.kill()


if __name__ == "__main__":
    main()

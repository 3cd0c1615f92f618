"""What each page of figures costs with a million events behind it, against bare reads of the same.

The pages are asked from the real function over the real local Firestore. Behind those of figures are the rollups of all
events, each added by the code that counts an event, so documents are as large as a workspace's that busy; their baseline
is bare reads of the same fields of the same documents. Behind lists and transcripts are conversations in a number of its
own (`--conversations`): what they read does not grow with all that there are, and their baseline is bare reads of as many
documents. The definitions read but who is calling; their baseline is a bare function that reads one document. The day's
benchmarks are made by the real queries on the local BigQuery over all events; their baseline is a count of the same rows.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.rig import busy
from benchmarks.rig.figures import arguments, exit_code, interleaved, ratio, verdict
from benchmarks.rig.processes import Asked, Function
from benchmarks.rig.shop import Shop
from tests import engines
from tests.functions.shared.http import callers

DAYS, AGENTS, WORKSPACES = 60, 20, 20
TURNS = 200
"""Of the conversation whose transcript is asked for: as many as one answer has."""
PAGE_AIM, LIST_AIM, BARE_AIM, QUERY_AIM = 3.0, 3.0, 2.0, 20.0
SECONDS = 8.0
"""After which a page is not asked once more, for all together to end in minutes."""
FUNCTION = ("functions/analytics/main.py", "analytics_api")
BARE = ("benchmarks/rig/bare/reads.py", "reads")

Read = Callable[[], float]


class Workspace:
    """A busy workspace, as its documents say."""

    def __init__(self, events: int, conversations: int) -> None:
        from functions.shared import clock, ids

        self.owner, self.now = callers.person("owner"), clock.now().replace(hour=12)
        self.name = str(self.owner.claims["workspace_id"])
        self.home = f"workspaces/{self.name}"
        self.agents = [ids.new("agent") for _ in range(AGENTS)]
        self.today = self.now.date()
        first = self.today - timedelta(days=DAYS - 1)
        self.span = busy.Span(self.name, self.agents, first, DAYS, events)
        self.long = ids.conversation_of("long")
        self._found()
        self._count()
        self._converse(conversations)

    def _found(self) -> None:
        known = {"name": "Chain", "currency": "USD", "time_zone": "UTC", "state": "active", "created_at": self.now}
        callers.write(self.home, known)
        for agent in self.agents:
            made = {"name": "Desk", "created_at": self.now, "updated_at": self.now}
            callers.write(f"{self.home}/agents/{agent}", made)
            for number, version in enumerate(self.span.versions(agent), 1):
                published = {"number": number, "name": "Desk", "model": "offline/x", "published_at": self.now}
                callers.write(f"{self.home}/agents/{agent}/versions/{version}", published)
        callers.write(f"benchmarks/{self.today}", {"industries": {}, "as_of": self.now, "expire_at": self.now})

    def _count(self) -> None:
        began, written, numbers = time.monotonic(), 0, 0
        for number, documents in enumerate(busy.rolled_up(self.span), 1):
            for name, document in documents.items():
                callers.write(f"{self.home}/rollups/{name}", document)
            written, numbers = written + len(documents), max(numbers, *map(_leaves, documents.values()))
            if number % 10 == 0:
                _progress(f"{number} of {DAYS} days counted", began)
        print(f"  {written} rollups of hours and days, {numbers:,} numbers in the largest")

    def _converse(self, number: int) -> None:
        from functions.shared import contracts, firestore, ids

        began = time.monotonic()
        for start in range(0, number, 400):
            batch = firestore.Batch()
            for place in range(start, min(number, start + 400)):
                conversation = contracts.ConversationRead(
                    agent_id=self.agents[place % AGENTS],
                    channel="widget",
                    title="Do you whiten teeth, and what does it cost?",
                    turn_count=3,
                    outcome="completed",
                    handed_off=place % 40 == 0,
                    resolved=place % 5 == 0,
                    created_at=self.now,
                    updated_at=self.now - timedelta(minutes=place),
                )
                said = [f"word{place % 7}", *(f"more{place % 1000 + other}" for other in range(60))]
                document = {**conversation.model_dump(), "words": ["whitening", *said] if place % 3 == 0 else said}
                batch.set(f"{self.home}/conversations/{ids.conversation_of(str(place))}", document)
            batch.commit()
        _progress(f"{number} conversations written", began)
        known = contracts.ConversationRead(
            agent_id=self.agents[0],
            channel="widget",
            turn_count=TURNS,
            created_at=self.now,
            updated_at=self.now - timedelta(days=365),
        )
        batch = firestore.Batch()
        batch.set(f"{self.home}/conversations/{self.long}", known.model_dump())
        for place in range(1, TURNS + 1):
            turn = contracts.TurnRead(
                seq=place,
                message_id=f"msg_{place}",
                message="Do you whiten teeth, and what does it cost?",
                answer="We do, in one visit of an hour; it costs 250 USD, and you can book it by telephone. " * 3,
                outcome="completed",
                occurred_at=self.now,
                completed_at=self.now,
            )
            batch.set(self.turn(place), turn.model_dump())
        batch.commit()

    def turn(self, place: int) -> str:
        """The path of one turn of the long conversation."""
        return f"{self.home}/conversations/{self.long}/turns/trn_{place:052d}"

    def rollups(self, names: Sequence[str]) -> list[str]:
        """Their paths."""
        return [f"{self.home}/rollups/{name}" for name in names]

    def days(self, number: int) -> list[str]:
        """The last so many days' rollups."""
        from functions.analytics.steps import days_of

        return [f"day_{day}" for day in days_of(self.today - timedelta(days=number - 1), self.today)]

    def cut(self, first: date, granularity: Any, zone: str) -> list[str]:
        """The rollups of which steps up to today are made."""
        from functions.analytics.steps import cut

        found = cut(first, self.today, granularity, ZoneInfo(zone), ZoneInfo("UTC"))
        return list(dict.fromkeys(part.name for step in found for part in step.parts))


def _leaves(counters: dict[str, Any]) -> int:
    return sum(_leaves(value) if isinstance(value, dict) else 1 for value in counters.values())


def _progress(done: str, began: float) -> None:
    print(f"  {done}, {time.monotonic() - began:.0f} s", flush=True)


def bare(paths: Sequence[str], fields: Sequence[Any] | None = None) -> Read:
    """The seconds of reading these fields of these documents and nothing else, as many at once as the function reads."""
    from functions.analytics.repository import AT_ONCE
    from functions.shared import firestore

    def read() -> float:
        began = time.perf_counter()
        for start in range(0, len(paths), AT_ONCE):
            firestore.get_all(paths[start : start + AT_ONCE], fields)
        return time.perf_counter() - began

    return read


def pages(shop: Shop, events: int, conversations: int, times: int) -> None:
    """Each route, as many documents as it reads beside it."""
    print(
        f"Pages over {events:,} turns of {AGENTS} agents with {busy.VERSIONS} versions each in {DAYS} days:", flush=True
    )
    known = Workspace(events, conversations)
    headers = known.owner.headers()
    with Function(*FUNCTION, shop.environment) as function, Function(*BARE, shop.environment) as one_read:

        def compared(path: str, baseline: Read, aim: float) -> None:
            page = Asked(function, path, headers)
            page()
            baseline()
            found = interleaved(times, {"page": page, "bare": baseline}, seconds=SECONDS)
            shown = path.replace(known.agents[0], "…").replace(known.long, "…")
            _show(shown, found["page"], found["bare"], f"{_reads(function):4} reads", aim)

        for path, names, fields in figures(known):
            compared(path, bare(known.rollups(names), fields), PAGE_AIM)
        for path in lists(known):
            Asked(function, path, headers)()
            # What is found is not read whole, and neither is the baseline.
            read = min(_reads(function), conversations)
            compared(path, listed(known, read), LIST_AIM)
        turns = [known.turn(place) for place in range(1, TURNS + 1)]
        compared(f"/api/conversations/{known.long}", bare(turns), LIST_AIM)
        compared("/api/analytics/definitions", Asked(one_read, f"/?path={known.home}", {}), BARE_AIM)


def figures(known: Workspace) -> list[tuple[str, list[str], list[tuple[str, ...]]]]:
    """The pages of figures, each with the rollups and the fields that it needs."""
    total: list[tuple[str, ...]] = [("as_of_micros",), ("total",)]
    quarters = [*total, *(("quarters", quarter, *field) for quarter in ("00", "15", "30", "45") for field in total)]
    agents, versions, industries = ([*total, (name,)] for name in ("agents", "versions", "industries"))
    one: list[tuple[str, ...]] = [("as_of_micros",), ("agents", known.agents[0])]
    of_versions = [("as_of_micros",), *(("versions", name) for name in known.span.versions(known.agents[0]))]
    year = known.today - timedelta(days=365)
    month, fortnight = known.today - timedelta(days=30), known.today - timedelta(days=13)
    kathmandu, tokyo = (f"from={month}&to={known.today}&time_zone={zone}" for zone in ("Asia/Kathmandu", "Asia/Tokyo"))
    return [
        ("/api/usage/stats", known.days(30), total),
        ("/api/usage/stats?group_by=agent", known.days(30), agents),
        ("/api/usage/stats?group_by=version", known.days(30), versions),
        (f"/api/usage/stats?from={year}&granularity=week", known.days(366), total),
        (f"/api/usage/stats?from={year}&granularity=month", known.days(366), total),
        ("/api/usage/stats?granularity=hour", known.cut(fortnight, "hour", "UTC"), total),
        ("/api/usage/stats?granularity=hour&group_by=agent", known.cut(fortnight, "hour", "UTC"), agents),
        (f"/api/usage/stats?{tokyo}", known.cut(month, "day", "Asia/Tokyo"), total),
        (f"/api/usage/stats?{tokyo}&group_by=version", known.cut(month, "day", "Asia/Tokyo"), versions),
        (f"/api/usage/stats?{kathmandu}", known.cut(month, "day", "Asia/Kathmandu"), quarters),
        ("/api/analytics", known.days(60), total),
        ("/api/analytics?granularity=day&group_by=agent", known.days(60), agents),
        (f"/api/analytics/agents/{known.agents[0]}", known.days(60), one),
        (f"/api/analytics/agents/{known.agents[0]}/versions", known.days(30), of_versions),
        ("/api/analytics/industries", known.days(60), industries),
    ]


def lists(known: Workspace) -> list[str]:
    """The lists of conversations: as they are, and looked through with an index and without."""
    return [
        "/api/conversations",
        f"/api/conversations?agent_id={known.agents[0]}",
        "/api/conversations?q=whitening",
        "/api/conversations?handed_off=true",
        "/api/conversations?resolved=true",
    ]


def listed(known: Workspace, number: int) -> Read:
    """The seconds of reading so many conversations by their names, as lists read them."""
    from functions.analytics.repository import LISTED
    from functions.shared import ids

    paths = [f"{known.home}/conversations/{ids.conversation_of(str(place))}" for place in range(number)]
    return bare(paths, [(name,) for name in LISTED])


def _reads(function: Function) -> int:
    """What the function's own log says of its last request."""
    stated = [line["operations"].get("firestore_reads", 0) for line in function.lines() if "operations" in line]
    return int(stated[-1])


def _show(name: str, found: list[float], baseline: list[float], what: str, aim: float) -> None:
    best, median = ratio(found, baseline)
    print(
        f"  {name:<66} median {1000 * statistics.median(found):8.1f} ms, {what}: {best:5.2f}× by the best, "
        f"{median:5.2f}× by the medians   {verdict(best, aim)}",
        flush=True,
    )


def warehouse(events: int, times: int) -> None:
    """The queries of the day's benchmarks over all events of many workspaces."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery as native

    from functions.analytics import benchmarks
    from functions.shared import bigquery
    from functions.shared.config import settings

    until = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since, began = until - timedelta(days=30), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "bigquery"
        names = [f"ws_{number}" for number in range(WORKSPACES)]
        busy.stored(place, settings().dataset, names, since, 30, events)
        print(
            f"Benchmarks of {WORKSPACES} workspaces, {events:,} events in 30 days, stored in "
            f"{time.perf_counter() - began:.0f} s:",
            flush=True,
        )
        engine = engines.start("bigquery", place, "--project", callers.PROJECT)
        try:
            options = {"api_endpoint": f"http://{engine.address}"}
            client = native.Client(callers.PROJECT, AnonymousCredentials(), client_options=options)
            bigquery.client = lambda: client  # type: ignore[assignment]
            count = "SELECT COUNT(*) AS number FROM `{dataset}.usage_of_all`(@since, @until)"
            tries = {
                "made": _timed(lambda: benchmarks.computed(since, until)),
                "bare": _timed(lambda: bigquery.query(count, {"since": since, "until": until})),
            }
            for once in tries.values():
                once()
            found = interleaved(times, tries, seconds=8 * SECONDS)
            compared = benchmarks.computed(since, until)
        finally:
            engine.kill()
    _show("both queries of a day", found["made"], found["bare"], "against a count of the rows", QUERY_AIM)
    print(f"  {len(compared)} industries, {sorted(one['workspaces'] for one in compared.values())} workspaces")


def _timed(work: Callable[[], object]) -> Read:
    def run() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return run


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--times", type=int, default=10, help="how often each is asked, at most")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--conversations", type=int, default=20_000)
    parser.add_argument("--only", choices=("pages", "warehouse"))
    options = parser.parse_args()
    with Shop() as shop:
        if options.only != "warehouse":
            pages(shop, options.events, options.conversations, options.times)
        if options.only != "pages":
            warehouse(options.events, max(3, options.times // 3))
    return exit_code(options)


if __name__ == "__main__":
    sys.exit(main())

"""What is typical of an industry is shown from five workspaces on, and nobody's own figure can be read from it."""

import json
import statistics
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.analytics import benchmarks, consumer, industries
from functions.analytics.models import Industries
from functions.analytics.query_models import Range
from functions.shared import bigquery, clock, config, events, firestore, ids, logs
from functions.shared.errors import Unavailable
from functions.shared.identity import WorkspaceId
from tests.cloud import PROJECT, Cloud
from tests.functions import rooms
from tests.functions.rooms import Room, content
from tests.functions.shared.http import callers

months = count()


@pytest.fixture
def now() -> datetime:
    """A day of a month in which no other test had events."""
    number = next(months)
    return datetime(2027 + number // 4, 3 * (number % 4) + 3, 15, 12, tzinfo=UTC)


def stored(table: str, rows: list[dict[str, Any]]) -> None:
    name = f"{PROJECT}.{config.settings().dataset}.{table}"
    for start in range(0, len(rows), 500):
        assert bigquery.client().insert_rows_json(name, rows[start : start + 500]) == []


def worked(
    workspace: WorkspaceId | str, at: datetime, turns: int, industry: str, **fields: Any
) -> list[dict[str, Any]]:
    """So many turns in conversations of two."""
    return [
        rooms.usage(workspace, "agt_a", at, industry=industry, new_conversation=place % 2 == 0, **fields)  # type: ignore[arg-type]
        for place in range(turns)
    ]


def told(workspace: str, kind: str, at: datetime, industry: str, **fields: Any) -> dict[str, Any]:
    moment = clock.to_text(at)
    return {
        "event_id": ids.secret(8),
        "type": kind,
        "workspace_id": workspace,
        "agent_id": "agt_a",
        "digest": "d",
        "conversation_id": "cnv_1",
        "occurred_at": moment,
        "recorded_at": moment,
        "industry": industry,
        **fields,
    }


def counted(cloud: Cloud, workspace: WorkspaceId, rows: list[dict[str, Any]], now: datetime) -> None:
    for row in rows:
        consumer.count(cloud.call(workspace, now=now), events.Event(workspace, "usage-recorded", row["event_id"], row))


def page(cloud: Cloud, workspace: WorkspaceId, now: datetime) -> Industries:
    return industries.listed(cloud.call(workspace, now=now), Range())


def others(now: datetime, number: int, industry: str, latencies: list[int]) -> None:
    at = now - timedelta(days=2)
    for place in range(number):
        name = f"ws_{ids.secret(8)}"
        stored("usage_events", worked(name, at, benchmarks.LEAST_TURNS, industry, latency_ms=latencies[place]))


@given(st.lists(st.floats(0, 1000), min_size=0, max_size=30))
def test_the_typical_figure_lies_in_the_middle_of_at_least_five(values: list[float]) -> None:
    found = benchmarks.typical(values)
    if len(values) < 5:
        assert found is None
    else:
        assert found is not None
        assert min(values) - 0.001 <= found <= max(values) + 0.001
        # However far out one workspace is, it moves no further than to the next ones.
        ordered = sorted(values)
        low, high = ordered[len(ordered) // 2 - 2], ordered[min(len(ordered) - 1, len(ordered) // 2 + 2)]
        assert low - 0.001 <= found <= high + 0.001


def test_no_single_workspaces_figure_is_the_typical_one() -> None:
    for number in range(5, 12):
        values = [float(2**place) for place in range(number)]
        assert benchmarks.typical(values) not in values
        assert statistics.median(values) in values or number % 2 == 0


def test_four_workspaces_are_too_few_and_the_fifth_makes_them_a_benchmark(house: Cloud, now: datetime) -> None:
    workspace = house.workspace()
    rows = worked(workspace, now - timedelta(days=2), benchmarks.LEAST_TURNS, "dental", latency_ms=90)
    counted(house, workspace, rows, now)
    stored("usage_events", rows)
    others(now, 3, "dental", [400, 700, 1000])
    made = benchmarks.computed(now - timedelta(days=30), now)
    assert made == {}
    others(now, 1, "dental", [1400])
    # One with fewer turns than count does not contribute.
    stored("usage_events", worked("ws_small", now - timedelta(days=2), 3, "dental", latency_ms=40_000))
    [item] = page(house, workspace, now).items
    assert (item.industry, item.benchmark.state, item.benchmark.workspaces) == ("dental", "compared", 5)
    latency = item.benchmark.figures["latency_p50_ms"]
    assert 400 < latency.typical < 1000
    assert (latency.position, item.benchmark.figures["turns_per_conversation"].position) == ("lower", "similar")
    assert "rating" not in item.benchmark.figures, "nobody was rated"


def test_with_fewer_it_says_so_and_shows_the_own_figures_all_the_same(house: Cloud, now: datetime) -> None:
    workspace = house.workspace()
    rows = worked(workspace, now - timedelta(days=2), benchmarks.LEAST_TURNS, "legal")
    counted(house, workspace, rows, now)
    stored("usage_events", rows)
    others(now, 3, "legal", [400, 700, 1000])
    found = page(house, workspace, now)
    [item] = found.items
    assert (item.current.turns, item.benchmark.state) == (benchmarks.LEAST_TURNS, "too_few")
    assert (item.benchmark.workspaces, item.benchmark.figures, found.least_workspaces) == (None, {}, 5)
    assert found.benchmark_days.last < now.date()


def test_what_conversations_are_told_of_counts_in_it(house: Cloud, now: datetime) -> None:
    at = now - timedelta(days=3)
    for place in range(6):
        name = f"ws_{ids.secret(8)}"
        stored("usage_events", worked(name, at, benchmarks.LEAST_TURNS, "travel", handed_off=False))
        rows = [told(name, "resolved" if n < 5 * place else "unresolved", at, "travel") for n in range(25)]
        first, before = clock.to_text(at - timedelta(days=1)), clock.to_text(now - timedelta(days=40))
        rows += [told(name, "rating", at - timedelta(days=1), "travel", rating=1)]
        rows += [told(name, "rating", at, "travel", rating=4, replaces=1, counts_at=first)]
        rows += [told(name, "feedback", at - timedelta(days=1), "travel", rating=1)]
        rows += [told(name, "feedback", at, "travel", rating=-1, replaces=1, counts_at=first)]
        # What counts before the span counts as little now that it is another.
        rows += [told(name, "rating", at, "travel", rating=5, replaces=1, counts_at=before)]
        stored("conversation_events", [*rows, rows[-1]])
    made = benchmarks.computed(now - timedelta(days=30), now)["travel"]
    assert made["workspaces"] == 6
    # 25 conversations of each were looked at, of which 5, 10, 15 and 20 were resolved in the middle four.
    assert made["typical"]["resolution_rate"] == 0.5
    assert (made["typical"]["rating"], made["typical"]["helpful_rate"], made["typical"]["hand_off_rate"]) == (
        4.0,
        0.0,
        0.0,
    )


def test_nothing_of_a_single_workspace_is_kept(house: Cloud, now: datetime) -> None:
    workspace = house.workspace()
    rows = worked(workspace, now - timedelta(days=2), 60, "retail", latency_ms=123)
    counted(house, workspace, rows, now)
    stored("usage_events", rows)
    others(now, 5, "retail", [400, 700, 1000, 1400, 2000])
    page(house, workspace, now)
    kept = firestore.get(f"benchmarks/{now.date()}").data
    assert "ws_" not in json.dumps(kept, default=str)
    assert kept["industries"]["retail"]["workspaces"] == 6
    assert kept["expire_at"] > now


def test_a_day_is_made_once_however_many_ask(house: Cloud, now: datetime) -> None:
    workspace = house.workspace()
    counted(house, workspace, worked(workspace, now - timedelta(days=2), 1, "dental"), now)
    with logs.request() as operations:
        page(house, workspace, now)
    assert operations["bigquery_queries"] == 2
    with logs.request() as operations:
        page(house, workspace, now + timedelta(hours=5))
    assert operations["bigquery_queries"] == 0
    # The workspace, the days of two spans, and the benchmarks.
    assert operations["firestore_reads"] == 1 + 60 + 1


def test_those_who_ask_at_once_share_one_query(house: Cloud, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    native = bigquery.query
    monkeypatch.setattr(bigquery, "query", lambda sql, values: asked.append(sql) or native(sql, values))
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: benchmarks.of_day(now), range(6)))
    assert len(asked) == 2
    assert all(one.industries == {} for one in found)


def test_a_warehouse_that_is_away_leaves_the_own_figures(
    house: Cloud, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = house.workspace()
    counted(house, workspace, worked(workspace, now - timedelta(days=2), 2, "dental"), now)
    asked = []

    def away(*_: object) -> list[dict[str, Any]]:
        asked.append(1)
        raise Unavailable("The warehouse did not answer in time.")

    monkeypatch.setattr(bigquery, "query", away)
    for _ in range(3):
        [item] = page(house, workspace, now).items
        assert (item.current.turns, item.benchmark.state) == (2, "unavailable")
    assert len(asked) == 1, "one that is away is not asked at every page"
    assert not firestore.get(f"benchmarks/{now.date()}").exists


def test_who_has_no_turns_asks_no_warehouse(room: Room, cloud: Cloud) -> None:
    found = content(room.ask("GET", "/api/analytics/industries", callers.person("viewer", cloud.workspace())))
    assert (found["items"], found["benchmark_as_of"], found["as_of"]) == ([], None, None)


def test_an_own_figure_lies_below_beside_or_above() -> None:
    assert [benchmarks.position(own, 100) for own in (89, 90, 110, 111, None)] == [
        "lower",
        "similar",
        "similar",
        "higher",
        None,
    ]
    assert benchmarks.position(0, 0) == "similar"

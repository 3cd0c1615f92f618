"""The job writes every row once, whoever kills it and however often it is asked; what cannot be done ends in words."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.analytics import export_sources, exporting, exports
from functions.shared import bigquery, clock, digests, events, ids, storage
from functions.shared.config import settings
from functions.shared.errors import Malformed, Unavailable
from functions.shared.events import Event
from functions.shared.identity import WorkspaceId
from tests.cloud import PROJECT, Cloud, envelope
from tests.e2e.client import until
from tests.functions.analytics.exported import (
    START,
    cells,
    content,
    deliver,
    exported,
    lines,
    request,
    stored,
    table,
    turns,
)  # fmt: skip
from tests.functions.rooms import Room, write
from tests.functions.rooms import content as answer
from tests.functions.shared.http import callers

ROOT = Path(__file__).parents[3]
LATER = exporting.LEASE + timedelta(seconds=1)


@pytest.fixture
def workspace(house: Cloud) -> WorkspaceId:
    return house.workspace(created_at=START - timedelta(days=1))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of four rows, out of pages of two."""
    monkeypatch.setattr(exporting, "PART_ROWS", 4)
    monkeypatch.setattr(export_sources, "WAREHOUSE_PAGE", 2)
    monkeypatch.setattr(export_sources, "DOCUMENTS_PAGE", 2)


def test_every_event_is_there_once_with_all_columns_and_its_digest_can_be_recomputed(
    house: Cloud, workspace: WorkspaceId, small: None
) -> None:
    wanted = turns(workspace, 11, input_tokens=None, new_visitor=True)
    turns(house.workspace(), 3)
    rows = lines(exported(house, workspace, "usage_events"))
    assert [row["event_id"] for row in rows] == wanted
    assert all(digests.leaf(row) == row["digest"] for row in rows)
    assert rows[0].keys() == set(rows[-1]) >= {"corrects", "trace_id", "reasoning_tokens"}


def test_the_formats_say_the_same(house: Cloud, workspace: WorkspaceId, small: None) -> None:
    wanted = turns(workspace, 9)
    packed = table(exported(house, workspace, "usage_events", format="parquet"))
    assert [row["event_id"] for row in packed] == wanted
    assert packed[0]["occurred_at"] == START
    assert [row["charge_nanos"] for row in packed] == [1_200_000] * 9
    assert [row["event_id"] for row in cells(exported(house, workspace, "usage_events", format="csv"))] == wanted


def test_rows_are_those_of_the_span_and_the_agent(house: Cloud, workspace: WorkspaceId) -> None:
    agent = ids.new("agent")
    write(f"workspaces/{workspace}/agents/{agent}", {"name": "Mia"})
    turns(workspace, 4)
    wanted = turns(workspace, 6, agent)
    span = {"from": START + timedelta(minutes=1), "to": START + timedelta(minutes=2)}
    rows = lines(exported(house, workspace, "usage_events", agent_id=agent, **span))
    assert [row["event_id"] for row in rows] == wanted[2:4]


def test_a_span_over_months_is_one_file_in_the_order_of_time(
    house: Cloud, workspace: WorkspaceId, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = turns(workspace, 3, start=datetime(2025, 12, 30, tzinfo=UTC)) + turns(workspace, 3)
    made = request(house.call(workspace), "usage_events", **{"from": datetime(2025, 12, 1, tzinfo=UTC)})
    whole = bigquery.LARGEST_BYTES
    stream = bigquery.stream

    def bounded(sql: str, parameters: dict[str, datetime], *, page_size: int) -> bigquery.Result:
        # What a large installation's bound does to a query of more than ten days.
        long = parameters["until"] - parameters["since"] > timedelta(days=10)
        monkeypatch.setattr(bigquery, "LARGEST_BYTES", 0 if long else whole)
        return stream(sql, parameters, page_size=page_size)

    monkeypatch.setattr(bigquery, "stream", bounded)
    deliver(house, workspace, made)
    assert [row["event_id"] for row in lines(content(workspace, made))] == wanted


def test_progress_is_shown_as_rows_of_those_expected(house: Cloud, workspace: WorkspaceId, small: None) -> None:
    turns(workspace, 11)
    made = request(house.call(workspace), "usage_events")
    assert (stored(workspace, made).state, stored(workspace, made).rows_expected) == ("queued", None)
    deliver(house, workspace, made)
    found = stored(workspace, made)
    assert (found.rows, found.rows_expected, found.parts, found.claims) == (11, 11, (), {})
    assert found.finished_at is not None


def test_nothing_to_export_is_a_file_too(house: Cloud, workspace: WorkspaceId) -> None:
    header = exported(house, workspace, "usage_events", format="csv").decode()
    assert header.startswith("event_id,type,")
    assert header.count("\r\n") == 1
    assert exported(house, workspace, "usage_events") == b""
    assert table(exported(house, workspace, "payments", format="parquet")) == []


def test_a_run_whose_time_is_up_asks_for_another_which_goes_on(
    house: Cloud, workspace: WorkspaceId, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = turns(workspace, 9)
    made = request(house.call(workspace), "usage_events")
    house.published("export-requested", workspace)
    with monkeypatch.context() as patch:
        patch.setattr(exporting, "RUN_SECONDS", 0.0)
        for run in range(1, 8):
            deliver(house, workspace, made)
            assert (stored(workspace, made).state, stored(workspace, made).runs) == ("running", run)
            (asked,) = house.published("export-requested", workspace)
            assert asked["export_id"] == made
    deliver(house, workspace, made)
    assert [row["event_id"] for row in lines(content(workspace, made))] == wanted


def test_a_run_that_is_killed_is_gone_on_with(house: Cloud, workspace: WorkspaceId, warehouse: object) -> None:
    """In a process of its own, as Cloud Run would end it: without a word."""
    wanted = turns(workspace, 400)
    made = request(house.call(workspace), "usage_events", format="csv")
    google = {"api_endpoint": os.environ["BIGQUERY_EMULATOR_HOST"]}
    program = f"""
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery as native
from functions.analytics import export_sources, exporting
from functions.shared import bigquery
from functions.shared.identity.workspace import from_event
from tests.cloud import Cloud
from tests.functions.analytics import exported
client = native.Client({PROJECT!r}, AnonymousCredentials(), client_options={google!r})
bigquery.client = lambda: client
exporting.PART_ROWS, export_sources.WAREHOUSE_PAGE = 2, 2
exported.deliver(Cloud.__new__(Cloud), from_event({str(workspace)!r}), {made!r})
"""
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    try:
        until(60, lambda: len(stored(workspace, made).parts) > 3)
    finally:
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    left = stored(workspace, made)
    assert left.state == "running"
    assert 0 < left.rows < 400
    with pytest.raises(exporting.Busy):
        deliver(house, workspace, made)
    deliver(house, workspace, made, later=LATER)
    assert [row["event_id"] for row in cells(content(workspace, made))] == wanted


def test_of_two_deliveries_at_once_one_works(
    house: Cloud, workspace: WorkspaceId, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = turns(workspace, 9)
    made = request(house.call(workspace), "usage_events")
    kept, refused = exporting._Run._checkpoint, list[str]()

    def meanwhile(run: exporting._Run, *arguments: object) -> None:
        with pytest.raises(exporting.Busy) as found:
            deliver(house, workspace, made)
        refused.append(found.value.code)
        kept(run, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(exporting._Run, "_checkpoint", meanwhile)
    deliver(house, workspace, made)
    assert refused == ["export_running"] * 3
    assert [row["event_id"] for row in lines(content(workspace, made))] == wanted


def test_a_run_that_lost_its_lease_changes_nothing_any_more(
    house: Cloud, workspace: WorkspaceId, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = turns(workspace, 9)
    made = request(house.call(workspace), "usage_events")
    kept, stalls = exporting._Run._checkpoint, [True]

    def stalled(run: exporting._Run, *arguments: object) -> None:
        if stalls.pop() if stalls else False:
            # Another run takes over and ends while this one hangs.
            deliver(house, workspace, made, later=LATER)
        kept(run, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(exporting._Run, "_checkpoint", stalled)
    with pytest.raises(exporting.Busy):
        deliver(house, workspace, made)
    assert [row["event_id"] for row in lines(content(workspace, made))] == wanted


def test_what_fails_again_and_again_is_given_up(
    house: Cloud, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = request(house.call(workspace), "usage_events")

    def away(*arguments: object, **named: object) -> None:
        raise Unavailable("The warehouse did not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(bigquery, "stream", away)
        for _ in range(exporting.MOST_TRIES):
            with pytest.raises(Unavailable):
                deliver(house, workspace, made)
            # The lease was given back, so the next delivery need not wait.
            assert stored(workspace, made).lease_until is None
    deliver(house, workspace, made)
    assert (stored(workspace, made).state, stored(workspace, made).error) == ("failed", "no_progress")
    deliver(house, workspace, made)


def test_a_request_for_one_that_is_done_or_gone_does_nothing(house: Cloud, workspace: WorkspaceId) -> None:
    made = request(house.call(workspace), "payments")
    deliver(house, workspace, made)
    before = stored(workspace, made)
    deliver(house, workspace, made)
    deliver(house, workspace, ids.new("export"))
    assert stored(workspace, made) == before
    with pytest.raises(Malformed):
        exporting.take(house.call(workspace), Event(workspace, "export-requested", "", {}))


def test_parts_and_files_are_below_the_workspace_and_the_export(
    house: Cloud, workspace: WorkspaceId, small: None
) -> None:
    turns(workspace, 5)
    made = request(house.call(workspace), "usage_events", format="csv")
    deliver(house, workspace, made)
    names = [blob.name for blob in storage.client().list_blobs(settings().exports_bucket, prefix=f"{workspace}/")]
    day = f"{clock.now():%Y-%m-%d}"
    assert names == [
        f"{workspace}/{made}/1/usage-events-{day}.csv",
        f"{workspace}/{made}/parts/000000.1",
        f"{workspace}/{made}/parts/000001.1",
    ]


def test_the_request_wakes_the_deployment(house: Cloud, writer: Room, workspace: WorkspaceId) -> None:
    made = request(house.call(workspace), "payments")
    (row,) = house.published("export-requested", workspace)
    sent = writer.client.post("/events/export-requested", json=envelope(row), headers=callers.invoker("push"))
    assert sent.status_code == 204
    assert stored(workspace, made).state == "done"
    assert answer(writer.ask("POST", "/events/export-requested", body=envelope(row)))["status"] == 403
    assert events.read(workspace, row["event_id"]) is not None
    assert exports.MOST_AT_ONCE == 3

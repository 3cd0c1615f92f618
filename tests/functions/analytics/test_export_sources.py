"""Each kind of export has the rows of its room: of the workspace alone, of the span, in order, and without what is not shown."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.analytics import export_figures, export_sources
from functions.analytics.export_sources import months
from functions.shared import activity, bigquery, clock, contracts, firestore, ids
from functions.shared.config import settings
from functions.shared.contracts import Counters
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.analytics.exported import START, cells, deliver, exported, lines, request, stored, table
from tests.functions.rooms import write
from tests.local.bigquery.samples import CATALOGUE

DAY = timedelta(days=1)


@pytest.fixture
def workspace(house: Cloud) -> WorkspaceId:
    return house.workspace(created_at=START - DAY, time_zone="Europe/Berlin", currency="EUR")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two."""
    monkeypatch.setattr(export_sources, "DOCUMENTS_PAGE", 2)
    monkeypatch.setattr(export_sources, "CONVERSATIONS_PAGE", 2)
    monkeypatch.setattr(export_figures, "DAYS_PAGE", 2)


def conversation(workspace: WorkspaceId, at: datetime, turns: int = 0, **fields: Any) -> str:
    """A conversation as agents-chat stores it, with its turns."""
    name = ids.conversation_of(ids.secret(8))
    document = {"agent_id": "agt_a", "channel": "widget", "title": "Hello", "created_at": at, "updated_at": at}
    write(f"workspaces/{workspace}/conversations/{name}", {**document, "history": [{"message": "x"}], **fields})
    for seq in range(turns):
        said = {
            "seq": seq,
            "message_id": ids.new("message"),
            "message": f"=cmd|' /C calc'!A{seq}" if not seq else f"Größe {seq}?",
            "answer": "An answer.\nWith lines.",
            "outcome": "completed",
            "sources": [{"number": 1, "item_id": "kno_1", "title": "Hours"}],
            "occurred_at": at,
            "completed_at": at,
        }
        write(f"workspaces/{workspace}/conversations/{name}/turns/{ids.hashed(name, str(seq))}", said)
    return name


def test_conversations_are_without_what_was_said(house: Cloud, workspace: WorkspaceId) -> None:
    lead = {"name": "Ann", "email": "ann@example.com", "left_at": START}
    made = [conversation(workspace, START + timedelta(minutes=place), lead=lead) for place in range(5)]
    conversation(house.workspace(), START)
    rows = lines(exported(house, workspace, "conversations"))
    assert [row["conversation_id"] for row in rows] == made
    assert rows[0].keys() == {column.name for column in export_sources.CONVERSATIONS}
    assert (rows[0]["has_lead"], "ann@example.com" in str(rows)) == (True, False)


def test_conversations_are_those_whose_last_activity_is_in_the_span(house: Cloud, workspace: WorkspaceId) -> None:
    made = [conversation(workspace, START + timedelta(minutes=place)) for place in range(5)]
    span = {"from": START + timedelta(minutes=1), "to": START + timedelta(minutes=4)}
    rows = lines(exported(house, workspace, "conversations", **span))
    assert [row["conversation_id"] for row in rows] == made[1:4]


def test_one_that_goes_on_after_it_was_asked_for_is_not_left_out(house: Cloud, workspace: WorkspaceId) -> None:
    made = request(house.call(workspace), "conversations")
    late = conversation(workspace, clock.now() + timedelta(minutes=1))
    deliver(house, workspace, made)
    assert stored(workspace, made).rows == 1
    assert late


def test_transcripts_are_turn_by_turn_and_harmless_in_a_spreadsheet(house: Cloud, workspace: WorkspaceId) -> None:
    agent = ids.new("agent")
    write(f"workspaces/{workspace}/agents/{agent}", {"name": "Mia"})
    made = [conversation(workspace, START + timedelta(minutes=place), 3, agent_id=agent) for place in range(3)]
    conversation(workspace, START, 2)
    rows = cells(exported(house, workspace, "transcripts", agent_id=agent, format="csv"))
    assert [(row["conversation_id"], row["seq"]) for row in rows] == [
        (name, str(seq)) for name in made for seq in range(3)
    ]
    assert [row["message"] for row in rows[:2]] == ["'=cmd|' /C calc'!A0", "Größe 1?"]
    assert rows[0]["answer"] == "An answer.\nWith lines."
    (whole, *_) = lines(exported(house, workspace, "transcripts", agent_id=agent))
    assert whole["message"] == "=cmd|' /C calc'!A0"
    assert whole["sources"] == [{"number": 1, "item_id": "kno_1", "title": "Hours", "text": "", "score": 0.0}]


def test_figures_are_those_of_each_day_by_every_dimension(house: Cloud, workspace: WorkspaceId) -> None:
    counted = {
        "turns": 4,
        "failed": 1,
        "conversations": 2,
        "resolved": 1,
        "unresolved": 1,
        "charge_nanos": 9,
        "latency": {"400": 4},
    }
    days = [START + DAY * number for number in range(3)]
    for day in (days[0], days[2]):
        rollup = {"total": counted, "agents": {"agt_a": counted}, "industries": {"dental": counted}}
        write(f"workspaces/{workspace}/rollups/day_{day:%Y-%m-%d}", rollup)
    span = {"from": START, "to": START + DAY * 3}
    rows = lines(exported(house, workspace, "stats", **span))
    assert [(row["day"], row["dimension"], row["key"]) for row in rows] == [
        (day, dimension, key)
        for day in ("2026-11-01", "2026-11-03")
        for dimension, key in (("total", ""), ("agent", "agt_a"), ("industry", "dental"))
    ]
    assert {(row["errors"], row["charge_nanos"], row["currency"]) for row in rows} == {(1, 9, "EUR")}
    rows = table(exported(house, workspace, "performance", format="parquet", **span))
    assert [(row["day"], row["agent_id"]) for row in rows[:2]] == [("2026-11-01", None), ("2026-11-01", "agt_a")]
    assert (rows[0]["error_rate"], rows[0]["resolution_rate"], rows[0]["helpful_rate"]) == (0.2, 0.5, None)
    assert rows[0]["latency_p50_ms"] == 350
    rows = lines(exported(house, workspace, "industries", **span))
    assert [(row["day"], row["industry"]) for row in rows] == [("2026-11-01", "dental"), ("2026-11-03", "dental")]


def test_a_figure_counts_every_counter_that_is_an_integer() -> None:
    """Or a new counter would be missing in the files without anybody noticing."""
    parts = {"completed", "interrupted", "failed", "abandoned", "rating_sum", "latency", "first_token", "last_micros"}
    assert set(export_figures._COUNTED) - {"errors"} == set(Counters.model_fields) - parts


def test_days_are_the_workspaces_own(house: Cloud, workspace: WorkspaceId) -> None:
    for day in ("2026-11-01", "2026-11-02", "2026-11-03"):
        write(f"workspaces/{workspace}/rollups/day_{day}", {"total": {"turns": 1}})
    # Midnight in Berlin is 23:00 UTC of the day before.
    span = {"from": datetime(2026, 11, 1, 23, tzinfo=UTC), "to": datetime(2026, 11, 2, 23, tzinfo=UTC)}
    assert [row["day"] for row in lines(exported(house, workspace, "stats", **span))] == ["2026-11-02"]


def test_the_audit_log_is_who_did_what_in_the_order_of_time(house: Cloud, workspace: WorkspaceId) -> None:
    call, batch = house.call(workspace), firestore.Batch()
    for number in range(5):
        at = START + timedelta(minutes=number)
        activity.record(
            batch, workspace, call.principal, "agent.changed", kind="agent", subject=f"agt_{number}",
            before={"name": "A", "secret": "x"}, after={"name": "B"}, now=at,
        )  # fmt: skip
    batch.commit()
    rows = lines(exported(house, workspace, "audit_log", to=START + DAY))
    assert [row["subject"] for row in rows] == [f"agt_{number}" for number in range(5)]
    assert (rows[0]["before"], rows[0]["after"]) == ({"name": "A"}, {"name": "B"})
    (row, *_) = table(exported(house, workspace, "audit_log", format="parquet", to=START + DAY))
    assert (row["before"], row["at"]) == ('{"name":"A"}', START)


def test_payments_and_the_books_are_there(house: Cloud, workspace: WorkspaceId) -> None:
    paid = {
        "payment_id": "pay_1", "workspace_id": workspace, "invoice_id": "inv_1", "amount_minor": 1234, "currency": "EUR",
        "received_at": START, "method": "bank", "provider_id": None, "note": "ours", "state": "succeeded",
        "refunded_minor": 0,
    }  # fmt: skip
    write(contracts.path(workspace, "payments", "pay_1"), paid)
    (row,) = lines(exported(house, workspace, "payments"))
    del paid["workspace_id"], paid["note"]
    assert row == {**paid, "received_at": clock.to_text(START)}
    for kind, name, time in (("ledger_entries", "entry_id", "booked_at"), ("invoice_lines", "line_id", "issued_at")):
        rows = [sample(kind, workspace, name, f"id{number}", time) for number in range(3)]
        where = f"{settings().project}.{settings().dataset}.{kind}"
        assert bigquery.client().insert_rows_json(where, [*rows, rows[0]]) == []
        found = lines(exported(house, workspace, "ledger" if kind == "ledger_entries" else kind))
        assert [row[name] for row in found] == ["id0", "id1", "id2"]
        assert found[0].keys() == {column.name for column in CATALOGUE.tables[kind].columns}


def test_conversation_events_are_there(house: Cloud, workspace: WorkspaceId) -> None:
    rows = [sample("conversation_events", workspace, "event_id", f"e{number}", "occurred_at") for number in range(3)]
    where = f"{settings().project}.{settings().dataset}.conversation_events"
    assert bigquery.client().insert_rows_json(where, rows) == []
    assert [row["event_id"] for row in lines(exported(house, workspace, "conversation_events"))] == ["e0", "e1", "e2"]


def sample(kind: str, workspace: WorkspaceId, name: str, value: str, time: str) -> dict[str, Any]:
    """A row of a table with something in each column that must not be empty."""
    samples = {"STRING": "x", "INT64": 1, "BOOL": True, "TIMESTAMP": clock.to_text(START)}
    row = {column.name: samples[column.kind] for column in CATALOGUE.tables[kind].columns if column.required}
    return {**row, "workspace_id": str(workspace), name: value, time: clock.to_text(START)}


def test_a_span_is_cut_at_the_months_without_a_gap() -> None:
    begin, end = datetime(2026, 11, 25, 12, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)
    found = list(months(begin, end))
    assert [one[0] for one in found] == [begin, datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)]
    assert [one[1] for one in found] == [*(one[0] for one in found[1:]), end]
    assert list(months(end, begin)) == [(end, end)]

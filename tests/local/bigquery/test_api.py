"""What Google's client sees."""

import datetime
import uuid
from typing import Any

import pytest
import requests
from google.api_core.exceptions import BadRequest, Conflict, InternalServerError, MethodNotImplemented, NotFound
from google.cloud import bigquery

from tests.engines import Engine
from tests.local.bigquery.samples import DATASET, FEBRUARY, JANUARY, PROJECT, USAGE, usage_event

MONTH = [
    bigquery.ScalarQueryParameter("start", "TIMESTAMP", JANUARY),
    bigquery.ScalarQueryParameter("stop", "TIMESTAMP", FEBRUARY),
]


@pytest.fixture
def workspace() -> str:
    """A workspace of its own, since all tests write to the same tables."""
    return f"ws_{uuid.uuid4().hex}"


def config(workspace: str = "", **options: Any) -> bigquery.QueryJobConfig:
    named = bigquery.ScalarQueryParameter("workspace", "STRING", workspace)
    return bigquery.QueryJobConfig(query_parameters=[named, *MONTH], **options)


def usage(client: bigquery.Client, columns: str, workspace: str, rest: str = "") -> list[tuple[Any, ...]]:
    text = f"SELECT {columns} FROM `{PROJECT}.{DATASET}.usage`(@workspace, @start, @stop) {rest}"
    return [tuple(row.values()) for row in client.query(text, job_config=config(workspace)).result()]


def test_inserted_rows_come_back_with_their_types(client: bigquery.Client, workspace: str) -> None:
    row = usage_event(
        "e1", workspace_id=workspace, cost_nanos=2**63 - 1, occurred_at="2027-01-05T10:00:00.123456+01:00"
    )
    assert client.insert_rows_json(USAGE, [row]) == []
    columns = (
        "event_id, cost_nanos, estimated, occurred_at, DATE(occurred_at) AS day, latency_ms, cost_nanos / 2 AS half"
    )
    moment = datetime.datetime(2027, 1, 5, 9, 0, 0, 123456, tzinfo=datetime.UTC)
    half = (2**63 - 1) / 2
    assert usage(client, columns, workspace) == [("e1", 2**63 - 1, False, moment, moment.date(), None, half)]


def test_a_table_function_gives_each_event_once(client: bigquery.Client, workspace: str) -> None:
    rows = [usage_event(f"e{number % 2}", workspace_id=workspace) for number in range(4)]
    assert client.insert_rows_json(USAGE, rows, row_ids=[None] * 4) == []
    assert usage(client, "COUNT(*) AS n, SUM(charge_nanos) AS charge", workspace) == [(2, 2_400_000)]


def test_a_table_function_is_half_open_and_sees_one_workspace(client: bigquery.Client, workspace: str) -> None:
    times = {"a": "2026-12-31T23:59:59.999999Z", "b": "2027-01-01T00:00:00Z", "c": "2027-02-01T00:00:00Z"}
    rows = [usage_event(key, workspace_id=workspace, occurred_at=at) for key, at in times.items()]
    assert client.insert_rows_json(USAGE, [*rows, usage_event("d", workspace_id=f"{workspace}x")]) == []
    assert usage(client, "event_id", workspace) == [("b",)]


def test_an_insert_id_that_comes_again_at_once_is_left_out(client: bigquery.Client, workspace: str) -> None:
    row, mark = usage_event("e1", workspace_id=workspace), uuid.uuid4().hex
    for _ in range(2):
        assert client.insert_rows_json(USAGE, [row], row_ids=[mark]) == []
    text = f"SELECT COUNT(*) AS n FROM {DATASET}.usage_events WHERE workspace_id = @workspace AND occurred_at >= @start"
    assert [row.n for row in client.query_and_wait(text, job_config=config(workspace))] == [1]


def test_one_bad_row_stops_all_and_says_why(client: bigquery.Client, workspace: str) -> None:
    rows = [
        usage_event("good", workspace_id=workspace),
        usage_event("unknown", workspace_id=workspace, surprise=1),
        usage_event("type", workspace_id=workspace, input_tokens="many"),
        usage_event("missing", workspace_id=workspace, currency=None),
    ]
    errors = {
        e["index"]: [(p["reason"], p["location"]) for p in e["errors"]] for e in client.insert_rows_json(USAGE, rows)
    }
    assert errors == {
        0: [("stopped", "")],
        1: [("invalid", "surprise")],
        2: [("invalid", "input_tokens")],
        3: [("invalid", "currency")],
    }
    assert usage(client, "event_id", workspace) == []


def test_bad_rows_can_be_skipped(client: bigquery.Client, workspace: str) -> None:
    rows = [usage_event("good", workspace_id=workspace), usage_event("bad", workspace_id=workspace, surprise=1)]
    assert [e["index"] for e in client.insert_rows_json(USAGE, rows, skip_invalid_rows=True)] == [1]
    assert usage(client, "event_id", workspace) == [("good",)]


def test_a_dry_run_tells_bytes_and_schema_and_runs_nothing(client: bigquery.Client, workspace: str) -> None:
    client.insert_rows_json(USAGE, [usage_event(f"e{number}", workspace_id=workspace) for number in range(10)])
    text = f"SELECT charge_nanos, COUNT(*) AS n FROM {DATASET}.usage(@workspace, @start, @stop) GROUP BY charge_nanos"
    narrow = "SELECT charge_nanos FROM agenthub_local.usage_events WHERE occurred_at >= @start AND occurred_at < @stop"
    job = client.query(text, job_config=config(workspace, dry_run=True))
    assert [(field.name, field.field_type) for field in job.schema] == [("charge_nanos", "INTEGER"), ("n", "INTEGER")]
    narrow_job = client.query(narrow, job_config=config(workspace, dry_run=True))
    # Two columns of eight bytes in each of the ten rows, if no other test has written to January.
    assert job.total_bytes_processed > narrow_job.total_bytes_processed >= 160
    assert job.total_bytes_processed == client.query(text, job_config=config(workspace)).result().total_bytes_processed


def test_days_outside_the_filter_cost_nothing(client: bigquery.Client) -> None:
    client.insert_rows_json(USAGE, [usage_event("e", occurred_at="2027-05-05T12:00:00Z")])
    text = "SELECT event_id FROM agenthub_local.usage_events WHERE DATE(occurred_at) = '{day}'"
    dry = bigquery.QueryJobConfig(dry_run=True)
    assert client.query(text.format(day="2027-05-04"), job_config=dry).total_bytes_processed == 0
    assert client.query(text.format(day="2027-05-05"), job_config=dry).total_bytes_processed > 0


def test_a_query_over_its_limit_of_bytes_fails(client: bigquery.Client) -> None:
    text = f"SELECT event_id FROM {DATASET}.usage(@workspace, @start, @stop)"
    with pytest.raises(InternalServerError, match="Query exceeded limit for bytes billed: 1000"):
        client.query(text, job_config=config("ws", maximum_bytes_billed=1000)).result()
    with pytest.raises(BadRequest) as caught:
        client.query_and_wait(text, job_config=config("ws", maximum_bytes_billed=1000))
    assert caught.value.errors[0]["reason"] == "bytesBilledLimitExceeded"
    assert client.query(text, job_config=config("ws", maximum_bytes_billed=10 * 2**20)).result().total_rows >= 0


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("SELECT nope", BadRequest, "Unrecognized name: nope"),
        ("SELECT 1 / (2 - 2)", BadRequest, "division by zero"),
        (f"SELECT * FROM {DATASET}.usage_events", BadRequest, "without a filter over column"),
        (f"SELECT * FROM {DATASET}.nothing", NotFound, "Not found: Table agenthub-local:agenthub_local.nothing"),
        ("SELECT * FROM elsewhere.usage_events", NotFound, "Not found: Dataset agenthub-local:elsewhere"),
        (f"DELETE FROM {DATASET}.usage_events WHERE TRUE", BadRequest, "DELETE is not supported"),
        ("SELECT @missing", BadRequest, "Query parameter 'missing' not found"),
    ],
)
def test_a_refusal_reaches_the_client_each_way(
    client: bigquery.Client, text: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        client.query(text).result()
    with pytest.raises(kind, match=message):
        client.query_and_wait(text)


def test_large_results_come_in_pages(client: bigquery.Client) -> None:
    rows = client.query("SELECT n FROM UNNEST(GENERATE_ARRAY(1, 25000)) AS n ORDER BY n").result(page_size=6000)
    assert rows.total_rows == 25000
    assert [row.n for row in rows] == list(range(1, 25001))


def test_arrays_come_back(client: bigquery.Client) -> None:
    ids = bigquery.ArrayQueryParameter("ids", "STRING", ["b", "a"])
    text = "SELECT @ids AS given, ARRAY_AGG(n ORDER BY n DESC LIMIT 2) AS top FROM UNNEST([1, 2, 3]) AS n"
    rows = client.query(text, job_config=bigquery.QueryJobConfig(query_parameters=[ids])).result()
    assert [(row.given, row.top) for row in rows] == [(["b", "a"], [3, 2])]


def test_a_job_id_is_used_once(client: bigquery.Client) -> None:
    job_id = uuid.uuid4().hex
    client.query("SELECT 1", job_id=job_id, job_retry=None).result()
    with pytest.raises(Conflict):
        client.query("SELECT 1", job_id=job_id, job_retry=None)
    assert client.get_job(job_id).state == "DONE"


def test_tables_show_their_partition_and_clustering(client: bigquery.Client) -> None:
    table = client.get_table(USAGE)
    assert table.time_partitioning is not None
    assert (table.time_partitioning.field, table.require_partition_filter) == ("occurred_at", True)
    assert table.clustering_fields == ["workspace_id", "agent_id"]
    assert {field.name: field.mode for field in table.schema}["corrects"] == "NULLABLE"
    assert "usage_events" in {item.table_id for item in client.list_tables(DATASET)}
    assert [item.dataset_id for item in client.list_datasets()] == [DATASET]
    assert client.get_dataset(DATASET).dataset_id == DATASET
    assert "usage" in {item.routine_id for item in client.list_routines(DATASET)}
    assert client.get_routine(f"{PROJECT}.{DATASET}.usage").type_ == "TABLE_VALUED_FUNCTION"


def test_rows_can_be_listed_without_a_query(client: bigquery.Client) -> None:
    client.insert_rows_json(USAGE, [usage_event(f"listed{number}") for number in range(3)])
    table = client.get_table(USAGE)
    rows = list(client.list_rows(table, max_results=3, page_size=2, selected_fields=table.schema[:2]))
    assert [len(row) for row in rows] == [2, 2, 2]
    assert table.num_rows >= 3


def test_what_the_catalogue_makes_cannot_be_made_by_a_client(client: bigquery.Client) -> None:
    with pytest.raises(MethodNotImplemented, match="the catalogue makes"):
        client.create_table(bigquery.Table(f"{PROJECT}.{DATASET}.more"))
    with pytest.raises(MethodNotImplemented, match="A load job is not supported"):
        client.load_table_from_uri("gs://bucket/file", f"{PROJECT}.{DATASET}.usage_events")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"\xff"])
def test_broken_json_is_a_client_error(engine: Engine, body: bytes) -> None:
    url = f"http://{engine.address}/bigquery/v2/projects/{PROJECT}/queries"
    answer = requests.post(url, data=body, timeout=10)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (400, "parseError")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("queries", {"query": 5}),
        ("queries", {"query": "SELECT 1", "useLegacySql": False, "queryParameters": "many"}),
        ("queries", {"query": "SELECT 1", "useLegacySql": False, "queryParameters": [5]}),
        ("queries", {"query": "SELECT 1", "useLegacySql": False, "maxResults": "many"}),
        ("queries", {"query": f"SELECT {'(' * 5000}1{')' * 5000}", "useLegacySql": False}),
        ("jobs", {"configuration": 5}),
        (
            "jobs",
            {
                "configuration": {"query": {"query": "SELECT 1", "useLegacySql": False}},
                "jobReference": {"jobId": "a b"},
            },
        ),
        (f"datasets/{DATASET}/tables/usage_events/insertAll", {"rows": 5}),
        (f"datasets/{DATASET}/tables/usage_events/insertAll", {"rows": [5]}),
        (f"datasets/{DATASET}/tables/usage_events/insertAll", {"rows": []}),
        (f"datasets/{DATASET}/tables/usage_events/insertAll", {"rows": [{"json": []}, {"json": [5]}]}),
    ],
)
def test_json_of_another_shape_is_a_client_error(engine: Engine, path: str, body: Any) -> None:
    answer = requests.post(f"http://{engine.address}/bigquery/v2/projects/{PROJECT}/{path}", json=body, timeout=20)
    assert answer.status_code == 400, answer.text


def test_an_insert_of_more_than_ten_megabytes_is_refused(engine: Engine) -> None:
    url = f"http://{engine.address}/bigquery/v2/projects/{PROJECT}/datasets/{DATASET}/tables/usage_events/insertAll"
    answer = requests.post(url, data=b" " * (10 * 2**20 + 1), timeout=10)
    assert answer.status_code == 413


def test_another_project_does_not_exist(engine: Engine) -> None:
    answer = requests.get(f"http://{engine.address}/bigquery/v2/projects/other/datasets", timeout=10)
    assert answer.status_code == 404


def test_a_text_asked_again_takes_the_values_and_the_types_of_now(client: bigquery.Client) -> None:
    def ask(kind: str, value: Any) -> Any:
        given = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("x", kind, value)])
        (row,) = client.query_and_wait("SELECT @x AS same", job_config=given)
        return row.same

    assert [ask("INT64", 1), ask("INT64", 2), ask("STRING", "2"), ask("INT64", 1)] == [1, 2, "2", 1]

"""Queries of the warehouse name their parameters, are bounded by their dry run, and say when it is away."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.api_core.exceptions import BadRequest
from google.auth.exceptions import DefaultCredentialsError

from functions.shared import bigquery, config, logs
from functions.shared.errors import Unavailable
from tests import engines
from tests.cloud import PROJECT
from tests.functions.google import google_of_package
from tests.functions.rooms import Google
from tests.local.bigquery.samples import usage_event

__all__ = ["google_of_package"]

FROM, TO = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)
SUM = "SELECT SUM(charge_nanos) AS charge, COUNT(*) AS number FROM `{dataset}.usage`(@workspace, @start, @end)"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Engine]:
    running = engines.start("bigquery", tmp_path_factory.mktemp("bigquery"), "--project", PROJECT)
    yield running
    running.kill()


@pytest.fixture(autouse=True)
def warehouse(
    engine: engines.Engine, google_of_package: Google, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT_ID", PROJECT)
    monkeypatch.setenv("ENVIRONMENT", "local")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", f"http://{engine.address}")
    google_of_package.enter("analytics-api", monkeypatch, tmp_path)
    bigquery.client.cache_clear()
    yield
    google_of_package.leave()
    bigquery.client.cache_clear()


def test_a_query_gives_its_rows_each_event_once() -> None:
    table = f"{PROJECT}.{config.settings().dataset}.usage_events"
    rows = [usage_event("e1", workspace_id="ws_sum"), usage_event("e1", workspace_id="ws_sum")]
    rows += [usage_event("e2", workspace_id="ws_sum"), usage_event("e3", workspace_id="ws_else")]
    assert bigquery.client().insert_rows_json(table, rows) == []
    with logs.request() as operations:
        found = bigquery.query(SUM, {"workspace": "ws_sum", "start": FROM, "end": TO})
    assert found == [{"charge": 2_400_000, "number": 2}]
    assert operations["bigquery_queries"] == 1


def test_parameters_have_their_own_types_and_are_never_text_in_the_query() -> None:
    sql = "SELECT @flag AS flag, @number AS number, @text AS text, @moment AS moment"
    values = {"flag": True, "number": 5, "text": "'; DROP TABLE x; --", "moment": FROM}
    assert bigquery.query(sql, values) == [values]


def test_a_query_that_would_read_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bigquery, "LARGEST_BYTES", 2**20)
    with pytest.raises(ValueError, match="would read"):
        bigquery.query(SUM, {"workspace": "ws_sum", "start": FROM, "end": TO})


def test_a_query_that_is_wrong_is_our_own_fault() -> None:
    with pytest.raises(BadRequest):
        bigquery.query("SELEC 1", {})


def test_without_credentials_the_warehouse_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_credentials() -> None:
        raise DefaultCredentialsError("the metadata server does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(bigquery, "client", no_credentials)
        with pytest.raises(Unavailable):
            bigquery.query("SELECT 1", {})


def test_a_warehouse_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9")
    monkeypatch.setattr(bigquery, "SECONDS", 0.5)
    bigquery.client.cache_clear()
    with pytest.raises(Unavailable) as refused:
        bigquery.query("SELECT 1", {})
    assert refused.value.headers == {"Retry-After": "5"}


def test_a_stream_gives_columns_number_and_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    table = f"{PROJECT}.{config.settings().dataset}.usage_events"
    rows = [usage_event(f"s{number}", workspace_id="ws_stream") for number in range(5)]
    assert bigquery.client().insert_rows_json(table, rows) == []
    sql = "SELECT event_id, occurred_at, estimated, cost_nanos FROM `{dataset}.usage`(@workspace, @start, @end) ORDER BY 1"
    span = {"workspace": "ws_stream", "start": FROM, "end": TO}
    found = bigquery.stream(sql, span, page_size=2)
    assert found.number == 5
    assert found.columns == (
        ("event_id", "STRING"), ("occurred_at", "TIMESTAMP"), ("estimated", "BOOLEAN"), ("cost_nanos", "INTEGER"),
    )  # fmt: skip
    pages = list(found.pages)
    assert [[row[0] for row in page] for page in pages] == [["s0", "s1"], ["s2", "s3"], ["s4"]]
    assert pages[0][0][1:] == (datetime(2027, 1, 5, 10, tzinfo=UTC), False, 900_000)
    empty = bigquery.stream(sql, {**span, "workspace": "ws_nobody"}, page_size=2)
    assert (empty.number, [page for page in empty.pages if page]) == (0, [])
    monkeypatch.setattr(bigquery, "LARGEST_BYTES", 2**20)
    with pytest.raises(bigquery.TooLarge):
        bigquery.stream(sql, span, page_size=2)

"""What must hold when the process dies and when many come at once."""

import threading
from pathlib import Path

import pytest
from google.api_core.exceptions import GoogleAPICallError
from requests.exceptions import RequestException

from local.bigquery.catalogue import Catalogue, Column, Table
from local.bigquery.errors import Refusal
from local.bigquery.sql.resolve import Names
from local.bigquery.sql.translate import translate
from local.bigquery.warehouse import Warehouse
from tests import engines
from tests.local.bigquery.conftest import connect
from tests.local.bigquery.samples import CATALOGUE, DATASET, PROJECT, USAGE, usage_event

COUNT = (
    f"SELECT COUNT(*) AS n, COUNT(DISTINCT event_id) AS d FROM {DATASET}.usage_events WHERE occurred_at > '2027-01-01'"
)


def test_every_answered_insert_survives_a_kill(tmp_path: Path) -> None:
    engine = engines.start("bigquery", tmp_path)
    try:
        answered: list[str] = []

        def write(writer: int) -> None:
            with connect(engine) as client:
                for number in range(1000):
                    event_id = f"w{writer}-{number}"
                    try:
                        if client.insert_rows_json(USAGE, [usage_event(event_id)], timeout=2, retry=None) == []:
                            answered.append(event_id)
                            enough.release()
                    except (GoogleAPICallError, RequestException):
                        return

        enough = threading.Semaphore(0)
        writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
        for writer in writers:
            writer.start()
        for _ in range(30):
            assert enough.acquire(timeout=20)
        engine.kill()
        for writer in writers:
            writer.join()
        engine.start()
        with connect(engine) as client:
            text = f"SELECT event_id FROM {DATASET}.usage_events WHERE occurred_at > '2027-01-01'"
            stored = [row.event_id for row in client.query(text).result()]
        assert set(answered) <= set(stored)
        # At most what each writer had under way when the engine died.
        assert len(stored) == len(set(stored)) <= len(answered) + len(writers)
    finally:
        engine.kill()


def test_readers_see_whole_batches_while_others_write(tmp_path: Path) -> None:
    engine = engines.start("bigquery", tmp_path)
    try:
        problems: list[str] = []

        def write(writer: int) -> None:
            with connect(engine) as client:
                for batch in range(5):
                    rows = [usage_event(f"w{writer}-{batch}-{number}") for number in range(10)]
                    if client.insert_rows_json(USAGE, rows) != []:
                        problems.append("an insert failed")

        def read() -> None:
            with connect(engine) as client:
                for _ in range(5):
                    (row,) = client.query_and_wait(COUNT)
                    if row.n % 10 or row.n != row.d:
                        problems.append(f"{row.n} rows seen, {row.d} of them different")

        threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
        threads += [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        with connect(engine) as client:
            (row,) = client.query_and_wait(COUNT)
        assert (row.n, row.d) == (150, 150)
    finally:
        engine.kill()


def test_a_query_over_its_time_is_stopped(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path, DATASET, CATALOGUE)
    many = "UNNEST(GENERATE_ARRAY(1, 300000))"
    endless = f"SELECT COUNT(*) FROM {many} AS a JOIN {many} AS b ON a < b"
    query = translate(endless, Names(CATALOGUE, PROJECT, DATASET, DATASET, {}))
    with pytest.raises(Refusal, match="timed out"):
        warehouse.run(query, timeout_ms=200)
    _, rows = warehouse.run(translate("SELECT 1", Names(CATALOGUE, PROJECT, DATASET, DATASET, {})))
    assert rows.page(0, 1) == [(1,)]
    warehouse.close()


def changed(name: str, kind: str) -> Catalogue:
    table = CATALOGUE.tables["invoice_lines"]
    columns = tuple(column for column in table.columns if column.name != name)
    extra = (Column(name, kind, False),) if kind else ()
    return Catalogue({"invoice_lines": Table(table.name, columns + extra, table.partition, table.cluster)}, {})


def test_a_column_that_the_catalogue_gains_is_added(tmp_path: Path) -> None:
    Warehouse(tmp_path, DATASET, CATALOGUE).close()
    more = Warehouse(tmp_path, DATASET, changed("note", "STRING"))
    rows, total = more.rows(more.catalogue.tables["invoice_lines"], ["note"], 0, 10)
    more.close()
    assert (rows, total) == ([], 0)


@pytest.mark.parametrize(
    ("name", "kind", "message"), [("model", "", "lacks: model"), ("model", "INT64", "another type")]
)
def test_a_catalogue_that_does_not_fit_is_refused(tmp_path: Path, name: str, kind: str, message: str) -> None:
    Warehouse(tmp_path, DATASET, CATALOGUE).close()
    with pytest.raises(ValueError, match=message):
        Warehouse(tmp_path, DATASET, changed(name, kind))

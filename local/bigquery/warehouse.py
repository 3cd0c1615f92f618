"""Keeps the tables in one DuckDB file: one writer, any number of readers on snapshots, durable when answered."""

import datetime
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from local.bigquery.catalogue import STORAGE_TYPES, Catalogue, Table
from local.bigquery.errors import Refusal, invalid_query, not_found
from local.bigquery.jobs import Field
from local.bigquery.sql import pruning
from local.bigquery.sql.translate import Query, Reading, Statement
from local.bigquery.values import result_kind

_WHOLE_PAGES = 20_000  # results up to this many rows stay in memory, larger ones go to a temporary table on disk
_DEDUPE_SECONDS = 60


class InMemory:
    """A result small enough to keep."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def page(self, start: int, count: int) -> list[tuple[Any, ...]]:
        """Rows start … start + count."""
        return self._rows[start : start + count]

    def close(self) -> None:
        """Nothing is held."""


class OnDisk:
    """A large result in a temporary table of its own connection, which DuckDB moves to disk when memory is short."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self.total: int = connection.execute("SELECT count(*) FROM temp.result").fetchall()[0][0]

    def __len__(self) -> int:
        return self.total

    def page(self, start: int, count: int) -> list[tuple[Any, ...]]:
        """Rows start … start + count."""
        with self._lock:
            try:
                rows: list[tuple[Any, ...]] = self._connection.execute(
                    "SELECT * FROM temp.result WHERE rowid >= $low AND rowid < $high ORDER BY rowid",
                    {"low": start, "high": start + count},
                ).fetchall()
            except duckdb.Error as error:
                # Forgotten between the request for the job and this one for its rows.
                raise not_found(f"Rows of the job: {error}") from None
            return rows

    def close(self) -> None:
        """Drop the table with its connection."""
        with self._lock:
            self._connection.close()


class Warehouse:
    """The tables of one data set."""

    def __init__(self, folder: Path, dataset: str, catalogue: Catalogue) -> None:
        """Open or create; raises ValueError where the stored tables and the catalogue do not fit."""
        folder.mkdir(parents=True, exist_ok=True)
        self.catalogue = catalogue
        self._dataset = dataset
        self._database = duckdb.connect(str(folder / "warehouse.duckdb"))
        # No SQL reaches files or settings: queries come from others than who started this.
        for setting in (
            "TimeZone = 'UTC'",
            "memory_limit = '1GB'",
            "threads = 2",
            "enable_external_access = false",
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
        ):
            self._database.execute(f"SET GLOBAL {setting}")
        self._write_lock = threading.Lock()
        self._writer = self._database.cursor()
        self._create()
        self._database.execute("SET GLOBAL lock_configuration = true")
        self._sizes: dict[str, dict[datetime.date, dict[str, int]]] = {}
        self._insert_ids: dict[tuple[str, str], float] = {}

    def _create(self) -> None:
        self._writer.execute(f'CREATE SCHEMA IF NOT EXISTS "{self._dataset}"')
        for table in self.catalogue.tables.values():
            columns = ", ".join(f'"{column.name}" {STORAGE_TYPES[column.kind]}' for column in table.columns)
            self._writer.execute(f"CREATE TABLE IF NOT EXISTS {self._name(table)} ({columns})")
            described = self._writer.execute(f"DESCRIBE {self._name(table)}").fetchall()
            stored = {row[0]: row[1].replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ") for row in described}
            for column in table.columns:
                kind = STORAGE_TYPES[column.kind]
                if column.name not in stored:
                    self._writer.execute(f'ALTER TABLE {self._name(table)} ADD COLUMN "{column.name}" {kind}')
                elif stored.pop(column.name) != kind:
                    raise ValueError(f"{table.name}.{column.name} is stored with another type than {column.kind}")
            if stored.keys() - {column.name for column in table.columns}:
                raise ValueError(f"{table.name} is stored with columns that the catalogue lacks: {', '.join(stored)}")

    def _name(self, table: Table) -> str:
        return f'"{self._dataset}"."{table.name}"'

    # Writing --------------------------------------------------------------------------------------------------------

    def insert(self, table: Table, rows: list[dict[str, Any]], insert_ids: list[str | None]) -> None:
        """Append checked rows in one commit, on disk when this returns.

        A row whose insert id came within the last minute is left out, as BigQuery tries to.
        """
        with self._write_lock:
            fresh = self._fresh(table, rows, insert_ids)
            if not fresh:
                return
            shape = json.dumps([{column.name: STORAGE_TYPES[column.kind] for column in table.columns}])
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            try:
                self._writer.execute(
                    f"INSERT INTO {self._name(table)} ({names}) SELECT {names} "
                    f"FROM (SELECT unnest(from_json($rows, '{shape}'), recursive := true))",
                    {"rows": json.dumps(fresh, default=str)},
                )
            except duckdb.Error as error:
                raise refusal_of(error) from None
            now = time.monotonic()
            for insert_id in insert_ids:
                if insert_id is not None:
                    self._insert_ids[table.name, insert_id] = now
            if table.name in self._sizes:
                _measure(self._sizes[table.name], table, fresh)

    def _fresh(self, table: Table, rows: list[dict[str, Any]], insert_ids: list[str | None]) -> list[dict[str, Any]]:
        oldest = time.monotonic() - _DEDUPE_SECONDS
        for key in [key for key, at in self._insert_ids.items() if at < oldest]:
            del self._insert_ids[key]
        fresh, seen = [], set()
        for row, insert_id in zip(rows, insert_ids, strict=True):
            if insert_id is not None and ((table.name, insert_id) in self._insert_ids or insert_id in seen):
                continue
            seen.add(insert_id)
            fresh.append(row)
        return fresh

    # Reading --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = self._database.cursor()
        try:
            yield connection
        except duckdb.Error as error:
            raise refusal_of(error) from None
        finally:
            connection.close()

    def describe(self, query: Query) -> tuple[Field, ...]:
        """The result's columns, without running the query."""
        with self._reader() as connection:
            rows = connection.execute(f"DESCRIBE {query.statement.sql}", query.statement.values).fetchall()
        return tuple(Field(row[0], *result_kind(row[1])) for row in rows)

    def run(self, query: Query, timeout_ms: int | None = None) -> tuple[tuple[Field, ...], InMemory | OnDisk]:
        """Columns and rows of a query over one snapshot; raises Refusal."""
        connection = self._database.cursor()
        stop = threading.Timer(timeout_ms / 1000, connection.interrupt) if timeout_ms else None
        kept = False
        try:
            if stop is not None:
                stop.start()
            statement = query.statement
            cursor = connection.execute(statement.sql, statement.values)
            columns = tuple(Field(column[0], *result_kind(str(column[1]))) for column in cursor.description)
            rows = cursor.fetchmany(_WHOLE_PAGES + 1)
            if len(rows) <= _WHOLE_PAGES:
                return columns, InMemory(rows)
            connection.execute(f"CREATE TEMP TABLE result AS {statement.sql}", statement.values)
            kept = True
            return columns, OnDisk(connection)
        except duckdb.InterruptException:
            raise Refusal("Job execution was cancelled: Job timed out", reason="stopped", status=400) from None
        except duckdb.Error as error:
            raise refusal_of(error) from None
        finally:
            if stop is not None:
                stop.cancel()
            if not kept:
                connection.close()

    def rows(self, table: Table, columns: list[str], start: int, count: int) -> tuple[list[tuple[Any, ...]], int]:
        """A page of a table in the order of arrival, and how many rows there are; free of charge, so no filter."""
        names = ", ".join(f'"{name}"' for name in columns)
        with self._reader() as connection:
            connection.execute("BEGIN")
            total: int = connection.execute(f"SELECT count(*) FROM {self._name(table)}").fetchall()[0][0]
            page = connection.execute(
                f"SELECT {names} FROM {self._name(table)} ORDER BY rowid LIMIT $count OFFSET $start",
                {"count": count, "start": start},
            ).fetchall()
            connection.execute("COMMIT")
        return page, total

    def size(self, table: Table) -> tuple[int, int]:
        """Logical bytes and rows of a table."""
        with self._reader() as connection:
            rows: int = connection.execute(f"SELECT count(*) FROM {self._name(table)}").fetchall()[0][0]
        sizes = self._table_sizes(table)
        with self._write_lock:
            return sum(sum(columns.values()) for columns in sizes.values()), rows

    # Estimates ------------------------------------------------------------------------------------------------------

    def estimate(self, query: Query) -> int:
        """Logical bytes of the columns that a query reads, in the days that its filters leave."""
        return sum(self._estimate(reading) for reading in query.readings)

    def _estimate(self, reading: Reading) -> int:
        bounds = [(operator, whole, self._evaluate(statement)) for operator, whole, statement in reading.bounds]
        first, last = pruning.days(bounds)
        sizes = self._table_sizes(reading.table)
        with self._write_lock:
            return sum(
                columns.get(name, 0)
                for day, columns in sizes.items()
                if first <= day <= last
                for name in reading.columns
            )

    def _evaluate(self, statement: Statement) -> object:
        with self._reader() as connection:
            value: object = connection.execute(statement.sql, statement.values).fetchall()[0][0]
        if not isinstance(value, str):
            return value
        moment = datetime.datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)

    def _table_sizes(self, table: Table) -> dict[datetime.date, dict[str, int]]:
        """Bytes by day and column: counted once, then kept up with each insert."""
        with self._write_lock:
            sizes = self._sizes.get(table.name)
            if sizes is None:
                sums = ", ".join(_size_sql(column.name, column.kind) for column in table.columns)
                found = self._writer.execute(
                    f'SELECT CAST("{table.partition}" AS DATE), {sums} FROM {self._name(table)} GROUP BY 1'
                ).fetchall()
                names = [column.name for column in table.columns]
                sizes = {row[0]: {n: int(b or 0) for n, b in zip(names, row[1:], strict=True)} for row in found}
                self._sizes[table.name] = sizes
            return sizes

    def close(self) -> None:
        """Close the file; waits for a write that is under way."""
        with self._write_lock:
            self._writer.close()
            self._database.close()


_FIXED = {"INT64": 8, "FLOAT64": 8, "BOOL": 1, "TIMESTAMP": 8, "DATE": 8}


def _size_sql(name: str, kind: str) -> str:
    return f'sum(strlen("{name}") + 2)' if kind == "STRING" else f'count("{name}") * {_FIXED[kind]}'


def _measure(sizes: dict[datetime.date, dict[str, int]], table: Table, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        moment = row[table.partition]
        day = moment.date() if isinstance(moment, datetime.datetime) else moment
        columns = sizes.setdefault(day, {})
        for column in table.columns:
            value = row.get(column.name)
            if value is not None:
                size = len(value.encode()) + 2 if column.kind == "STRING" else _FIXED[column.kind]
                columns[column.name] = columns.get(column.name, 0) + size


def refusal_of(error: duckdb.Error) -> Refusal:
    """What BigQuery would say where DuckDB failed: the query is at fault, unless memory or disk is."""
    text = str(error).split("\n\nLINE ")[0].splitlines()[0]
    text = text.split("Error: ", 1)[-1]
    if isinstance(error, duckdb.OutOfMemoryException):
        return Refusal(f"Resources exceeded during query execution: {text}", reason="resourcesExceeded")
    if isinstance(error, duckdb.IOException | duckdb.InternalException | duckdb.FatalException):
        return Refusal(text, reason="internalError", status=500)
    return invalid_query(text)

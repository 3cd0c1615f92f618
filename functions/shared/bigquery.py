"""The only module that touches the BigQuery client: named queries over the warehouse, with a bound on what they read.

Every query names its parameters and its time range (each table demands a partition filter). What a query may read is
bounded by its own dry run, so a mistake costs nothing. Figures on pages never come from here (ARCHITECTURE, State).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from functions.shared import logs, unanswered
from functions.shared.config import settings
from functions.shared.errors import Unavailable

LARGEST_BYTES = 10 * 2**30
"""No query of ours reads more than this; one that would is refused before it runs."""

LEAST_BYTES = 10 * 2**20
"""So much each table that a query names is billed at least."""

SECONDS = 30.0

STREAM_SECONDS = 120.0
"""How long the query of a stream may take before its first page, and each page after it."""


@cache
def client() -> Any:
    """The process's client; imported and built on the first call."""
    from google.cloud import bigquery

    key = settings().service_account_key
    if key:
        from google.oauth2 import service_account

        credentials = service_account.Credentials.from_service_account_info(key)
        return bigquery.Client(project=settings().project, credentials=credentials)
    return bigquery.Client(project=settings().project)


class TooLarge(ValueError):
    """A query would read more than LARGEST_BYTES; it was not run."""


def query(sql: str, parameters: Mapping[str, str | int | bool | datetime]) -> list[dict[str, Any]]:
    """The rows of a query. `{dataset}` in `sql` stands for the dataset; parameters are `@name`.

    Two round trips: the dry run that says what it reads, then the query with that as its bound. Raises Unavailable when
    BigQuery does not answer in time, TooLarge when the query would read more than LARGEST_BYTES.
    """
    with _reached():
        return [dict(row) for row in _asked(sql, parameters, SECONDS)]


@dataclass(frozen=True)
class Result:
    """A result too large for memory: its columns with their types (INTEGER, STRING, …), and its rows page by page."""

    columns: tuple[tuple[str, str], ...]
    number: int
    """How many rows there are in all."""
    pages: Iterator[list[tuple[Any, ...]]]


def stream(sql: str, parameters: Mapping[str, str | int | bool | datetime], *, page_size: int) -> Result:
    """As `query`, for results that need not be in memory at once; raises the same, from `pages` too."""
    with _reached():
        found = _asked(sql, parameters, STREAM_SECONDS, page_size)
        columns = tuple((field.name, str(field.field_type)) for field in found.schema)
        return Result(columns, int(found.total_rows or 0), _pages(found))


def _pages(found: Any) -> Iterator[list[tuple[Any, ...]]]:
    with _reached():
        for page in found.pages:
            yield [row.values() for row in page]


def _asked(
    sql: str, parameters: Mapping[str, str | int | bool | datetime], seconds: float, page_size: int | None = None
) -> Any:
    from google.cloud import bigquery

    text = sql.replace("{dataset}", f"{settings().project}.{settings().dataset}")
    named = [bigquery.ScalarQueryParameter(name, _type(value), value) for name, value in parameters.items()]
    # The client's own patience is ten minutes, longer than whoever waits for us.
    patience = {"timeout": seconds, "retry": bigquery.DEFAULT_RETRY.with_timeout(seconds), "job_retry": None}
    logs.count("bigquery_queries")
    dry = client().query(text, job_config=bigquery.QueryJobConfig(query_parameters=named, dry_run=True), **patience)
    bound = int(dry.total_bytes_processed or 0) + LEAST_BYTES * max(1, sql.count("{dataset}."))
    if bound > LARGEST_BYTES:
        raise TooLarge(f"the query would read {bound} bytes")
    config = bigquery.QueryJobConfig(query_parameters=named, maximum_bytes_billed=bound)
    return client().query(text, job_config=config, **patience).result(page_size=page_size, **patience)


@contextmanager
def _reached() -> Iterator[None]:
    """Every way in which the warehouse can fail to answer is Unavailable."""
    try:
        yield
    except unanswered.errors() as error:
        raise Unavailable("The warehouse did not answer in time. Try again.", retry_after=5) from error


def _type(value: str | int | bool | datetime) -> str:
    if isinstance(value, bool):
        return "BOOL"
    if isinstance(value, int):
        return "INT64"
    return "TIMESTAMP" if isinstance(value, datetime) else "STRING"

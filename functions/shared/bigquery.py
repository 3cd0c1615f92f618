"""The only module that touches the BigQuery client: named queries over the warehouse, with a bound on what they read.

Every query names its parameters and its time range (each table demands a partition filter). What a query may read is
bounded by its own dry run, so a mistake costs nothing. Figures on pages never come from here (ARCHITECTURE, State).
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from functions.shared import logs
from functions.shared.config import settings
from functions.shared.errors import Unavailable

LARGEST_BYTES = 10 * 2**30
"""No query of ours reads more than this; one that would is refused before it runs."""

LEAST_BYTES = 10 * 2**20
"""So much each table that a query names is billed at least."""

SECONDS = 30.0


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


def query(sql: str, parameters: Mapping[str, str | int | bool | datetime]) -> list[dict[str, Any]]:
    """The rows of a query. `{dataset}` in `sql` stands for the dataset; parameters are `@name`.

    Two round trips: the dry run that says what it reads, then the query with that as its bound. Raises Unavailable when
    BigQuery does not answer in time, ValueError when the query would read more than LARGEST_BYTES.
    """
    import requests
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError
    from google.cloud import bigquery

    text = sql.replace("{dataset}", f"{settings().project}.{settings().dataset}")
    named = [bigquery.ScalarQueryParameter(name, _type(value), value) for name, value in parameters.items()]
    # The client's own patience is ten minutes, longer than whoever waits for us.
    patience = {"timeout": SECONDS, "retry": bigquery.DEFAULT_RETRY.with_timeout(SECONDS), "job_retry": None}
    logs.count("bigquery_queries")
    try:
        dry = client().query(text, job_config=bigquery.QueryJobConfig(query_parameters=named, dry_run=True), **patience)
        bound = int(dry.total_bytes_processed or 0) + LEAST_BYTES * max(1, sql.count("{dataset}."))
        if bound > LARGEST_BYTES:
            raise ValueError(f"the query would read {bound} bytes")
        config = bigquery.QueryJobConfig(query_parameters=named, maximum_bytes_billed=bound)
        return [dict(row) for row in client().query(text, job_config=config, **patience).result(**patience)]
    except (
        exceptions.ServerError,
        exceptions.TooManyRequests,
        exceptions.RetryError,
        requests.ConnectionError,
        requests.Timeout,
        TimeoutError,
        GoogleAuthError,  # The metadata server of the instance does not answer.
    ) as error:
        raise Unavailable("The warehouse did not answer in time. Try again.", retry_after=5) from error


def _type(value: str | int | bool | datetime) -> str:
    if isinstance(value, bool):
        return "BOOL"
    if isinstance(value, int):
        return "INT64"
    return "TIMESTAMP" if isinstance(value, datetime) else "STRING"

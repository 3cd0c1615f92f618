"""Checks the rows of an insert against a table's schema, with BigQuery's errors for each row."""

from typing import Any

from local.bigquery.catalogue import Table
from local.bigquery.errors import Refusal
from local.bigquery.values import READERS, row_problem

_MOST_ROWS = 50_000

Problem = dict[str, Any]


def checked(table: Table, request: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str | None], list[Problem]]:
    """Rows to store, their insert ids, and `insertErrors`; without skipInvalidRows one bad row stops all.

    Raises Refusal where the request itself is wrong.
    """
    given = request.get("rows")
    if not isinstance(given, list) or not given:
        raise Refusal("No rows present in the request.")
    if len(given) > _MOST_ROWS:
        raise Refusal(f"too many rows present in the request, limit: {_MOST_ROWS} row count: {len(given)}.")
    if request.get("templateSuffix"):
        raise Refusal("templateSuffix is not supported by the local BigQuery")
    rows: list[dict[str, Any]] = []
    ids: list[str | None] = []
    problems: list[Problem] = []
    for index, entry in enumerate(given):
        row, errors = _row(table, entry.get("json") or {}, ignore_unknown=bool(request.get("ignoreUnknownValues")))
        if errors:
            problems.append({"index": index, "errors": errors})
        else:
            rows.append(row)
            ids.append(entry.get("insertId"))
    if problems and not request.get("skipInvalidRows"):
        bad = {problem["index"] for problem in problems}
        stopped = {"reason": "stopped", "location": "", "debugInfo": "", "message": ""}
        problems += [{"index": index, "errors": [stopped]} for index in range(len(given)) if index not in bad]
        return [], [], problems
    return rows, ids, problems


def _row(table: Table, given: dict[str, Any], *, ignore_unknown: bool) -> tuple[dict[str, Any], list[dict[str, str]]]:
    errors = []
    if not ignore_unknown:
        errors += [row_problem(n, f"no such field: {n}.") for n in given if table.column(n) is None]
    row: dict[str, Any] = {}
    for column in table.columns:
        value = given.get(column.name)
        if value is None:
            if column.required:
                errors.append(row_problem(column.name, f"Missing required field: {column.name}."))
            row[column.name] = None
            continue
        try:
            row[column.name] = READERS[column.kind](value)
        except ValueError as error:
            errors.append(row_problem(column.name, str(error)))
    return row, errors

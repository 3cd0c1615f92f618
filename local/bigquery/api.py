"""The HTTP face: BigQuery's v2 REST paths, as the Python client calls them."""

import json
import logging
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.bigquery.catalogue import Table
from local.bigquery.errors import Refusal, not_found
from local.bigquery.jobs import Field, Jobs
from local.bigquery.queries import Runner
from local.bigquery.rows import checked
from local.bigquery.warehouse import Warehouse
from local.bigquery.wire import Wire, rows, token

_LOG = logging.getLogger("local.bigquery")
_ROOT = "/bigquery/v2/projects/{project}"
_LARGEST_BODY = 10 * 1024 * 1024
_PAGE_ROWS = 10_000

Handler = Callable[["Call"], dict[str, Any]]


class Call:
    """One request: path parameters, query parameters and body."""

    def __init__(self, path: dict[str, str], query: dict[str, str], body: dict[str, Any]) -> None:
        self.path = path
        self.query = query
        self.body = body

    def number(self, name: str, default: int) -> int:
        """A whole query parameter that is not negative; raises Refusal."""
        value = self.query.get(name, "")
        if not value:
            return default
        if not value.isdecimal():
            raise Refusal(f"Invalid value for {name}: {value}")
        return int(value)

    def start(self) -> int:
        """The row to begin with, from the page token or startIndex; raises Refusal for a token that is not ours."""
        given = self.query.get("pageToken")
        if not given:
            return self.number("startIndex", 0)
        if not (given[:1] == "r" and given[1:].isdecimal()):
            raise Refusal(f"Invalid value for pageToken: {given}")
        return int(given[1:])

    def int64_timestamp(self) -> bool:
        """Whether timestamps are wanted as whole microseconds."""
        return self.query.get("formatOptions.useInt64Timestamp", "").lower() == "true"


class Api:
    """All handlers over one warehouse."""

    def __init__(self, warehouse: Warehouse, project: str, dataset: str) -> None:
        self._warehouse = warehouse
        self._jobs = Jobs()
        self._runner = Runner(warehouse, self._jobs, project, dataset)
        self._wire = Wire(project, dataset)

    def application(self) -> Starlette:
        """The ASGI application."""
        dataset = f"{_ROOT}/datasets/{{dataset}}"
        table = f"{dataset}/tables/{{table}}"
        routes: list[tuple[str, str, Handler]] = [
            ("POST", f"{_ROOT}/queries", self.query),
            ("GET", f"{_ROOT}/queries/{{job}}", self.results),
            ("POST", f"{_ROOT}/jobs", self.insert_job),
            ("GET", f"{_ROOT}/jobs/{{job}}", self.get_job),
            ("POST", f"{_ROOT}/jobs/{{job}}/cancel", self.cancel_job),
            ("GET", f"{_ROOT}/datasets", self.list_datasets),
            ("GET", dataset, self.get_dataset),
            ("GET", f"{dataset}/tables", self.list_tables),
            ("GET", table, self.get_table),
            ("GET", f"{table}/data", self.list_rows),
            ("POST", f"{table}/insertAll", self.insert_rows),
            ("GET", f"{dataset}/routines", self.list_routines),
            ("GET", f"{dataset}/routines/{{routine}}", self.get_routine),
        ]
        by_path: dict[str, dict[str, Handler]] = {}
        for method, path, handler in routes:
            by_path.setdefault(path, {})[method] = handler
        known = [
            Route(path, self._endpoint(handlers), methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
            for path, handlers in by_path.items()
        ]
        return Starlette(routes=[Route("/health", _health), *known, Route("/{rest:path}", _unknown, methods=_EVERY)])

    def _endpoint(self, handlers: dict[str, Handler]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                handler = handlers.get(request.method)
                if handler is None:
                    raise _left_out(request)
                raw = await request.body()
                if len(raw) > _LARGEST_BODY:
                    raise Refusal("Request payload size exceeds the limit: 10485760 bytes.", status=413)
                body = json.loads(raw) if raw else {}
                if not isinstance(body, dict):
                    raise Refusal("Invalid JSON payload received: an object is expected", reason="parseError")
                call = Call(dict(request.path_params), dict(request.query_params), body)
                self._check_place(call)
                return JSONResponse(await run_in_threadpool(_handled, handler, call))
            except Refusal as refusal:
                return JSONResponse(refusal.body(), status_code=refusal.status)
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                wrong = Refusal(f"Invalid JSON payload received: {error}", reason="parseError")
                return JSONResponse(wrong.body(), status_code=wrong.status)

        return endpoint

    def _check_place(self, call: Call) -> None:
        project = call.path["project"]
        if project != self._wire.project:
            raise not_found(f"Project {project}")
        dataset = call.path.get("dataset")
        if dataset is not None and dataset != self._wire.dataset:
            raise not_found(f"Dataset {project}:{dataset}")

    def _table(self, call: Call) -> Table:
        name = call.path["table"]
        table = self._warehouse.catalogue.tables.get(name)
        if table is None:
            raise not_found(f"Table {self._wire.project}:{self._wire.dataset}.{name}")
        return table

    # Queries --------------------------------------------------------------------------------------------------------

    def query(self, call: Call) -> dict[str, Any]:
        """jobs.query: run and answer with the first page."""
        outside = ("kind", "dryRun", "maxResults", "timeoutMs", "formatOptions", "labels", "requestId", "location",
                   "jobCreationMode", "jobTimeoutMs")  # fmt: skip
        query = {name: value for name, value in call.body.items() if name not in outside}
        configuration: dict[str, Any] = {"query": query}
        for name in ("labels", "jobTimeoutMs"):
            if name in call.body:
                configuration[name] = call.body[name]
        if call.body.get("dryRun"):
            job = self._runner.dry_run(configuration)
            return {
                "kind": "bigquery#queryResponse",
                "jobComplete": True,
                "schema": self._wire.schema(job.fields),
                "totalBytesProcessed": str(job.bytes_processed),
                "cacheHit": False,
            }
        job = self._runner.run(None, configuration)
        count = int(call.body.get("maxResults", _PAGE_ROWS))
        wanted = call.body.get("formatOptions") or {}
        answer = self._wire.results(job, 0, count, int64_timestamp=bool(wanted.get("useInt64Timestamp")))
        return {**answer, "kind": "bigquery#queryResponse"}

    def insert_job(self, call: Call) -> dict[str, Any]:
        """jobs.insert: the job is done when this returns."""
        configuration = call.body.get("configuration") or {}
        if "query" not in configuration:
            kind = next(iter(sorted(set(configuration) & {"load", "extract", "copy"})), "unknown")
            raise Refusal(f"A {kind} job is not supported by the local BigQuery", reason="notImplemented", status=501)
        if configuration.get("dryRun"):
            return self._wire.job(self._runner.dry_run(configuration), dry_run=True)
        reference = call.body.get("jobReference") or {}
        return self._wire.job(self._runner.run(reference.get("jobId"), configuration))

    def get_job(self, call: Call) -> dict[str, Any]:
        """jobs.get."""
        return self._wire.job(self._jobs.get(call.path["job"], self._wire.project))

    def cancel_job(self, call: Call) -> dict[str, Any]:
        """jobs.cancel: every job that can be asked for is done already."""
        return {"kind": "bigquery#jobCancelResponse", "job": self.get_job(call)}

    def results(self, call: Call) -> dict[str, Any]:
        """jobs.getQueryResults."""
        job = self._jobs.get(call.path["job"], self._wire.project)
        count = call.number("maxResults", _PAGE_ROWS)
        return self._wire.results(job, call.start(), min(count, _PAGE_ROWS), int64_timestamp=call.int64_timestamp())

    # Tables ---------------------------------------------------------------------------------------------------------

    def list_datasets(self, call: Call) -> dict[str, Any]:
        """datasets.list."""
        return {"kind": "bigquery#datasetList", "datasets": [self._wire.dataset_resource()]}

    def get_dataset(self, call: Call) -> dict[str, Any]:
        """datasets.get."""
        return self._wire.dataset_resource()

    def list_tables(self, call: Call) -> dict[str, Any]:
        """tables.list."""
        tables = [self._wire.table(table) for table in self._warehouse.catalogue.tables.values()]
        return {"kind": "bigquery#tableList", "tables": tables, "totalItems": len(tables)}

    def get_table(self, call: Call) -> dict[str, Any]:
        """tables.get."""
        table = self._table(call)
        return self._wire.table(table, self._warehouse.size(table))

    def list_routines(self, call: Call) -> dict[str, Any]:
        """routines.list."""
        return {"routines": [self._wire.routine(r) for r in self._warehouse.catalogue.routines.values()]}

    def get_routine(self, call: Call) -> dict[str, Any]:
        """routines.get."""
        name = call.path["routine"]
        routine = self._warehouse.catalogue.routines.get(name)
        if routine is None:
            raise not_found(f"Routine {self._wire.project}:{self._wire.dataset}.{name}")
        return self._wire.routine(routine)

    def list_rows(self, call: Call) -> dict[str, Any]:
        """tabledata.list."""
        table = self._table(call)
        selected = [name for name in call.query.get("selectedFields", "").split(",") if name]
        columns = [table.column(name) for name in selected] if selected else list(table.columns)
        missing = [name for name, column in zip(selected, columns, strict=False) if column is None]
        if missing:
            raise Refusal(f"Invalid field name {missing[0]}. Table does not have such a field.")
        fields = tuple(Field(column.name, column.kind, False) for column in columns if column is not None)
        start = call.start()
        count = min(call.number("maxResults", _PAGE_ROWS), _PAGE_ROWS)
        page, total = self._warehouse.rows(table, [f.name for f in fields], start, count)
        answer: dict[str, Any] = {
            "kind": "bigquery#tableDataList",
            "totalRows": str(total),
            "rows": rows(page, fields, int64_timestamp=call.int64_timestamp()),
        }
        if start + len(page) < total:
            answer["pageToken"] = token(start + len(page))
        return answer

    def insert_rows(self, call: Call) -> dict[str, Any]:
        """tabledata.insertAll: stored on disk when this returns."""
        table = self._table(call)
        good, insert_ids, problems = checked(table, call.body)
        if good:
            self._warehouse.insert(table, good, insert_ids)
        answer: dict[str, Any] = {"kind": "bigquery#tableDataInsertAllResponse"}
        return {**answer, "insertErrors": problems} if problems else answer


def _handled(handler: Handler, call: Call) -> dict[str, Any]:
    """The handler's answer; a body whose parts have other JSON types than documented is the client's error."""
    try:
        return handler(call)
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        _LOG.warning("a request of an unexpected shape", exc_info=True)
        raise Refusal(f"Invalid JSON payload received: {error}", reason="parseError") from None


_EVERY = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def _left_out(request: Request) -> Refusal:
    return Refusal(
        f"{request.method} {request.url.path} is not supported by the local BigQuery: the catalogue makes data sets, "
        "tables and routines",
        reason="notImplemented",
        status=501,
    )


async def _unknown(request: Request) -> Response:
    refusal = _left_out(request)
    return JSONResponse(refusal.body(), status_code=refusal.status)


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})

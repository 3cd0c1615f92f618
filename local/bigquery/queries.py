"""Runs one query request from its configuration to a finished job."""

import re
import time
import uuid
from functools import lru_cache
from typing import Any

from local.bigquery.errors import Refusal, invalid_query
from local.bigquery.jobs import Job, Jobs
from local.bigquery.sql.resolve import Names
from local.bigquery.sql.translate import Query, translate
from local.bigquery.values import Parameter, parameters
from local.bigquery.warehouse import Warehouse

_REMEMBERED = 512
"""So many translated queries stay in memory: the functions ask few texts, each often, and translating takes longest."""
_BILLED_STEP = 1024 * 1024
_BILLED_LEAST = 10 * _BILLED_STEP
_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,1024}")
_UNDERSTOOD = {
    "query", "useLegacySql", "parameterMode", "queryParameters", "defaultDataset", "maximumBytesBilled", "priority",
    "useQueryCache", "allowLargeResults", "flattenResults", "createDisposition", "writeDisposition",
}  # fmt: skip
# Set by the client or harmless only with these values.
_FIXED = {"writeDisposition": "WRITE_EMPTY", "createDisposition": "CREATE_IF_NEEDED"}


class Runner:
    """Turns requests into jobs over one warehouse."""

    def __init__(self, warehouse: Warehouse, jobs: Jobs, project: str, dataset: str) -> None:
        self._warehouse = warehouse
        self._jobs = jobs
        self._project = project
        self._dataset = dataset
        self._translated = lru_cache(_REMEMBERED)(self._translate_anew)

    def dry_run(self, configuration: dict[str, Any]) -> Job:
        """Schema and bytes of a query that is not run; raises Refusal. The job is not kept, as in BigQuery."""
        query = self._translate(configuration)
        now = _now_ms()
        return Job(
            id="",
            configuration=configuration,
            started_ms=now,
            ended_ms=now,
            bytes_processed=self._warehouse.estimate(query),
            tables=_tables(query),
            fields=self._warehouse.describe(query),
        )

    def run(self, job_id: str | None, configuration: dict[str, Any]) -> Job:
        """The finished job, which keeps its refusal if the query was refused; raises Refusal only for a bad request.

        An id that was used before is refused with 409.
        """
        job_id = job_id or f"job_{uuid.uuid4().hex}"
        if not _JOB_ID.fullmatch(job_id):
            raise Refusal(f"Invalid job ID {job_id!r}")
        self._jobs.claim(job_id, self._project)
        job = Job(job_id, configuration, _now_ms(), 0, labels=configuration.get("labels") or {})
        try:
            query = self._translate(configuration)
            job.tables = _tables(query)
            job.bytes_processed = self._warehouse.estimate(query)
            self._check_bytes(job, configuration)
            timeout = configuration.get("jobTimeoutMs")
            job.fields, job.rows = self._warehouse.run(query, int(timeout) if timeout else None)
        except Refusal as refusal:
            job.refusal = refusal
        except BaseException:
            self._jobs.release(job_id)
            raise
        job.ended_ms = _now_ms()
        self._jobs.put(job)
        return job

    def _translate(self, configuration: dict[str, Any]) -> Query:
        wanted = configuration.get("query") or {}
        unknown = sorted(set(wanted) - _UNDERSTOOD)
        for name, value in _FIXED.items():
            if wanted.get(name, value) != value:
                unknown.append(name)
        if unknown:
            raise invalid_query(f"Query option {unknown[0]} is not supported by the local BigQuery")
        if wanted.get("useLegacySql", True):
            raise invalid_query("Legacy SQL is not supported by the local BigQuery")
        default = (wanted.get("defaultDataset") or {}).get("datasetId")
        given = parameters(wanted)
        types = tuple(Parameter(name, one.kind, one.array, None) for name, one in sorted(given.items()))
        query = self._translated(str(wanted.get("query", "")), default, types)
        return query.given({name: one.value for name, one in given.items()})

    def _translate_anew(self, text: str, default: str | None, types: tuple[Parameter, ...]) -> Query:
        """The query without values: these are no part of a translation, only the types of parameters are."""
        names = Names(
            catalogue=self._warehouse.catalogue,
            project=self._project,
            dataset=self._dataset,
            default=default,
            parameters={one.name: one for one in types},
        )
        return translate(text, names)

    def _check_bytes(self, job: Job, configuration: dict[str, Any]) -> None:
        limit = configuration["query"].get("maximumBytesBilled")
        if limit is None:
            return
        billed = bytes_billed(job)
        if billed > int(limit):
            text = f"Query exceeded limit for bytes billed: {limit}. {billed} or higher required."
            raise Refusal(text, reason="bytesBilledLimitExceeded")


def bytes_billed(job: Job) -> int:
    """Whole MiB, at least 10 for each table that is read; nothing where no table is read."""
    whole = -(-job.bytes_processed // _BILLED_STEP) * _BILLED_STEP
    return max(whole, _BILLED_LEAST * len(job.tables))


def _tables(query: Query) -> tuple[str, ...]:
    return tuple(sorted({reading.table.name for reading in query.readings}))


def _now_ms() -> int:
    return time.time_ns() // 10**6

"""Shapes tables, jobs and rows as the REST API does."""

from typing import Any

from local.bigquery.catalogue import WIRE_TYPES, Routine, Table
from local.bigquery.jobs import Field, Job
from local.bigquery.queries import bytes_billed
from local.bigquery.values import cell

_LOCATION = "US"


class Wire:
    """Resources of one data set."""

    def __init__(self, project: str, dataset: str) -> None:
        self.project = project
        self.dataset = dataset

    def dataset_resource(self) -> dict[str, Any]:
        """The data set."""
        reference = {"projectId": self.project, "datasetId": self.dataset}
        return {
            "kind": "bigquery#dataset",
            "id": f"{self.project}:{self.dataset}",
            "datasetReference": reference,
            "location": _LOCATION,
            "access": [],
        }

    def table(self, table: Table, size: tuple[int, int] | None = None) -> dict[str, Any]:
        """A table, with bytes and rows where they are known."""
        reference = {"projectId": self.project, "datasetId": self.dataset, "tableId": table.name}
        fields = [
            {"name": c.name, "type": WIRE_TYPES[c.kind], "mode": "REQUIRED" if c.required else "NULLABLE"}
            for c in table.columns
        ]
        resource: dict[str, Any] = {
            "kind": "bigquery#table",
            "id": f"{self.project}:{self.dataset}.{table.name}",
            "tableReference": reference,
            "type": "TABLE",
            "location": _LOCATION,
            "schema": {"fields": fields},
            "timePartitioning": {"type": "DAY", "field": table.partition},
            "requirePartitionFilter": True,
            "clustering": {"fields": list(table.cluster)},
        }
        if size is not None:
            resource["numBytes"], resource["numRows"] = str(size[0]), str(size[1])
        return resource

    def routine(self, routine: Routine) -> dict[str, Any]:
        """A table function."""
        return {
            "routineReference": {"projectId": self.project, "datasetId": self.dataset, "routineId": routine.name},
            "routineType": "TABLE_VALUED_FUNCTION",
            "language": "SQL",
            "arguments": [{"name": name, "dataType": {"typeKind": kind}} for name, kind in routine.arguments],
            "definitionBody": routine.sql.replace("{dataset}", f"{self.project}.{self.dataset}"),
            "description": routine.description,
        }

    def job(self, job: Job, *, dry_run: bool = False) -> dict[str, Any]:
        """A finished job."""
        status: dict[str, Any] = {"state": "DONE"}
        if job.refusal is not None:
            status["errorResult"] = job.refusal.proto()
            status["errors"] = [job.refusal.proto()]
        query: dict[str, Any] = {
            "statementType": "SELECT",
            "totalBytesProcessed": str(job.bytes_processed),
            "totalBytesBilled": "0" if dry_run else str(bytes_billed(job)),
            "cacheHit": False,
            "referencedTables": [
                {"projectId": self.project, "datasetId": self.dataset, "tableId": name} for name in job.tables
            ],
        }
        if dry_run:
            query["schema"] = self.schema(job.fields)
        resource: dict[str, Any] = {
            "kind": "bigquery#job",
            "configuration": {**job.configuration, "jobType": "QUERY"},
            "status": status,
            "statistics": {
                "creationTime": str(job.started_ms),
                "startTime": str(job.started_ms),
                "endTime": str(job.ended_ms),
                "totalBytesProcessed": str(job.bytes_processed),
                "query": query,
            },
            "jobReference": {"projectId": self.project, "location": _LOCATION},
        }
        if not dry_run:
            resource["id"] = f"{self.project}:{_LOCATION}.{job.id}"
            resource["jobReference"]["jobId"] = job.id
        return resource

    def schema(self, fields: tuple[Field, ...]) -> dict[str, Any]:
        """A result's schema."""
        return {
            "fields": [
                {"name": f.name, "type": WIRE_TYPES[f.kind], "mode": "REPEATED" if f.array else "NULLABLE"}
                for f in fields
            ]
        }

    def results(self, job: Job, start: int, count: int, *, int64_timestamp: bool) -> dict[str, Any]:
        """A page of a job's rows, with the token of the next page if there is one; raises the job's refusal."""
        if job.refusal is not None:
            raise job.refusal
        assert job.rows is not None
        page = job.rows.page(start, count) if count else []
        answer: dict[str, Any] = {
            "kind": "bigquery#getQueryResultsResponse",
            "jobReference": {"projectId": self.project, "jobId": job.id, "location": _LOCATION},
            "jobComplete": True,
            "schema": self.schema(job.fields),
            "totalRows": str(len(job.rows)),
            "totalBytesProcessed": str(job.bytes_processed),
            "totalBytesBilled": str(bytes_billed(job)),
            "cacheHit": False,
            "rows": rows(page, job.fields, int64_timestamp=int64_timestamp),
        }
        if start + len(page) < len(job.rows):
            answer["pageToken"] = token(start + len(page))
        return answer


def rows(page: list[tuple[Any, ...]], fields: tuple[Field, ...], *, int64_timestamp: bool) -> list[dict[str, Any]]:
    """Rows as lists of cells."""
    kinds = [(f.kind, f.array) for f in fields]
    return [
        {
            "f": [
                {"v": cell(value, kind, array, int64_timestamp)}
                for value, (kind, array) in zip(row, kinds, strict=True)
            ]
        }
        for row in page
    ]


def token(start: int) -> str:
    """The page token of the page that begins at row `start`."""
    return f"r{start}"

"""What tests of exports share: asking for one, running the job as Pub/Sub would, and reading what it wrote."""

import csv
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as arrow
from pyarrow import parquet

from functions.analytics import exporting, exports, repository
from functions.analytics.export_models import NewExport, StoredExport
from functions.shared import bigquery, clock, digests, storage
from functions.shared.config import settings
from functions.shared.events import Event
from functions.shared.http import Call
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.rooms import usage

START = datetime(2026, 11, 1, tzinfo=UTC)


def request(call: Call, kind: str, **fields: Any) -> str:
    """The id of a new export."""
    body = {key.rstrip("_"): value for key, value in fields.items()}
    return exports.request(call, NewExport.model_validate({"kind": kind, **body}))[0].id


def event(workspace: WorkspaceId, export: str) -> Event:
    """The request of an export as the job's deployment decodes it."""
    return Event(workspace, "export-requested", "", {"workspace_id": str(workspace), "export_id": export})


def deliver(cloud: Cloud, workspace: WorkspaceId, export: str, *, later: timedelta = timedelta()) -> None:
    """One delivery of the request, at a later time if wanted."""
    exporting.take(cloud.call(workspace, now=clock.now() + later), event(workspace, export))


def stored(workspace: WorkspaceId, export: str) -> StoredExport:
    return StoredExport.model_validate(repository.export(workspace, export).data)


def content(workspace: WorkspaceId, export: str) -> bytes:
    """The file of an export that is done; its size and digest are checked."""
    found = stored(workspace, export)
    assert (found.state, found.error) == ("done", None)
    assert found.object is not None
    file = storage.read(settings().exports_bucket, found.object)
    assert file is not None
    assert (found.bytes, found.sha256) == (len(file), hashlib.sha256(file).hexdigest())
    return file


def exported(cloud: Cloud, workspace: WorkspaceId, kind: str, **fields: Any) -> bytes:
    """The file of a new export."""
    export = request(cloud.call(workspace), kind, **fields)
    deliver(cloud, workspace, export)
    return content(workspace, export)


def lines(file: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.decode().split("\n")[:-1]]


def cells(file: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.decode(), newline="")))


def table(file: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parquet.read_table(arrow.BufferReader(file)).to_pylist()
    return found


def turns(
    workspace: WorkspaceId, number: int, agent: str = "agt_a", start: datetime = START, **fields: Any
) -> list[str]:
    """The ids of turns that are in the warehouse, a minute apart, two at each time."""
    rows = []
    for place in range(number):
        row = usage(workspace, agent, start + timedelta(minutes=place // 2), **fields)
        del row["digest"]
        rows.append({**row, "digest": digests.leaf(row)})
    for begin in range(0, number, 2000):
        part = rows[begin : begin + 2000]
        assert bigquery.client().insert_rows_json(f"{settings().project}.{settings().dataset}.usage_events", part) == []
    return [row["event_id"] for row in sorted(rows, key=lambda row: (row["occurred_at"], row["event_id"]))]

"""Remembers what queries answered, so that a client can page through rows and ask for a job again."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Protocol

from local.bigquery.errors import Refusal, not_found

_KEPT_JOBS = 500
_KEPT_ROWS = 400_000


@dataclass(frozen=True)
class Field:
    """One result column; `kind` is its GoogleSQL type, of its elements where it is an array."""

    name: str
    kind: str
    array: bool


class Rows(Protocol):
    """The rows of a result, wherever they lie."""

    def __len__(self) -> int: ...

    def page(self, start: int, count: int) -> list[tuple[Any, ...]]:
        """Rows start … start + count."""
        ...

    def close(self) -> None:
        """Give back what the rows hold."""
        ...


@dataclass
class Job:
    """One query job, done: with rows, or with the refusal."""

    id: str
    configuration: dict[str, Any]
    started_ms: int
    ended_ms: int
    bytes_processed: int = 0
    tables: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    rows: Rows | None = None
    refusal: Refusal | None = None
    labels: dict[str, str] = field(default_factory=dict)


class Jobs:
    """The latest jobs, by id. Older ones are forgotten, and none outlives the process: results are not state."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, Job | None] = OrderedDict()

    def claim(self, job_id: str, project: str) -> None:
        """Reserve an id before its query runs; raises Refusal if it was given before."""
        with self._lock:
            if job_id in self._jobs:
                raise Refusal(f"Already Exists: Job {project}:US.{job_id}", reason="duplicate", status=409)
            self._jobs[job_id] = None

    def release(self, job_id: str) -> None:
        """Give an id back whose query was never run."""
        with self._lock:
            self._jobs.pop(job_id, None)

    def put(self, job: Job) -> None:
        """Keep a job; the oldest go when there are too many jobs or rows."""
        with self._lock:
            self._jobs[job.id] = job
            self._jobs.move_to_end(job.id)
            held = sum(len(j.rows) for j in self._jobs.values() if j is not None and j.rows is not None)
            for old_id in list(self._jobs):
                if old_id == job.id or (len(self._jobs) <= _KEPT_JOBS and held <= _KEPT_ROWS):
                    break
                old = self._jobs[old_id]
                if old is None:
                    continue
                del self._jobs[old_id]
                if old.rows is not None:
                    held -= len(old.rows)
                    old.rows.close()

    def get(self, job_id: str, project: str) -> Job:
        """The job; raises Refusal for one that is unknown or forgotten."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise not_found(f"Job {project}:US.{job_id}")
        return job

"""The job that writes an export: page by page into parts, with a checkpoint after each, then the file out of the parts.

One run holds a lease on the export; another delivery of the same request is told to come later. A run that dies leaves
its last checkpoint: the next delivery goes on after it, and parts that were written behind it belong to nothing and end with
the bucket's week. A run that has used up its time asks for another and ends. The file is written once, whole, and counts
only with the commit that says `done`.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, Any

from functions.analytics import export_formats, export_sources, export_workspace, repository
from functions.analytics.export_models import ENDINGS, Format, Part, StoredExport, file_name
from functions.analytics.export_sources import Source, Span
from functions.shared import clock, events, firestore, logs, storage
from functions.shared.config import settings
from functions.shared.errors import Malformed, Problem, Unavailable
from functions.shared.events import Event
from functions.shared.http import Call
from functions.shared.identity import WorkspaceId

PART_ROWS = 20_000
"""Rows of a part, which is a row group of a Parquet file."""

PART_BYTES = 16 * 2**20

LEASE = timedelta(seconds=180)
"""Longer than the slowest step between two signs of life: a page of the warehouse."""

ALIVE = 10.0
"""Seconds after which a run shows that it lives, with the rows done so far."""

RUN_SECONDS = 300.0
"""After so many seconds a run asks for another; the deployment's own limit is 540."""

MOST_TRIES = 6
"""Runs in a row that may end without a checkpoint; then the export has failed."""


class Busy(Unavailable):
    """Another run is at work on this export; Pub/Sub comes again."""

    code, title = "export_running", "This export is being written"


def take(call: Call, event: Event) -> None:
    """Go on with the export that a request names, until it is done or the time is used up.

    A request for one that is finished, or gone, does nothing. Raises Busy; Malformed for what is no such request;
    whatever stopped the run, which the next delivery may overcome.
    """
    name = event.row.get("export_id")
    if not isinstance(name, str):
        raise Malformed("This request names no export.", code="not_an_event")
    found = repository.export(event.workspace, name)
    if not found.exists:
        return
    export = StoredExport.model_validate(found.data)
    if export.state in ("done", "failed") or export.expire_at <= call.now:
        return
    if export.lease_until is not None and export.lease_until > call.now:
        raise Busy("Another run writes this export.", retry_after=30)
    run = _Run(call, event.workspace, name, export, found.etag)
    if export.tries >= MOST_TRIES:
        run.fail("no_progress")
        logs.alarm("an export was given up", export=name, workspace_id=str(event.workspace))
        return
    try:
        run.begin()
        if not run.work():
            events.request_all(
                "export-requested", [(event.workspace, {"workspace_id": str(event.workspace), "export_id": name})]
            )
    except firestore.Changed as error:
        raise Busy("Another run writes this export.", retry_after=30) from error
    except Busy:
        raise
    except Problem as problem:
        if problem.status >= 500 or problem.status == 429:
            run.release()
            raise
        # Another room refuses, and would the next time.
        logs.warning("an export was refused", export=name, code=problem.code)
        run.fail(problem.code)
    except Exception:  # whatever it was, the lease is given back; the delivery after MOST_TRIES of them says `failed`
        run.release()
        raise


@dataclass
class _Run:
    """One run's hold on the export: `export` and `etag` are as it wrote them last."""

    call: Call
    workspace: WorkspaceId
    name: str
    export: StoredExport
    etag: str
    _began: float = field(default_factory=clock.monotonic)
    _shown: float = field(default_factory=clock.monotonic)

    def begin(self) -> None:
        """Take the lease."""
        self._write(
            state="running", lease_until=clock.now() + LEASE, runs=self.export.runs + 1, tries=self.export.tries + 1
        )

    def release(self) -> None:
        """Give the lease back, so that the next delivery need not wait for its end."""
        try:
            self._write(lease_until=None)
        except Exception as error:  # noqa: BLE001 - it ends by itself; what went wrong before counts
            logs.warning("an export's lease was not given back", export=self.name, reason=type(error).__name__)

    def fail(self, code: str) -> None:
        """Say that this export will never be."""
        self._write(state="failed", error=code, lease_until=None, finished_at=clock.now(), claims={}, parts=())

    def work(self) -> bool:
        """Write what is missing; False when the time was used up, with the lease given back."""
        sections = self._sections()
        if self.export.rows_expected is None and not self.export.parts:
            self._write(rows_expected=_sum([source.expected() for _, source in sections]))
        for number, (_, source) in enumerate(sections):
            if number >= self.export.section and not self._section(number, source):
                return False
        if self._used() > RUN_SECONDS / 2:
            self.release()
            return False
        self._finish([name for name, _ in sections])
        return True

    def _section(self, number: int, source: Source) -> bool:
        """Write the rest of a section into parts; False when the time was used up before its end."""
        format_: Format = "jsonl" if self.export.format == "zip" else self.export.format
        cursor = json.loads(self.export.cursor) if self.export.cursor else None
        part: export_formats.Part | None = None
        columns: Any = ()
        rows = 0
        for page in source.pages(cursor):
            columns = page.columns
            if part is None:
                part = export_formats.part(format_, columns, first=self._is_first(number))
            part.add(page.rows)
            rows, cursor = rows + len(page.rows), page.cursor
            ended = self._used() > RUN_SECONDS
            if rows >= PART_ROWS or part.size >= PART_BYTES or (ended and rows):
                self._checkpoint(number, part, rows, cursor)
                part, rows = None, 0
            elif clock.monotonic() - self._shown > ALIVE:
                self._alive(self.export.rows + rows)
            if ended:
                # Pages without rows are progress too.
                self._write(cursor=json.dumps(cursor), tries=0)
                self.release()
                return False
        if rows or (self._is_first(number) and part is not None):
            assert part is not None
            self._checkpoint(number, part, rows, cursor)
        self._write(section=number + 1, cursor=None)
        return True

    def _is_first(self, section: int) -> bool:
        return all(part.section != section for part in self.export.parts)

    def _checkpoint(self, section: int, part: export_formats.Part, rows: int, cursor: Any) -> None:
        """Store the part, and say that the export is so far: a part that nothing names does not count."""
        name = f"{self._folder}/parts/{len(self.export.parts):06}.{self.export.runs}"
        self._alive(self.export.rows)
        storage.write_once(settings().exports_bucket, name, part.content(), content_type="application/octet-stream")
        parts = (*self.export.parts, Part(name=name, section=section, rows=rows))
        self._write(
            parts=parts,
            rows=self.export.rows + rows,
            cursor=json.dumps(cursor),
            lease_until=clock.now() + LEASE,
            tries=0,
        )
        self._shown = clock.monotonic()

    @property
    def _folder(self) -> str:
        return f"{self.workspace}/{self.name}"

    def _alive(self, rows: int) -> None:
        """Renew the lease, and show how far it is; the rows that count are those of the checkpoint."""
        counted = self.export.rows
        self._write(lease_until=clock.now() + LEASE, rows=rows)
        self.export = self.export.model_copy(update={"rows": counted})
        self._shown = clock.monotonic()

    def _finish(self, sections: list[str]) -> None:
        """Put the file together out of the parts, and say that it is done."""
        name = f"{self._folder}/{self.export.runs}/{file_name(self.export)}"
        with storage.stream_once(
            settings().exports_bucket,
            name,
            content_type=ENDINGS[self.export.format][1],
            download_as=file_name(self.export),
        ) as file:
            counted: Any = _Counted(file)
            if self.export.format == "zip":
                export_workspace.write_zip(self.export, sections, self._content, counted)
            else:
                export_formats.put_together(self.export.format, self._contents(), counted)
            self._alive(self.export.rows)
        self._write(
            state="done",
            object=name,
            bytes=counted.bytes,
            sha256=counted.digest.hexdigest(),
            rows=self.export.rows,
            finished_at=clock.now(),
            lease_until=None,
            claims={},
            parts=(),
        )
        logs.info("an export is done", export=self.name, rows=self.export.rows, bytes=counted.bytes)

    def _contents(self) -> Iterator[bytes]:
        for part in self.export.parts:
            yield self._content(part)

    def _content(self, part: Part) -> bytes:
        if clock.monotonic() - self._shown > ALIVE:
            self._alive(self.export.rows)
        content = storage.read(settings().exports_bucket, part.name)
        if content is None:
            raise Unavailable("A part of the export is gone.", code="part_missing")
        return content

    def _sections(self) -> list[tuple[str, Source]]:
        """Names and sources of what is in the file, the same in each run."""
        export = self.export
        span: Span = export_sources.span_of(self.workspace, export.from_, export.to, export.until, export.agent_id)
        if export.kind != "workspace":
            return [(export.kind, export_workspace.TABLES[export.kind](span))]
        return export_workspace.sections(lambda: export_workspace.on_behalf(self.call, export), span)

    def _used(self) -> float:
        return clock.monotonic() - self._began

    def _write(self, **fields: Any) -> None:
        """Change fields of the export as this run left it. Raises Changed when another run has written since."""
        now: datetime = clock.now()
        changed = self.export.model_copy(update={**fields, "updated_at": now})
        stored = changed.model_dump(by_alias=True, include={*fields, "updated_at"})
        path = repository.export_path(self.workspace, self.name)
        batch = firestore.Batch()
        batch.update(path, {(key,): value for key, value in stored.items()}, if_etag=self.etag)
        self.etag = batch.commit()[path]
        self.export = changed


class _Counted:
    """A file that is only written to, with its length and digest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.bytes, self.digest, self.closed = file, 0, hashlib.sha256(), False

    def write(self, content: Any) -> int:
        self._file.write(content)
        self.digest.update(content)
        size = memoryview(content).nbytes
        self.bytes += size
        return size

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        """Nothing is kept here."""

    def close(self) -> None:
        """Whoever has opened the file closes it."""


def _sum(numbers: list[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None

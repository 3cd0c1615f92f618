"""Documents in SQLite: atomic commits that are on disk when they are answered, and reads of one instant.

Commits of concurrent clients share one SQLite transaction, hence one fsync: whoever comes while the disk is busy
queues, and the first of the queue then writes for all of it. Each commit has its own, strictly increasing time, and
fails alone. Replaced versions stay for a while, for reads at a past time.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.durability import SYNCHRONOUS
from local.firestore import writes as rules_of_writes
from local.firestore.indexes import Indexes
from local.firestore.paths import Place, locate
from local.firestore.protocol import Document, to_micros
from local.firestore.snapshot import Snapshot

_UNTOUCHED = 3600 * 10**6
"""Microseconds since its last write after which an expired document may go."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
  id INTEGER PRIMARY KEY, key BLOB NOT NULL, parent INTEGER NOT NULL, grp INTEGER NOT NULL,
  body BLOB NOT NULL,        -- the Document with name and times
  updated INTEGER NOT NULL   -- its update time in microseconds: the version
);
CREATE UNIQUE INDEX IF NOT EXISTS documents_key ON documents (key);
CREATE INDEX IF NOT EXISTS documents_parent ON documents (parent, key);
CREATE INDEX IF NOT EXISTS documents_group ON documents (grp, key);
CREATE TABLE IF NOT EXISTS history (
  key BLOB NOT NULL, parent INTEGER NOT NULL, grp INTEGER NOT NULL, body BLOB NOT NULL,
  updated INTEGER NOT NULL, until INTEGER NOT NULL  -- this version was current from `updated` until before `until`
);
CREATE INDEX IF NOT EXISTS history_until ON history (until);
CREATE INDEX IF NOT EXISTS history_key ON history (key, until);
CREATE TABLE IF NOT EXISTS entries (  -- of every index: the values, then the document
  idx INTEGER NOT NULL, value BLOB NOT NULL, key BLOB NOT NULL, PRIMARY KEY (idx, value, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
"""
_MAX_BATCH = 128
_LARGE_LOG = 64 * 1024 * 1024
_PRUNE_AT_ONCE = 2000

Check = Callable[[Snapshot], None]


@dataclass(eq=False)
class Job:
    """One commit: what to do, then what became of it. `at` is its commit time in us."""

    writes: list[Any]
    check: Check | None
    results: list[Any] = field(default_factory=list)
    at: int = 0
    error: BaseException | None = None
    touched: list[Place] = field(default_factory=list)


@dataclass(eq=False)
class _Ticket:
    """A caller in the queue. When `turn` is set and nothing is `written`, it is the caller's turn to write for all."""

    jobs: list[Job]
    turn: threading.Event = field(default_factory=threading.Event)
    written: bool = False


class Store:
    """All databases of one data folder; made for many threads of one process."""

    def __init__(self, path: Path, indexes: Indexes, history_seconds: int = 300) -> None:
        """Open or create the file; `history_seconds` is how far back reads at a past time can go."""
        self._path = path
        self.indexes = indexes
        self._history = history_seconds * 1_000_000
        self._mutex = threading.Lock()
        self._queue: deque[_Ticket] = deque()
        self._leading = False
        self._readers: deque[sqlite3.Connection] = deque()
        self._watchers: list[Callable[[list[Place]], None]] = []
        self._connection = self._connect()
        self._connection.executescript(_SCHEMA)
        self.last = self._meta("last")
        self._index_anew()

    def close(self) -> None:
        """Close every connection, which also folds the write-ahead log into the file."""
        for connection in (*self._readers, self._connection):
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, timeout=30, cached_statements=512
        )
        connection.executescript(
            f"PRAGMA journal_mode=WAL; PRAGMA synchronous={SYNCHRONOUS}; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-16384;"
            f"PRAGMA temp_store=MEMORY; PRAGMA mmap_size=268435456; PRAGMA journal_size_limit={_LARGE_LOG};"
        )
        return connection

    def _meta(self, name: str) -> int:
        row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def _index_anew(self) -> None:
        """Rebuild the entries when the catalogue's indexes are not those they were made for."""
        fingerprint = self.indexes.fingerprint()
        if self._meta("indexes") == fingerprint:
            return
        with self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM entries")
            for (body,) in connection.execute("SELECT body FROM documents"):
                document = Document.FromString(body)
                place = locate(document.name)
                connection.executemany(
                    "INSERT OR IGNORE INTO entries VALUES (?, ?, ?)",
                    [(*entry, place.key) for entry in self.indexes.entries(document)],
                )
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('indexes', ?)", (fingerprint,))

    @contextmanager
    def snapshot(self, at: int | None = None) -> Iterator[Snapshot]:
        """Read one instant: that of `at` (us), or the latest. Raises FAILED_PRECONDITION for one too long ago."""
        if at is not None and at > self.last:
            self.submit([])  # commits under way may have an earlier time: let them become visible
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self._connect()
        connection.execute("BEGIN")
        try:
            yield Snapshot.open(connection, at)
        finally:
            connection.execute("COMMIT")
            self._readers.append(connection)

    def watch(self, notice: Callable[[list[Place]], None]) -> Callable[[], None]:
        """Call `notice` with the places of each commit once it is visible; the answer ends that."""
        with self._mutex:
            self._watchers = [*self._watchers, notice]

        def stop() -> None:
            with self._mutex:
                self._watchers = [watcher for watcher in self._watchers if watcher is not notice]

        return stop

    def submit(self, writes: list[Any], check: Check | None = None) -> Job:
        """Apply all of the writes, or none, and return when that is on disk; raises what `writes.apply` raises.

        `check` is called within the commit, before the writes, and may refuse by raising.
        """
        job = Job(writes, check)
        self._enqueue([job])
        if job.error is not None:
            raise job.error
        return job

    def submit_each(self, writes: list[Any]) -> list[Job]:
        """Apply each write for itself; returns when all are on disk, with the errors in the jobs."""
        jobs = [Job([write], None) for write in writes]
        if jobs:
            self._enqueue(jobs)
        return jobs

    def _enqueue(self, jobs: list[Job]) -> None:
        ticket = _Ticket(jobs)
        with self._mutex:
            self._queue.append(ticket)
            lead = not self._leading
            self._leading = True
        if not lead:
            ticket.turn.wait()
        if not ticket.written:
            self._lead()

    def _lead(self) -> None:
        """Write for everybody in the queue, then pass the lead to the first of those who came meanwhile."""
        tickets: list[_Ticket] = []
        jobs: list[Job] = []
        with self._mutex:
            while self._queue and len(jobs) < _MAX_BATCH:
                tickets.append(self._queue.popleft())
                jobs.extend(tickets[-1].jobs)
        try:
            self._write(jobs)
        finally:
            with self._mutex:
                if self._queue:
                    self._queue[0].turn.set()
                else:
                    self._leading = False
            for ticket in tickets:
                ticket.written = True
                ticket.turn.set()
        touched = [place for job in jobs if job.error is None for place in job.touched]
        if touched:
            for notice in self._watchers:
                notice(touched)

    def _write(self, batch: list[Job]) -> None:
        if not any(job.writes or job.check for job in batch):
            for job in batch:
                job.at = self.last
            return
        connection = self._connection
        last = self.last
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                connection.execute("SAVEPOINT job")
                job.at = max(self.now(), last + 1)
                try:
                    self._run(job)
                except BaseException as error:  # noqa: BLE001 - whatever it is, it is this job's answer, not the batch's
                    job.error = error
                    connection.execute("ROLLBACK TO job")
                else:
                    last = job.at
                connection.execute("RELEASE job")
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('last', ?)", (last,))
            connection.execute("COMMIT")
            self.last = last
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            for job in batch:
                job.error = job.error or error
            raise

    def _run(self, job: Job) -> None:
        if job.check is not None:
            job.check(Snapshot(self._connection, None, job.at))
        for write in job.writes:
            place = locate(rules_of_writes.target(write))
            row = self._connection.execute(
                "SELECT id, body, updated FROM documents WHERE key = ?", (place.key,)
            ).fetchone()
            old = Document.FromString(row[1]) if row else None
            new, result = rules_of_writes.apply(write, old, job.at)
            job.results.append(result)
            if new is not old:
                self._replace(place, row, old, new, job.at)
                job.touched.append(place)

    def _replace(self, place: Place, row: tuple[int, bytes, int] | None, old: Any, new: Any, at: int) -> None:
        execute = self._connection.execute
        key, parent, group, _ = place
        if row is not None and row[2] < at:
            execute("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)", (key, parent, group, row[1], row[2], at))
        if new is None:
            assert row is not None
            execute("DELETE FROM documents WHERE id = ?", (row[0],))
        elif row is None:
            execute(
                "INSERT INTO documents (key, parent, grp, body, updated) VALUES (?, ?, ?, ?, ?)",
                (key, parent, group, new.SerializeToString(), at),
            )
        else:
            execute("UPDATE documents SET body = ?, updated = ? WHERE id = ?", (new.SerializeToString(), at, row[0]))
        before = self.indexes.entries(old) if old is not None else set()
        after = self.indexes.entries(new) if new is not None else set()
        if gone := before - after:
            self._connection.executemany(
                "DELETE FROM entries WHERE idx = ? AND value = ? AND key = ?", [(*entry, key) for entry in gone]
            )
        if come := after - before:
            self._connection.executemany(
                "INSERT OR IGNORE INTO entries VALUES (?, ?, ?)", [(*entry, key) for entry in come]
            )

    def expired(self, now: int, limit: int) -> list[Any]:
        """Up to `limit` documents whose time field for TTL, as the catalogue names it, is before `now` (us).

        What was written within the last hour stays: the demo writes documents of days long gone, and works with them.
        """
        found: list[Any] = []
        if not self.indexes.ttl:
            return found
        with self.snapshot() as snapshot:
            for document in snapshot.every():
                value = document.fields.get(self.indexes.ttl.get(locate(document.name).collection, ""))
                if value is None or value.WhichOneof("value_type") != "timestamp_value":
                    continue
                written = to_micros(document.update_time)
                if to_micros(value.timestamp_value) < now and written < now - _UNTOUCHED:
                    found.append(document)
                    if len(found) == limit:
                        break
        return found

    @staticmethod
    def now() -> int:
        """Microseconds since the epoch."""
        return time.time_ns() // 1000

    def tidy(self) -> None:
        """Drop versions that no read may ask for any more, and fold the write-ahead log into the file."""
        connection = self._readers.pop() if self._readers else self._connect()
        try:
            while self._prune(self.now() - self._history):
                pass
            log = self._path.with_name(self._path.name + "-wal")
            large = log.exists() and log.stat().st_size > _LARGE_LOG
            connection.execute(f"PRAGMA wal_checkpoint({'RESTART' if large else 'PASSIVE'})").fetchall()
        finally:
            self._readers.append(connection)

    def _prune(self, before: int) -> bool:
        """Drop some of the versions that were replaced before this time; returns whether there may be more."""
        oldest = "SELECT until FROM history WHERE until < ? ORDER BY until LIMIT ?"
        with self.snapshot() as snapshot:
            ends = [end for (end,) in snapshot.connection.execute(oldest, (before, _PRUNE_AT_ONCE))]
        if not ends:
            return False

        def prune(snapshot: Snapshot) -> None:
            snapshot.connection.execute("DELETE FROM history WHERE until <= ?", (ends[-1],))
            snapshot.connection.execute("INSERT OR REPLACE INTO meta VALUES ('horizon', ?)", (ends[-1],))

        self.submit([], prune)
        return len(ends) == _PRUNE_AT_ONCE

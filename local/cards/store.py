"""The SQLite file behind the card service: its objects, the answers it has given, the webhooks it has to send."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.durability import SYNCHRONOUS

FILE = "cards.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, parent TEXT NOT NULL,
  body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_parent ON objects (kind, parent);
CREATE TABLE IF NOT EXISTS answers (
  key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
  event TEXT PRIMARY KEY, due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
"""

Object = dict[str, Any]


class Store:
    """One connection behind one lock; whatever `changing` commits survives a crash of this process."""

    def __init__(self, folder: Path) -> None:
        """Open or create the file in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(folder / FILE, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
        self._connection.executescript(_SCHEMA)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """All or nothing, and nobody else meanwhile."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    def put(self, found: Object, parent: str = "") -> None:
        """Keep an object under its id, in place of what it was."""
        self._run(
            "INSERT INTO objects (id, kind, parent, body) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            *(found["id"], found["object"], parent, json.dumps(found)),
        )

    def get(self, kind: str, name: str) -> Object | None:
        """One object, or None."""
        rows = self._run("SELECT body FROM objects WHERE id = ? AND kind = ?", name, kind)
        return json.loads(rows[0][0]) if rows else None

    def of(self, kind: str, parent: str | None = None) -> list[Object]:
        """The objects of a kind, of one parent if it is named, the newest first."""
        where, values = ("", ()) if parent is None else (" AND parent = ?", (parent,))
        rows = self._run(f"SELECT body FROM objects WHERE kind = ?{where} ORDER BY number DESC", kind, *values)
        return [json.loads(row[0]) for row in rows]

    def answer(self, key: str) -> tuple[str, int, str] | None:
        """The request that came with an idempotency key, and its answer."""
        rows = self._run("SELECT request, status, body FROM answers WHERE key = ?", key)
        return rows[0] if rows else None

    def keep_answer(self, key: str, request: str, status: int, body: str) -> None:
        """Remember what was answered."""
        self._run("INSERT INTO answers VALUES (?, ?, ?, ?)", key, request, status, body)

    def queue(self, event: str) -> None:
        """An event is to be sent now, again if it was."""
        self._run("INSERT OR REPLACE INTO outbox VALUES (?, ?, 0)", event, time.time())

    def due(self) -> list[tuple[str, int]]:
        """Events to send now, with how often it was tried."""
        return self._run("SELECT event, attempts FROM outbox WHERE due <= ? ORDER BY due", time.time())

    def sent(self, event: str) -> None:
        """It was taken, or nobody tries it again."""
        self._run("DELETE FROM outbox WHERE event = ?", event)

    def later(self, event: str, seconds: float) -> None:
        """It was not taken: try again after so long."""
        self._run("UPDATE outbox SET due = ?, attempts = attempts + 1 WHERE event = ?", time.time() + seconds, event)

    def _run(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

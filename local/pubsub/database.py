"""The SQLite file behind Pub/Sub: schema, one connection, and transactions of two strengths.

WAL mode. Every committed transaction survives `kill -9`; a durable one has also been fsynced, so it survives a power
cut. What a client was told (a message is published, a topic exists) is durable; leases and acknowledgements are not
fsynced by themselves, since losing them only delivers a message once more.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.durability import SYNCHRONOUS

FILE = "pubsub.sqlite"

# `due` is a time of this process's monotonic clock, so it is reset whenever the file is opened: every message that was
# not acknowledged is due at once. A message that waits for an earlier one of its ordering key is due at WAITING.
WAITING = 1e18

_SCHEMA = """
CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subscriptions (
  key INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, published REAL NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
  subscription INTEGER NOT NULL, message INTEGER NOT NULL, ordering_key TEXT NOT NULL, due REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, leased INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (subscription, message)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (subscription, due, message);
CREATE INDEX IF NOT EXISTS deliveries_message ON deliveries (message);
CREATE INDEX IF NOT EXISTS deliveries_ordered ON deliveries (subscription, ordering_key, message)
  WHERE ordering_key <> '';
CREATE TABLE IF NOT EXISTS policies (resource TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
"""


class Database:
    """One connection behind one lock; all state of the engine that must last."""

    def __init__(self, folder: Path) -> None:
        """Open or create the file in `folder`; all that is unacknowledged becomes due."""
        folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(folder / FILE, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.executescript(_SCHEMA)
        self._connection.execute("UPDATE deliveries SET due = 0, leased = 0 WHERE due < ?", (WAITING,))

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """All rows that a query gives."""
        return self._connection.execute(statement, values).fetchall()

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Run one statement; inside `transaction` it is part of that."""
        return self._connection.execute(statement, values)

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """All or nothing, under the lock; a transaction inside another is a savepoint of it.

        With `durable` the outermost one is on the disk when the block ends.
        """
        with self.lock:
            outermost = self._depth == 0
            if outermost:
                self._connection.execute(f"PRAGMA synchronous={SYNCHRONOUS if durable else 'NORMAL'}")
            name = f"level{self._depth}"
            self._connection.execute("BEGIN IMMEDIATE" if outermost else f"SAVEPOINT {name}")
            self._depth += 1
            try:
                yield
                self._connection.execute("COMMIT" if outermost else f"RELEASE {name}")
            except BaseException:
                if outermost:
                    if self._connection.in_transaction:  # a full disk has rolled back already
                        self._connection.execute("ROLLBACK")
                else:
                    self._connection.execute(f"ROLLBACK TO {name}")
                    self._connection.execute(f"RELEASE {name}")
                raise
            finally:
                self._depth -= 1

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        with self.lock:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()


def backlog(folder: Path) -> dict[str, int]:
    """Unacknowledged messages by subscription name, read beside a running engine or without one."""
    connection = sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True)
    try:
        query = (
            "SELECT s.name, count(d.message) FROM subscriptions s LEFT JOIN deliveries d ON d.subscription = s.key "
            "GROUP BY s.key ORDER BY s.name"
        )
        return dict(connection.execute(query).fetchall())
    finally:
        connection.close()

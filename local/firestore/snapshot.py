"""What one instant of the store looks like, through a connection that is inside a SQLite transaction."""

import sqlite3
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from local.firestore.errors import failed_precondition
from local.firestore.protocol import Document

_COLUMNS = "key, body, updated"


class Row(NamedTuple):
    """A stored document: its key, the serialized Document, its version (update time in us)."""

    key: bytes
    body: bytes
    version: int


class Snapshot:
    """Reads of one instant: `at`, a past time in us, or None for the latest. `read_time` is for the client."""

    def __init__(self, connection: sqlite3.Connection, at: int | None, read_time: int) -> None:
        self.connection = connection
        self.at = at
        self.read_time = read_time

    @classmethod
    def open(cls, connection: sqlite3.Connection, at: int | None) -> "Snapshot":
        """The snapshot of a connection's transaction; raises FAILED_PRECONDITION when `at` is too long ago."""
        meta = dict(connection.execute("SELECT name, value FROM meta WHERE name IN ('last', 'horizon')"))
        last = meta.get("last", 0)
        if at is None or at >= last:
            return cls(connection, None, last if at is None else at)
        if at < meta.get("horizon", 0):
            raise failed_precondition("The requested snapshot version is too old.")
        return cls(connection, at, at)

    def get(self, keys: Collection[bytes]) -> dict[bytes, Row]:
        """The documents with these keys that exist."""
        found = self.scan(f"key IN ({','.join('?' * len(keys))})", tuple(keys))
        return {row.key: row for row in found}

    def versions(self, keys: Collection[bytes]) -> dict[bytes, int]:
        """The versions of those of these documents that exist now."""
        marks = ",".join("?" * len(keys))
        return dict(self.connection.execute(f"SELECT key, updated FROM documents WHERE key IN ({marks})", tuple(keys)))

    def scan(self, where: str, arguments: tuple[Any, ...], order: str = "") -> Iterator[Row]:
        """Documents by a condition on key, parent and grp; `order` is an ORDER BY clause."""
        if self.at is None:
            sql = f"SELECT {_COLUMNS} FROM documents WHERE {where} {order}"
        else:
            sql = (
                f"SELECT {_COLUMNS} FROM (SELECT {_COLUMNS} FROM documents WHERE {where} AND updated <= ? UNION ALL "
                f"SELECT {_COLUMNS} FROM history WHERE {where} AND updated <= ? AND until > ?) {order}"
            )
            arguments = (*arguments, self.at, *arguments, self.at, self.at)
        return map(Row._make, self.connection.execute(sql, arguments))

    def indexed(
        self,
        index: int,
        low: bytes,
        high: bytes,
        where: str,
        arguments: tuple[Any, ...],
        descending: bool,
        names_descending: bool,
    ) -> Iterator[tuple[Row, bytes]]:
        """(document, entry) of an index from `low` to below `high`, by entry, then by key; current documents only."""
        assert self.at is None, "indexes hold the present"
        direction, names = "DESC" if descending else "ASC", "DESC" if names_descending else "ASC"
        rows = self.connection.execute(
            "SELECT d.key, d.body, d.updated, e.value FROM entries e CROSS JOIN documents d ON d.key = e.key "
            f"WHERE e.idx = ? AND e.value >= ? AND e.value < ? {where} ORDER BY e.value {direction}, e.key {names}",
            (index, low, high, *arguments),
        )
        return ((Row(*row[:3]), row[3]) for row in rows)

    def every(self) -> Iterator[Any]:
        """All documents of all databases, parsed."""
        return (Document.FromString(body) for (body,) in self.connection.execute("SELECT body FROM documents"))

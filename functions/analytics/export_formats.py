"""Rows as CSV, JSON Lines or Parquet: written part by part, and the parts of a file put together as a stream.

A part is a piece of the file itself (of Parquet, a file with one row group), so that putting together is copying, and no
more than a part is ever in memory.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import IO, Any, Literal, NamedTuple, Protocol

from functions.analytics.export_models import Format
from functions.shared import clock

ColumnKind = Literal["text", "integer", "number", "flag", "time", "json"]
Row = dict[str, Any]

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins a formula for some spreadsheet, in full width too."""


class Column(NamedTuple):
    """A column with what is in it; `json` is a list or an object. Any value may be missing (None)."""

    name: str
    kind: ColumnKind


class Part(Protocol):
    """Some rows in their format, growing."""

    @property
    def size(self) -> int:
        """Bytes so far, about."""
        ...

    def add(self, rows: Sequence[Row]) -> None:
        """Append rows; columns that they lack are empty."""
        ...

    def content(self) -> bytes:
        """All of it; nothing is added after that."""
        ...


def part(format_: Format, columns: Sequence[Column], *, first: bool) -> Part:
    """A new part; the first one of a file has what stands at its beginning."""
    if format_ == "parquet":
        return _Parquet(columns)
    return _Csv(columns, first=first) if format_ == "csv" else _Lines(columns)


def put_together(format_: Format, parts: Iterable[bytes], file: IO[bytes]) -> None:
    """Write the file that consists of these parts, one in memory at a time."""
    if format_ != "parquet":
        for content in parts:
            file.write(content)
        return
    arrow, parquet = _arrow()
    writer = None
    for content in parts:
        table = parquet.read_table(arrow.BufferReader(content), use_threads=False)
        if writer is None:
            writer = parquet.ParquetWriter(arrow.PythonFile(file, mode="w"), table.schema, compression="zstd")
        if table.num_rows:
            writer.write_table(table, row_group_size=table.num_rows)
    if writer is not None:
        writer.close()


class _Lines:
    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns, self._lines, self.size = columns, list[bytes](), 0

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            shown = {column.name: _json(row.get(column.name)) for column in self._columns}
            line = json.dumps(shown, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"
            self._lines.append(line)
            self.size += len(line)

    def content(self) -> bytes:
        return b"".join(self._lines)


class _Csv:
    def __init__(self, columns: Sequence[Column], *, first: bool) -> None:
        self._columns, self._text = columns, io.StringIO(newline="")
        self._writer = csv.writer(self._text, lineterminator="\r\n")
        if first:
            self._writer.writerow([column.name for column in columns])

    @property
    def size(self) -> int:
        return self._text.tell()

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._writer.writerow([_cell(row.get(column.name), column.kind) for column in self._columns])

    def content(self) -> bytes:
        return self._text.getvalue().encode()


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.to_text(value)
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    return [_json(item) for item in value] if isinstance(value, list | tuple) else value


def _text(value: Any) -> str:
    return json.dumps(_json(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _cell(value: Any, kind: ColumnKind) -> str:
    """A value as text. What a spreadsheet would take for a formula is marked as text: visitors write what they like."""
    if value is None:
        return ""
    match kind:
        case "flag":
            return "true" if value else "false"
        case "time":
            return clock.to_text(value)
        case "integer" | "number":
            return str(value)
        case "json":
            return _text(value)
        case "text":
            return f"'{value}" if str(value)[:1] in FORMULAS and value else str(value)


class _Parquet:
    def __init__(self, columns: Sequence[Column]) -> None:
        arrow, _ = _arrow()
        kinds = {
            "text": arrow.string(),
            "integer": arrow.int64(),
            "number": arrow.float64(),
            "flag": arrow.bool_(),
            "time": arrow.timestamp("us", tz="UTC"),
            "json": arrow.string(),
        }
        self._columns = columns
        self._schema = arrow.schema([(column.name, kinds[column.kind]) for column in columns])
        self._batches: list[Any] = []
        self.size = 0

    def add(self, rows: Sequence[Row]) -> None:
        arrow, _ = _arrow()
        arrays = [
            arrow.array([_packed(row.get(column.name), column.kind) for row in rows], type=field.type)
            for column, field in zip(self._columns, self._schema, strict=True)
        ]
        batch = arrow.record_batch(arrays, schema=self._schema)
        self._batches.append(batch)
        self.size += batch.nbytes

    def content(self) -> bytes:
        arrow, parquet = _arrow()
        table = arrow.Table.from_batches(self._batches, schema=self._schema)
        sink = arrow.BufferOutputStream()
        parquet.write_table(table, sink, row_group_size=max(1, table.num_rows), compression="zstd")
        return bytes(sink.getvalue())


def _packed(value: Any, kind: ColumnKind) -> Any:
    return _text(value) if kind == "json" and value is not None else value


def _arrow() -> tuple[Any, Any]:
    """Arrow and its Parquet module, taking memory from the C library: Arrow's own allocator keeps what was given back."""
    import pyarrow as arrow
    from pyarrow import parquet

    arrow.set_memory_pool(arrow.system_memory_pool())
    return arrow, parquet

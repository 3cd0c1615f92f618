"""Reads which tables and table functions exist from the catalogue, the file that Terraform makes them from too."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# GoogleSQL type → DuckDB type. Money is INT64 nanos, so NUMERIC is left out on purpose.
STORAGE_TYPES = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "BOOL": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMPTZ",
    "DATE": "DATE",
}
# What the REST API calls a type in a table's schema.
WIRE_TYPES = {
    "STRING": "STRING",
    "INT64": "INTEGER",
    "FLOAT64": "FLOAT",
    "BOOL": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMP",
    "DATE": "DATE",
}


@dataclass(frozen=True)
class Column:
    """One column; `kind` is its GoogleSQL type."""

    name: str
    kind: str
    required: bool


@dataclass(frozen=True)
class Table:
    """A day-partitioned table that no query may read without a filter over its `partition` column."""

    name: str
    columns: tuple[Column, ...]
    partition: str
    cluster: tuple[str, ...]

    def column(self, name: str) -> Column | None:
        """The column of that name, if there is one."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True)
class Routine:
    """A table function: GoogleSQL with named arguments; `{dataset}` stands for the data set that it reads."""

    name: str
    arguments: tuple[tuple[str, str], ...]
    sql: str
    description: str


@dataclass(frozen=True)
class Catalogue:
    """Everything that the data set holds."""

    tables: dict[str, Table]
    routines: dict[str, Routine]


def read(path: Path) -> Catalogue:
    """The `bigquery` section of the catalogue; raises ValueError where it names a type that is not supported."""
    section: dict[str, Any] = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["bigquery"]
    tables = {name: _table(name, entry) for name, entry in section["tables"].items()}
    routines = {
        name: Routine(name, tuple(map(_argument, entry["arguments"])), entry["sql"], entry.get("description", ""))
        for name, entry in section.get("routines", {}).items()
    }
    columns = {column.name for table in tables.values() for column in table.columns}
    for routine in routines.values():
        for argument, kind in routine.arguments:
            _known(kind, f"argument {argument} of {routine.name}")
            if argument in columns:
                raise ValueError(f"argument {argument} of {routine.name} has the name of a column, which hides it")
    return Catalogue(tables, routines)


def _argument(text: str) -> tuple[str, str]:
    name, kind = text.split()
    return name, kind


def _table(name: str, entry: dict[str, Any]) -> Table:
    columns = tuple(
        Column(column, _known(kind.removesuffix("!"), f"{name}.{column}"), kind.endswith("!"))
        for column, kind in entry["columns"].items()
    )
    table = Table(name, columns, entry["partition"], tuple(entry.get("cluster", ())))
    partition = table.column(table.partition)
    if partition is None or partition.kind not in ("TIMESTAMP", "DATE"):
        raise ValueError(f"{name}: the partition column {table.partition} is not a TIMESTAMP or DATE column of it")
    return table


def _known(kind: str, where: str) -> str:
    if kind not in STORAGE_TYPES:
        raise ValueError(f"{where}: type {kind} is not one of {', '.join(STORAGE_TYPES)}")
    return kind

"""Takes one query's text through every step, to the statement that DuckDB runs and what it will read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import ErrorLevel, exp
from sqlglot.errors import SqlglotError, UnsupportedError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify_columns import qualify_columns, validate_qualify_columns
from sqlglot.optimizer.qualify_tables import qualify_tables
from sqlglot.optimizer.scope import walk_in_scope
from sqlglot.schema import MappingSchema

from local.bigquery.catalogue import Table
from local.bigquery.errors import Refusal, invalid_query, not_supported
from local.bigquery.sql import grammar, pruning, types
from local.bigquery.sql.resolve import Names, resolve
from local.bigquery.sql.rewrite import rewrite


@dataclass(frozen=True)
class Statement:
    """SQL for DuckDB with `$name` parameters, and the values that it uses."""

    sql: str
    values: dict[str, Any]

    def given(self, values: Mapping[str, Any]) -> "Statement":
        """The same with other values."""
        return replace(self, values={name: values[name] for name in self.values})


@dataclass(frozen=True)
class Reading:
    """A table that is read, the columns of it, and the limits on its days: (operator, whole days, statement)."""

    table: Table
    columns: frozenset[str]
    bounds: tuple[tuple[str, bool, Statement], ...]


@dataclass(frozen=True)
class Query:
    """A translated query."""

    statement: Statement
    readings: tuple[Reading, ...]

    def given(self, values: Mapping[str, Any]) -> "Query":
        """The same for other values of its parameters, which must be of the same types."""
        readings = tuple(
            replace(
                reading,
                bounds=tuple((operator, whole, bound.given(values)) for operator, whole, bound in reading.bounds),
            )
            for reading in self.readings
        )
        return Query(self.statement.given(values), readings)


def translate(text: str, names: Names) -> Query:
    """The query for DuckDB; raises Refusal for everything that is wrong or outside the subset."""
    try:
        return _translate(text, names)
    except RecursionError:
        raise invalid_query("The query is too deeply nested") from None


def _translate(text: str, names: Names) -> Query:
    tree = resolve(grammar.read(text), names)
    tree = _qualify(tree, names)
    assert isinstance(tree, exp.Query)
    _check_duplicates(tree)
    types.check(tree)
    readings = []
    for scan in pruning.scans(tree, names):
        bounds = tuple((b.operator, b.whole_days, _constant(b.value, names)) for b in scan.bounds)
        readings.append(Reading(scan.table, scan.columns, bounds))
    return Query(_generate(tree, names), tuple(readings))


def _check_duplicates(tree: exp.Query) -> None:
    seen: set[str] = set()
    for name in (column.alias_or_name.lower() for column in tree.selects):
        if name in seen:
            raise invalid_query(f"Duplicate column names in the result are not supported. Found duplicate(s): {name}")
        seen.add(name)


def _qualify(tree: exp.Expr, names: Names) -> exp.Expr:
    tables = {
        table.name: {column.name: column.kind for column in table.columns} for table in names.catalogue.tables.values()
    }
    schema = MappingSchema({names.project: {names.dataset: tables}}, dialect="bigquery", normalize=False)
    marked = _mark_names(tree)
    try:
        tree = qualify_tables(tree, dialect="bigquery")
        tree = qualify_columns(tree, schema, expand_alias_refs=True, dialect="bigquery")
        validate_qualify_columns(tree)
        _check_names(tree, marked)
        return annotate_types(tree, schema, dialect="bigquery")
    except SqlglotError as error:
        raise _unresolved(error, tree) from None


def _mark_names(tree: exp.Expr) -> dict[int, str]:
    """Mark names in places where GoogleSQL knows no alias of the same SELECT, though the qualifier would expand one."""
    marked: dict[int, str] = {}
    for select in tree.find_all(exp.Select):
        aliases = {column.alias for column in select.selects if column.alias}
        joins = select.args.get("joins") or []
        shared = {name.name for join in joins for name in join.args.get("using") or ()}
        places = [*select.selects, select.args.get("where"), *(join.args.get("on") for join in joins)]
        for place in filter(None, places):
            for column in walk_in_scope(place):
                if isinstance(column, exp.Column) and not column.table and column.name in aliases - shared:
                    column.meta["mark"] = len(marked)
                    marked[len(marked)] = column.name
    return marked


def _check_names(tree: exp.Expr, marked: dict[int, str]) -> None:
    """Raise Refusal where a marked name is gone: it was an alias, not a column."""
    left = {column.meta.get("mark") for column in tree.find_all(exp.Column)}
    for mark, name in marked.items():
        if mark not in left:
            raise invalid_query(f"Unrecognized name: {name}")


def _unresolved(error: SqlglotError, tree: exp.Expr) -> Refusal:
    text = str(error).splitlines()[0]
    if "could not be resolved" in text and "'" in text:
        name = text.split("'")[1]
        return invalid_query(f"Unrecognized name: {name}")
    return invalid_query(text)


def _constant(value: exp.Expr, names: Names) -> Statement:
    return _generate(exp.select(exp.alias_(value.copy(), "value")), names)


def _generate(tree: exp.Expr, names: Names) -> Statement:
    tree = rewrite(tree.copy())
    for table in tree.find_all(exp.Table):
        if table.catalog:
            table.set("catalog", None)
            table.this.set("quoted", True)
    try:
        sql = tree.sql("duckdb", identify=True, unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise not_supported(str(error)) from None
    used = {node.name for node in tree.find_all(exp.Parameter)}
    return Statement(sql, {name: names.parameters[name].value for name in sorted(used)})

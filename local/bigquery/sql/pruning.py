"""Finds which columns and days of each table a query reads: for the partition filter rule and the estimate of bytes."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from local.bigquery.catalogue import Table
from local.bigquery.errors import invalid_query
from local.bigquery.sql.resolve import Names, table_of

_FLIPPED = {exp.LT: exp.GT, exp.LTE: exp.GTE, exp.GT: exp.LT, exp.GTE: exp.LTE, exp.EQ: exp.EQ}


@dataclass(frozen=True)
class Bound:
    """A limit on the partition column: `operator` is <, <=, >, >= or =, `value` a constant expression.

    `whole_days` says that the column is compared as a DATE.
    """

    operator: str
    value: exp.Expr
    whole_days: bool


@dataclass
class Scan:
    """One reading of one table."""

    table: Table
    columns: frozenset[str]
    bounds: list[Bound] = field(default_factory=list)


def scans(tree: exp.Expr, names: Names) -> list[Scan]:
    """Every reading of a table in a qualified tree; raises Refusal where the partition filter is missing."""
    found = []
    for scope in traverse_scope(tree):
        if not isinstance(scope.expression, exp.Select):
            # An UNNEST beside a table sees that table too, and reads nothing of it.
            continue
        for alias, source in scope.sources.items():
            if not isinstance(source, exp.Table):
                continue
            table = table_of(source, names)
            if table is None:
                continue
            # Correlated subqueries of this scope name its tables too.
            used = {c.name for c in scope.expression.find_all(exp.Column) if c.table == alias}
            scan = Scan(table, frozenset(name for name in used if table.column(name)))
            limits = [_filters(condition, alias, scan) for condition in _conditions(scope, alias)]
            if not any(limits):
                raise invalid_query(
                    f"Cannot query over table '{names.project}.{names.dataset}.{table.name}' without a filter over "
                    f"column(s) '{table.partition}' that can be used for partition elimination"
                )
            found.append(scan)
    return found


def _conditions(scope: Scope, alias: str) -> Iterator[exp.Expr]:
    """The conditions that every row of `alias` has to meet, one by one."""
    where = scope.expression.args.get("where")
    if where is not None:
        yield from _conjuncts(where.this)
    for join in scope.expression.args.get("joins") or ():
        condition = join.args.get("on")
        if condition is not None and join.alias_or_name == alias and (join.side or "").upper() in ("", "LEFT"):
            yield from _conjuncts(condition)


def _conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        yield from _conjuncts(condition.this)
        yield from _conjuncts(condition.expression)
    else:
        yield condition


def _filters(condition: exp.Expr, alias: str, scan: Scan) -> bool:
    """Whether `condition` limits the partition column by constants; notes the limits in `scan`."""
    condition = condition.unnest()
    if isinstance(condition, exp.Or):
        # Each side must limit it, but which limit holds is open, so the estimate takes every day.
        sides = (condition.this, condition.expression)
        return all(any(_filters(c, alias, Scan(scan.table, scan.columns)) for c in _conjuncts(side)) for side in sides)
    if isinstance(condition, exp.Between):
        place = _partition(condition.this, alias, scan.table)
        low, high = condition.args["low"], condition.args["high"]
        if place is None or not (_constant(low) and _constant(high)):
            return False
        if place != "truncated":
            scan.bounds += [Bound(">=", low, place == "days"), Bound("<=", high, place == "days")]
        return True
    if isinstance(condition, exp.In):
        items = condition.expressions
        return bool(items) and _partition(condition.this, alias, scan.table) is not None and all(map(_constant, items))
    kind = type(condition)
    if kind not in _FLIPPED:
        return False
    for column, value, operator in (
        (condition.this, condition.expression, kind),
        (condition.expression, condition.this, _FLIPPED[kind]),
    ):
        place = _partition(column, alias, scan.table)
        if place is not None and _constant(value):
            if place != "truncated":
                sign = {exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.EQ: "="}[operator]
                scan.bounds.append(Bound(sign, value, place == "days"))
            return True
    return False


def _partition(node: exp.Expr, alias: str, table: Table) -> str | None:
    """How `node` is the partition column: plain, as days, truncated; None if it is something else."""
    node = node.unnest()
    if isinstance(node, exp.Column):
        is_partition = node.table == alias and node.name == table.partition
        column = table.column(table.partition)
        return ("days" if column and column.kind == "DATE" else "plain") if is_partition else None
    if isinstance(node, exp.Date | exp.Cast | exp.TsOrDsToDate) and not node.args.get("zone"):
        is_date = isinstance(node, exp.Date | exp.TsOrDsToDate) or node.to.this == exp.DataType.Type.DATE
        return "days" if is_date and _partition(node.this, alias, table) else None
    if isinstance(node, exp.TimestampTrunc | exp.DateTrunc):
        return "truncated" if _partition(node.this, alias, table) else None
    return None


def _constant(node: exp.Expr) -> bool:
    return node.find(exp.Column, exp.Query) is None


def days(bounds: list[tuple[str, bool, object]]) -> tuple[datetime.date, datetime.date]:
    """First and last day that evaluated bounds (operator, whole_days, value) leave; a NULL bound leaves none."""
    first, last = datetime.date.min, datetime.date.max
    tick = datetime.timedelta(microseconds=1)
    for operator, whole_days, value in bounds:
        if value is None:
            return datetime.date.max, datetime.date.min
        if whole_days or not isinstance(value, datetime.datetime):
            day = value.date() if isinstance(value, datetime.datetime) else value
            assert isinstance(day, datetime.date)
            low = day + datetime.timedelta(days=1) if operator == ">" else day
            high = day - datetime.timedelta(days=1) if operator == "<" else day
        else:
            moment = value.astimezone(datetime.UTC)
            low = moment.date()
            high = (moment - tick).date() if operator == "<" else moment.date()
        if operator in (">", ">=", "="):
            first = max(first, low)
        if operator in ("<", "<=", "="):
            last = min(last, high)
    return first, last

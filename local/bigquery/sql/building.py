"""Builds the small pieces of DuckDB SQL that the rewriting rules are made of."""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

Rule = Callable[[Any], exp.Expr]


def call(name: str, *arguments: exp.Expr | str | int | None) -> exp.Anonymous:
    """A DuckDB function, by its own name; plain strings and numbers become literals, absent arguments are left out."""
    given = [exp.convert(a) if isinstance(a, str | int) else a.copy() for a in arguments if a is not None]
    return exp.Anonymous(this=name, expressions=given)


def cast(node: exp.Expr, kind: str) -> exp.Expr:
    """CAST(node AS kind), a DuckDB type."""
    return exp.Cast(this=node.copy(), to=exp.DataType.build(kind, dialect="duckdb"))


def either(condition: exp.Expr, then: exp.Expr, other: exp.Expr) -> exp.Expr:
    """CASE WHEN condition THEN then ELSE other END."""
    return exp.Paren(this=exp.Case(ifs=[exp.If(this=condition, true=then)], default=other.copy()))


def fail(text: str) -> exp.Expr:
    """An expression that fails with `text` when it is reached."""
    return call("error", text)

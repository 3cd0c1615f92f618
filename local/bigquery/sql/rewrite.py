"""Writes each GoogleSQL operation whose meaning differs in DuckDB in terms that mean the same there.

The tree that comes in is qualified and every node knows its type. Each rule takes one node whose children are
rewritten already and returns what stands for it.
"""

from sqlglot import exp

from local.bigquery.errors import invalid_query, not_supported
from local.bigquery.sql.building import Rule, call, cast, either, fail
from local.bigquery.sql.times import TIME_RULES
from local.bigquery.sql.types import family, is_text


def rewrite(tree: exp.Expr) -> exp.Expr:
    """`tree` for DuckDB; raises Refusal where an argument lies outside the subset."""
    for node in reversed(list(tree.walk())):
        rule = _RULES.get(type(node))
        if rule is None:
            continue
        new = rule(node)
        if new is node:
            continue
        new.type = node.type
        if node is tree:
            tree = new
        else:
            node.replace(new)
    return tree


# Numbers ------------------------------------------------------------------------------------------------------------


def _literal(node: exp.Literal) -> exp.Expr:
    if node.is_string:
        return node
    if not node.this.isdigit():
        return cast(exp.Literal.number(node.this), "DOUBLE")
    # A bare whole number is 32 bits wide in DuckDB, and would overflow in arithmetic.
    return cast(node, "BIGINT") if isinstance(node.parent, exp.Add | exp.Sub | exp.Mul | exp.Mod | exp.IntDiv) else node


def _divide(node: exp.Div) -> exp.Expr:
    zero = exp.EQ(this=node.expression.copy(), expression=exp.Literal.number(0))
    return either(zero, fail("division by zero"), _quotient(node))


def _quotient(node: exp.Binary | exp.SafeDivide) -> exp.Expr:
    return exp.Div(this=cast(node.this, "DOUBLE"), expression=cast(node.expression, "DOUBLE"), typed=False, safe=True)


def _safe_divide(node: exp.SafeDivide) -> exp.Expr:
    zero = exp.EQ(this=node.expression.copy(), expression=exp.Literal.number(0))
    return either(zero, exp.Null(), _quotient(node))


def _whole_divide(node: exp.IntDiv) -> exp.Expr:
    zero = exp.EQ(this=node.expression.copy(), expression=exp.Literal.number(0))
    return either(zero, fail("division by zero"), call("divide", node.this, node.expression))


def _modulo(node: exp.Mod) -> exp.Expr:
    zero = exp.EQ(this=node.expression.copy(), expression=exp.Literal.number(0))
    return either(zero, fail("division by zero"), call("mod", node.this, node.expression))


def _whole_aggregate(node: exp.Sum | exp.CountIf) -> exp.Expr:
    """DuckDB widens to 128 bits; BigQuery stays at INT64 and fails on overflow, as the cast does."""
    if isinstance(node, exp.Sum) and family(node.this) != "INT64":
        return node
    return node if isinstance(node.parent, exp.Window) else cast(node, "BIGINT")


def _window(node: exp.Window) -> exp.Expr:
    inner = node.this
    whole = isinstance(inner, exp.CountIf) or (isinstance(inner, exp.Sum) and family(inner.this) == "INT64")
    return cast(node, "BIGINT") if whole else node


def _float_function(node: exp.Round | exp.Floor | exp.Ceil) -> exp.Expr:
    name = {exp.Round: "round", exp.Floor: "floor", exp.Ceil: "ceil"}[type(node)]
    return call(name, cast(node.this, "DOUBLE"), node.args.get("decimals"))


def _extreme(node: exp.Greatest | exp.Least) -> exp.Expr:
    """BigQuery: NULL as soon as one argument is NULL."""
    every = [node.this, *node.expressions]
    absent = exp.or_(*(exp.Is(this=item.copy(), expression=exp.Null()) for item in every))
    return either(absent, exp.Null(), call("greatest" if isinstance(node, exp.Greatest) else "least", *every))


def _quantiles(node: exp.ApproxQuantiles) -> exp.Expr:
    """Exact here: the approximation of exact values is the values."""
    count = node.expression
    if not isinstance(count, exp.Literal) or not count.this.isdigit() or int(count.this) < 1:
        raise invalid_query("Argument 2 to APPROX_QUANTILES must be a positive INT64 literal")
    steps = int(count.this)
    points = exp.Array(expressions=[exp.Literal.number(step / steps) for step in range(steps + 1)])
    return call("quantile_disc", node.this, points)


def _distinct_count(node: exp.ApproxDistinct) -> exp.Expr:
    return exp.Count(this=exp.Distinct(expressions=[node.this.copy()]))


# Casts --------------------------------------------------------------------------------------------------------------


def _convert(node: exp.Cast) -> exp.Expr:
    safe = isinstance(node, exp.TryCast)
    source, target = family(node.this), family(node)
    if isinstance(node.this, exp.Parameter) or source in ("NULL", "ARRAY", target):
        return node
    if source is None:
        raise not_supported(f"CAST of an expression of unknown type ({node.this.sql('bigquery')})")
    if (source, target) == ("FLOAT64", "STRING"):
        raise not_supported("CAST of FLOAT64 to STRING")
    if (source, target) == ("FLOAT64", "INT64"):
        return (
            exp.TryCast(this=call("round", node.this), to=node.args["to"])
            if safe
            else cast(call("round", node.this), "BIGINT")
        )
    if (source, target) == ("STRING", "INT64"):
        digits = call("regexp_full_match", node.this, r"\s*[+-]?\d+\s*")
        wrong = (
            exp.Null()
            if safe
            else call("error", exp.DPipe(this=exp.convert("Bad int64 value: "), expression=node.this.copy()))
        )
        absent = exp.Is(this=node.this.copy(), expression=exp.Null())
        number: exp.Expr = exp.TryCast(this=node.this.copy(), to=node.args["to"]) if safe else cast(node.this, "BIGINT")
        return either(exp.or_(digits, absent), number, wrong)
    return node


# Text and arrays ----------------------------------------------------------------------------------------------------


def _concat(node: exp.Concat) -> exp.Expr:
    for part in node.expressions:
        if not is_text(part):
            raise invalid_query(f"No matching signature for function CONCAT for argument type {family(part)}")
    whole = node.expressions[0].copy()
    for part in node.expressions[1:]:
        whole = exp.DPipe(this=whole, expression=part.copy())
    return exp.Paren(this=whole)


def _like(node: exp.Like) -> exp.Expr:
    """A backslash escapes in GoogleSQL's patterns without being told to."""
    return exp.Escape(
        this=exp.Like(this=node.this.copy(), expression=node.expression.copy()), expression=exp.convert("\\")
    )


def _sha256(node: exp.LowerHex) -> exp.Expr:
    return call("sha256", node.this.this)


def _element(node: exp.Bracket) -> exp.Expr:
    offset = node.args.get("offset")
    if offset is None:
        raise invalid_query("Array element access without OFFSET or ORDINAL is not supported by the local BigQuery")
    (index,) = node.expressions
    place = (
        index.copy() if offset == 1 else exp.Paren(this=exp.Add(this=index.copy(), expression=exp.Literal.number(1)))
    )
    found = call("list_extract", node.this, place)
    if isinstance(node.this, exp.Anonymous) and node.this.name == "quantile_disc" and isinstance(index, exp.Literal):
        # Asked for by every page of latencies: computed once, not once for each check.
        if int(index.this) - offset >= len(node.this.expressions[1].expressions):
            raise invalid_query("Array index is out of bounds")
        return found
    inside = exp.Between(this=place.copy(), low=exp.Literal.number(1), high=call("len", node.this))
    if node.args.get("safe"):
        return either(inside, found, exp.Null())
    absent = exp.Is(this=node.this.copy(), expression=exp.Null())
    return either(exp.or_(absent, inside), found, fail("Array index is out of bounds"))


def _in(node: exp.In) -> exp.Expr:
    unnest = node.args.get("unnest")
    if unnest is None:
        return node
    array = unnest.expressions[0] if isinstance(unnest, exp.Unnest) else unnest
    absent = exp.Is(this=array.copy(), expression=exp.Null())
    return either(absent, exp.false(), call("list_contains", array, node.this))


def _array_agg(node: exp.ArrayAgg) -> exp.Expr:
    # IGNORE NULLS stands around the function, whose rule then does both.
    return node if isinstance(node.parent, exp.IgnoreNulls) else _list(node, ignore_nulls=False)


def _ignore_nulls(node: exp.IgnoreNulls) -> exp.Expr:
    return _list(node.this, ignore_nulls=True) if isinstance(node.this, exp.ArrayAgg) else node


def _list(node: exp.ArrayAgg, *, ignore_nulls: bool) -> exp.Expr:
    value, limit, order = node.this, None, None
    while isinstance(value, exp.Limit | exp.Order):
        if isinstance(value, exp.Limit):
            limit = value.expression
        else:
            order = [key.copy() for key in value.expressions]
        value = value.this
    inner = exp.Order(this=value.copy(), expressions=order) if order else value.copy()
    made: exp.Expr = exp.Anonymous(this="list", expressions=[inner])
    if ignore_nulls:
        plain = value.expressions[0] if isinstance(value, exp.Distinct) else value
        present = exp.Not(this=exp.Is(this=plain.copy(), expression=exp.Null()))
        made = exp.Filter(this=made, expression=exp.Where(this=present))
    return made if limit is None else exp.Anonymous(this="list_slice", expressions=[made, exp.convert(1), limit.copy()])


def _rename(name: str) -> Rule:
    return lambda node: call(name, node.this, *([node.expression] if node.expression else []))


_RULES: dict[type[exp.Expr], Rule] = {
    **TIME_RULES,
    exp.Literal: _literal,
    exp.Div: _divide,
    exp.SafeDivide: _safe_divide,
    exp.IntDiv: _whole_divide,
    exp.Mod: _modulo,
    exp.Sum: _whole_aggregate,
    exp.CountIf: _whole_aggregate,
    exp.Window: _window,
    exp.Round: _float_function,
    exp.Floor: _float_function,
    exp.Ceil: _float_function,
    exp.Greatest: _extreme,
    exp.Least: _extreme,
    exp.ApproxQuantiles: _quantiles,
    exp.ApproxDistinct: _distinct_count,
    exp.Cast: _convert,
    exp.TryCast: _convert,
    exp.Concat: _concat,
    exp.Like: _like,
    exp.LowerHex: _sha256,
    exp.Bracket: _element,
    exp.In: _in,
    exp.ArrayAgg: _array_agg,
    exp.IgnoreNulls: _ignore_nulls,
    exp.ArraySize: _rename("len"),
    exp.RegexpLike: _rename("regexp_matches"),
}

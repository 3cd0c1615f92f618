"""Writes each GoogleSQL operation whose meaning differs in DuckDB in terms that mean the same there.

The tree that comes in is qualified and every node knows its type. Each rule takes one node whose children are
rewritten already and returns what stands for it.
"""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from local.bigquery.errors import invalid_query, not_supported
from local.bigquery.sql.types import family, is_text

Rule = Callable[[Any], exp.Expr]

_TIME_UNITS = {"MICROSECOND": 1, "MILLISECOND": 10**3, "SECOND": 10**6, "MINUTE": 60 * 10**6, "HOUR": 3600 * 10**6}
_DATE_UNITS = ("DAY", "ISOWEEK", "WEEK(MONDAY)", "MONTH", "QUARTER", "ISOYEAR", "YEAR")
_ENGINE_UNITS = {"ISOWEEK": "week", "WEEK(MONDAY)": "week"}
_PARTS = {"YEAR", "ISOYEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "DAYOFYEAR"}
_DIRECTIVES = set("YmdHMSjyBbAa%")


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


def call(name: str, *arguments: exp.Expr | str | int | None) -> exp.Anonymous:
    """A DuckDB function, by its own name; plain strings and numbers become literals, absent arguments are left out."""
    given = [exp.convert(a) if isinstance(a, str | int) else a.copy() for a in arguments if a is not None]
    return exp.Anonymous(this=name, expressions=given)


def _cast(node: exp.Expr, kind: str) -> exp.Expr:
    return exp.Cast(this=node.copy(), to=exp.DataType.build(kind, dialect="duckdb"))


def _either(condition: exp.Expr, then: exp.Expr, other: exp.Expr) -> exp.Expr:
    return exp.Paren(this=exp.Case(ifs=[exp.If(this=condition, true=then)], default=other.copy()))


def _fail(text: str) -> exp.Expr:
    return call("error", text)


# Numbers ------------------------------------------------------------------------------------------------------------


def _literal(node: exp.Literal) -> exp.Expr:
    if node.is_string:
        return node
    if not node.this.isdigit():
        return _cast(exp.Literal.number(node.this), "DOUBLE")
    # A bare whole number is 32 bits wide in DuckDB, and would overflow in arithmetic.
    return (
        _cast(node, "BIGINT") if isinstance(node.parent, exp.Add | exp.Sub | exp.Mul | exp.Mod | exp.IntDiv) else node
    )


def _divide(node: exp.Div) -> exp.Expr:
    zero = exp.EQ(this=node.expression.copy(), expression=exp.Literal.number(0))
    return _either(zero, _fail("division by zero"), _quotient(node))


def _quotient(node: exp.Binary | exp.SafeDivide) -> exp.Expr:
    return exp.Div(this=_cast(node.this, "DOUBLE"), expression=_cast(node.expression, "DOUBLE"), typed=False, safe=True)


def _safe_divide(node: exp.SafeDivide) -> exp.Expr:
    zero = exp.EQ(this=node.expression.copy(), expression=exp.Literal.number(0))
    return _either(zero, exp.Null(), _quotient(node))


def _whole_divide(node: exp.IntDiv) -> exp.Expr:
    zero = exp.EQ(this=node.expression.copy(), expression=exp.Literal.number(0))
    return _either(zero, _fail("division by zero"), call("divide", node.this, node.expression))


def _modulo(node: exp.Mod) -> exp.Expr:
    zero = exp.EQ(this=node.expression.copy(), expression=exp.Literal.number(0))
    return _either(zero, _fail("division by zero"), call("mod", node.this, node.expression))


def _whole_aggregate(node: exp.Sum | exp.CountIf) -> exp.Expr:
    """DuckDB widens to 128 bits; BigQuery stays at INT64 and fails on overflow, as the cast does."""
    if isinstance(node, exp.Sum) and family(node.this) != "INT64":
        return node
    return node if isinstance(node.parent, exp.Window) else _cast(node, "BIGINT")


def _window(node: exp.Window) -> exp.Expr:
    inner = node.this
    whole = isinstance(inner, exp.CountIf) or (isinstance(inner, exp.Sum) and family(inner.this) == "INT64")
    return _cast(node, "BIGINT") if whole else node


def _float_function(node: exp.Round | exp.Floor | exp.Ceil) -> exp.Expr:
    name = {exp.Round: "round", exp.Floor: "floor", exp.Ceil: "ceil"}[type(node)]
    return call(name, _cast(node.this, "DOUBLE"), node.args.get("decimals"))


def _extreme(node: exp.Greatest | exp.Least) -> exp.Expr:
    """BigQuery: NULL as soon as one argument is NULL."""
    every = [node.this, *node.expressions]
    absent = exp.or_(*(exp.Is(this=item.copy(), expression=exp.Null()) for item in every))
    return _either(absent, exp.Null(), call("greatest" if isinstance(node, exp.Greatest) else "least", *every))


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
            else _cast(call("round", node.this), "BIGINT")
        )
    if (source, target) == ("STRING", "INT64"):
        digits = call("regexp_full_match", node.this, r"\s*[+-]?\d+\s*")
        wrong = (
            exp.Null()
            if safe
            else call("error", exp.DPipe(this=exp.convert("Bad int64 value: "), expression=node.this.copy()))
        )
        absent = exp.Is(this=node.this.copy(), expression=exp.Null())
        number: exp.Expr = (
            exp.TryCast(this=node.this.copy(), to=node.args["to"]) if safe else _cast(node.this, "BIGINT")
        )
        return _either(exp.or_(digits, absent), number, wrong)
    return node


def _timestamp(node: exp.Timestamp) -> exp.Expr:
    if node.expression and isinstance(node.expression, exp.Expr):
        return call("timezone", node.expression, _cast(node.this, "TIMESTAMP"))
    zone = node.args.get("zone")
    if zone is not None:
        return call("timezone", zone, _cast(node.this, "TIMESTAMP"))
    return _cast(node.this, "TIMESTAMPTZ")


def _date(node: exp.Date) -> exp.Expr:
    return _cast(_local(node.this, node.args.get("zone")), "DATE")


def _plain_cast(kind: str) -> Rule:
    return lambda node: _cast(node.this, kind)


# Time ---------------------------------------------------------------------------------------------------------------


def _local(moment: exp.Expr, zone: exp.Expr | None) -> exp.Expr:
    return moment if zone is None else call("timezone", zone, moment)


def _unit(node: exp.Expr, allowed: tuple[str, ...]) -> str:
    unit = node.args.get("unit")
    name = f"WEEK({unit.this.name})" if isinstance(unit, exp.WeekStart) else (unit.name if unit is not None else "DAY")
    name = name.upper()
    if name not in allowed:
        raise not_supported(
            f"Date part {name} in {node.sql_name() if isinstance(node, exp.Func) else node.key.upper()}"
        )
    return name


def _timestamp_trunc(node: exp.TimestampTrunc) -> exp.Expr:
    unit = _unit(node, (*_TIME_UNITS, *_DATE_UNITS))
    zone = node.args.get("zone")
    if zone is not None and unit in _TIME_UNITS:
        raise not_supported(f"TIMESTAMP_TRUNC to {unit} in a time zone")
    if zone is None:
        return call("date_trunc", _engine_unit(unit), node.this)
    return call("timezone", zone, _cast(call("date_trunc", _engine_unit(unit), _local(node.this, zone)), "TIMESTAMP"))


def _date_trunc(node: exp.DateTrunc) -> exp.Expr:
    return _cast(call("date_trunc", _engine_unit(_unit(node, _DATE_UNITS)), _cast(node.this, "DATE")), "DATE")


def _engine_unit(unit: str) -> str:
    return _ENGINE_UNITS.get(unit, unit.lower())


def _timestamp_diff(node: exp.TimestampDiff) -> exp.Expr:
    """Whole units that have passed, not boundaries."""
    unit = _unit(node, (*_TIME_UNITS, "DAY"))
    return call("date_sub", unit.lower(), node.expression, node.this)


def _date_diff(node: exp.DateDiff) -> exp.Expr:
    """Boundaries that lie between."""
    unit = _unit(node, ("DAY", "MONTH", "QUARTER", "YEAR"))
    return call("date_diff", unit.lower(), _cast(node.expression, "DATE"), _cast(node.this, "DATE"))


def _count(node: exp.Expr) -> exp.Expr:
    given = node.expression
    given = given.this if isinstance(given, exp.Interval) else given
    if isinstance(given, exp.Literal):
        given = exp.Literal.number(given.this)
    return _cast(given, "BIGINT")


def _timestamp_shift(node: exp.TimestampAdd | exp.TimestampSub) -> exp.Expr:
    unit = _unit(node, (*_TIME_UNITS, "DAY"))
    size = _TIME_UNITS.get(unit, 24 * 3600 * 10**6)
    span = call("to_microseconds", exp.Mul(this=_count(node), expression=_cast(exp.Literal.number(size), "BIGINT")))
    operator = exp.Add if isinstance(node, exp.TimestampAdd) else exp.Sub
    return exp.Paren(this=operator(this=node.this.copy(), expression=span))


def _date_shift(node: exp.DateAdd | exp.DateSub) -> exp.Expr:
    unit = _unit(node, ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR"))
    function = {"QUARTER": "to_quarters"}.get(unit, f"to_{unit.lower()}s")
    operator = exp.Add if isinstance(node, exp.DateAdd) else exp.Sub
    span = call(function, _cast(_count(node), "INTEGER"))
    return _cast(exp.Paren(this=operator(this=_cast(node.this, "DATE"), expression=span)), "DATE")


def _extract(node: exp.Extract) -> exp.Expr:
    part = node.this.name.upper()
    if isinstance(node.this, exp.WeekStart):
        part = f"WEEK({node.this.this.name})".upper()
    moment = node.expression
    if isinstance(moment, exp.AtTimeZone):
        moment = call("timezone", moment.args["zone"], moment.this)
    if part == "DATE":
        return _cast(moment, "DATE")
    if part == "DAYOFWEEK":
        return exp.Paren(this=exp.Add(this=call("dayofweek", moment), expression=exp.Literal.number(1)))
    if part == "ISOWEEK":
        return call("weekofyear", moment)
    if part not in _PARTS:
        raise not_supported(f"EXTRACT({part})")
    return call({"DAYOFYEAR": "dayofyear"}.get(part, part.lower()), moment)


def _format(node: exp.TimeToStr) -> exp.Expr:
    pattern = node.args["format"]
    if not isinstance(pattern, exp.Literal):
        raise not_supported("A format that is not a literal")
    text = pattern.this.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S")
    for place, sign in enumerate(text):
        if sign == "%" and (place == 0 or text[place - 1] != "%") and text[place + 1 : place + 2] not in _DIRECTIVES:
            raise not_supported(f"Format element %{text[place + 1 : place + 2]}")
    return call("strftime", _cast(_local(node.this, node.args.get("zone")), "TIMESTAMP"), text)


def _unix(name: str, divisor: int) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        whole = call("epoch_us", node.this)
        # Rounds towards the past, as BigQuery does, also before 1970.
        return (
            _cast(call("floor", exp.Div(this=whole, expression=exp.Literal.number(divisor))), "BIGINT")
            if divisor > 1
            else whole
        )

    rule.__name__ = name
    return rule


def _from_unix(node: exp.UnixToTime) -> exp.Expr:
    scale = node.args.get("scale")
    size = 10 ** (6 - int(scale.this)) if isinstance(scale, exp.Literal) else 10**6
    return call(
        "make_timestamptz",
        exp.Mul(this=_cast(node.this, "BIGINT"), expression=_cast(exp.Literal.number(size), "BIGINT")),
    )


def _today(node: exp.CurrentDate) -> exp.Expr:
    return _cast(_local(call("now"), node.this if isinstance(node.this, exp.Expr) else None), "DATE")


def _series(kind: str) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        step = node.args.get("step") or node.args.get("interval")
        span: exp.Expr
        if isinstance(step, exp.Interval):
            unit = (step.args["unit"].name if step.args.get("unit") else "DAY").lower()
            amount = step.this
            amount = exp.Literal.number(amount.this) if isinstance(amount, exp.Literal) else amount
            span = call(f"to_{unit}s", _cast(amount, "INTEGER"))
        elif step is None:
            span = call("to_days", 1) if kind == "DATE" else exp.Literal.number(1)
        else:
            span = step
        ends = [_cast(node.args[name], kind) for name in ("start", "end")]
        return _cast(call("generate_series", *ends, span), f"{kind}[]")

    return rule


# Text and arrays ----------------------------------------------------------------------------------------------------


def _concat(node: exp.Concat) -> exp.Expr:
    for part in node.expressions:
        if not is_text(part):
            raise invalid_query(f"No matching signature for function CONCAT for argument type {family(part)}")
    whole = node.expressions[0].copy()
    for part in node.expressions[1:]:
        whole = exp.DPipe(this=whole, expression=part.copy())
    return exp.Paren(this=whole)


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
        return _either(inside, found, exp.Null())
    absent = exp.Is(this=node.this.copy(), expression=exp.Null())
    return _either(exp.or_(absent, inside), found, _fail("Array index is out of bounds"))


def _in(node: exp.In) -> exp.Expr:
    unnest = node.args.get("unnest")
    if unnest is None:
        return node
    array = unnest.expressions[0] if isinstance(unnest, exp.Unnest) else unnest
    absent = exp.Is(this=array.copy(), expression=exp.Null())
    return _either(absent, exp.false(), call("list_contains", array, node.this))


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
    exp.Timestamp: _timestamp,
    exp.Date: _date,
    exp.DateFromParts: lambda node: call("make_date", node.args["year"], node.args["month"], node.args["day"]),
    exp.TsOrDsToTimestamp: _plain_cast("TIMESTAMPTZ"),
    exp.TsOrDsToDate: _plain_cast("DATE"),
    exp.TimestampTrunc: _timestamp_trunc,
    exp.DateTrunc: _date_trunc,
    exp.TimestampDiff: _timestamp_diff,
    exp.DateDiff: _date_diff,
    exp.TimestampAdd: _timestamp_shift,
    exp.TimestampSub: _timestamp_shift,
    exp.DateAdd: _date_shift,
    exp.DateSub: _date_shift,
    exp.Extract: _extract,
    exp.TimeToStr: _format,
    exp.UnixSeconds: _unix("seconds", 10**6),
    exp.UnixMillis: _unix("millis", 10**3),
    exp.UnixMicros: _unix("micros", 1),
    exp.UnixToTime: _from_unix,
    exp.CurrentDate: _today,
    exp.CurrentTimestamp: lambda node: call("now"),
    exp.GenerateDateArray: _series("DATE"),
    exp.GenerateTimestampArray: _series("TIMESTAMPTZ"),
    exp.GenerateSeries: _series("BIGINT"),
    exp.Concat: _concat,
    exp.LowerHex: _sha256,
    exp.Bracket: _element,
    exp.In: _in,
    exp.ArrayAgg: _array_agg,
    exp.IgnoreNulls: _ignore_nulls,
    exp.ArraySize: _rename("len"),
    exp.RegexpLike: _rename("regexp_matches"),
}

"""The rules for dates and times, where the two dialects differ most; all without a zone means UTC."""

from sqlglot import exp

from local.bigquery.errors import not_supported
from local.bigquery.sql.building import Rule, call, cast

_TIME_UNITS = {"MICROSECOND": 1, "MILLISECOND": 10**3, "SECOND": 10**6, "MINUTE": 60 * 10**6, "HOUR": 3600 * 10**6}
_DATE_UNITS = ("DAY", "ISOWEEK", "WEEK(MONDAY)", "MONTH", "QUARTER", "ISOYEAR", "YEAR")
_ENGINE_UNITS = {"ISOWEEK": "week", "WEEK(MONDAY)": "week"}
_PARTS = {"YEAR", "ISOYEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "DAYOFYEAR"}
_DIRECTIVES = set("YmdHMSjyBbAa%")


def _timestamp(node: exp.Timestamp) -> exp.Expr:
    if node.expression and isinstance(node.expression, exp.Expr):
        return call("timezone", node.expression, cast(node.this, "TIMESTAMP"))
    zone = node.args.get("zone")
    if zone is not None:
        return call("timezone", zone, cast(node.this, "TIMESTAMP"))
    return cast(node.this, "TIMESTAMPTZ")


def _date(node: exp.Date) -> exp.Expr:
    return cast(_local(node.this, node.args.get("zone")), "DATE")


def _plain_cast(kind: str) -> Rule:
    return lambda node: cast(node.this, kind)


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
    return call("timezone", zone, cast(call("date_trunc", _engine_unit(unit), _local(node.this, zone)), "TIMESTAMP"))


def _date_trunc(node: exp.DateTrunc) -> exp.Expr:
    return cast(call("date_trunc", _engine_unit(_unit(node, _DATE_UNITS)), cast(node.this, "DATE")), "DATE")


def _engine_unit(unit: str) -> str:
    return _ENGINE_UNITS.get(unit, unit.lower())


def _timestamp_diff(node: exp.TimestampDiff) -> exp.Expr:
    """Whole units that have passed, not boundaries."""
    unit = _unit(node, (*_TIME_UNITS, "DAY"))
    return call("date_sub", unit.lower(), node.expression, node.this)


def _date_diff(node: exp.DateDiff) -> exp.Expr:
    """Boundaries that lie between."""
    unit = _unit(node, ("DAY", "MONTH", "QUARTER", "YEAR"))
    return call("date_diff", unit.lower(), cast(node.expression, "DATE"), cast(node.this, "DATE"))


def _count(node: exp.Expr) -> exp.Expr:
    given = node.expression
    given = given.this if isinstance(given, exp.Interval) else given
    if isinstance(given, exp.Literal):
        given = exp.Literal.number(given.this)
    return cast(given, "BIGINT")


def _timestamp_shift(node: exp.TimestampAdd | exp.TimestampSub) -> exp.Expr:
    unit = _unit(node, (*_TIME_UNITS, "DAY"))
    size = _TIME_UNITS.get(unit, 24 * 3600 * 10**6)
    span = call("to_microseconds", exp.Mul(this=_count(node), expression=cast(exp.Literal.number(size), "BIGINT")))
    operator = exp.Add if isinstance(node, exp.TimestampAdd) else exp.Sub
    return exp.Paren(this=operator(this=node.this.copy(), expression=span))


def _date_shift(node: exp.DateAdd | exp.DateSub) -> exp.Expr:
    unit = _unit(node, ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR"))
    function = {"QUARTER": "to_quarters"}.get(unit, f"to_{unit.lower()}s")
    operator = exp.Add if isinstance(node, exp.DateAdd) else exp.Sub
    span = call(function, cast(_count(node), "INTEGER"))
    return cast(exp.Paren(this=operator(this=cast(node.this, "DATE"), expression=span)), "DATE")


def _extract(node: exp.Extract) -> exp.Expr:
    part = node.this.name.upper()
    if isinstance(node.this, exp.WeekStart):
        part = f"WEEK({node.this.this.name})".upper()
    moment = node.expression
    if isinstance(moment, exp.AtTimeZone):
        moment = call("timezone", moment.args["zone"], moment.this)
    if part == "DATE":
        return cast(moment, "DATE")
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
    return call("strftime", cast(_local(node.this, node.args.get("zone")), "TIMESTAMP"), text)


def _unix(unit: str, size: int) -> Rule:
    """Rounds towards the past, as BigQuery does, also before 1970; in whole numbers throughout."""
    return lambda node: call("divide", call("epoch_us", call("date_trunc", unit, node.this)), size)


def _from_unix(node: exp.UnixToTime) -> exp.Expr:
    scale = node.args.get("scale")
    size = 10 ** (6 - int(scale.this)) if isinstance(scale, exp.Literal) else 10**6
    return call(
        "make_timestamptz",
        exp.Mul(this=cast(node.this, "BIGINT"), expression=cast(exp.Literal.number(size), "BIGINT")),
    )


def _today(node: exp.CurrentDate) -> exp.Expr:
    return cast(_local(call("now"), node.this if isinstance(node.this, exp.Expr) else None), "DATE")


def _series(kind: str) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        step = node.args.get("step") or node.args.get("interval")
        span: exp.Expr
        if isinstance(step, exp.Interval):
            unit = (step.args["unit"].name if step.args.get("unit") else "DAY").lower()
            amount = step.this
            amount = exp.Literal.number(amount.this) if isinstance(amount, exp.Literal) else amount
            span = call(f"to_{unit}s", cast(amount, "INTEGER"))
        elif step is None:
            span = call("to_days", 1) if kind == "DATE" else exp.Literal.number(1)
        else:
            span = step
        ends = [cast(node.args[name], kind) for name in ("start", "end")]
        return cast(call("generate_series", *ends, span), f"{kind}[]")

    return rule


TIME_RULES: dict[type[exp.Expr], Rule] = {
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
    exp.UnixSeconds: _unix("second", 10**6),
    exp.UnixMillis: _unix("millisecond", 10**3),
    exp.UnixMicros: lambda node: call("epoch_us", node.this),
    exp.UnixToTime: _from_unix,
    exp.CurrentDate: _today,
    exp.CurrentTimestamp: lambda node: call("now"),
    exp.GenerateDateArray: _series("DATE"),
    exp.GenerateTimestampArray: _series("TIMESTAMPTZ"),
    exp.GenerateSeries: _series("BIGINT"),
}

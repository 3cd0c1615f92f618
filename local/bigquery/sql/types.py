"""Compares types as strictly as GoogleSQL does, since DuckDB would quietly convert text to numbers and back."""

from sqlglot import exp

from local.bigquery.errors import invalid_query

_FAMILIES = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INT", "BIGINT", "UBIGINT", "INT128", "UINT"), "INT64"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "FLOAT64"),
    **dict.fromkeys(("TEXT", "VARCHAR", "CHAR", "NVARCHAR"), "STRING"),
    **dict.fromkeys(("TIMESTAMPTZ", "TIMESTAMPLTZ"), "TIMESTAMP"),
    "BOOLEAN": "BOOL",
    "DATE": "DATE",
    "ARRAY": "ARRAY",
    "NULL": "NULL",
}
_SIGNS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "!=", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.Add: "+", exp.Sub: "-",
    exp.Mul: "*", exp.Div: "/", exp.DPipe: "||", exp.Like: "LIKE",
}  # fmt: skip
_TEXT_FUNCTIONS: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Lower: ("this",), exp.Upper: ("this",), exp.Trim: ("this",), exp.Length: ("this",), exp.Substring: ("this",),
    exp.StartsWith: ("this", "expression"), exp.EndsWith: ("this", "expression"), exp.StrPosition: ("this", "substr"),
    exp.Replace: ("this", "expression"), exp.RegexpLike: ("this", "expression"), exp.SHA2Digest: ("this",),
}  # fmt: skip
_NUMBERS = {"INT64", "FLOAT64"}
_TIMES = {"DATE", "TIMESTAMP"}


def family(node: exp.Expr) -> str | None:
    """The GoogleSQL type of an annotated node; None where it is not known."""
    if isinstance(node, exp.Null):
        return "NULL"
    return _FAMILIES.get(node.type.this.name) if node.type is not None and hasattr(node.type.this, "name") else None


def is_text(node: exp.Expr) -> bool:
    """Whether a node is a STRING, or could be."""
    return family(node) in ("STRING", "NULL", None)


def check(tree: exp.Expr) -> None:
    """Raise Refusal where operands do not fit, with BigQuery's words."""
    for node in tree.walk():
        sign = _SIGNS.get(type(node))
        if sign is not None:
            _check_operator(node, sign)
        elif type(node) in _TEXT_FUNCTIONS:
            _check_text(node)
        elif isinstance(node, exp.Between):
            for bound in (node.args["low"], node.args["high"]):
                _check_pair(node.this, bound, "BETWEEN")
        elif isinstance(node, exp.In):
            for item in node.expressions:
                if not isinstance(item, exp.Query | exp.Subquery):
                    _check_pair(node.this, item, "IN")
        elif isinstance(node, exp.Coalesce):
            _check_same("COALESCE", [node.this, *node.expressions])
        elif isinstance(node, exp.Case):
            results = [branch.args["true"] for branch in node.args["ifs"]]
            _check_same("CASE", [*results, *([node.args["default"]] if node.args.get("default") else [])])
        elif isinstance(node, exp.If) and not isinstance(node.parent, exp.Case):
            _check_same("IF", [node.args["true"], *([node.args["false"]] if node.args.get("false") else [])])
        elif isinstance(node, exp.Where | exp.Having | exp.Qualify) and family(node.this) not in ("BOOL", "NULL", None):
            raise invalid_query(f"{node.key.upper()} clause should return type BOOL, but returns {family(node.this)}")


def _check_text(node: exp.Expr) -> None:
    for argument in _TEXT_FUNCTIONS[type(node)]:
        given = node.args.get(argument)
        if given is not None and not is_text(given):
            raise invalid_query(
                f"No matching signature for function {node.key.upper()} for argument type {family(given)}"
            )


def _check_operator(node: exp.Expr, sign: str) -> None:
    left, right = node.this, node.expression
    if sign in ("+", "-", "*", "/"):
        if not all(family(side) in (*_NUMBERS, "NULL", None) for side in (left, right)):
            raise _mismatch(sign, left, right)
    elif sign in ("||", "LIKE"):
        if not (is_text(left) and is_text(right)) and not family(left) == family(right) == "ARRAY":
            raise _mismatch(sign, left, right)
    else:
        _check_pair(left, right, sign)


def _check_pair(left: exp.Expr, right: exp.Expr, sign: str) -> None:
    kinds = {family(left), family(right)}
    if len(kinds) == 1 or kinds & {None, "NULL"} or kinds <= _NUMBERS:
        return
    for value, other in ((left, right), (right, left)):
        # A literal text stands for a date or a time where one is wanted.
        if isinstance(value, exp.Literal) and value.is_string and family(other) in _TIMES:
            return
    raise _mismatch(sign, left, right)


def _check_same(name: str, nodes: list[exp.Expr]) -> None:
    kinds = {family(node) for node in nodes} - {None, "NULL"}
    if len(kinds) > 1 and not kinds <= _NUMBERS:
        raise invalid_query(
            f"No matching signature for function {name} for argument types: {', '.join(sorted(map(str, kinds)))}"
        )


def _mismatch(sign: str, left: exp.Expr, right: exp.Expr) -> Exception:
    return invalid_query(
        f"No matching signature for operator {sign} for argument types: {family(left)}, {family(right)}"
    )

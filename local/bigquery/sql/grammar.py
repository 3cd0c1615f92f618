"""Says which parts of GoogleSQL are supported; everything else is refused by its own name."""

from sqlglot import exp, parse
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from local.bigquery.errors import Refusal, invalid_query, not_supported

_STRUCTURE = {
    exp.Select, exp.From, exp.Where, exp.Group, exp.Having, exp.Qualify, exp.Order, exp.Ordered, exp.Limit, exp.Offset,
    exp.Distinct, exp.Star, exp.Alias, exp.TableAlias, exp.Column, exp.Identifier, exp.Table, exp.Join, exp.Subquery,
    exp.With, exp.CTE, exp.Union, exp.Except, exp.Intersect, exp.Unnest, exp.Paren, exp.Literal, exp.Boolean, exp.Null,
    exp.Parameter, exp.Var, exp.DataType, exp.Interval, exp.Tuple, exp.Array, exp.Window, exp.WindowSpec,
    exp.IgnoreNulls, exp.RespectNulls, exp.WeekStart, exp.AtTimeZone,
}  # fmt: skip
_OPERATORS = {
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.And, exp.Or,
    exp.Not, exp.Is, exp.In, exp.Between, exp.Like, exp.DPipe, exp.Exists, exp.Case, exp.If, exp.Cast, exp.TryCast,
    exp.Bracket,
}  # fmt: skip
_FUNCTIONS = {
    # Aggregates and windows
    exp.Count, exp.CountIf, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.AnyValue, exp.ArgMax, exp.ArgMin, exp.ArrayAgg,
    exp.GroupConcat, exp.LogicalAnd, exp.LogicalOr, exp.ApproxQuantiles, exp.ApproxDistinct, exp.RowNumber, exp.Rank,
    exp.DenseRank, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue,
    # Numbers
    exp.Abs, exp.Sign, exp.Round, exp.Floor, exp.Ceil, exp.Sqrt, exp.Pow, exp.IntDiv, exp.Mod, exp.SafeDivide,
    exp.Greatest, exp.Least,
    # Conditions
    exp.Coalesce, exp.Nullif,
    # Text
    exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Substring, exp.Concat, exp.StartsWith, exp.EndsWith,
    exp.StrPosition, exp.Replace, exp.RegexpLike, exp.LowerHex, exp.SHA2Digest,
    # Arrays
    exp.ArraySize, exp.GenerateDateArray, exp.GenerateTimestampArray, exp.GenerateSeries,
    # Time
    exp.CurrentTimestamp, exp.CurrentDate, exp.Timestamp, exp.Date, exp.DateFromParts, exp.TimestampTrunc,
    exp.DateTrunc, exp.TimestampDiff, exp.DateDiff, exp.TimestampAdd, exp.TimestampSub, exp.DateAdd, exp.DateSub,
    exp.Extract, exp.TimeToStr, exp.TsOrDsToTimestamp, exp.TsOrDsToDate, exp.UnixMillis, exp.UnixSeconds,
    exp.UnixMicros, exp.UnixToTime,
}  # fmt: skip
# The parser also knows other dialects' names of the same functions; these are GoogleSQL's.
_FUNCTION_NAMES = frozenset(
    """
    COUNT COUNTIF SUM AVG MIN MAX ANY_VALUE MAX_BY MIN_BY ARRAY_AGG STRING_AGG LOGICAL_AND LOGICAL_OR
    APPROX_QUANTILES APPROX_COUNT_DISTINCT ROW_NUMBER RANK DENSE_RANK LAG LEAD FIRST_VALUE LAST_VALUE ABS SIGN
    ROUND FLOOR CEIL CEILING SQRT POW POWER DIV MOD SAFE_DIVIDE GREATEST LEAST COALESCE IFNULL NULLIF IF LOWER
    UPPER TRIM LENGTH CHAR_LENGTH SUBSTR SUBSTRING CONCAT STARTS_WITH ENDS_WITH STRPOS REPLACE REGEXP_CONTAINS
    TO_HEX SHA256 ARRAY_LENGTH GENERATE_DATE_ARRAY GENERATE_TIMESTAMP_ARRAY GENERATE_ARRAY CURRENT_TIMESTAMP
    CURRENT_DATE TIMESTAMP DATE TIMESTAMP_TRUNC DATE_TRUNC TIMESTAMP_DIFF DATE_DIFF TIMESTAMP_ADD TIMESTAMP_SUB
    DATE_ADD DATE_SUB EXTRACT FORMAT_TIMESTAMP FORMAT_DATE UNIX_MILLIS UNIX_SECONDS UNIX_MICROS TIMESTAMP_MILLIS
    TIMESTAMP_SECONDS TIMESTAMP_MICROS CAST SAFE_CAST UNNEST WEEK
    """.split()  # noqa: SIM905 (a list of quoted words is harder to read)
)
# Words that may stand before a parenthesis without being a function.
_KEYWORDS = frozenset(
    """
    ALL AND ARRAY AS BETWEEN BY CASE DISTINCT ELSE EXCEPT EXISTS FROM HAVING IN INTERSECT IS JOIN LIKE NOT
    OFFSET ON OR ORDINAL OVER QUALIFY SAFE_OFFSET SAFE_ORDINAL SELECT THEN UNION USING WHEN WHERE WITH LIMIT FILTER
    TABLESAMPLE SYSTEM PIVOT UNPIVOT ROLLUP CUBE SETS STRUCT
    """.split()  # noqa: SIM905 (a list of quoted words is harder to read)
)
SUPPORTED = _STRUCTURE | _OPERATORS | _FUNCTIONS

_TYPES = {"STRING": "TEXT", "INT64": "BIGINT", "FLOAT64": "DOUBLE", "BOOL": "BOOLEAN", "TIMESTAMP": "TIMESTAMPTZ",
          "DATE": "DATE"}  # fmt: skip
_ALLOWED_TYPES = {*_TYPES.values(), "ARRAY"}
# Written in the text, these have no meaning in GoogleSQL though the parser knows them.
_FOREIGN_TOKENS = {TokenType.DCOLON: "::", TokenType.ARROW: "->", TokenType.DARROW: "->>"}
_QUOTED = TokenType.IDENTIFIER
# Arguments of nodes that change what a supported node means.
_FOREIGN_ARGUMENTS: dict[type[exp.Expr], dict[str, str]] = {
    exp.Select: {"kind": "SELECT AS STRUCT or VALUE", "hint": "A hint", "into": "INTO", "laterals": "LATERAL",
                 "pivots": "PIVOT", "connect": "CONNECT BY", "sample": "TABLESAMPLE", "windows": "WINDOW"},
    exp.Distinct: {"on": "DISTINCT ON"},
    exp.Group: {"rollup": "ROLLUP", "cube": "CUBE", "grouping_sets": "GROUPING SETS", "all": "GROUP BY ALL"},
    exp.Table: {"pivots": "PIVOT", "version": "FOR SYSTEM_TIME AS OF", "when": "FOR SYSTEM_TIME AS OF",
                "sample": "TABLESAMPLE", "joins": "A nested join", "hints": "A hint", "laterals": "LATERAL"},
    exp.With: {"recursive": "WITH RECURSIVE"},
    exp.Join: {"method": "ASOF or NATURAL JOIN", "match_condition": "MATCH_CONDITION", "hint": "A hint"},
    exp.Unnest: {"offset": "WITH OFFSET"},
    exp.Star: {"rename": "SELECT * RENAME"},
    exp.Subquery: {"pivots": "PIVOT", "sample": "TABLESAMPLE"},
    exp.Union: {"by_name": "UNION BY NAME"},
    exp.Cast: {"format": "CAST with FORMAT", "default": "CAST with DEFAULT"},
}  # fmt: skip


def read(text: str) -> exp.Expr:
    """The one SELECT of `text`, made of supported parts only; raises Refusal."""
    try:
        words = BigQuery().tokenize(text)
        statements = [statement for statement in parse(text, read="bigquery") if statement is not None]
    except SqlglotError as error:
        raise _syntax_error(error) from None
    if len(statements) != 1:
        raise invalid_query("Syntax error: Unexpected end of script") if not statements else not_supported("A script")
    (statement,) = statements
    if not isinstance(statement, exp.Query):
        raise not_supported(_statement_name(statement))
    _check_words(words)
    for raw in list(statement.find_all(exp.RawString)):
        raw.replace(exp.Literal.string(raw.this))
    check(statement)
    return statement


def _check_words(words: list[Token]) -> None:
    """Refuse what the parser would take though GoogleSQL does not: other dialects' signs and names of functions."""
    for before, word, after in zip([None, *words], words, [*words[1:], None], strict=False):
        where = f"at [{word.line}:{word.col}]"
        if word.token_type in _FOREIGN_TOKENS:
            raise invalid_query(f'Syntax error: Unexpected "{_FOREIGN_TOKENS[word.token_type]}" {where}')
        called = after is not None and after.token_type == TokenType.L_PAREN and word.text.isidentifier()
        if not called or word.text.upper() in _FUNCTION_NAMES | _KEYWORDS:
            continue
        # After FROM, JOIN or a dot it is the name of a table function, which is looked up later.
        if before is not None and (before.text.upper() in ("FROM", "JOIN", ".", ",") or word.token_type == _QUOTED):
            continue
        raise invalid_query(f"Function not found: {word.text} {where}")


def check(tree: exp.Expr) -> None:
    """Raise Refusal at the first part of `tree` that is outside the subset."""
    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            if not isinstance(node.parent, exp.Table):
                raise invalid_query(f"Function not found: {node.name}")
            continue
        if isinstance(node, exp.SafeFunc):
            raise not_supported("The SAFE. prefix")
        if type(node) not in SUPPORTED:
            raise not_supported(_name(node))
        for argument, what in _FOREIGN_ARGUMENTS.get(type(node), {}).items():
            if node.args.get(argument):
                raise not_supported(what)
        if isinstance(node, exp.DataType) and node.this.name not in _ALLOWED_TYPES:
            raise not_supported(f"Type {node.sql('bigquery')}")
        _check_in_place(node)


def _check_in_place(node: exp.Expr) -> None:
    """Nodes that are supported in some places only."""
    if isinstance(node, exp.Interval) and not isinstance(
        node.parent, exp.GenerateDateArray | exp.GenerateTimestampArray | exp.TimestampAdd | exp.DateAdd
    ):
        raise not_supported("INTERVAL arithmetic (use TIMESTAMP_ADD or DATE_ADD)")
    if isinstance(node, exp.AtTimeZone) and not isinstance(node.parent, exp.Extract):
        raise not_supported("AT TIME ZONE outside EXTRACT")
    if isinstance(node, exp.SHA2Digest) and not isinstance(node.parent, exp.LowerHex):
        raise not_supported("SHA256 outside TO_HEX (BYTES)")
    if isinstance(node, exp.LowerHex) and not isinstance(node.this, exp.SHA2Digest):
        raise not_supported("TO_HEX of anything but SHA256")
    if isinstance(node, exp.SHA2Digest) and str(node.args.get("length")) != "256":
        raise not_supported("SHA512")
    if isinstance(node, exp.Tuple) and not isinstance(node.parent, exp.In):
        raise not_supported("STRUCT")


def data_type(kind: str, array: bool = False) -> exp.DataType:
    """The node of a supported GoogleSQL type."""
    return exp.DataType.build(f"ARRAY<{kind}>" if array else kind, dialect="bigquery")


def _name(node: exp.Expr) -> str:
    if isinstance(node, exp.Func):
        return f"Function {node.sql_name()}"
    return type(node).__name__.upper()


def _statement_name(statement: exp.Expr) -> str:
    if isinstance(statement, exp.Command):
        return str(statement.this).upper()
    kind = statement.args.get("kind")
    return f"{statement.key.upper()} {kind}" if isinstance(kind, str) else statement.key.upper()


def _syntax_error(error: SqlglotError) -> Refusal:
    details = getattr(error, "errors", None)
    if details:
        first = details[0]
        near = str(first.get("highlight") or "end of statement")
        return invalid_query(f'Syntax error: Unexpected "{near}" at [{first.get("line")}:{first.get("col")}]')
    return invalid_query(f"Syntax error: {str(error).splitlines()[0]}")

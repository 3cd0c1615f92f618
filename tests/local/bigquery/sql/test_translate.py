"""What queries mean: each expression beside the value that BigQuery's documentation gives for it."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.bigquery.errors import Refusal
from local.bigquery.sql.resolve import Names
from local.bigquery.sql.translate import translate
from local.bigquery.values import Parameter
from local.bigquery.warehouse import Warehouse
from tests.local.bigquery.samples import CATALOGUE, DATASET, PROJECT

DAY = datetime.date
MODEST = settings(max_examples=40, deadline=None)


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    opened = Warehouse(Path(tmp_path_factory.mktemp("warehouse")), DATASET, CATALOGUE)
    yield opened
    opened.close()


def run(warehouse: Warehouse, text: str, *parameters: Parameter) -> list[tuple[Any, ...]]:
    names = Names(CATALOGUE, PROJECT, DATASET, DATASET, {p.name: p for p in parameters})
    _, rows = warehouse.run(translate(text, names))
    return rows.page(0, 1000)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("7 / 2", 3.5),
        ("DIV(-7, 2)", -3),
        ("MOD(-7, 2)", -1),
        ("SAFE_DIVIDE(1, 0)", None),
        ("24 * 60 * 60 * 1000000", 86_400_000_000),
        ("CAST(2.5 AS INT64)", 3),
        ("CAST(-2.5 AS INT64)", -3),
        ("CAST(' 12' AS INT64)", 12),
        ("SAFE_CAST('1.5' AS INT64)", None),
        ("SAFE_CAST('x' AS DATE)", None),
        ("CAST(TRUE AS STRING)", "true"),
        ("CAST(TIMESTAMP '2027-01-02 03:04:05+00' AS STRING)", "2027-01-02 03:04:05+00"),
        ("ROUND(2.345, 2)", 2.35),
        ("ROUND(2.5)", 3.0),
        ("GREATEST(1, NULL)", None),
        ("LEAST(3, 2)", 2),
        ("CONCAT('a', NULL)", None),
        ("CONCAT('a', 'b', 'c')", "abc"),
        ("LENGTH('é')", 1),
        ("STRPOS('abc', 'c')", 3),
        ("SUBSTR('abc', 2)", "bc"),
        (r"REGEXP_CONTAINS('abc', r'^a.c$')", True),
        (r"'a_b' LIKE 'a\\_b'", True),
        (r"'axb' LIKE 'a\\_b'", False),
        ("'axb' LIKE 'a_b'", True),
        ("STARTS_WITH('abc', 'ab')", True),
        ("TO_HEX(SHA256('a'))", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("[1, 2][OFFSET(1)]", 2),
        ("[1, 2][ORDINAL(1)]", 1),
        ("[1, 2][SAFE_OFFSET(2)]", None),
        ("ARRAY_LENGTH([1, 2])", 2),
        ("1 IN UNNEST([1, 2])", True),
        ("1 NOT IN UNNEST([2])", True),
        ("IF(FALSE, 1, 2)", 2),
        ("IFNULL(NULL, 3)", 3),
        ("CASE WHEN 1 = 2 THEN 'a' ELSE 'b' END", "b"),
        ("TIMESTAMP('2027-01-02')", at("2027-01-02")),
        ("TIMESTAMP('2027-01-02 00:00:00', 'Europe/Berlin')", at("2027-01-01T23:00")),
        ("DATE(TIMESTAMP '2027-01-01 23:30:00+00', 'Europe/Berlin')", DAY(2027, 1, 2)),
        ("DATE(2027, 1, 2)", DAY(2027, 1, 2)),
        ("TIMESTAMP_TRUNC(TIMESTAMP '2027-01-02 13:14:15+00', HOUR)", at("2027-01-02T13:00")),
        ("TIMESTAMP_TRUNC(TIMESTAMP '2027-01-01 23:30:00+00', DAY, 'Europe/Berlin')", at("2027-01-01T23:00")),
        ("TIMESTAMP_TRUNC(TIMESTAMP '2026-11-22 12:34:56+00', WEEK(MONDAY))", at("2026-11-16")),
        ("DATE_TRUNC(DATE '2026-11-22', ISOWEEK)", DAY(2026, 11, 16)),
        ("DATE_TRUNC(DATE '2026-11-22', MONTH)", DAY(2026, 11, 1)),
        ("DATE_TRUNC(DATE '2027-01-01', ISOYEAR)", DAY(2025, 12, 29)),
        ("TIMESTAMP_DIFF(TIMESTAMP '2026-11-02 00:00:00+00', TIMESTAMP '2026-11-01 00:30:00+00', HOUR)", 23),
        ("DATE_DIFF(DATE '2027-03-01', DATE '2027-01-31', MONTH)", 2),
        ("DATE_DIFF(DATE '2027-03-01', DATE '2027-02-28', DAY)", 1),
        ("TIMESTAMP_ADD(TIMESTAMP '2027-01-01 00:00:00+00', INTERVAL 36 HOUR)", at("2027-01-02T12:00")),
        ("TIMESTAMP_SUB(TIMESTAMP '2027-01-01 00:00:00+00', INTERVAL 1 DAY)", at("2026-12-31")),
        ("DATE_ADD(DATE '2027-01-31', INTERVAL 1 MONTH)", DAY(2027, 2, 28)),
        ("DATE_SUB(DATE '2027-01-01', INTERVAL 1 WEEK)", DAY(2026, 12, 25)),
        ("EXTRACT(HOUR FROM TIMESTAMP '2027-01-01 23:30:00+00' AT TIME ZONE 'Europe/Berlin')", 0),
        ("EXTRACT(DAYOFWEEK FROM DATE '2026-11-22')", 1),
        ("EXTRACT(ISOWEEK FROM DATE '2027-01-01')", 53),
        ("EXTRACT(DATE FROM TIMESTAMP '2027-01-01 23:30:00+00')", DAY(2027, 1, 1)),
        ("FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M', TIMESTAMP '2027-01-02 03:04:05+00')", "2027-01-02T03:04"),
        ("FORMAT_TIMESTAMP('%F', TIMESTAMP '2027-01-01 23:30:00+00', 'Europe/Berlin')", "2027-01-02"),
        ("FORMAT_DATE('%b %Y', DATE '2027-01-02')", "Jan 2027"),
        ("UNIX_SECONDS(TIMESTAMP '1969-12-31 23:59:59.5+00')", -1),
        ("UNIX_MILLIS(TIMESTAMP '2027-01-01 00:00:00+00')", 1_798_761_600_000),
        ("UNIX_MICROS(TIMESTAMP_MILLIS(1798761600001))", 1_798_761_600_001_000),
        ("TIMESTAMP_SECONDS(1798761600)", at("2027-01-01")),
        (
            "GENERATE_DATE_ARRAY(DATE '2027-01-30', DATE '2027-02-01')",
            [DAY(2027, 1, 30), DAY(2027, 1, 31), DAY(2027, 2, 1)],
        ),
        ("DATE '2027-01-01' < '2027-01-02'", True),
    ],
)
def test_an_expression_has_bigquerys_value(warehouse: Warehouse, expression: str, value: Any) -> None:
    assert run(warehouse, f"SELECT {expression} AS value") == [(value,)]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("COUNT(*)", 4),
        ("COUNTIF(n > 1)", 2),
        ("SUM(n)", 6),
        ("AVG(n)", 2.0),
        ("COUNT(DISTINCT s)", 2),
        ("APPROX_COUNT_DISTINCT(s)", 2),
        ("APPROX_QUANTILES(n, 2)", [1, 2, 3]),
        ("APPROX_QUANTILES(n, 100)[OFFSET(50)]", 2),
        ("STRING_AGG(s, ',' ORDER BY n DESC)", "b,b,a"),
        ("ARRAY_AGG(n IGNORE NULLS ORDER BY n DESC LIMIT 2)", [3, 2]),
        ("ARRAY_AGG(DISTINCT s IGNORE NULLS)", ["a", "b"]),
        ("LOGICAL_OR(n = 3)", True),
        ("LOGICAL_AND(n < 3)", False),
        ("MAX_BY(s, n)", "b"),
        ("MIN(n)", 1),
    ],
)
def test_an_aggregate_has_bigquerys_value(warehouse: Warehouse, expression: str, value: Any) -> None:
    rows = "SELECT 1 AS n, 'a' AS s UNION ALL SELECT 2, 'b' UNION ALL SELECT 3, 'b' UNION ALL SELECT NULL, NULL"
    ((found,),) = run(warehouse, f"SELECT {expression} AS value FROM ({rows})")
    assert (sorted(found) if "DISTINCT s I" in expression else found) == value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("SELECT n FROM UNNEST([2, NULL, 1]) AS n ORDER BY n", [(None,), (1,), (2,)]),
        ("SELECT n FROM UNNEST([2, NULL, 1]) AS n ORDER BY n DESC", [(2,), (1,), (None,)]),
        ("SELECT n FROM UNNEST([3, 1, 2]) AS n WHERE TRUE QUALIFY ROW_NUMBER() OVER (ORDER BY n) = 2", [(2,)]),
        ("SELECT n, SUM(n) OVER (ORDER BY n) AS s FROM UNNEST([1, 2]) AS n ORDER BY n", [(1, 1), (2, 3)]),
        ("SELECT LAST_VALUE(n IGNORE NULLS) OVER (ORDER BY n) AS v FROM UNNEST([1]) AS n", [(1,)]),
        ("WITH a AS (SELECT 1 AS x, 2 AS y) SELECT * EXCEPT (y) FROM a", [(1,)]),
        (
            "SELECT d, n FROM UNNEST([1, 2]) AS d LEFT JOIN (SELECT 2 AS k, 'x' AS n) ON k = d ORDER BY d",
            [(1, None), (2, "x")],
        ),
        (
            "SELECT n > 1 AS big, COUNT(*) AS c FROM UNNEST([1, 2, 3]) AS n GROUP BY big ORDER BY big",
            [(False, 1), (True, 2)],
        ),
        ("SELECT n FROM UNNEST([1, 2, 3]) AS n WHERE EXISTS (SELECT 1 FROM UNNEST([2]) AS m WHERE m = n)", [(2,)]),
        ("SELECT n + 1 AS n FROM UNNEST([1, 2]) AS n WHERE n = 2", [(3,)]),
        ("SELECT n > 1 AS big, COUNT(*) AS c FROM UNNEST([1, 2]) AS n GROUP BY 1 HAVING c > 0 AND big", [(True, 1)]),
        ("SELECT a.k FROM (SELECT 1 AS k) AS a JOIN (SELECT 1 AS k) AS b USING (k) WHERE k = 1", [(1,)]),
        ("SELECT 1 AS a UNION DISTINCT SELECT 1", [(1,)]),
    ],
)
def test_a_query_has_bigquerys_rows(warehouse: Warehouse, text: str, values: list[tuple[Any, ...]]) -> None:
    assert run(warehouse, text) == values


def test_columns_without_a_name_get_bigquerys(warehouse: Warehouse) -> None:
    names = Names(CATALOGUE, PROJECT, DATASET, None, {})
    fields, _ = warehouse.run(translate("SELECT 1, 2 AS two, 3, 'a'", names))
    assert [field.name for field in fields] == ["f0_", "two", "f1_", "f2_"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1 / n FROM UNNEST([1, 0]) AS n", "division by zero"),
        ("SELECT DIV(1, 0)", "division by zero"),
        ("SELECT [1][OFFSET(1)]", "Array index is out of bounds"),
        ("SELECT CAST('abc' AS INT64)", "Bad int64 value: abc"),
        ("SELECT 9223372036854775807 + 1", "Overflow"),
        ("SELECT SUM(n) FROM UNNEST([9223372036854775807, 1]) AS n", "out of range"),
        ("SELECT 1 = '1'", "No matching signature for operator = for argument types: INT64, STRING"),
        ("SELECT 1 + 'a'", "No matching signature for operator +"),
        ("SELECT 'a' || 1", "No matching signature for operator ||"),
        ("SELECT CONCAT('a', 1)", "No matching signature for function CONCAT"),
        ("SELECT LOWER(1)", "No matching signature for function LOWER"),
        ("SELECT IF(TRUE, 1, 'a')", "No matching signature for function IF"),
        ("SELECT n FROM UNNEST([1]) AS n WHERE n", "WHERE clause should return type BOOL"),
        ("SELECT n, COUNT(*) FROM UNNEST([1]) AS n", "GROUP BY"),
        ("SELECT 1 AS a, 2 AS a", "Duplicate column names"),
        ("SELECT 1 AS a FROM nothing", "Not found: Table"),
        ("SELECT n AS m FROM UNNEST([1]) AS n WHERE m = 1", "Unrecognized name: m"),
        ("SELECT 1 AS a, a + 1 AS b", "Unrecognized name: a"),
        ("SELECT * FROM usage(@w)", "No matching signature for table-valued function usage"),
        ("SELECT * FROM usages(1)", "Table-valued function not found"),
        ("SELECT DATE_TRUNC(DATE '2027-01-01', WEEK)", "Date part WEEK"),
        ("SELECT FORMAT_DATE('%Q', DATE '2027-01-01')", "Format element"),
        ("SELECT * FROM UNNEST([1]) AS a JOIN UNNEST([1]) AS b ON c = a", "Unrecognized name: c"),
    ],
)
def test_what_bigquery_refuses_is_refused(warehouse: Warehouse, text: str, message: str) -> None:
    with pytest.raises(Refusal) as caught:
        run(warehouse, text)
    assert message in caught.value.message


@MODEST
@given(a=st.integers(-(10**15), 10**15), b=st.integers(-(10**6), 10**6).filter(bool))
def test_whole_division_cuts_towards_zero(warehouse: Warehouse, a: int, b: int) -> None:
    names = [Parameter("a", "INT64", False, a), Parameter("b", "INT64", False, b)]
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    assert run(warehouse, "SELECT DIV(@a, @b) AS q, MOD(@a, @b) AS r", *names) == [(quotient, a - quotient * b)]


MOMENTS = st.integers(-(2 * 10**15), 4 * 10**15).map(
    lambda micros: at("1970-01-01") + datetime.timedelta(microseconds=micros)
)


@MODEST
@given(moment=MOMENTS, zone=st.sampled_from(["America/New_York", "Asia/Kolkata", "Pacific/Auckland", "UTC"]))
def test_days_in_a_zone_are_those_of_its_clock(warehouse: Warehouse, moment: datetime.datetime, zone: str) -> None:
    given_moment = Parameter("moment", "TIMESTAMP", False, moment)
    text = f"SELECT DATE(@moment, '{zone}') AS day, EXTRACT(HOUR FROM @moment AT TIME ZONE '{zone}') AS hour"
    local = moment.astimezone(ZoneInfo(zone))
    assert run(warehouse, text, given_moment) == [(local.date(), local.hour)]


@MODEST
@given(first=MOMENTS, second=MOMENTS)
def test_a_difference_is_whole_units(warehouse: Warehouse, first: datetime.datetime, second: datetime.datetime) -> None:
    names = [Parameter("a", "TIMESTAMP", False, first), Parameter("b", "TIMESTAMP", False, second)]
    micros = (first - second) // datetime.timedelta(microseconds=1)
    units = {"MICROSECOND": 1, "SECOND": 10**6, "MINUTE": 60 * 10**6, "HOUR": 3600 * 10**6, "DAY": 86400 * 10**6}
    columns = ", ".join(f"TIMESTAMP_DIFF(@a, @b, {unit}) AS {unit.lower()}" for unit in units)
    whole = tuple(abs(micros) // size * (1 if micros >= 0 else -1) for size in units.values())
    assert run(warehouse, f"SELECT {columns}", *names) == [whole]

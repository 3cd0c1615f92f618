"""Everything outside the subset is refused by its name."""

import pytest

from local.bigquery.errors import Refusal
from local.bigquery.sql import grammar


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Syntax error"),
        ("SELECT FROM WHERE", 'Syntax error: Unexpected "WHERE" at [1:17]'),
        ("SELECT 'a", "Syntax error"),
        ("SELECT 1; SELECT 2", "A script is not supported"),
        ("INSERT INTO d.t (a) VALUES (1)", "INSERT is not supported"),
        ("UPDATE d.t SET a = 1 WHERE TRUE", "UPDATE is not supported"),
        ("DELETE FROM d.t WHERE TRUE", "DELETE is not supported"),
        ("MERGE d.t USING d.s ON FALSE WHEN NOT MATCHED THEN INSERT ROW", "MERGE is not supported"),
        ("CREATE TABLE d.t (a INT64)", "CREATE TABLE is not supported"),
        ("DROP TABLE d.t", "DROP TABLE is not supported"),
        ("DECLARE x INT64", "DECLARE is not supported"),
        ("COPY (SELECT 1) TO 'x'", "COPY is not supported"),
        ("ATTACH 'x'", "Syntax error"),
        ("PRAGMA version", "is not supported"),
        ("SELECT '1'::INT64", 'Unexpected "::"'),
        ("SELECT a ILIKE 'b' FROM t", "ILIKE is not supported"),
        ("SELECT COUNT(*) FILTER (WHERE TRUE) FROM t", "FILTER is not supported"),
        ("SELECT DISTINCT ON (a) a FROM t", "DISTINCT ON is not supported"),
        ("SELECT list_sum([1])", "Function not found: list_sum"),
        ("SELECT COUNT_IF(TRUE)", "Function not found: COUNT_IF"),
        ("SELECT strftime(d, '%Y') FROM t", "Function not found: strftime"),
        ("SELECT JSON_VALUE(a, '$.b') FROM t", "Function not found: JSON_VALUE"),
        ("SELECT GENERATE_UUID()", "Function not found: GENERATE_UUID"),
        ("SELECT SAFE.SUBSTR('a', 1)", "not supported"),
        ("SELECT CAST(1 AS NUMERIC)", "Type NUMERIC is not supported"),
        ("SELECT CAST('a' AS BYTES)", "Type BYTES is not supported"),
        ("SELECT STRUCT(1 AS a)", "STRUCT is not supported"),
        ("SELECT (1, 2)", "STRUCT is not supported"),
        ("SELECT AS STRUCT 1 AS a", "SELECT AS STRUCT"),
        ("SELECT * FROM d.t TABLESAMPLE SYSTEM (10 PERCENT)", "TABLESAMPLE is not supported"),
        ("SELECT * FROM d.t FOR SYSTEM_TIME AS OF '2027-01-01'", "FOR SYSTEM_TIME AS OF is not supported"),
        ("SELECT ts + INTERVAL 1 DAY FROM d.t", "INTERVAL arithmetic"),
        ("WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a", "WITH RECURSIVE is not supported"),
        ("SELECT a, off FROM UNNEST([1]) AS a WITH OFFSET AS off", "WITH OFFSET is not supported"),
        ("SELECT a FROM d.t GROUP BY ROLLUP (a)", "ROLLUP is not supported"),
        ("SELECT * FROM read_csv('file')", "not supported"),
        ("SELECT SHA256('a')", "SHA256 outside TO_HEX"),
    ],
)
def test_a_part_outside_the_subset_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(Refusal) as caught:
        grammar.read(text)
    assert message in caught.value.message
    assert caught.value.reason == "invalidQuery"

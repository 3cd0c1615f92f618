"""Which queries have the partition filter that every table requires, and which days they read."""

import datetime

import pytest

from local.bigquery.errors import Refusal
from local.bigquery.sql.pruning import days
from local.bigquery.sql.resolve import Names
from local.bigquery.sql.translate import translate
from local.bigquery.values import Parameter
from tests.local.bigquery.samples import CATALOGUE, DATASET, JANUARY, PROJECT

NAMES = Names(CATALOGUE, PROJECT, DATASET, DATASET, {"start": Parameter("start", "TIMESTAMP", False, JANUARY)})
DAY = datetime.date


@pytest.mark.parametrize(
    "where",
    [
        "occurred_at >= @start",
        "@start <= occurred_at",
        "occurred_at BETWEEN @start AND CURRENT_TIMESTAMP()",
        "DATE(occurred_at) = '2027-01-01'",
        "DATE(occurred_at) IN ('2027-01-01', '2027-01-02')",
        "TIMESTAMP_TRUNC(occurred_at, DAY) = @start",
        "(workspace_id = 'a' AND occurred_at > TIMESTAMP_SUB(@start, INTERVAL 1 DAY))",
        "occurred_at = @start OR (occurred_at > @start AND workspace_id = 'a')",
    ],
)
def test_a_constant_limit_on_the_partition_column_is_a_filter(where: str) -> None:
    (reading,) = translate(f"SELECT event_id FROM usage_events WHERE {where}", NAMES).readings
    assert {"event_id", "occurred_at"} <= reading.columns


@pytest.mark.parametrize(
    "text",
    [
        "SELECT event_id FROM usage_events",
        "SELECT event_id FROM usage_events WHERE workspace_id = 'a'",
        "SELECT event_id FROM usage_events WHERE recorded_at > @start",
        "SELECT event_id FROM usage_events WHERE occurred_at > recorded_at",
        "SELECT event_id FROM usage_events WHERE occurred_at > @start OR workspace_id = 'a'",
        "SELECT event_id FROM usage_events WHERE occurred_at > (SELECT @start)",
        "SELECT event_id FROM usage_events WHERE NOT occurred_at > @start",
        "SELECT event_id FROM usage_events WHERE DATE(occurred_at, 'Europe/Berlin') = '2027-01-01'",
        "SELECT a.event_id FROM usage_events a JOIN conversation_events USING (agent_id) WHERE a.occurred_at > @start",
        "SELECT 1 AS one WHERE EXISTS (SELECT 1 FROM usage_events)",
        "SELECT x FROM (SELECT event_id AS x FROM usage_events UNION ALL SELECT 'a')",
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="without a filter over column"):
        translate(text, NAMES)


def test_a_table_beside_an_array_needs_its_filter_once() -> None:
    text = "SELECT event_id FROM usage_events JOIN UNNEST(['a']) AS id ON event_id = id WHERE occurred_at > @start"
    assert len(translate(text, NAMES).readings) == 1


def test_only_columns_that_are_named_are_read() -> None:
    (reading,) = translate("SELECT COUNT(*) AS n FROM usage_events WHERE occurred_at > @start", NAMES).readings
    assert reading.columns == {"occurred_at"}


@pytest.mark.parametrize(
    ("bounds", "first", "last"),
    [
        ([], DAY.min, DAY.max),
        (
            [(">=", False, JANUARY), ("<", False, JANUARY + datetime.timedelta(days=1))],
            DAY(2027, 1, 1),
            DAY(2027, 1, 1),
        ),
        ([("<=", False, JANUARY)], DAY.min, DAY(2027, 1, 1)),
        ([("=", True, DAY(2027, 1, 5))], DAY(2027, 1, 5), DAY(2027, 1, 5)),
        ([(">", True, DAY(2027, 1, 5)), ("<", True, DAY(2027, 1, 8))], DAY(2027, 1, 6), DAY(2027, 1, 7)),
        ([(">=", False, None)], DAY.max, DAY.min),
    ],
)
def test_bounds_leave_the_days_between(bounds: list[tuple[str, bool, object]], first: DAY, last: DAY) -> None:
    assert days(bounds) == (first, last)

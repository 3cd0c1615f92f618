"""Values from JSON, taken as strictly as BigQuery takes them."""

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.bigquery import values
from local.bigquery.errors import Refusal


@pytest.mark.parametrize("value", [True, 1.5, "1.5", "", "x", [], {}, 2**63, -(2**63) - 1, "9223372036854775808"])
def test_what_is_no_int64_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="integer"):
        values.integer(value)


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_int64_comes_through_as_number_and_as_text(number: int) -> None:
    assert values.integer(number) == values.integer(str(number)) == number
    assert values.cell(number, "INT64", False, True) == str(number)


@given(st.datetimes(timezones=st.just(datetime.UTC)))
def test_a_timestamp_comes_through_to_the_microsecond(moment: datetime.datetime) -> None:
    assert values.timestamp(moment.isoformat()) == moment
    assert values.cell(moment, "TIMESTAMP", False, True) == str(values.micros(moment))


@pytest.mark.parametrize(
    "text", ["2027-01-02T03:04:05Z", "2027-01-02 03:04:05 UTC", "2027-01-02 03:04:05", "2027-01-02T05:04:05+02:00"]
)
def test_a_timestamp_without_an_offset_is_utc(text: str) -> None:
    assert values.timestamp(text) == datetime.datetime(2027, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "value", [1798761600, 1.5, "1798761600", "2027-13-01", "yesterday", "2027-01-01T00:00:00.1234567Z", None]
)
def test_what_is_no_iso_timestamp_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="timestamp"):
        values.timestamp(value)


@pytest.mark.parametrize(("value", "text"), [("a", "a"), (5, "5"), (True, "true")])
def test_a_string_takes_scalars(value: Any, text: str) -> None:
    assert values.text(value) == text


@pytest.mark.parametrize("value", [{}, [], "\ud800"])
def test_a_string_takes_nothing_else(value: Any) -> None:
    with pytest.raises(ValueError, match="string"):
        values.text(value)


def parameter(name: str | None, kind: str, value: Any) -> dict[str, Any]:
    named = {"name": name} if name else {}
    return {**named, "parameterType": {"type": kind}, "parameterValue": {"value": value}}


def test_parameters_are_found_by_name_whatever_its_case() -> None:
    found = values.parameters({"queryParameters": [parameter("Count", "INTEGER", "5")]})
    assert found == {"count": values.Parameter("Count", "INT64", False, 5)}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([parameter(None, "INT64", "5")], "name each parameter"),
        ([parameter("a", "INT64", "five")], "Invalid value for parameter a"),
        ([parameter("a", "NUMERIC", "5")], "type NUMERIC is not supported"),
        ([parameter("a", "INT64", "5"), parameter("A", "INT64", "6")], "Duplicate parameter"),
    ],
)
def test_a_wrong_parameter_is_refused(entries: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(Refusal, match=message):
        values.parameters({"queryParameters": entries})


def test_a_null_in_an_array_is_refused_as_bigquery_does() -> None:
    with pytest.raises(Refusal, match="null element"):
        values.cell([1, None], "INT64", True, True)
    assert values.cell(None, "INT64", True, True) == []

"""A business is open by its own clock: at midnight, over midnight, and where summer time begins and ends."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.agents import hours
from functions.agents.models import Hours

SHOP = Hours(time_zone="Europe/Berlin", monday=("09:00-12:30", "14:00-18:00"), friday=("18:00-02:00",))


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-11-23T08:59:59", False),
        ("2026-11-23T09:00:00", True),
        ("2026-11-23T12:29:59", True),
        ("2026-11-23T12:30:00", False),
        ("2026-11-23T17:59:00", True),
        ("2026-11-24T10:00:00", False),
        ("2026-11-27T17:59:59", False),
        ("2026-11-27T23:30:00", True),
        ("2026-11-28T01:59:00", True),
        ("2026-11-28T02:00:00", False),
        # Saturday's own evening has no span.
        ("2026-11-28T23:30:00", False),
        # Summer time: the same wall clock, another hour in UTC.
        ("2026-07-06T09:00:00", True),
        ("2026-07-06T08:59:00", False),
    ],
)
def test_a_span_has_its_beginning_and_not_its_end(local: str, expected: bool) -> None:
    assert hours.is_open(SHOP, berlin(local)) is expected


def test_without_hours_a_business_is_always_open_and_without_a_span_never() -> None:
    moment = berlin("2026-11-23T03:00:00")
    assert hours.is_open(None, moment)
    assert not hours.is_open(Hours(time_zone="UTC"), moment)


@given(st.integers(0, 7 * 24 * 60 - 1), st.integers(0, 1439), st.integers(1, 1440), st.sampled_from(hours.DAYS))
def test_one_span_is_open_for_exactly_its_length(minute: int, begins: int, length: int, day: str) -> None:
    ends = begins + length
    written = "24:00" if ends == 1440 else f"{ends % 1440 // 60:02}:{ends % 60:02}"
    week = Hours.model_validate({"time_zone": "UTC", day: [f"{begins // 60:02}:{begins % 60:02}-{written}"]})
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    since = (minute - hours.DAYS.index(day) * 1440 - begins) % (7 * 1440)
    assert hours.is_open(week, monday + timedelta(minutes=minute)) is (since < length)


@pytest.mark.parametrize("span", ["9:00-12:00", "09:00", "09:00-25:00", "24:00-02:00", "09:00 - 12:00", "09:60-10:00"])
def test_a_span_that_is_none_is_refused(span: str) -> None:
    with pytest.raises(ValueError, match="monday"):
        Hours.model_validate({"time_zone": "UTC", "monday": [span]})


def test_hours_have_a_time_zone_that_exists() -> None:
    with pytest.raises(ValueError, match="IANA"):
        Hours(time_zone="Mars/Olympus")


def test_the_hours_in_words_are_for_the_prompt() -> None:
    text = hours.written(SHOP)
    assert "Monday 09:00-12:30, 14:00-18:00; Tuesday closed" in text
    assert text.endswith("(Europe/Berlin)")
    assert hours.written(None) == ""

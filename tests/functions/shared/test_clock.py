"""The one clock: which time zones there are, and that another clock can be followed on this machine."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared import clock


def test_a_time_zone_is_one_of_the_database() -> None:
    assert clock.is_time_zone("Europe/Berlin")
    assert not clock.is_time_zone("Europe/Atlantis")


def test_another_clock_is_followed_from_now_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_now", clock._now)
    monkeypatch.setattr(clock, "_monotonic", clock._monotonic)
    moment = datetime(2026, 9, 1, tzinfo=UTC)
    clock.follow(lambda: moment, lambda: 7.0)
    assert (clock.now(), clock.monotonic()) == (moment, 7.0)


def test_days_are_cut_into_runs_without_gaps_that_are_not_too_long() -> None:
    days = ["2026-12-01", "2026-11-29", "2026-11-30", "2026-11-30", "2026-12-05"]
    assert clock.runs(days, 35) == [("2026-11-29", "2026-12-01"), ("2026-12-05", "2026-12-05")]
    assert clock.runs(days, 2) == [
        ("2026-11-29", "2026-11-30"),
        ("2026-12-01", "2026-12-01"),
        ("2026-12-05", "2026-12-05"),
    ]
    assert clock.runs([], 7) == []


@given(st.sets(st.dates(date(2026, 1, 1), date(2026, 3, 31))), st.integers(1, 40))
def test_runs_have_the_same_days(days: set[date], longest: int) -> None:
    found = [clock.days_between(first, last) for first, last in clock.runs([day.isoformat() for day in days], longest)]
    assert [day for run in found for day in run] == sorted(day.isoformat() for day in days)
    assert all(len(run) <= longest for run in found)

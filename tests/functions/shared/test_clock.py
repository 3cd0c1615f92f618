"""The one clock: which time zones there are, and that another clock can be followed on this machine."""

from datetime import UTC, datetime

import pytest

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

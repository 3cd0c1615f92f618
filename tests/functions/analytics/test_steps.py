"""Steps cover their span once, in every time zone: month ends, the leap day, days of 23 and of 25 hours."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.analytics.query_models import MOST_FOREIGN_DAYS
from functions.analytics.steps import HOUR, QUARTER, Granularity, Part, Step, before, bounds, cut, days_of
from functions.shared.contracts import QUARTERS, RollupRead

UTC_ZONE = ZoneInfo("UTC")
ZONES = sorted(
    name for name in available_timezones() if not name.startswith(("posix", "right")) and name != "localtime"
)
ODD = [
    *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"),
    *("Pacific/Chatham", "America/St_Johns", "Pacific/Kiritimati", "America/Santiago", "Africa/Cairo", "Asia/Beirut"),
]
zones = st.sampled_from(ZONES) | st.sampled_from(ODD)
days = st.dates(date(2024, 1, 1), date(2036, 12, 31))


def quarters(step: Step, home: ZoneInfo = UTC_ZONE) -> list[datetime]:
    """The quarters of an hour that a step is made of, in UTC."""
    found = []
    for part in step.parts:
        kind, _, name = part.name.partition("_")
        if kind == "day":
            start, end = bounds(date.fromisoformat(name), home)
        else:
            start = datetime.strptime(name, "%Y-%m-%dT%H").replace(tzinfo=UTC)
            end = start + HOUR
        inside = [start + n * QUARTER for n in range((end - start) // QUARTER)]
        found += [one for one in inside if not part.quarters or QUARTERS[one.minute // 15] in part.quarters]
    return found


@given(zones, zones, days, st.integers(0, 40), st.sampled_from(["hour", "day", "week", "month"]))
@example("Asia/Kathmandu", "UTC", date(2028, 2, 28), 3, "day")
@example("Europe/Berlin", "America/New_York", date(2026, 3, 28), 2, "day")
@example("America/Santiago", "UTC", date(2026, 9, 5), 2, "hour")
@example("Australia/Lord_Howe", "UTC", date(2026, 4, 4), 2, "hour")
def test_steps_cover_every_quarter_of_their_span_once(
    zone: str, home: str, first: date, more: int, granularity: Granularity
) -> None:
    last = first + timedelta(days=more if granularity != "hour" else min(more, 3))
    start, end = bounds(first, ZoneInfo(zone))[0], bounds(last, ZoneInfo(zone))[1]
    made = cut(first, last, granularity, ZoneInfo(zone), ZoneInfo(home))
    covered = [one for step in made for one in quarters(step, ZoneInfo(home))]
    assert covered == [start + n * QUARTER for n in range((end - start) // QUARTER)]
    assert len({step.start for step in made}) == len(made)


@given(zones, days)
def test_a_quarter_lies_in_the_day_that_its_clock_shows(zone: str, day: date) -> None:
    made = cut(day - timedelta(days=1), day + timedelta(days=1), "day", ZoneInfo(zone), UTC_ZONE)
    for step in made:
        assert {str(one.astimezone(ZoneInfo(zone)).date()) for one in quarters(step)} <= {step.start}


@given(zones, days)
def test_days_follow_one_another_on_quarters(zone: str, day: date) -> None:
    start, end = bounds(day, ZoneInfo(zone))
    assert bounds(day + timedelta(days=1), ZoneInfo(zone))[0] == end
    assert timedelta(hours=22) <= end - start <= timedelta(hours=26)
    assert (start.minute % 15, start.second, start.microsecond) == (0, 0, 0)


@pytest.mark.parametrize("year", [2026, 2028, 2032])
def test_months_end_where_they_end_in_every_time_zone(year: int) -> None:
    for zone in ZONES:
        own = ZoneInfo(zone)
        made = cut(date(year, 1, 1), date(year, 12, 31), "month", own, own)
        assert [step.start for step in made] == [f"{year}-{month:02d}-01" for month in range(1, 13)]
        feb = [part.name for part in made[1].parts]
        assert (feb[0], feb[-1], len(feb)) == (
            f"day_{year}-02-01",
            f"day_{year}-02-{len(feb)}",
            29 if year % 4 == 0 else 28,
        )
        for month in range(1, 13):
            start = bounds(date(year, month, 1), own)[0]
            local = start.astimezone(own)
            assert (local.month, local.day) == (month, 1)
            assert ((start - timedelta(microseconds=1)).astimezone(own).month % 12) + 1 == month


@pytest.mark.parametrize(
    ("zone", "day", "hours", "first", "last"),
    [
        ("UTC", "2026-11-25", 24, "2026-11-25T00:00:00Z", "2026-11-25T23:00:00Z"),
        ("Europe/Berlin", "2026-03-29", 23, "2026-03-28T23:00:00Z", "2026-03-29T21:00:00Z"),
        ("Europe/Berlin", "2026-10-25", 25, "2026-10-24T22:00:00Z", "2026-10-25T22:00:00Z"),
        ("America/New_York", "2026-11-01", 25, "2026-11-01T04:00:00Z", "2026-11-02T04:00:00Z"),
        ("Asia/Kolkata", "2026-11-25", 24, "2026-11-24T18:30:00Z", "2026-11-25T17:30:00Z"),
        ("Asia/Kathmandu", "2028-02-29", 24, "2028-02-28T18:15:00Z", "2028-02-29T17:15:00Z"),
        # Half an hour is left out and comes twice there.
        ("Australia/Lord_Howe", "2026-10-04", 24, "2026-10-03T13:30:00Z", "2026-10-04T12:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-05", 25, "2026-04-04T13:00:00Z", "2026-04-05T12:30:00Z"),
        ("America/Santiago", "2026-09-06", 23, "2026-09-06T04:00:00Z", "2026-09-07T02:00:00Z"),
    ],
)
def test_a_day_has_the_hours_that_its_clock_shows(zone: str, day: str, hours: int, first: str, last: str) -> None:
    one = date.fromisoformat(day)
    starts = [step.start for step in cut(one, one, "hour", ZoneInfo(zone), UTC_ZONE)]
    assert (len(starts), starts[0], starts[-1]) == (hours, first, last)


def test_days_that_are_those_of_the_workspace_are_its_documents() -> None:
    span = date(2026, 1, 1), date(2026, 12, 31)
    made = cut(*span, "day", ZoneInfo("Europe/Paris"), ZoneInfo("Europe/Berlin"))
    assert [step.parts for step in made] == [(Part(f"day_{day}"),) for day in days_of(*span)]


@pytest.mark.parametrize(
    ("zone", "home", "granularity", "days", "most"),
    [
        ("Asia/Kathmandu", "UTC", "day", 31, 745),
        ("Asia/Tokyo", "America/New_York", "day", 31, 746),
        ("Asia/Kathmandu", "UTC", "week", 182, 835),
        ("Asia/Tokyo", "Europe/Berlin", "week", 182, 835),
        ("Asia/Kathmandu", "UTC", "month", 366, 700),
        ("Pacific/Auckland", "America/New_York", "month", 366, 700),
    ],
)
def test_weeks_and_months_of_another_zone_are_made_of_days_with_hours_at_their_ends(
    zone: str, home: str, granularity: Granularity, days: int, most: int
) -> None:
    assert MOST_FOREIGN_DAYS[granularity] == days
    for start in days_of(date(2027, 12, 1), date(2028, 2, 10)):
        made = cut(start, start + timedelta(days=days - 1), granularity, ZoneInfo(zone), ZoneInfo(home))
        assert len({part.name for step in made for part in step.parts}) <= most


def test_an_hour_that_was_counted_before_there_were_quarters_is_counted_once() -> None:
    old = RollupRead.model_validate({"total": {"turns": 3}, "as_of_micros": 1})
    found = {"hour_2026-11-25T13": old}
    halves = [Part("hour_2026-11-25T13", ("00", "15")), Part("hour_2026-11-25T13", ("30", "45"))]
    assert [list(half.of(found)) for half in halves] == [[old], []]


@given(days, st.integers(0, 400))
def test_the_span_before_is_as_long_ends_the_day_before_and_never_overlaps(first: date, more: int) -> None:
    last = first + timedelta(days=more)
    since, until = before(first, last)
    assert until + timedelta(days=1) == first
    assert len(days_of(since, until)) == len(days_of(first, last))
    assert not set(days_of(since, until)) & set(days_of(first, last))

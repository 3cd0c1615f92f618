"""Where an event belongs that happens at the edge: a microsecond before and after the end of an hour, a day, a month.

The finest time there is here is a microsecond: Python's clock, Firestore's and BigQuery's timestamps and the text of
every event hold no more. What comes in finer is cut off and never rounded up, so no event moves into a later period.
Periods, days and hours of money are UTC's whatever the workspace's time zone; only what people see by day is local.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.analytics import rollups
from functions.billing import ledger, repository
from functions.billing.models import Period
from functions.shared import clock, config, contracts, events, firestore, metering
from functions.shared.contracts import RollupRead
from functions.shared.metering import Hold
from tests.cloud import Cloud
from tests.functions.billing.making import event
from tests.functions.billing.story import AGENT, Story, at
from tests.functions.shared.metering.test_spend import capped, finished, row_of, take

MICROSECOND = timedelta(microseconds=1)
ZONES = sorted(available_timezones())
MONTH_ENDS = [
    datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2027, 1, 1, tzinfo=UTC),
    datetime(2027, 3, 1, tzinfo=UTC),
    datetime(2028, 3, 1, tzinfo=UTC),  # After a leap day.
    datetime(2100, 3, 1, tzinfo=UTC),  # A year that has none.
]
NOVEMBER_ENDS = datetime(2026, 12, 1, tzinfo=UTC)


def local_midnight(zone: ZoneInfo, day: date) -> datetime:
    """The instant at which a day begins in a zone; none of those asked for begins in a gap."""
    instant = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    assert instant.astimezone(zone).replace(tzinfo=None) == datetime(day.year, day.month, day.day)  # noqa: DTZ001
    return instant


@pytest.mark.parametrize("end", MONTH_ENDS, ids=lambda end: f"{end:%Y-%m}")
def test_a_month_is_billed_to_its_last_microsecond_in_utc_in_every_time_zone(end: datetime) -> None:
    before = end - MICROSECOND
    for name in ZONES:
        zone = ZoneInfo(name)
        for moment, month in ((before, f"{before:%Y-%m}"), (end, f"{end:%Y-%m}")):
            local = moment.astimezone(zone)
            assert Period.of(local).month == clock.month_of(local) == event(occurred_at=local).day[:7] == month, name
            assert clock.from_text(local.isoformat()) == moment, name


@pytest.mark.parametrize("day", [date(2026, 11, 1), date(2026, 12, 1), date(2028, 2, 29), date(2028, 3, 1)], ids=str)
def test_what_people_see_by_day_ends_at_their_own_midnight_in_every_time_zone(day: date) -> None:
    yesterday = day - timedelta(days=1)
    for name in ZONES:
        zone = ZoneInfo(name)
        midnight = local_midnight(zone, day)
        for moment, local in ((midnight - MICROSECOND, yesterday), (midnight, day)):
            hour, of_day, of_month = rollups.names(moment, zone)
            assert (of_day, of_month) == (f"day_{local}", f"month_{local:%Y-%m}"), name
            # The hour, of which every other zone's days can be put together, is UTC's.
            assert hour == f"hour_{moment.astimezone(UTC):%Y-%m-%dT%H}", name
            quarter = next(iter(rollups.placed(hour, {}, clock.to_micros(moment))["quarters"]))
            assert quarter == f"{moment.minute // 15 * 15:02d}", name


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 25),  # Half an hour more: it touches as many of UTC's hours.
        ("Asia/Tokyo", date(2026, 3, 29), 24),
    ],
)
def test_a_day_on_which_the_clocks_change_has_every_hour_once(zone: str, day: date, hours: int) -> None:
    own = ZoneInfo(zone)
    start, end = local_midnight(own, day), local_midnight(own, day + timedelta(days=1))
    found = set()
    moment = start
    while moment < end:
        hour, of_day, _ = rollups.names(moment, own)
        assert of_day == f"day_{day}"
        found.add(hour)
        moment += timedelta(minutes=30)
    assert len(found) == hours
    # Money knows no such days: each has twenty-four hours.
    hours_of_utc = {event(occurred_at=at(str(day)) + timedelta(hours=n - 10)).hour for n in range(24)}
    assert (len(hours_of_utc), Period(month=f"{day:%Y-%m}").end - Period(month=f"{day:%Y-%m}").start) == (
        24,
        timedelta(days=len(Period(month=f"{day:%Y-%m}").days)),
    )


def test_an_hour_that_comes_twice_is_two_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    second = first.replace(fold=1)
    assert event(occurred_at=first).hour == "2026-10-25T00"
    assert event(occurred_at=second).hour == "2026-10-25T01"
    assert rollups.names(first.astimezone(UTC), berlin)[1] == rollups.names(second.astimezone(UTC), berlin)[1]


def test_a_leap_day_is_a_day_of_its_february_and_is_closed_like_any_other() -> None:
    february = Period(month="2028-02")
    assert (len(february.days), february.last_day) == (29, date(2028, 2, 29))
    assert (Period(month="2100-02").last_day, Period(month="2000-02").last_day) == (
        date(2100, 2, 28),
        date(2000, 2, 29),
    )
    assert ledger.days_due("2028-02-27", "2028-02-27", at("2028-03-01", 0, 10)) == ["2028-02-28", "2028-02-29"]
    last = event(occurred_at=february.end - MICROSECOND)
    assert (last.day, last.hour) == ("2028-02-29", "2028-02-29T23")
    assert event(occurred_at=february.end).day == "2028-03-01"


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2099, 12, 31)))  # noqa: DTZ001
def test_every_boundary_parts_two_microseconds(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC)
    hour = moment.replace(minute=0, second=0, microsecond=0)
    day, month = hour.replace(hour=0), hour.replace(day=1, hour=0)
    for start in (hour, day, month):
        own, earlier = event(occurred_at=start), event(occurred_at=start - MICROSECOND)
        assert own.hour != earlier.hour
        assert clock.from_text(f"{own.hour}:00:00Z") - clock.from_text(f"{earlier.hour}:00:00Z") == timedelta(hours=1)
    assert clock.next_day(event(occurred_at=day - MICROSECOND).day) == event(occurred_at=day).day
    assert Period.of(month - MICROSECOND).next == Period.of(month)
    assert Period.of(month).start == month == Period.of(month - MICROSECOND).end


def test_what_is_finer_than_a_microsecond_is_cut_off_and_moves_into_no_later_period() -> None:
    nearly = clock.from_text("2026-11-30T23:59:59.999999999Z")
    assert clock.to_text(nearly) == "2026-11-30T23:59:59.999999Z"
    assert (clock.month_of(nearly), clock.day_of(nearly)) == ("2026-11", "2026-11-30")
    assert clock.month_of(nearly + MICROSECOND) == "2026-12"
    assert clock.to_micros(nearly) + 1 == clock.to_micros(NOVEMBER_ENDS)


def test_days_are_due_from_the_first_microsecond_after_them() -> None:
    assert ledger.days_due("2026-11-29", None, NOVEMBER_ENDS - MICROSECOND) == ["2026-11-29"]
    assert ledger.days_due("2026-11-29", None, NOVEMBER_ENDS) == ["2026-11-29", "2026-11-30"]
    # Whatever zone the request's time is written in.
    tokyo = NOVEMBER_ENDS.astimezone(ZoneInfo("Asia/Tokyo"))
    assert ledger.days_due("2026-11-29", "2026-11-29", tokyo) == ["2026-11-30"]


def test_a_hold_and_its_settlement_are_in_one_period_though_the_month_ends_between_them(cloud: Cloud) -> None:
    workspace, moment = capped(cloud, 1000), NOVEMBER_ENDS - MICROSECOND
    hold = Hold("t1", "a1", False, 50, moment, moment + timedelta(seconds=180), row_of(workspace, "t1", moment))
    take(workspace, hold, now=moment)
    settled = moment + timedelta(seconds=20)
    recorded = metering.settle(workspace, hold, finished(hold, 30), lambda batch: None, now=settled)
    november, december = firestore.get_all(
        [metering.spend_path(workspace, moment), metering.spend_path(workspace, settled)]
    )
    assert (november.id, november.data["spent_nanos"], november.data["holds"]) == ("2026-11", 30, {})
    assert not december.exists
    assert [one.id for one in events.of_day(workspace, "2026-11-30")] == [recorded.id]


def test_a_microsecond_decides_about_tally_rollup_entry_and_invoice(house: Cloud) -> None:
    story = Story(house)
    last = story.turn(NOVEMBER_ENDS - MICROSECOND, charge_nanos=1_000_000_000)
    first = story.turn(NOVEMBER_ENDS, charge_nanos=2_000_000_000)
    assert last.id != first.id
    story.close(at("2026-12-03", 0, 10))
    names = ["day_2026-11-30", "month_2026-11", "day_2026-12-01", "month_2026-12"]
    tallies = [tally.total.charge_nanos for tally, _ in repository.tallies(story.workspace, names, "USD")]
    assert tallies == [1_000_000_000] * 2 + [2_000_000_000] * 2
    for hour, charge in (("2026-11-30T23", 1_000_000_000), ("2026-12-01T00", 2_000_000_000)):
        found = firestore.get(contracts.path(story.workspace, "rollups", f"hour_{hour}"))
        assert RollupRead.model_validate(found.data).total.charge_nanos == charge
    entries = {(entry.day, entry.period, entry.amount_nanos) for entry in story.entries() if entry.kind == "usage"}
    assert entries == {("2026-11-30", "2026-11", 1_000_000_000), ("2026-12-01", "2026-12", 2_000_000_000)}
    (invoice,) = story.invoices()
    assert (invoice.period, invoice.state, invoice.net_minor) == ("2026-11", "open", 100)
    assert {line.agent_id for line in invoice.lines} == {AGENT}


@pytest.mark.parametrize("hours", [None, 1, 72])
def test_the_grace_period_is_a_day_or_as_long_as_is_set_and_ends_with_its_last_microsecond(
    house: Cloud, monkeypatch: pytest.MonkeyPatch, hours: int | None
) -> None:
    if hours is not None:
        monkeypatch.setenv("INVOICE_GRACE_HOURS", str(hours))
        config.settings.cache_clear()
    story = Story(house)
    story.turn(at("2026-11-26"), charge_nanos=1_000_000_000)
    grace_ends = NOVEMBER_ENDS + timedelta(hours=24 if hours is None else hours)
    story.close(grace_ends - MICROSECOND)
    assert [invoice.state for invoice in story.invoices()] == ["draft"]
    # In time for its own invoice, though it comes late.
    story.turn(
        NOVEMBER_ENDS - MICROSECOND, charge_nanos=2_000_000_000, recorded_at=clock.to_text(grace_ends - MICROSECOND)
    )
    story.close(grace_ends)
    (invoice,) = story.invoices()
    assert (invoice.state, invoice.net_minor) == ("open", 300)
    story.turn(NOVEMBER_ENDS - 2 * MICROSECOND, charge_nanos=4_000_000_000, recorded_at=clock.to_text(grace_ends))
    story.close(at("2027-01-04", 0, 10))
    november, december = sorted(story.invoices(), key=lambda one: one.period)
    assert november.frozen_bytes() == invoice.frozen_bytes()
    assert [(line.kind, line.usage_period, line.amount_nanos) for line in december.lines] == [
        ("late_usage", "2026-11", 4_000_000_000)
    ]

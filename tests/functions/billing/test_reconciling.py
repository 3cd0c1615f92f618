"""What somebody has not counted is published again, and what stays different is an alarm."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.billing import payment_api_models as payment_api
from functions.billing import payments, period_figures, repository
from functions.billing.models import EntryKind
from functions.shared import bigquery, clock, contracts, firestore, metering
from functions.shared.events import Event
from tests.cloud import Cloud
from tests.functions.billing.debts import money, operator
from tests.functions.billing.differences import alarms, plus_one, told
from tests.functions.billing.story import FINAL, Story, at


@pytest.fixture
def story(house: Cloud) -> Story:
    return Story(house)


def test_figures_that_agree_leave_nothing_behind(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    story.turn(at("2026-11-26"))
    story.turn(at("2026-11-26", 23, 59), outcome="failed")
    story.close(at("2026-11-27", 0, 10))
    assert story.state().get("differences", {}) == {}
    assert story.cloud.published("usage-recorded", story.workspace) == []
    assert alarms(capsys) == []


def test_an_event_that_nobody_counted_is_published_again_and_then_all_is_well(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.turn(at("2026-11-26", 9))
    lost = story.record(at("2026-11-26", 10))
    story.close(at("2026-11-27", 0, 10))
    assert list(story.state()["differences"]) == ["2026-11-26"]
    assert [row["event_id"] for row in story.cloud.published("usage-recorded", story.workspace)] == [lost.id]
    story.count(lost)
    story.close(at("2026-11-28", 0, 10))
    assert story.state()["differences"] == {}
    assert alarms(capsys) == []


def test_a_difference_that_the_next_run_still_finds_is_an_alarm(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.turn(at("2026-11-26"))
    batch = firestore.Batch()
    path = repository.charges_path(story.workspace, "day_2026-11-26")
    agent = next(iter(firestore.get(path).data["agents"]))
    counter = ("agents", agent, "offline-extractive", "2026-01-01", "charge_nanos")
    batch.update(path, {counter: firestore.Increment(1)})
    batch.commit()
    story.close(at("2026-11-27", 0, 10))
    story.close(at("2026-11-27", 0, 10))
    assert alarms(capsys) == []
    story.close(at("2026-11-28", 0, 10))
    # The month is the sum of its days, so it differs too, the other way round.
    assert told(capsys) == {"2026-11-26": {"charges": 1}, "2026-11": {"charges": -1}}


@contextmanager
def outage(story: Story) -> Iterator[None]:
    """BigQuery does not answer."""

    def gone() -> None:
        raise ConnectionError("nobody there")

    stores, story.stores = story.stores, False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bigquery, "client", gone)
        yield
    story.stores = stores


def test_a_warehouse_that_does_not_answer_stops_no_close_and_the_day_is_compared_later(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = story.record(at("2026-11-26"))
    story.count(lost, warehouse=[])
    with outage(story):
        story.close(at("2026-11-27", 0, 10))
        assert story.state()["last_closed"] == "2026-11-26"
        assert story.state().get("differences", {}) == {}
        since = "2026-11-27T00:10:00.000000Z"
        assert story.state()["uncompared"] == {"2026-11-25": since, "2026-11-26": since}
        assert alarms(capsys) == []
        story.close(at("2026-11-28", 0, 10))
    named = [alarm["of"] for alarm in alarms(capsys) if alarm["message"] == "figures were not compared"]
    assert named == ["2026-11-25", "2026-11-26"]
    assert {"2026-11-25", "2026-11-26", "2026-11-27", "booked 2026-11-27"} == story.state()["uncompared"].keys()
    story.close(at("2026-11-29", 0, 10))
    assert story.state()["uncompared"] == {}
    # Nobody knew before whether it agreed, so it differs since this night.
    assert story.state()["differences"] == {"2026-11-26": "2026-11-29T00:10:00.000000Z"}
    assert [row["event_id"] for row in story.cloud.published("usage-recorded", story.workspace)] == [lost.id]
    story.close(at("2026-11-30", 0, 10))
    assert told(capsys) == {"2026-11-26": {"warehouse": -lost.row["charge_nanos"]}}


def test_what_differed_before_an_outage_keeps_its_first_date(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    story.count(story.record(at("2026-11-26")), warehouse=[])
    story.close(at("2026-11-27", 0, 10))
    first = {"2026-11-26": "2026-11-27T00:10:00.000000Z"}
    assert story.state()["differences"] == first
    with outage(story):
        story.close(at("2026-11-28", 0, 10))
    assert story.state()["differences"] == first
    assert told(capsys) == {}
    story.close(at("2026-11-29", 0, 10))
    assert (story.state()["differences"], list(told(capsys))) == (first, ["2026-11-26"])


def test_entries_and_invoices_of_a_long_outage_are_compared_after_it(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.turn(at("2026-11-26"), charge_nanos=1_234_567_891)
    with outage(story):
        story.close(FINAL)
        for day in range(1, 11):
            story.close(FINAL + timedelta(days=day))
        (invoice,) = story.invoices()
        since = {
            "booked 2026-12-02": clock.to_text(FINAL + timedelta(days=1)),
            invoice.invoice_id: clock.to_text(FINAL),
        }
        assert since.items() <= story.state()["uncompared"].items()
        assert story.state().get("differences", {}) == {}
    for topic in ("ledger-recorded", "invoice-recorded"):
        story.cloud.published(topic, story.workspace)
    story.stores = False
    story.close(FINAL + timedelta(days=11))
    assert story.state()["uncompared"] == {}
    assert story.state()["differences"].keys() == {"booked 2026-12-02", invoice.invoice_id}
    again = {row["entry_id"] for row in story.cloud.published("ledger-recorded", story.workspace)}
    assert again == {entry.entry_id for entry in story.entries()}
    story.store()
    story.close(FINAL + timedelta(days=12))
    assert (story.state()["differences"], told(capsys)) == ({}, {})


def moved(story: Story, zone: str, **activity: Any) -> None:
    """The workspace's time zone is another one; `activity` is what its audit log has of it."""
    batch = firestore.Batch()
    batch.update(contracts.workspace_path(story.workspace), {("time_zone",): zone})
    if activity:
        batch.set(contracts.path(story.workspace, "activity", "act_1"), activity)
    batch.commit()


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati", "America/New_York"])
def test_days_of_any_time_zone_are_compared_with_their_hours_and_quarters(
    story: Story, capsys: pytest.CaptureFixture[str], zone: str
) -> None:
    moved(story, zone)
    for hour in range(24):
        story.turn(at("2026-11-26", hour, 7 * hour % 60), charge_nanos=hour + 1)
    story.turn(at("2026-11-27", 0, 5))
    for day in (27, 28, 29):
        story.close(at(f"2026-11-{day}", 0, 10))
    assert (story.state().get("differences", {}), told(capsys)) == ({}, {})
    own = clock.day_of(at("2026-11-26").astimezone(ZoneInfo(zone)))
    plus_one(contracts.path(story.workspace, "rollups", f"day_{own}"), "total", "turns")
    story.turn(at("2026-11-26", 12), recorded_at=clock.to_text(at("2026-11-29")), charge_nanos=3)
    story.turn(at("2026-11-27", 12), recorded_at=clock.to_text(at("2026-11-29")), charge_nanos=3)
    story.close(at("2026-11-30", 0, 10))
    found = {name for name in story.state()["differences"] if name.startswith("2026-11-2")}
    assert len(found) == 1


def test_a_day_on_which_the_time_zone_changed_is_no_difference(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.turn(at("2026-11-26", 3))
    story.turn(at("2026-11-26", 23))
    change = {"action": "workspace.changed", "kind": "workspace", "after": {"time_zone": "America/New_York"}}
    moved(story, "America/New_York", at=at("2026-11-26", 23, 30), **change)
    for day in (27, 28, 29):
        story.close(at(f"2026-11-{day}", 0, 10))
    assert (story.state().get("differences", {}), told(capsys)) == ({}, {})


def test_entries_and_lines_that_the_warehouse_lacks_are_told_again_and_then_all_is_well(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.turn(at("2026-11-26"), charge_nanos=1_234_567_891)
    story.stores = False
    story.close(FINAL)
    for topic in ("ledger-recorded", "invoice-recorded"):
        story.cloud.published(topic, story.workspace)
    story.close(FINAL + timedelta(days=1))
    (invoice,) = story.invoices()
    again = {row["entry_id"] for row in story.cloud.published("ledger-recorded", story.workspace)}
    assert again == {entry.entry_id for entry in story.entries()}
    lines = {row["line_id"] for row in story.cloud.published("invoice-recorded", story.workspace)}
    assert lines == {line.line_id for line in invoice.lines}
    assert set(story.state()["differences"]) == {"booked 2026-12-02", invoice.invoice_id}
    story.store()
    story.close(FINAL + timedelta(days=2))
    assert story.state()["differences"] == {}
    assert alarms(capsys) == []


def test_an_event_that_only_the_warehouse_lacks_is_told_again(story: Story) -> None:
    lost = story.record(at("2026-11-26"))
    story.count(lost, warehouse=[])
    story.close(at("2026-11-27", 0, 10))
    assert [row["event_id"] for row in story.cloud.published("usage-recorded", story.workspace)] == [lost.id]


def test_what_is_spent_and_not_booked_yet_counts(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    story.turn(at("2026-11-26"))
    story.turn(at("2026-11-27", 0, 5))
    story.close(at("2026-11-27", 0, 10))
    assert story.state().get("differences", {}) == {}
    assert alarms(capsys) == []


def test_a_month_whose_spend_moves_all_the_time_is_left_for_the_next_day(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.turn(at("2026-11-26"))
    real = period_figures.events.after_day

    def while_a_turn_settles(*given: Any) -> list[Event]:
        plus_one(metering.spend_path(story.workspace, at("2026-11-26")), "spent_nanos")
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(period_figures.events, "after_day", while_a_turn_settles)
        story.close(at("2026-11-27", 0, 10))
    assert story.state().get("differences", {}) == {}
    assert list(story.state()["uncompared"]) == ["2026-11"]
    story.close(at("2026-11-28", 0, 10))
    assert story.state()["uncompared"] == {}
    assert list(story.state()["differences"]) == ["2026-11"]


def talk(story: Story, day: str) -> None:
    """A turn without its event, which no code of ours can write."""
    moment = at(day, 12)
    turn = {"seq": 1, "message_id": "m", "message": "Hi", "answer": "Hello", "outcome": "completed"}
    batch = firestore.Batch()
    batch.set(contracts.path(story.workspace, "conversations", "cnv_1"), {"updated_at": moment})
    path = contracts.path(story.workspace, "conversations", "cnv_1", "turns", "t")
    batch.set(path, {**turn, "occurred_at": moment, "completed_at": moment})
    batch.commit()


def test_traffic_without_usage_events_is_an_alarm_at_once(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    talk(story, "2026-11-26")
    story.close(at("2026-11-27", 0, 10))
    (alarm,) = alarms(capsys)
    assert (alarm["message"], alarm["day"]) == ("traffic without usage events", "2026-11-26")


def test_a_day_on_which_nobody_talked_or_whose_turns_have_events_is_no_silence(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    talk(story, "2026-11-26")
    story.turn(at("2026-11-26"))
    story.close(at("2026-11-28", 0, 10))
    assert alarms(capsys) == []


@pytest.mark.parametrize("received", [at("2026-09-01"), at("2027-01-30")], ids=["long_ago", "to_come"])
def test_a_payment_that_is_dated_back_is_compared_and_told_again(
    story: Story, capsys: pytest.CaptureFixture[str], received: datetime
) -> None:
    story.turn(at("2026-11-26"), charge_nanos=1_234_567_891)
    story.close(FINAL)
    story.close(FINAL + timedelta(days=1))
    (invoice,) = story.invoices()
    new = payment_api.NewPayment(invoice_id=invoice.invoice_id, amount=money(40), received_at=received)
    payments.record(operator(story, "k", FINAL + timedelta(days=1, hours=9)), story.workspace, new)
    (entry,) = [entry for entry in story.entries() if entry.kind == EntryKind.PAYMENT]
    paid = firestore.get(repository.payment_path(story.workspace, entry.payment_id or "")).data
    assert (paid["received_at"], clock.day_of(entry.booked_at)) == (received, "2026-12-03")
    story.cloud.published("ledger-recorded", story.workspace)
    # The warehouse has lost it.
    story.stored.add(entry.entry_id)
    story.close(FINAL + timedelta(days=2))
    assert list(story.state()["differences"]) == ["booked 2026-12-03"]
    again = [row["entry_id"] for row in story.cloud.published("ledger-recorded", story.workspace)]
    assert again == [entry.entry_id]
    story.stored.remove(entry.entry_id)
    story.close(FINAL + timedelta(days=3))
    assert (story.state()["differences"], told(capsys)) == ({}, {})

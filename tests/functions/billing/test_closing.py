"""Days are closed in order, each once, whatever is repeated, late or broken off."""

import os
import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.billing import closing, evidence, ledger, repository
from functions.billing.models import Account, InvoiceState
from functions.shared import clock, contracts, events, firestore, metering, storage
from functions.shared.errors import Unavailable
from tests.cloud import Cloud
from tests.functions.billing.story import FINAL, MADE, NEXT_FINAL, NIGHT, Story, at, row


@pytest.fixture
def story(house: Cloud) -> Story:
    return Story(house)


def test_every_day_from_the_first_on_gets_its_mark_in_order(story: Story) -> None:
    story.turn(at("2026-11-27"))
    story.close(at("2026-11-28", 0, 10))
    days = ["2026-11-25", "2026-11-26", "2026-11-27"]
    marks = repository.read([repository.mark_path(story.workspace, day) for day in days])
    assert [mark.data["count"] for mark in marks] == [0, 0, 1]
    assert story.state()["last_closed"] == "2026-11-27"
    assert not firestore.get(repository.mark_path(story.workspace, "2026-11-28")).exists


def test_a_month_becomes_a_draft_at_once_and_an_invoice_after_the_grace_period(story: Story) -> None:
    story.turn(at("2026-11-26"), charge_nanos=1_234_567_891)
    story.turn(at("2026-11-30", 23, 59), charge_nanos=5)
    story.close(NIGHT)
    (draft,) = story.invoices()
    assert (draft.state, draft.number, draft.total_minor) == ("draft", None, 123)
    story.close(FINAL - timedelta(minutes=11))
    assert story.invoices()[0].state == "draft"
    story.close(FINAL)
    (invoice,) = story.invoices()
    assert (invoice.state, invoice.number) == ("open", "TEST-2026-0001")
    assert invoice.lines[0].description == "Front desk, offline-extractive"
    assert sum(line.amount_nanos for line in invoice.lines) == 1_234_567_896
    json_file, pdf_file = story.archived().values()
    assert json_file == invoice.frozen_bytes()
    assert pdf_file is not None
    assert pdf_file.startswith(b"%PDF")
    balances = ledger.balances(story.entries())
    assert (balances[Account.UNBILLED], balances[Account.RECEIVABLE]) == (0, 1_230_000_000)


def test_closing_again_changes_nothing_byte_for_byte(story: Story) -> None:
    story.turn(at("2026-11-26"))
    story.turn(at("2026-11-27"), model="gemini-4-argon")
    story.close(FINAL)
    before, files = story.everything(), story.archived()
    story.close(FINAL)
    assert story.everything() == before
    story.close(NIGHT)
    assert story.everything() == before
    assert story.archived() == files


def test_what_was_booked_is_told_to_the_warehouse(story: Story) -> None:
    story.turn(at("2026-11-26"))
    story.close(FINAL)
    told = {row["entry_id"] for row in story.cloud.published("ledger-recorded", story.workspace)}
    assert told == {entry.entry_id for entry in story.entries()}
    lines = {row["line_id"] for row in story.cloud.published("invoice-recorded", story.workspace)}
    assert lines == {line.line_id for line in story.invoices()[0].lines}
    mine = firestore.find(firestore.Query(contracts.path(story.workspace, "events")))
    assert [one.id for one in mine if "unsent" in one.data and one.data["topic"] != "usage-recorded"] == []


def test_an_invoice_is_announced_once_when_it_is_open(story: Story) -> None:
    story.turn(at("2026-11-26"), charge_nanos=1_230_000_000)
    story.close(NIGHT)
    assert story.cloud.published("notifications", story.workspace) == []
    story.close(FINAL)
    story.close(FINAL)
    (told,) = story.cloud.published("notifications", story.workspace)
    (invoice,) = story.invoices()
    assert invoice.due_at is not None
    assert (told["type"], told["subject"]) == ("invoice.issued", invoice.invoice_id)
    assert told["facts"] == {
        "invoice_number": invoice.number,
        "period": "2026-11",
        "amount": "1.23",
        "due": "1.23",
        "currency": "USD",
        "due_at": clock.to_text(invoice.due_at),
    }


def test_a_month_with_nothing_to_bill_is_closed_without_a_number(story: Story) -> None:
    story.close(FINAL)
    assert story.invoices() == []
    assert story.state()["period"] == "2026-12"
    assert "issued" not in story.state()
    story.turn(at("2026-12-05"), charge_nanos=2_000_000_000)
    story.close(NEXT_FINAL)
    assert [invoice.number for invoice in story.invoices()] == ["TEST-2027-0001"]


def test_a_long_silence_is_caught_up_without_a_gap(story: Story) -> None:
    for month, day in (("2026-11", "28"), ("2026-12", "15"), ("2027-01", "03")):
        story.turn(at(f"{month}-{day}"), charge_nanos=1_000_000_000)
    story.close(at("2027-02-02", 0, 10))
    assert [(i.period, i.number, i.total_minor) for i in story.invoices()] == [
        ("2026-11", "TEST-2027-0001", 100),
        ("2026-12", "TEST-2027-0002", 100),
        ("2027-01", "TEST-2027-0003", 100),
    ]


def test_thirty_days_are_caught_up_in_one_commit_and_few_requests(
    house: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(house, made=at("2026-11-01", 9))
    for day in (3, 5, 20, 30):
        story.turn(at(f"2026-11-{day:02d}"), charge_nanos=1_000_000_000)
    story.spend()
    asked: list[str] = []
    for owner, name in ((firestore, "get_all"), (firestore, "stream"), (firestore.Batch, "commit")):
        real = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *a, _real=real, _name=name, **k: asked.append(_name) or _real(*a, **k))
    closing.close(story.workspace, NIGHT)
    # Each day by itself took seven of them.
    assert len(asked) <= 75
    days = clock.days_between("2026-11-01", "2026-11-30")
    marks = firestore.get_all([repository.mark_path(story.workspace, day) for day in days])
    assert [mark.data["count"] for mark in marks] == [int(day[-2:] in ("03", "05", "20", "30")) for day in days]
    assert {mark.etag for mark in marks} == {marks[0].etag}
    assert ledger.unbilled(story.entries()) == 4_000_000_000
    assert story.state().get("differences", {}) == {}


def test_an_event_in_the_grace_period_is_still_on_its_own_invoice(story: Story) -> None:
    story.turn(at("2026-11-26"), charge_nanos=1_000_000_000)
    story.close(NIGHT)
    story.turn(at("2026-11-26", 11), charge_nanos=500_000_000)
    story.close(FINAL)
    (invoice,) = story.invoices()
    assert [(line.kind, line.amount_minor, line.count) for line in invoice.lines] == [("usage", 150, 2)]


def test_an_event_after_that_is_late_usage_on_the_next_invoice(story: Story) -> None:
    story.turn(at("2026-11-26"), charge_nanos=1_000_000_000)
    story.close(FINAL)
    first = story.invoices()[0]
    story.turn(at("2026-11-26", 11), charge_nanos=500_000_000)
    story.turn(at("2026-12-04"), charge_nanos=250_000_000)
    story.close(NEXT_FINAL)
    november, december = story.invoices()
    assert november == first.model_copy(update={"state": InvoiceState.OVERDUE, "after": november.after})
    assert [(line.kind, line.usage_period, line.amount_minor) for line in december.lines] == [
        ("usage", "2026-12", 25),
        ("late_usage", "2026-11", 50),
    ]
    assert ledger.balances(story.entries())[Account.UNBILLED] == 0


def test_a_correction_is_booked_on_the_day_it_is_known_and_belongs_to_its_turns_month(story: Story) -> None:
    turn = story.turn(at("2026-11-30", 23, 59), charge_nanos=0, input_tokens=None, outcome="abandoned")
    story.close(NIGHT)
    correction = story.record(
        at("2026-11-30", 23, 59), day="2026-12-01", type="correction", corrects=turn.id, charge_nanos=0, input_tokens=77
    )
    story.count(correction)
    story.close(FINAL)
    (entry,) = [entry for entry in story.entries() if entry.day == "2026-12-01"]
    assert (entry.usage_period, entry.input_tokens, entry.count) == ("2026-11", 77, 1)
    assert story.state().get("differences", {}) == {}


def test_a_day_with_a_live_hold_waits_and_the_days_after_it_too(story: Story) -> None:
    moment = at("2026-11-26", 23, 59)
    hold = metering.Hold(
        "turn1", "agt_1", False, 1000, moment, at("2026-11-27", 0, 20), event_beginning(story, "turn1", moment)
    )
    reserve(story, hold, moment)
    with pytest.raises(Unavailable):
        story.close(at("2026-11-27", 0, 10))
    assert story.state()["last_closed"] == "2026-11-25"
    story.close(at("2026-11-28", 0, 10))
    assert story.state()["last_closed"] == "2026-11-27"
    (abandoned,) = events.of_day(story.workspace, "2026-11-26")
    assert abandoned.row["outcome"] == "abandoned"


def event_beginning(story: Story, turn: str, moment) -> dict:
    return {**row(story.workspace, moment), "event_id": turn}


def reserve(story: Story, hold: metering.Hold, moment) -> None:
    found = firestore.get(metering.spend_path(story.workspace, moment))
    batch = firestore.Batch()
    metering.reserve(batch, story.workspace, found, metering.terms_of(story.workspace, found), hold, moment)
    batch.commit()


class Broken(BaseException):
    """The process died here."""


def break_after(monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """Let so many writes to the outside succeed, then die before the next one."""
    left = writes

    def guarded(real):
        def call(*args, **kwargs):
            nonlocal left
            if left == 0:
                raise Broken
            left -= 1
            return real(*args, **kwargs)

        return call

    monkeypatch.setattr(firestore.Batch, "commit", guarded(firestore.Batch.commit))
    monkeypatch.setattr(firestore, "transact", guarded(firestore.transact))
    monkeypatch.setattr(storage, "write_once", guarded(storage.write_once))


@pytest.mark.timeout(400)
def test_a_crash_at_any_write_is_made_good_by_running_again(house: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> Story:
        story = Story(house, made=at("2026-11-29", 9))
        story.turn(at("2026-11-29"), charge_nanos=1_234_567_891)
        story.turn(at("2026-11-30"), charge_nanos=77, model="gemini-4-argon")
        story.spend()
        return story

    def shape(story: Story) -> list:
        entries = sorted((e.kind, e.day or "", e.amount_nanos, e.model or "") for e in story.entries())
        return [entries, [(i.state, i.number, i.total_minor) for i in story.invoices()], story.state()["last_closed"]]

    whole = told()
    whole.close(FINAL)
    expected = shape(whole)
    # Every third write in an everyday run, and each of them where somebody asks for more examples.
    for writes in range(0, 42, 1 if "HYPOTHESIS_EXAMPLES" in os.environ else 3):
        story = told()
        with monkeypatch.context() as broken:
            break_after(broken, writes)
            try:
                story.close(FINAL)
            except Broken:
                died = True
            else:
                died = False
        story.close(FINAL)
        assert shape(story) == expected, writes
        before = story.everything()
        story.close(FINAL)
        assert story.everything() == before
        if not died:
            break
    else:
        pytest.fail("the close never ended")
    assert writes > 8


def test_a_day_with_more_entries_than_a_commit_takes_is_split_and_completed(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "PER_COMMIT", 3)
    for number in range(8):
        story.turn(at("2026-11-26", 10, number), agent_id=f"agt_{number}")
    story.spend()
    with monkeypatch.context() as broken:
        break_after(broken, 5)
        with pytest.raises(Broken):
            story.close(at("2026-11-27", 0, 10))
    assert 0 < len(story.entries()) < 8
    assert not firestore.get(repository.mark_path(story.workspace, "2026-11-26")).exists
    story.close(at("2026-11-27", 0, 10))
    assert sorted(entry.agent_id or "" for entry in story.entries()) == [f"agt_{number}" for number in range(8)]


def test_a_workspace_that_is_erased_or_unknown_is_left_alone(house: Cloud) -> None:
    story = Story(house)
    batch = firestore.Batch()
    batch.update(contracts.workspace_path(story.workspace), {("state",): "erased"})
    batch.commit()
    story.close(FINAL)
    assert story.state() == {}


def test_the_schedule_asks_for_each_workspace_with_its_own_time(house: Cloud) -> None:
    mine = Story(house).workspace
    assert closing.request_all(NIGHT) >= 1
    (request,) = house.published("close-requested", mine)
    assert request == {"workspace_id": mine, "as_of": clock.to_text(NIGHT)}


amounts = st.integers(0, 3_000_000_000)
turns = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1), st.sampled_from(["a", "b"]), amounts), max_size=7)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=turns, late=turns)
def test_events_charges_ledger_and_invoices_agree_to_the_nano(house: Cloud, turns: list, late: list) -> None:
    story = Story(house)
    counted = []
    for when, made in ((None, turns), (FINAL, late)):
        if when is not None:
            story.close(when)
        for number, (day, hour, agent, amount) in enumerate(made):
            moment = MADE + timedelta(days=day, hours=hour, seconds=number)
            agent_id = f"agt_{agent}"
            known = clock.to_text(moment if when is None else when + timedelta(hours=1, seconds=number))
            more = {"agent_id": agent_id, "conversation_id": str(when), "recorded_at": known}
            counted.append(story.turn(moment, charge_nanos=amount, **more))
    story.close(FINAL + timedelta(days=1))
    story.close(NEXT_FINAL)
    total = sum(event.row["charge_nanos"] for event in counted)
    months = repository.tallies(story.workspace, ["month_2026-11", "month_2026-12"], "USD")
    assert sum(tally.total.charge_nanos for tally, _ in months) == total
    entries = story.entries()
    assert ledger.unbilled(entries) == total
    assert sum(entry.count for entry in entries) == len(counted)
    lines = [line for invoice in story.invoices() for line in invoice.lines]
    assert sum(line.amount_nanos for line in lines) == total
    assert sum(ledger.balances(entries).values()) == 0
    assert ledger.balances(entries)[Account.UNBILLED] == 0
    due = sum(invoice.due_minor for invoice in story.invoices())
    assert ledger.balances(entries)[Account.RECEIVABLE] == due * 10_000_000
    for invoice in story.invoices():
        evidence.manifest(story.workspace, invoice)


def test_two_closes_at_once_book_everything_once(story: Story) -> None:
    for number in range(4):
        story.turn(at("2026-11-26", 10, number), charge_nanos=1_000_000_000 + number, agent_id=f"agt_{number}")
    failed: list[BaseException] = []

    def run() -> None:
        try:
            story.close(FINAL)
        except Unavailable as error:  # What Pub/Sub would deliver again.
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    story.close(FINAL)
    assert len(failed) < 3
    (invoice,) = story.invoices()
    assert (invoice.state, invoice.number, invoice.total_minor) == ("open", "TEST-2026-0001", 400)
    assert ledger.unbilled(story.entries()) == 4_000_000_006
    assert ledger.balances(story.entries())[Account.UNBILLED] == 0
    assert story.state()["issued"] == {"2026": 1}

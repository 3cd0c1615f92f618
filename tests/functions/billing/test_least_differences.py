"""One nano, or one cent, in any figure that is compared is an alarm on the second day, which names where it lies."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from functions.billing import repository
from functions.shared import bigquery, clock, contracts, firestore, metering
from functions.shared.config import settings
from tests.cloud import Cloud
from tests.functions.billing.differences import alarms, plus_one, told
from tests.functions.billing.story import AGENT, FINAL, Story, at


@pytest.fixture
def story(house: Cloud) -> Story:
    return Story(house)


def in_spend(story: Story) -> None:
    plus_one(metering.spend_path(story.workspace, at("2026-11-26")), "spent_nanos")


def in_cost(story: Story) -> None:
    plus_one(metering.spend_path(story.workspace, at("2026-11-26")), "cost_nanos")


def in_the_months_tally(story: Story) -> None:
    path = repository.charges_path(story.workspace, "month_2026-11")
    plus_one(path, "agents", AGENT, "offline-extractive", "2026-01-01", "charge_nanos")


def in_a_rollup(story: Story) -> None:
    plus_one(contracts.path(story.workspace, "rollups", "hour_2026-11-26T10"), "total", "charge_nanos")


def in_a_days_rollup(story: Story) -> None:
    plus_one(contracts.path(story.workspace, "rollups", "day_2026-11-26"), "total", "charge_nanos")


def in_a_months_rollup(story: Story) -> None:
    plus_one(contracts.path(story.workspace, "rollups", "month_2026-11"), "total", "charge_nanos")


def in_a_count_of_a_days_agent(story: Story) -> None:
    plus_one(contracts.path(story.workspace, "rollups", "day_2026-11-26"), "agents", AGENT, "turns")


def in_an_event(story: Story) -> None:
    (event,) = firestore.find(firestore.Query(contracts.path(story.workspace, "events")))
    plus_one(event.path, "row", "charge_nanos")


BEFORE_THE_CLOSE: dict[Callable[[Story], None], dict[str, Any]] = {
    in_spend: {"2026-11": {"spend": 1}},
    in_cost: {"2026-11": {"spend": 0}},
    in_the_months_tally: {"2026-11": {"charges": 1}},
    in_a_rollup: {"2026-11-26": {"rollups": 1, "day_rollup": -1}},
    in_a_days_rollup: {"2026-11-26": {"day_rollup": 1}, "2026-11": {"month_rollup": -1}},
    in_a_months_rollup: {"2026-11": {"month_rollup": 1}},
    in_a_count_of_a_days_agent: {"2026-11-26": {"day_rollup": 0}, "2026-11": {"month_rollup": 0}},
    in_an_event: {"2026-11-26": {"charges": -1, "rollups": -1, "warehouse": -1}, "2026-11": {"spend": -1}},
}


@pytest.mark.parametrize("plant", BEFORE_THE_CLOSE)
def test_one_nano_in_any_figure_of_usage_is_an_alarm_on_the_second_day(
    story: Story, capsys: pytest.CaptureFixture[str], plant: Callable[[Story], None]
) -> None:
    story.turn(at("2026-11-26"))
    story.spend()
    plant(story)
    story.close(at("2026-11-27", 0, 10))
    assert alarms(capsys) == []
    story.close(at("2026-11-28", 0, 10))
    assert told(capsys) == BEFORE_THE_CLOSE[plant]


def test_one_nano_in_the_warehouses_usage_is_an_alarm_on_the_second_day(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    event = story.record(at("2026-11-26"))
    story.count(event, warehouse=[{**event.row, "charge_nanos": event.row["charge_nanos"] + 1}])
    story.close(at("2026-11-27", 0, 10))
    assert alarms(capsys) == []
    story.close(at("2026-11-28", 0, 10))
    assert told(capsys) == {"2026-11-26": {"warehouse": 1}}


def test_one_nano_in_the_ledger_is_an_alarm_on_the_second_day(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    story.turn(at("2026-11-26"))
    story.close(at("2026-11-27", 0, 10))
    (entry,) = story.entries()
    plus_one(repository.entry_path(story.workspace, entry.entry_id), "amount_nanos")
    story.close(at("2026-11-28", 0, 10))
    assert alarms(capsys) == []
    story.close(at("2026-11-29", 0, 10))
    assert told(capsys) == {"2026-11": {"spend": -1}, "booked 2026-11-27": {"warehouse": -1}}


def test_a_day_whose_entries_are_not_its_events_is_an_alarm_on_the_second_day(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.turn(at("2026-11-26"))
    story.close(at("2026-11-27", 0, 10))
    (entry,) = story.entries()
    in_a_rollup(story)
    plus_one(repository.entry_path(story.workspace, entry.entry_id), "cost_nanos")
    # Late usage makes the day be looked at again, on which entries are written for what the ledger lacks, and no more.
    story.turn(at("2026-11-26", 11), recorded_at=clock.to_text(at("2026-11-27", 1)), charge_nanos=7)
    story.close(at("2026-11-28", 0, 10))
    story.close(at("2026-11-29", 0, 10))
    assert told(capsys)["2026-11-26"] == {"rollups": 1, "day_rollup": -1}


def _changed(story: Story, **fields: Any) -> None:
    (invoice,) = story.invoices()
    batch = firestore.Batch()
    batch.update(
        repository.invoice_path(story.workspace, invoice.invoice_id), {(name,): value for name, value in fields.items()}
    )
    batch.commit()


def in_a_line(story: Story) -> None:
    lines = [line.model_dump() for line in story.invoices()[0].lines]
    lines[0]["amount_nanos"] += 1
    _changed(story, lines=lines)


def in_a_lines_cents(story: Story) -> None:
    lines = [line.model_dump() for line in story.invoices()[0].lines]
    lines[0]["amount_minor"] += 1
    _changed(story, lines=lines)


def in_what_is_due(story: Story) -> None:
    _changed(story, due_minor=story.invoices()[0].due_minor + 1)


def in_what_is_paid(story: Story) -> None:
    _changed(story, paid_minor=1)


CENT = 10_000_000


AFTER_FINALIZING: dict[Callable[[Story], None], dict[str, int]] = {
    in_a_line: {"invoice_lines": 1, "warehouse": -1},
    in_a_lines_cents: {"paid_and_due": 0, "warehouse": 0},
    in_what_is_due: {"due": CENT, "paid_and_due": CENT},
    in_what_is_paid: {"paid_and_due": CENT},
}


@pytest.mark.parametrize("plant", AFTER_FINALIZING)
def test_the_least_difference_in_an_invoice_is_an_alarm_on_the_second_day(
    story: Story, capsys: pytest.CaptureFixture[str], plant: Callable[[Story], None]
) -> None:
    story.turn(at("2026-11-26"), charge_nanos=1_234_567_891)
    story.close(FINAL)
    plant(story)
    story.close(FINAL + timedelta(days=1))
    assert alarms(capsys) == []
    story.close(FINAL + timedelta(days=2))
    assert told(capsys) == {story.invoices()[0].invoice_id: AFTER_FINALIZING[plant]}


def test_one_nano_in_the_warehouses_entries_and_lines_is_an_alarm_on_the_second_day(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.turn(at("2026-11-26"), charge_nanos=1_230_000_000)
    story.stores = False
    story.close(FINAL)
    (invoice,) = story.invoices()
    rows = {
        "ledger_entries": [entry.to_row() for entry in story.entries()],
        "invoice_lines": [*invoice.to_rows()],
    }
    for table, own in rows.items():
        own[0]["amount_nanos"] += 1
        name = f"{settings().project}.{settings().dataset}.{table}"
        assert bigquery.client().insert_rows_json(name, own) == []
    story.close(FINAL + timedelta(days=1))
    assert alarms(capsys) == []
    story.close(FINAL + timedelta(days=2))
    assert told(capsys) == {"booked 2026-12-02": {"warehouse": 1}, invoice.invoice_id: {"warehouse": 1}}

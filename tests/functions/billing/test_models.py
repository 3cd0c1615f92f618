"""Nouns are frozen, periods are half-open, rows are exactly the warehouse's columns."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from functions.billing.models import InvoiceState, LedgerEntry, Period, first_day_after
from tests.functions.billing.making import DAYS, close, draft, event, freeze, post, terms

CATALOGUE = yaml.load(
    Path(__file__).parents[3].joinpath("infra/catalogue.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader
)
TABLES = CATALOGUE["bigquery"]["tables"]


@given(st.integers(0, 7 * 366 * 86_400))
def test_every_instant_is_in_one_period(second: int) -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    period = Period.of(at)
    assert period.start <= at < period.end
    assert period.next.start == period.end
    assert at.date().isoformat() in period.days
    assert Period.of(period.end - timedelta(microseconds=1)) == period


def test_days_follow_each_other_over_the_end_of_a_leap_february() -> None:
    assert first_day_after("2028-02-28") == "2028-02-29"
    assert Period(month="2028-02").days[-1] == "2028-02-29"
    with pytest.raises(ValidationError):
        Period(month="2028-2")


def test_ledger_rows_are_the_columns_of_the_warehouse() -> None:
    (entry,) = close([event()], DAYS[0])
    row = entry.to_row()
    assert set(row) == set(TABLES["ledger_entries"]["columns"])
    assert row["booked_at"] == "2026-12-02T00:10:00.000000Z"
    assert required(row, "ledger_entries")


def test_invoice_rows_are_the_columns_of_the_warehouse() -> None:
    plan = terms(monthly_fee="19", tax_rate="0.2")
    entries = close([event()], DAYS[0])
    rows = freeze(draft(plan, entries + post(plan, entries))).to_rows()
    assert [row["kind"] for row in rows] == ["usage", "fee", "tax"]
    for row in rows:
        assert set(row) == set(TABLES["invoice_lines"]["columns"])
        assert required(row, "invoice_lines")


def required(row: dict[str, object], table: str) -> bool:
    return all(row[name] is not None for name, kind in TABLES[table]["columns"].items() if kind.endswith("!"))


def test_a_draft_has_no_rows() -> None:
    with pytest.raises(ValueError, match="draft"):
        draft(terms(), []).to_rows()


def test_an_entry_survives_its_document_and_cannot_be_changed() -> None:
    (entry,) = close([event()], DAYS[0])
    assert LedgerEntry.from_document(entry.to_document()) == entry
    with pytest.raises(ValidationError):
        entry.amount_nanos = 0  # type: ignore[misc]
    with pytest.raises(ValidationError):
        LedgerEntry.from_document(entry.to_document() | {"amount_nanos": 1.5})
    with pytest.raises(ValidationError):
        LedgerEntry.from_document(entry.to_document() | {"amount_nanos": -1})


def test_what_is_frozen_does_not_change_with_payments() -> None:
    plan = terms(monthly_fee="19")
    frozen = freeze(draft(plan, post(plan, [])))
    paid = frozen.model_copy(update={"state": InvoiceState.PAID, "paid_minor": 1900})
    assert paid.frozen_bytes() == frozen.frozen_bytes()
    assert (frozen.due_minor, paid.due_minor) == (1900, 0)


def test_a_turn_with_an_unreported_bucket_is_pending_until_its_correction() -> None:
    assert event(output_tokens=None).pending == 1
    assert event().pending == 0
    assert event(corrects="turn1").pending == -1
    assert event(corrects="turn1", input_tokens=None).pending == 0
    assert event(type="conversation_resolved", input_tokens=None).pending == 0

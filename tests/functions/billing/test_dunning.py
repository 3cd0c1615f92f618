"""An invoice that is not paid becomes overdue, and every step of dunning is taken once, in order, until it is paid."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.billing import dunning, invoicing, repository
from functions.billing.models import Invoice, InvoiceState
from functions.dashboard import suspending
from functions.shared import contracts, events, firestore
from tests.cloud import Cloud
from tests.functions.billing.debts import pay, stored
from tests.functions.billing.making import FINAL as MADE
from tests.functions.billing.making import close, draft, event, freeze, terms
from tests.functions.billing.story import Story, owing
from tests.functions.billing.till import Till


@pytest.fixture
def story(house: Cloud) -> Story:
    """A workspace that owes 10 dollars, due on 16 December."""
    return owing(house)


def told(story: Story) -> list[dict[str, Any]]:
    rows = story.cloud.published("notifications", story.workspace)
    return [row["facts"] for row in rows if row["type"] == "invoice.overdue"]


def test_each_step_is_told_once_on_its_day_and_none_after_the_payment(story: Story) -> None:
    (invoice,) = story.invoices()
    assert invoice.due_at is not None
    steps, found = [], []
    for days in (-1, 0, 1, 1, 2, 8, 9):
        story.close(invoice.due_at + timedelta(days=days, hours=1))
        found += told(story)
        steps.append([one["step"] for one in found])
    assert steps == [
        [],
        [],
        ["reminder"],
        ["reminder"],
        ["reminder"],
        ["reminder", "second_reminder"],
        ["reminder", "second_reminder"],
    ]
    now = stored(story, invoice)
    assert (now.state, now.after.dunned) == ("overdue", ("reminder", "second_reminder"))
    facts = found[1]
    assert {name: facts[name] for name in ("due", "days_overdue", "action", "template", "invoice_number")} == {
        "due": "10.00",
        "days_overdue": 8,
        "action": "remind",
        "template": "second_reminder",
        "invoice_number": invoice.number,
    }
    pay(story, invoice, 1000)
    story.close(invoice.due_at + timedelta(days=40))
    assert told(story) == []


def test_what_a_run_missed_is_caught_up_in_order(story: Story) -> None:
    (invoice,) = story.invoices()
    assert invoice.due_at is not None
    story.close(invoice.due_at + timedelta(days=60))
    found = told(story)
    story.close(invoice.due_at + timedelta(days=60))
    # Pub/Sub promises no order; the invoice keeps it.
    assert sorted(one["step"] for one in (*found, *told(story))) == ["last_warning", "reminder", "second_reminder"]
    assert stored(story, invoice).after.dunned == ("reminder", "second_reminder", "last_warning")


def test_what_is_due_again_after_it_was_paid_is_dunned_anew_and_step_by_step(story: Story) -> None:
    (invoice,) = story.invoices()
    assert invoice.due_at is not None
    story.close(invoice.due_at + timedelta(days=1, hours=1))
    pay(story, invoice, 1000)
    again = invoice.due_at + timedelta(days=40)
    batch = firestore.Batch()
    reopened = invoicing.settle(stored(story, invoice), 0, again)
    batch.set(repository.invoice_path(story.workspace, invoice.invoice_id), repository.invoice_document(reopened))
    batch.commit()
    assert (reopened.state, reopened.after.dunned) == ("overdue", ())
    assert [one["step"] for one in told(story)] == ["reminder"]
    found = []
    for days in (0, 1, 1, 8):
        story.close(again + timedelta(days=days, hours=1))
        found.append([(one["step"], one["days_overdue"]) for one in told(story)])
    assert found == [[], [("reminder", 1)], [], [("second_reminder", 8)]]


def overdue() -> Invoice:
    made = freeze(draft(terms(), close([event(charge_nanos=10_000_000_000)], "2026-12-01")))
    return made.model_copy(update={"state": InvoiceState.OVERDUE})


@given(st.lists(st.integers(0, 60), max_size=12))
def test_in_whatever_rhythm_runs_come_no_step_is_taken_twice_or_early(days: list[int]) -> None:
    invoice, taken = overdue(), []
    assert invoice.due_at is not None
    for day in sorted(days):
        for step in dunning.due(dunning.plan(), invoice, invoice.due_at + timedelta(days=day)):
            assert step.days <= day
            taken.append(step.step)
        invoice = invoice.model_copy(update={"after": invoice.after.model_copy(update={"dunned": tuple(taken)})})
    assert taken == [step.step for step in dunning.plan().steps if days and step.days <= max(days)]
    paid = invoice.model_copy(update={"state": InvoiceState.PAID})
    assert dunning.due(dunning.plan(), paid, MADE + timedelta(days=400)) == []


@pytest.mark.parametrize(
    "steps",
    [
        [("a", 1, "suspend"), ("b", 2, "remind")],
        [("a", 2, "remind"), ("b", 1, "remind")],
        [("a", 1, "remind"), ("b", 1, "remind")],
        [("a", 1, "remind"), ("a", 2, "remind")],
    ],
)
def test_steps_that_make_no_sense_are_refused(steps: list[tuple[str, int, str]]) -> None:
    data = [{"step": name, "days": days, "template": "reminder", "action": act} for name, days, act in steps]
    with pytest.raises(ValueError, match="step"):
        dunning.Plan.model_validate({"steps": data})


def test_nobody_is_suspended_by_the_steps_that_ship() -> None:
    assert [step.action for step in dunning.plan().steps] == ["remind", "remind", "warn"]


def test_a_card_payment_of_the_last_overdue_invoice_lifts_what_dunning_suspended(
    story: Story, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    (invoice,) = story.invoices()
    assert invoice.due_at is not None
    step = dunning.Step(step="end", days=20, template="suspended", action="suspend")
    monkeypatch.setattr(dunning, "plan", lambda: dunning.Plan(steps=(step,)))
    late = invoice.due_at + timedelta(days=20, hours=1)
    story.close(late)
    assert follow(story, late) == "suspended"
    intent = till.pays(story, invoice_id=invoice.invoice_id)
    till.told(story, intent)
    assert stored(story, invoice).state == "paid"
    assert follow(story, late) == "active"


def follow(story: Story, now: datetime) -> str:
    """What the webhooks' service does with what billing has told; the workspace's state then."""
    for one in firestore.find(firestore.Query(contracts.path(story.workspace, "events"))):
        if one.data.get("topic") == "notifications":
            told_of = events.read(story.workspace, one.id)
            assert told_of is not None
            suspending.follow(told_of, now)
    return str(firestore.get(contracts.workspace_path(story.workspace)).data["state"])

"""From an event to its invoice line and back, whatever is booked of it so far."""

import pytest

from functions.billing import invoices, tracing
from functions.shared import clock, firestore
from functions.shared.errors import NotFound
from functions.shared.http import Page
from tests.cloud import Cloud
from tests.functions.billing.story import FINAL, NEXT_FINAL, NIGHT, Story, at


@pytest.fixture
def story(house: Cloud) -> Story:
    return Story(house)


def test_a_turn_leads_to_the_line_that_bills_it_and_the_line_back_to_it(story: Story) -> None:
    event = story.turn(at("2026-11-26"), charge_nanos=1_000_000_000)
    story.turn(at("2026-11-26", 11), model="gemini-4-argon", charge_nanos=1_000_000_000)
    call = story.cloud.call(story.workspace)
    fresh = tracing.trace(call, event.id)
    assert (fresh.state, fresh.entry_id, fresh.invoice_id) == ("unbooked", None, None)
    story.close(at("2026-11-27", 0, 10))
    booked = tracing.trace(call, event.id)
    assert (booked.state, booked.invoice_id) == ("booked", None)
    assert booked.entry_id in {entry.entry_id for entry in story.entries()}
    story.close(NIGHT)
    assert tracing.trace(call, event.id).state == "draft"
    story.close(FINAL)
    found = tracing.trace(call, event.id)
    (invoice,) = story.invoices()
    assert (found.state, found.invoice_id, found.invoice_number) == ("open", invoice.invoice_id, invoice.number)
    assert (found.period, found.day, found.conversation_id) == ("2026-11", "2026-11-26", "cnv_1")
    assert found.line_id is not None
    under = invoices.line_events(call, invoice.invoice_id, found.line_id, Page())
    assert [one.id for one in under.items] == [event.id]


def test_late_usage_and_its_neighbours_each_lead_to_their_own_invoice(story: Story) -> None:
    first = story.turn(at("2026-11-26"), charge_nanos=1_000_000_000)
    story.close(FINAL)
    late = story.turn(at("2026-11-26", 11), recorded_at=clock.to_text(at("2026-12-05")), charge_nanos=2_000_000_000)
    call = story.cloud.call(story.workspace)
    assert tracing.trace(call, late.id).state == "unbooked"
    story.close(NEXT_FINAL)
    numbers = [tracing.trace(call, event.id).invoice_number for event in (first, late)]
    assert numbers == ["TEST-2026-0001", "TEST-2027-0001"]
    assert tracing.trace(call, late.id).period == "2026-11"


def test_a_correction_says_on_which_day_it_is_booked(story: Story) -> None:
    turn = story.turn(at("2026-11-26"))
    late = {"type": "correction", "corrects": turn.id, "charge_nanos": 0, "new_conversation": False}
    correction = story.record(at("2026-11-26"), "2026-11-28", **late)
    found = tracing.trace(story.cloud.call(story.workspace), correction.id)
    assert (found.day, found.period) == ("2026-11-28", "2026-11")


@pytest.mark.parametrize("name", ["nothing", "a/b", "..", "led", ""])
def test_what_is_no_event_of_usage_is_not_found(story: Story, name: str) -> None:
    with pytest.raises(NotFound):
        tracing.trace(story.cloud.call(story.workspace), name)


def test_an_event_of_another_kind_or_workspace_is_not_found(story: Story, house: Cloud) -> None:
    event = story.turn(at("2026-11-26"))
    story.close(FINAL)
    other = next(one for one in story.entries())
    assert firestore.get(f"workspaces/{story.workspace}/events/{other.entry_id}").exists
    with pytest.raises(NotFound):
        tracing.trace(story.cloud.call(story.workspace), other.entry_id)
    with pytest.raises(NotFound):
        tracing.trace(house.call(Story(house).workspace), event.id)

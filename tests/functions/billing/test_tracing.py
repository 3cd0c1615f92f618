"""From an event to its invoice line and back, whatever is booked of it so far."""

from datetime import datetime, timedelta

import pytest

from functions.billing import invoice_api_models as invoice_api
from functions.billing import invoices, past_usage, tracing
from functions.billing.models import USAGE_LINES
from functions.shared import bigquery, clock, contracts, firestore
from functions.shared.errors import NotFound, Unavailable
from functions.shared.events import Event
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


def forget(*gone: Event) -> None:
    """What Firestore does with events after 100 days."""
    firestore.delete_tree([contracts.path(event.workspace, "events", event.id) for event in gone])


def opened(story: Story, now: datetime) -> list[tuple[str, str, int]]:
    """Every line of usage down to its turns: the line's invoice, each turn and its charge; their sum is the line's."""
    call, seen = story.cloud.call(story.workspace, now=now), []
    for invoice in sorted(story.invoices(), key=lambda one: one.period):
        for line in invoice.lines:
            if line.kind in USAGE_LINES:
                token, own = None, list[invoice_api.LineEvent]()
                while own == [] or token:
                    page = invoices.line_events(
                        call, invoice.invoice_id, line.line_id, Page(page_size=2, page_token=token)
                    )
                    own, token = [*own, *page.items], page.next_page_token
                assert (sum(one.charge.nanos for one in own), len(own)) == (line.amount_nanos, line.count)
                seen += [(str(invoice.number), one.id, one.charge.nanos) for one in own]
    return seen


def of_three_days(story: Story) -> list[Event]:
    """Turns of three days, one of which came late, and a correction that is booked on the day after its turn's."""
    turns = [story.turn(at("2026-11-26", hour), charge_nanos=hour * 1_000_000_000) for hour in (8, 9, 10)]
    turns.append(story.turn(at("2026-11-26", 23, 59), charge_nanos=1))
    known = {"recorded_at": clock.to_text(at("2026-11-27", 0, 2)), "corrects": turns[-1].id, "type": "correction"}
    fixed = story.record(at("2026-11-26", 23, 59), "2026-11-27", charge_nanos=7, new_conversation=False, **known)
    story.count(fixed)
    turns += [fixed, story.turn(at("2026-11-28"), charge_nanos=11, model="gemini-4-argon")]
    story.close(FINAL)
    late = {"recorded_at": clock.to_text(at("2026-12-05")), "charge_nanos": 2_000_000_000}
    turns.append(story.turn(at("2026-11-26", 11), **late))
    story.close(NEXT_FINAL)
    return turns


@pytest.mark.parametrize("at_once", [1, 5000])
def test_lines_open_and_turns_are_traced_when_firestore_has_let_the_events_go(
    story: Story, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(past_usage, "AT_ONCE", at_once)
    turns = of_three_days(story)
    before = opened(story, NEXT_FINAL)
    assert len(before) == len(turns)
    traced = [tracing.trace(story.cloud.call(story.workspace, now=NEXT_FINAL), event.id) for event in turns]
    later = at("2026-11-26") + timedelta(days=200)
    # The first of a day goes first, and the late one last of all.
    forget(turns[0], turns[1])
    assert opened(story, later) == before
    forget(*turns)
    assert opened(story, later) == before
    call = story.cloud.call(story.workspace, now=later)
    assert [tracing.trace(call, event.id) for event in turns] == traced
    with pytest.raises(NotFound):
        tracing.trace(call, "nothing")


def test_a_warehouse_that_does_not_answer_opens_no_half_of_a_line(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = of_three_days(story)
    forget(turns[0])

    def gone() -> None:
        raise TimeoutError

    monkeypatch.setattr(bigquery, "client", gone)
    with pytest.raises(Unavailable):
        opened(story, at("2027-06-01"))
    with pytest.raises(Unavailable):
        tracing.trace(story.cloud.call(story.workspace, now=at("2027-06-01")), turns[0].id)
    # What is young is read from Firestore alone.
    forget(*turns)
    assert past_usage.find(story.workspace, turns[0].id, at("2026-12-01")) is None


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

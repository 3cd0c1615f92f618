"""Tallies are sums in any order, each event once; digests do not depend on order either."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.billing.charges import Cell, Tally, cell_digests, day_digest, difference, increments, key_of, tally
from functions.billing.models import UsageEvent
from functions.shared.digests import node
from functions.shared.plans import Meter
from tests.functions.billing.making import START, event, events


def add(document: dict, change: dict) -> None:
    """What Firestore does with nested increments."""
    for key, value in change.items():
        if isinstance(value, dict):
            add(document.setdefault(key, {}), value)
        else:
            document[key] = document.get(key, 0) + value


@settings(max_examples=40)
@given(events(), st.randoms(use_true_random=False))
def test_blind_increments_in_any_order_give_the_tally(found: list[UsageEvent], random) -> None:
    document: dict = {"currency": "USD"}
    random.shuffle(found)
    for item in found:
        add(document, increments(item))
    assert difference(tally(found, "USD"), Tally.from_document(document)) == {}


@settings(max_examples=40)
@given(events(), st.randoms(use_true_random=False))
def test_order_and_repetition_change_neither_tally_nor_digest(found: list[UsageEvent], random) -> None:
    again = found + found[:3]
    random.shuffle(again)
    assert tally(again, "USD") == tally(found, "USD")
    assert day_digest(again) == day_digest(found)
    assert cell_digests(again) == cell_digests(found)


@settings(max_examples=40)
@given(events())
def test_a_tally_is_the_sum_of_what_each_event_adds(found: list[UsageEvent]) -> None:
    cells: dict = {}
    for item in found:
        cells[key_of(item)] = cells.get(key_of(item), Cell()).plus(Cell.of(item))
    assert tally(found, "USD").cells == cells
    assert list(tally(found, "USD").cells) == sorted(cells)


@settings(max_examples=40)
@given(events(), st.integers(0, 14))
def test_tallies_of_parts_add_up_to_the_whole(found: list[UsageEvent], cut: int) -> None:
    parts = tally(found[:cut], "USD").plus(tally(found[cut:], "USD"))
    assert parts == tally(found, "USD")
    assert parts.total.charge_nanos == sum(item.charge_nanos for item in found)
    charged = [item for item in found if item.charge_nanos]
    assert sum(of[Meter.INPUT] for of in parts.counted.values()) == sum(item.input_tokens or 0 for item in charged)
    assert parts.counted.keys() == {item.model for item in found}


@given(events())
def test_a_tally_survives_its_document(found: list[UsageEvent]) -> None:
    assert Tally.from_document(tally(found, "USD").to_document() | {"as_of": "x"}) == tally(found, "USD")


def test_the_same_event_with_other_content_is_refused() -> None:
    with pytest.raises(ValueError, match="different content"):
        tally([event(), event(charge_nanos=1)], "USD")
    with pytest.raises(ValueError, match="EUR"):
        tally([event(currency="EUR")], "USD")


def test_a_missing_event_shows_even_where_all_amounts_agree() -> None:
    one, other = event(event_id="a"), event(event_id="b")
    assert difference(tally([one], "USD"), tally([other], "USD")) != {}
    assert difference(tally([one, other], "USD"), tally([one], "USD"))[key_of(one)].count == 1


def test_what_is_counted() -> None:
    turn = Cell.of(event(new_conversation=True, output_tokens=None))
    assert (turn.messages, turn.conversations, turn.resolved_conversations, turn.pending) == (1, 1, 0, 1)
    resolved = Cell.of(event(type="conversation_resolved"))
    assert (resolved.messages, resolved.conversations, resolved.resolved_conversations) == (0, 0, 1)
    correction = Cell.of(event(corrects="turn1", new_conversation=True))
    assert (correction.messages, correction.conversations, correction.count, correction.pending) == (0, 0, 1, -1)


def test_a_day_is_the_node_of_its_hours() -> None:
    early, late = event(event_id="a"), event(event_id="b", occurred_at=START + timedelta(hours=23))
    assert day_digest([late, early]) == node([node([early.digest]), node([late.digest])])
    assert day_digest([]) == node([])


def test_only_an_answered_turn_is_a_message_that_a_plan_counts() -> None:
    for outcome, messages in (("completed", 1), ("interrupted", 1), ("failed", 0), ("abandoned", 0)):
        cell = Cell.of(event(outcome=outcome, new_conversation=True))
        assert (cell.messages, cell.conversations, cell.count) == (messages, messages, 1)


def test_what_was_not_charged_is_counted_apart() -> None:
    paid, failed = event(event_id="a"), event(event_id="b", outcome="failed", charge_nanos=0)
    whole = tally([paid, failed], "USD")
    assert whole.total.input_tokens == 2000
    assert (whole.total.free_input_tokens, whole.total.free_cost_nanos) == (1000, 9_000_000)
    assert whole.counted["offline-extractive"][Meter.INPUT] == 1000
    assert Tally.from_document(whole.to_document()) == whole

"""Each event is counted once, in any order, to the nano."""

import random

import pytest

from functions.billing import charges, repository, tallies
from functions.billing.models import UsageEvent
from functions.shared import clock
from functions.shared.errors import Malformed
from functions.shared.events import Event
from tests.cloud import Cloud
from tests.functions.billing.story import Story, at


def test_the_same_event_twice_and_out_of_order_counts_once(house: Cloud) -> None:
    story = Story(house)
    made = [story.record(at("2026-11-26", hour), model=model) for hour in (23, 1, 12) for model in ("a.b/c-1", "d")]
    order = made * 2
    random.Random(7).shuffle(order)
    applied = [tallies.count(event, at("2026-11-27")) for event in order]
    assert applied.count(True) == len(made)
    (day, newest), (month, _) = repository.tallies(story.workspace, ["day_2026-11-26", "month_2026-11"], "USD")
    expected = charges.tally([UsageEvent.model_validate(event.row) for event in made], "USD")
    assert charges.difference(expected, day) == charges.difference(expected, month) == {}
    assert day.currency == "USD"
    assert clock.from_micros(newest) == at("2026-11-26", 23)


def test_an_event_belongs_to_the_utc_day_on_which_it_happened(house: Cloud) -> None:
    story = Story(house)
    late = story.record(at("2026-11-30", 23, 59), recorded_at=clock.to_text(at("2026-12-01", 0, 1)))
    tallies.count(late, at("2026-12-01", 0, 2))
    (day, _), (next_month, _) = repository.tallies(story.workspace, ["day_2026-11-30", "month_2026-12"], "USD")
    assert (day.total.messages, next_month.total.messages) == (1, 0)


def test_an_event_older_than_the_marks_changes_nothing(house: Cloud) -> None:
    story = Story(house)
    assert not tallies.count(story.record(at("2026-11-26")), at("2026-12-27"))


def test_what_is_no_usage_event_is_refused(house: Cloud) -> None:
    story = Story(house)
    with pytest.raises(Malformed):
        tallies.count(Event(story.workspace, "usage-recorded", "e1", {"event_id": "e1"}), at("2026-11-26"))

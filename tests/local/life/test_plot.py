"""Who comes when: the same plot for a seed, in order, by weekday and hour, and more at the end."""

import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local.life import __main__ as life
from local.life import cast, office, plot
from local.life.story import Wish

FIRST = datetime(2026, 8, 31, tzinfo=UTC)
AGENTS = cast.read().agents


def test_a_seed_has_one_plot_and_another_seed_another() -> None:
    once, again = (plot.visits(AGENTS, FIRST, 30, 300, "7") for _ in range(2))
    assert once == again != plot.visits(AGENTS, FIRST, 30, 300, "8")


def test_visits_are_in_order_numbered_and_on_their_day() -> None:
    days = plot.visits(AGENTS, FIRST, 30, 400, "7")
    every = [visit for of_day in days for visit in of_day]
    assert [visit.number for visit in every] == list(range(len(every)))
    assert 320 < len(every) < 480
    for number, of_day in enumerate(days):
        assert of_day == sorted(of_day, key=lambda visit: visit.at)
        begins = FIRST + timedelta(days=number)
        assert all(begins <= visit.at < begins + timedelta(days=1) for visit in of_day)


def test_nobody_comes_before_an_agent_is_made() -> None:
    for of_day in plot.visits(AGENTS, FIRST, 60, 900, "7"):
        assert all(visit.at >= plot.begins(visit.agent, FIRST, 60) + timedelta(days=1) for visit in of_day)


def test_offices_ask_on_weekdays_and_more_come_at_the_end() -> None:
    days = plot.visits(AGENTS, FIRST, 84, 3000, "7")
    office = Counter(visit.at.weekday() for of_day in days for visit in of_day if visit.agent.hours == "office")
    assert office[5] + office[6] < 0.15 * office.total()
    weeks = [sum(map(len, days[week * 7 : week * 7 + 7])) for week in range(12)]
    assert sum(weeks[8:]) > 1.5 * sum(weeks[:4])


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
def test_everybody_can_be_asked_something_in_each_of_their_languages(agent: cast.Agent) -> None:
    talk = cast.read().talk
    for language in agent.languages:
        assert agent.topics[language]
        assert talk[language]["unknown"] and talk[language]["person"]
    assert len(agent.quality) >= 1 and agent.site.startswith("https://www.")


@given(st.timedeltas(timedelta(0), timedelta(days=8 * 366)).map(lambda after: datetime(2024, 1, 1, tzinfo=UTC) + after))
@example(datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
@example(datetime(2026, 12, 1, 3, tzinfo=UTC))
@example(datetime(2026, 10, 2, 0, 9, tzinfo=UTC))
@example(datetime(2027, 3, 1, tzinfo=UTC))
@example(datetime(2028, 3, 1, 12, tzinfo=UTC))
def test_whenever_a_story_ends_three_months_were_closed_and_the_second_was_paid_late(until: datetime) -> None:
    days = plot.length(until)
    assert plot.DAYS <= days <= plot.MOST_DAYS
    first = Wish("7", until, days, 12, 250).first
    nights = [first + timedelta(days=number, minutes=100) for number in range(1, days + 1)]
    seen = [night for night in nights if night.day == 2 and night <= until]
    assert len(seen) >= 3, "a month's bill is there in the morning of the next month's second"
    # The first month is no sliver, and the second bill was overdue for a week before it was paid.
    assert seen[0] - first > timedelta(days=3)
    assert seen[1] + office.PAID_LATE < seen[2] + timedelta(days=1) <= until + timedelta(days=1)


def test_a_story_of_which_nothing_is_said_is_as_long_as_three_closed_months_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["demo", "--until", "2026-12-01"])
    wish, _ = life._arguments()
    assert (wish.first, wish.agents) == (datetime(2026, 8, 29, tzinfo=UTC), 12)
    monkeypatch.setattr(sys, "argv", ["demo", "--until", "2026-12-01", "--days", "90"])
    assert life._arguments()[0].first == datetime(2026, 9, 2, tzinfo=UTC)


def test_most_stories_have_ninety_days_and_none_that_ends_with_a_month_has_fewer_closed_ones() -> None:
    ends = [datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=number) for number in range(365)]
    longer = [end for end in ends if plot.length(end) > plot.DAYS]
    assert 0 < len(longer) < 60 and {end.day for end in longer} <= {1, 26, 27, 28, 29, 30, 31}


def test_there_are_twelve_agents_in_eight_industries() -> None:
    assert (len(AGENTS), len({agent.industry for agent in AGENTS})) == (12, 8)


def test_colleagues_answer_when_they_work() -> None:
    friday_night = datetime(2026, 9, 4, 21, 17, tzinfo=UTC)
    assert plot.at_work(friday_night) == datetime(2026, 9, 7, 6, 17, tzinfo=UTC)
    early = datetime(2026, 9, 7, 3, 40, tzinfo=UTC)
    assert plot.at_work(early) == datetime(2026, 9, 7, 6, 40, tzinfo=UTC)
    noon = datetime(2026, 9, 7, 10, 5, tzinfo=UTC)
    assert plot.at_work(noon) == noon

"""Who comes when: the same plot for a seed, in order, by weekday and hour, and more at the end."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from local.life import cast, plot

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


def test_there_are_twelve_agents_in_eight_industries() -> None:
    assert (len(AGENTS), len({agent.industry for agent in AGENTS})) == (12, 8)


def test_colleagues_answer_when_they_work() -> None:
    friday_night = datetime(2026, 9, 4, 21, 17, tzinfo=UTC)
    assert plot.at_work(friday_night) == datetime(2026, 9, 7, 6, 17, tzinfo=UTC)
    early = datetime(2026, 9, 7, 3, 40, tzinfo=UTC)
    assert plot.at_work(early) == datetime(2026, 9, 7, 6, 40, tzinfo=UTC)
    noon = datetime(2026, 9, 7, 10, 5, tzinfo=UTC)
    assert plot.at_work(noon) == noon

"""Who comes when: draws the visits of every day, with weekdays, hours of the day and growth. Pure; one seed, one plot."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from local.life.cast import Agent

ZONE = ZoneInfo("Europe/Berlin")

# Monday to Sunday, and the hours from 0 to 23, relative to each other.
_WEEK = {
    "day": (1.25, 1.15, 1.1, 1.1, 0.95, 0.5, 0.3),
    "office": (1.3, 1.25, 1.2, 1.15, 1.0, 0.2, 0.15),
    "evening": (0.9, 0.85, 0.9, 1.0, 1.15, 1.2, 1.25),
    "always": (1.05, 0.95, 0.9, 0.95, 1.1, 1.1, 1.15),
}
_DAY = {
    "day": (0, 0, 0, 0, 0, 1, 3, 8, 12, 13, 12, 10, 8, 9, 10, 9, 8, 6, 5, 4, 4, 3, 1, 0),
    "office": (0, 0, 0, 0, 0, 1, 2, 6, 12, 15, 15, 12, 7, 11, 14, 13, 11, 7, 3, 2, 2, 1, 1, 0),
    "evening": (2, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 6, 5, 6, 8, 11, 13, 14, 13, 11, 7, 4),
    "always": (3, 2, 1, 1, 1, 1, 2, 4, 6, 8, 8, 8, 7, 6, 7, 8, 9, 9, 9, 10, 10, 9, 7, 5),
}
DAYS, MONTHS = 90, 3
MOST_DAYS = 96
"""Events are kept for 100 days, and the last night still has to book the first day's."""
_FIRST_MONTH = 3
"""Days of the first month at least: in two of them visitors come."""

_GROWTH = 1.7
"""How many times as many visitors come on the last day as on an agent's first."""


@dataclass(frozen=True)
class Visit:
    """Somebody comes to an agent's page; `number` is among all visits."""

    number: int
    at: datetime
    agent: Agent


def length(until: datetime) -> int:
    """How many days a story has that ends then: DAYS, or the few more in which MONTHS months are closed by then.

    Months have 28 to 31 days, and one is closed a day after its end, in the night: of 90 days that end with a month or on a
    first, two months can be closed only.
    """
    # The nightly run that closes a month, and the morning that sees its bill.
    month = (until - timedelta(days=1, hours=2)).replace(day=1)
    for _ in range(MONTHS - 1):
        month = (month - timedelta(days=1)).replace(day=1)
    return max(DAYS, (until.date() - month.date()).days + _FIRST_MONTH)


def begins(agent: Agent, first: datetime, days: int) -> datetime:
    """Midnight UTC of the day on which the agent is made."""
    return first + timedelta(days=math.floor(agent.joins * days))


def visits(agents: Sequence[Agent], first: datetime, days: int, total: int, seed: str) -> list[list[Visit]]:
    """About `total` visits, by the UTC days from `first` on; each list is in order."""
    chance = random.Random(f"{seed} plot")
    weights = [[_weight(agent, first, day, days) for agent in agents] for day in range(days)]
    scale = total / (sum(map(sum, weights)) or 1)
    plot, number = [], 0
    for day, of_day in enumerate(weights):
        weather = chance.uniform(0.85, 1.15)
        found = []
        for agent, weight in zip(agents, of_day, strict=True):
            for _ in range(_drawn(chance, weight * scale * weather)):
                found.append((_moment(chance, agent, first + timedelta(days=day)), agent))
        found.sort(key=lambda one: one[0])
        plot.append([Visit(number + place, at, agent) for place, (at, agent) in enumerate(found)])
        number += len(found)
    return plot


def _weight(agent: Agent, first: datetime, day: int, days: int) -> float:
    moment, start = first + timedelta(days=day), begins(agent, first, days)
    # On its first day an agent is made and tried out.
    if moment <= start:
        return 0.0
    share = day / max(1, days - 1)
    # A new agent's page is found step by step.
    found = min(1.0, 0.35 + 0.65 * (moment - start).days / 14)
    return float(agent.weight * _WEEK[agent.hours][moment.weekday()] * _GROWTH**share * found)


def _drawn(chance: random.Random, mean: float) -> int:
    """A number of Poisson's kind, by multiplying (Knuth)."""
    limit, product, number = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        number += 1
    return number


def _moment(chance: random.Random, agent: Agent, day: datetime) -> datetime:
    hour = chance.choices(range(24), _DAY[agent.hours])[0]
    local = datetime(day.year, day.month, day.day, hour, chance.randrange(60), chance.randrange(60), tzinfo=ZONE)
    moment = local.astimezone(day.tzinfo) + timedelta(microseconds=chance.randrange(10**6))
    # What is past midnight in UTC, or was yesterday, belongs to this day all the same: at its edge.
    return min(max(moment, day + timedelta(minutes=15)), day + timedelta(hours=23, minutes=40))


def at_work(moment: datetime) -> datetime:
    """This moment where colleagues work then, else the same minute after eight on the next working day, in Berlin."""
    local = moment.astimezone(ZONE)
    if local.weekday() < 5 and 8 <= local.hour < 18:
        return moment
    day = local if local.hour < 8 else local + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return day.replace(hour=8).astimezone(moment.tzinfo)

"""Plays the whole of the demo's data in the order of time: people, visitors, nights and money."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from local.life import cast, plot
from local.life.office import Office
from local.life.owner import Owner
from local.life.product import Product
from local.life.visits import Visits


@dataclass(frozen=True)
class Wish:
    """How much life there shall be: `days` before `until`, so many agents and about so many visits."""

    seed: str
    until: datetime
    days: int
    agents: int
    visits: int

    @property
    def first(self) -> datetime:
        """Midnight UTC of the first day."""
        return (self.until - timedelta(days=self.days)).replace(hour=0, minute=0, second=0, microsecond=0)


class Story:
    """One workspace's life; `play` tells it once."""

    def __init__(self, product: Product, owner: Owner, wish: Wish, say: Callable[[str], None]) -> None:
        self._product, self.owner, self._wish, self._say = product, owner, wish, say
        self._office = Office(product, owner)
        first, days = wish.first, wish.days
        evening = first + timedelta(days=int(days * 0.62), hours=16, minutes=5)
        self.visits = Visits(product, owner, [(evening, evening + timedelta(hours=3))], wish.seed)
        self._acts: list[tuple[datetime, int, Iterator[datetime]]] = []
        self._number = 0
        self._days = days

    def play(self) -> None:
        """Everything until the story reaches its end. Raises Refused, Undelivered."""
        wish, past = self._wish, self._product.past
        past.reach(wish.first + timedelta(hours=6, minutes=30))
        self.owner.found()
        self._begin(self.owner.agrees(wish.first))
        agents = cast.read().agents[: wish.agents]
        for number, agent in enumerate(agents):
            self._begin(self.owner.builds(agent, number, wish.first, wish.days))
        for of_day in plot.visits(agents, wish.first, wish.days + 1, wish.visits, wish.seed):
            for visit in of_day:
                self._begin(self.visits.plays(visit))
        self._begin(self._nights())
        self._begin(self._cap())
        if len(agents) > 2:
            self._begin(self._holiday(agents[2].name))
        while self._acts and self._acts[0][0] < wish.until:
            at, number, act = heapq.heappop(self._acts)
            past.reach(at)
            self._go_on(act, number)
        past.reach(wish.until)
        self._product.courier.flush()

    def _begin(self, act: Iterator[datetime]) -> None:
        self._number += 1
        self._go_on(act, self._number)

    def _go_on(self, act: Iterator[datetime], number: int) -> None:
        following = next(act, None)
        if following is not None:
            heapq.heappush(self._acts, (following, number, act))

    def _nights(self) -> Iterator[datetime]:
        """What the scheduler does each night; in the morning the office sees new bills."""
        day = self._wish.first
        while True:
            day += timedelta(days=1)
            yield day + timedelta(minutes=10)
            self._product.tick("billing-close", day + timedelta(minutes=10))
            yield day + timedelta(minutes=15)
            self._product.tick("dashboard-webhooks", day + timedelta(minutes=15))
            yield day + timedelta(minutes=100)
            self._product.tick("dashboard-sweep", day + timedelta(minutes=100))
            for bill in self._office.new_bills():
                self._begin(bill)
            number = (day - self._wish.first).days
            if number % 5 == 0 or number == self._days:
                told = self.visits.told
                self._say(f"{day:%Y-%m-%d}  day {number} of {self._days}  {told['conversations']} conversations")

    def _cap(self) -> Iterator[datetime]:
        """In the last month that is over, or in the middle of a short story."""
        last = self._wish.until.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
        at = last.replace(day=22) + timedelta(hours=11, minutes=4)
        if at < self._wish.first + timedelta(days=3):
            at = self._wish.first + timedelta(days=self._days // 2, hours=11, minutes=4)
        yield from self._office.meets_the_cap(at, lambda: self.visits.told["turns answered 402"])

    def _holiday(self, name: str) -> Iterator[datetime]:
        at = self._wish.first + timedelta(days=int(self._days * 0.5), hours=7)
        yield at
        if name in self.owner.homes:
            length = max(1, self._days // 15)
            yield from self.owner.holiday(self.owner.homes[name], at, length)

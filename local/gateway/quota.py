"""Counts calls a minute for each metric and consumer, which is all that API Gateway can limit."""

import time
from collections.abc import Callable, Mapping

_MINUTE = 60


class Quota:
    """Fixed windows of a minute; a consumer is an API key, or everybody without one."""

    def __init__(self, limits: Mapping[str, int], clock: Callable[[], float] = time.time) -> None:
        self._limits = limits
        self._clock = clock
        self._minute = -1
        self._used: dict[tuple[str, str], int] = {}

    def take(self, consumer: str, costs: Mapping[str, int]) -> str | None:
        """Take `costs` from the minute's limits; the name of a metric that is used up, or None."""
        minute = int(self._clock() // _MINUTE)
        if minute != self._minute:
            self._minute, self._used = minute, {}
        for metric, cost in costs.items():
            if self._used.get((consumer, metric), 0) + cost > self._limits[metric]:
                return metric
        for metric, cost in costs.items():
            self._used[consumer, metric] = self._used.get((consumer, metric), 0) + cost
        return None

"""Shows figures: best and median of several tries, ratios against a baseline, and whether they keep their aim."""

import statistics
from collections.abc import Callable, Mapping, Sequence


def interleaved(times: int, tries: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """The figures of each try, all tries taking turns, so that load from outside meets each of them alike."""
    found: dict[str, list[float]] = {name: [] for name in tries}
    for _ in range(times):
        for name, measure in tries.items():
            found[name].append(measure())
    return found


def ratio(found: Sequence[float], baseline: Sequence[float]) -> tuple[float, float]:
    """How many times the baseline: by the best of each, and by the medians."""
    return min(found) / min(baseline), statistics.median(found) / statistics.median(baseline)


def percentile(found: Sequence[float], share: float) -> float:
    """The value that this share of the others does not exceed."""
    ordered = sorted(found)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def verdict(value: float, aim: float) -> str:
    """Says the aim and whether it is kept; a benchmark never fails."""
    return f"aim ≤{aim:g} {'kept' if value <= aim else 'MISSED'}"

"""Latencies in fixed buckets: integers that any number of writers can add to, and the percentiles read from them."""

from collections.abc import Mapping

from functions.shared.contracts import LATENCY_BOUNDS_MS


def bucket(milliseconds: int) -> str:
    """The key of the bucket that a latency belongs to: its upper bound, or `inf`."""
    for bound in LATENCY_BOUNDS_MS:
        if milliseconds <= bound:
            return str(bound)
    return "inf"


def percentile(counts: Mapping[str, int], share: int) -> int | None:
    """The latency in ms that `share` per cent of the turns did not pass, or None without turns.

    Interpolated within its bucket as if the turns lay evenly in it; above the last bound, the last bound itself.
    """
    total = sum(counts.values())
    if not total:
        return None
    # The rank is counted in hundredths of a turn, so that no fraction is rounded twice.
    rank = total * share
    seen, lower = 0, 0
    for bound in LATENCY_BOUNDS_MS:
        here = counts.get(str(bound), 0)
        if here and (seen + here) * 100 >= rank:
            return lower + (bound - lower) * max(0, rank - seen * 100) // (here * 100)
        seen, lower = seen + here, bound
    return LATENCY_BOUNDS_MS[-1]


def merged(*histograms: Mapping[str, int]) -> dict[str, int]:
    """The sum of several histograms."""
    total: dict[str, int] = {}
    for counts in histograms:
        for key, number in counts.items():
            total[key] = total.get(key, 0) + number
    return total

"""Shows figures: best and median of several tries, ratios against a baseline, and whether they keep their aim.

A benchmark says an aim that is missed and goes on; only with `--check` it ends with 1 then.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

LEAST_TRIES = 3

_missed: list[str] = []


def arguments(text: str | None) -> argparse.ArgumentParser:
    """The options that every benchmark has; `text` is what it says of itself."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--check", action="store_true", help="end with 1 where an aim was missed or not measured")
    return parser


def exit_code(options: argparse.Namespace) -> int:
    """What a benchmark ends with: 0, unless it was to check and an aim was missed."""
    if _missed:
        print(f"Missed: {'; '.join(_missed)}", flush=True)
    return 1 if options.check and _missed else 0


def interleaved(
    times: int, tries: Mapping[str, Callable[[], float]], *, seconds: float | None = None
) -> dict[str, list[float]]:
    """The figures of each try, all tries taking turns, so that load from outside meets each of them alike.

    After so many `seconds` no further round begins, but LEAST_TRIES are made.
    """
    found: dict[str, list[float]] = {name: [] for name in tries}
    began = time.monotonic()
    for number in range(times):
        if seconds is not None and number >= LEAST_TRIES and time.monotonic() - began > seconds:
            break
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
    """Says an aim that is not to be exceeded, and whether it is kept."""
    return _said(f"aim ≤{aim:,g}", value, kept=value <= aim)


def at_least(value: float, aim: float) -> str:
    """The same of an aim that is to be reached."""
    return _said(f"aim ≥{aim:,g}", value, kept=value >= aim)


def exactly(value: object, aim: object) -> str:
    """The same of one that has to be met."""
    return _said(f"aim {aim}", value, kept=value == aim)


def unmeasured(what: str) -> None:
    """Say that some aims were not measured: nobody knows that they are kept."""
    print(what)
    _missed.append(what)


def _said(aim: str, value: object, *, kept: bool) -> str:
    if not kept:
        found = f"{value:,.2f}" if isinstance(value, float) else f"{value}"
        _missed.append(f"{found} with {aim}")
    return f"{aim} {'kept' if kept else 'MISSED'}"

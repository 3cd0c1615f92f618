"""Whether a missed aim is said, and when it makes a benchmark fail."""

import argparse
from collections.abc import Callable

import pytest

from benchmarks.rig import figures


@pytest.fixture(autouse=True)
def _nothing_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "_missed", [])


def given(*words: str) -> argparse.Namespace:
    return figures.arguments("What it measures.").parse_args(words)


def test_kept_aims_end_with_0_in_each_way_of_being_kept() -> None:
    said = [figures.verdict(1.5, 1.5), figures.at_least(20_000, 20_000), figures.exactly("6 reads", "6 reads")]
    assert said == ["aim ≤1.5 kept", "aim ≥20,000 kept", "aim 6 reads kept"]
    assert figures.exit_code(given("--check")) == 0


@pytest.mark.parametrize(
    "missed",
    [
        lambda: figures.verdict(1.51, 1.5),
        lambda: figures.at_least(19_999.0, 20_000),
        lambda: figures.exactly("7 reads", "6 reads"),
    ],
)
def test_a_missed_aim_is_said_and_fails_a_benchmark_that_checks(
    missed: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert missed().endswith("MISSED")
    assert figures.verdict(1, 2).endswith("kept")
    assert figures.exit_code(given()) == 0
    assert figures.exit_code(given("--check")) == 1
    assert capsys.readouterr().out.startswith("Missed: ")


def test_what_was_not_measured_is_not_kept() -> None:
    figures.unmeasured("No Chromium on this machine.")
    assert figures.exit_code(given("--check")) == 1


def test_tries_take_turns_and_end_after_their_seconds_but_not_before_three() -> None:
    order: list[str] = []

    def tried(name: str) -> float:
        order.append(name)
        return float(len(order))

    found = figures.interleaved(10, {"one": lambda: tried("one"), "other": lambda: tried("other")}, seconds=0)
    assert order == ["one", "other"] * figures.LEAST_TRIES
    assert found == {"one": [1.0, 3.0, 5.0], "other": [2.0, 4.0, 6.0]}

"""Processes that are killed between hold and settlement neither pass a cap nor leave room taken."""

from pathlib import Path

import pytest

from tests.cloud import Cloud
from tests.faults import cap
from tests.faults.test_usage import quiet


@pytest.mark.timeout(300)  # Four processes start.
def test_turns_whose_processes_are_killed_with_a_hold_never_pass_the_cap(cloud: Cloud, tmp_path: Path) -> None:
    size = cap.Size(turns=24, room=12, deaths=2, processes=2, threads=4)
    counts = cap.play(cloud, size, tmp_path / "log", quiet)
    assert counts["answered"] <= 12
    assert counts["refused"] + counts["busy"] >= 1

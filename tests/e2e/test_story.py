"""The whole story on a stack of its own, with kill -9 at its end."""

from pathlib import Path

import pytest

from infra import web
from tests.e2e.stack import Stack
from tests.e2e.story import Story


@pytest.mark.timeout(400)
def test_the_story_is_whole_from_sign_up_to_the_paid_invoice_and_survives_a_power_cut(tmp_path: Path) -> None:
    web.build_stale()
    told: list[str] = []
    stack = Stack(tmp_path / "state", own=True).start()
    try:
        Story(stack, told.append).play()
    finally:
        stack.stop()
    assert told[-1] == "\nThe story is whole.\n"
    assert any(line.startswith("8  kill -9 of everything") for line in told)

"""The whole story, with kill -9 at its end; it comes first of all on the stack that the tests here share."""

import pytest

from tests.e2e.stack import Stack
from tests.e2e.story import Story


@pytest.mark.timeout(400)
def test_the_story_is_whole_from_sign_up_to_the_paid_invoice_and_survives_a_power_cut(stack: Stack) -> None:
    told: list[str] = []
    Story(stack, told.append).play()
    assert told[-1] == "\nThe story is whole.\n"
    assert any(line.startswith("8  kill -9 of everything") for line in told)

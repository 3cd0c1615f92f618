"""Faults of the offline model are for those who ask for them in so many words."""

import pytest

from local.supervisor.environment import allows_faults


@pytest.mark.parametrize(("value", "allowed"), [("1", True), ("TRUE", True), ("0", False), ("", False), ("no", False)])
def test_the_model_fails_on_request_only_where_the_variable_says_so(value: str, allowed: bool) -> None:
    assert allows_faults({"AGENTHUB_MODEL_FAULTS": value}) is allowed


def test_without_the_variable_no_text_makes_the_model_fail() -> None:
    assert not allows_faults({})

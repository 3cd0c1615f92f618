"""The state file of a running stack."""

import json
from pathlib import Path

import pytest

from local.scheduler.stack import NoStack, Stack, read


def test_a_stack_is_read_as_the_supervisor_wrote_it(tmp_path: Path) -> None:
    state = {
        "project": "agenthub-local",
        "identity": "http://127.0.0.1:1",
        "credentials": "key.json",
        "deployments": {"a": "http://127.0.0.1:2"},
        "more": 1,
    }
    (tmp_path / "stack.json").write_text(json.dumps(state))
    expected = Stack("agenthub-local", "http://127.0.0.1:1", Path("key.json"), {"a": "http://127.0.0.1:2"})
    assert read(tmp_path) == expected


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"project": "p"}'])
def test_without_a_readable_state_file_the_way_out_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "stack.json").write_text(content)
    with pytest.raises(NoStack, match="nox -s serve"):
        read(tmp_path)

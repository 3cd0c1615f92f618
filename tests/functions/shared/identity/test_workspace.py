"""A WorkspaceId proves that somebody reliable named the workspace."""

import ast
import copy
import pickle
import re
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from functions.shared import ids
from functions.shared.identity import WorkspaceId, workspace

FUNCTIONS = Path(__file__).parents[4] / "functions"


def test_text_does_not_become_a_workspace() -> None:
    text = ids.new("workspace")
    with pytest.raises(TypeError):
        WorkspaceId(text)
    assert workspace.from_event(text) == text
    assert f"workspaces/{workspace.from_event(text)}" == f"workspaces/{text}"


@pytest.mark.parametrize("text", ["", "ws_", "x", "ws_../../other", "ws_" + "a" * 27, "agt_" + "0" * 26])
def test_a_bad_form_is_refused_at_every_door(text: str) -> None:
    for door in (workspace.from_claims, workspace.from_event, workspace.from_directory):
        with pytest.raises(ValueError, match="form"):
            door(text)


def test_only_an_operator_names_a_workspace() -> None:
    with pytest.raises(PermissionError):
        workspace.from_operator(False, ids.new("workspace"))
    assert workspace.from_operator(True, text := ids.new("workspace")) == text


def test_it_is_copied_as_it_is_and_does_not_leave_as_an_object() -> None:
    found = workspace.founded()
    assert copy.deepcopy({"a": found})["a"] is found
    with pytest.raises(TypeError):
        pickle.dumps(found)


def test_a_model_holds_one_and_makes_none() -> None:
    class Holder(BaseModel):
        workspace: WorkspaceId

    found = workspace.founded()
    assert Holder(workspace=found).model_dump_json() == f'{{"workspace":"{found}"}}'
    with pytest.raises(ValidationError):
        Holder(workspace=str(found))


def test_the_doors_are_used_where_something_vouches_for_the_workspace() -> None:
    """Claims and operators: identity. Events: events. Our own documents: the directory, the outbox, a person's
    memberships, the jobs of the whole installation. Whoever opens a door is listed here."""
    allowed = {
        "from_claims": {"shared/identity/authenticate.py", "shared/identity/tokens.py"},
        "from_operator": {"shared/identity/authenticate.py"},
        "from_event": {"shared/events.py"},
        "from_directory": {
            "shared/directory.py",
            "shared/events.py",
            "dashboard/workspaces.py",
            "dashboard/repository.py",
            "dashboard/deliveries.py",
            "billing/repository.py",
        },
        "from_card_payment": {"billing/card_payments.py"},
        "founded": {"dashboard/workspaces.py"},
    }
    for path in FUNCTIONS.rglob("*.py"):
        name = path.relative_to(FUNCTIONS).as_posix()
        if name == "shared/identity/workspace.py":
            continue
        # Words of the code; a docstring may speak of a workspace that somebody founded.
        words = set(re.findall(r"\w+", ast.unparse(_without_texts(ast.parse(path.read_text(encoding="utf-8"))))))
        assert "_vouched" not in words
        for door, files in allowed.items():
            assert door not in words or name in files, f"{name} opens the door {door}"


def _without_texts(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return tree

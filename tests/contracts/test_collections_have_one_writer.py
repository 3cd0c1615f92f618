"""Only its owner writes a collection: checked on every write of the whole test run, and on what the source shows.

The watch over the run is tests/ownership.py, switched on in tests/conftest.py; here it is shown to see and to refuse.
The second half reads the source, for writes that no test comes by.
"""

import ast
import types
from collections.abc import Iterator

import pytest

from functions.shared import contracts, directory, firestore
from functions.shared.identity.workspace import founded
from tests import ownership
from tests.cloud import Cloud
from tests.contracts.sources import folder_of, modules, tree

FOREIGN = """
from functions.shared import firestore

def write(name, path, *rest, **named):
    getattr(firestore.Batch(), name)(path, *rest, **named)

def write_through(batch, path):
    firestore.compete([path], [], lambda batch, found: batch.set(path, {}))

def clear(path):
    firestore.delete_tree([path])
"""


@pytest.fixture
def intruder(cloud: Cloud) -> types.ModuleType:
    """A module of the fleet's room that writes whatever it is told to."""
    module = types.ModuleType("functions.my_agents.intruder")
    exec(compile(FOREIGN, "intruder.py", "exec"), module.__dict__)
    return module


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("create", ({},)),
        ("set", ({},)),
        ("merge", ({},)),
        ("update", ({("a",): 1},)),
        ("replace", ({},)),
        ("delete", ()),
    ],
)
def test_a_foreign_write_is_refused_where_it_happens(intruder: types.ModuleType, name: str, rest: tuple) -> None:
    named = {"if_etag": "1.0"} if name == "replace" else {}
    with pytest.raises(ownership.ForeignWrite, match="belongs to agents"):
        intruder.write(name, contracts.path(founded(), "agents", "agt_1"), *rest, **named)
    intruder.write(name, contracts.path(founded(), "fleet", "agt_1"), *rest, **named)


def test_a_detour_through_shared_does_not_hide_the_writer(intruder: types.ModuleType) -> None:
    turn = contracts.path(founded(), "conversations", "cnv_1", "turns", "t")
    with pytest.raises(ownership.ForeignWrite, match="writes turns"):
        intruder.write_through(None, turn)
    with pytest.raises(ownership.ForeignWrite, match="writes turns"):
        intruder.clear(turn)


def test_shared_writes_its_own_collections_for_whoever_calls(cloud: Cloud) -> None:
    batch = firestore.Batch()
    directory.enter(batch, "wgt_1", founded(), "widget")
    assert len(batch) == 1


def test_a_collection_without_an_owner_is_refused(intruder: types.ModuleType) -> None:
    with pytest.raises(ownership.ForeignWrite, match="OWNERS"):
        intruder.write("set", contracts.path(founded(), "new_things", "1"), {})


def written(module: str) -> Iterator[tuple[str, str]]:
    """(collection, line) for each write in a module whose path the source shows.

    A path is shown by `contracts.path(ws, "agents", …)` or by a function that returns one, such as
    `repository.agent_path(…)`, in the call of the write itself or in the variable that it names.
    """
    for function in ast.walk(tree(module)):
        if not isinstance(function, ast.FunctionDef):
            continue
        values = {
            target.id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            if _is_write(node):
                place = node.args[0]
                if isinstance(place, ast.Attribute) and place.attr == "path":
                    place = place.value  # A snapshot: what was read is what is written.
                place = values.get(place.id, place) if isinstance(place, ast.Name) else place
                for name in _collections(place, module):
                    yield name, f"{module}:{node.lineno}"


def _is_write(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ownership.WRITES
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("batch", "transaction")
    )


def _collections(place: ast.AST, module: str) -> set[str]:
    for call in ast.walk(place):
        if not isinstance(call, ast.Call):
            continue
        called = ast.unparse(call.func)
        if called == "contracts.path":
            parts = call.args[1:]
            collection = parts[-2] if len(parts) % 2 == 0 else parts[-1]
            return {str(collection.value)} if isinstance(collection, ast.Constant) else set()
        name = called.rpartition(".")[2]
        if name.endswith("_path") and (found := _path_functions().get((folder_of(module), name))):
            return {found}
    return set()


def _path_functions() -> dict[tuple[str, str], str]:
    found = {}
    for module in modules():
        for node in tree(module).body:
            if isinstance(node, ast.FunctionDef) and node.name.endswith("_path"):
                returned = next(one.value for one in ast.walk(node) if isinstance(one, ast.Return))
                if isinstance(returned, ast.Call) and ast.unparse(returned.func) == "contracts.path":
                    for name in _collections(returned, module):
                        found[folder_of(module), node.name] = name
    return found


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_module_writes_its_own_collections(module: str) -> None:
    foreign = {(name, line) for name, line in written(module) if contracts.OWNERS.get(name) != folder_of(module)}
    assert foreign == set()


def test_the_source_shows_enough_writes_for_that_to_say_something() -> None:
    shown = {name for module in modules() for name, _ in written(module)}
    assert {"events", "processed", "activity", "widgets", "visitors", "rollups", "api_keys"} <= shown

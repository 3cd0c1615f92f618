"""A bundle installs what it imports and imports what it installs."""

import ast
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.contracts.installed import distributions_of, installed, pinned
from tests.contracts.sources import FOLDERS, FUNCTIONS, ROOT, imported_by, inside, reached

GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
# Asked for and never imported by us.
NOT_IMPORTED = {
    "functions-framework": "starts the function; the entry point is handed to it by name",
    "gunicorn": "what the framework serves with; pinned so that a bundle and a laptop run the same",
    "tzdata": "data that zoneinfo reads where the image has none",
    "requests": "google.auth.transport.requests stands on it and google-auth does not ask for it",
}
# Imported by us and not asked for: each is the other half of something that is.
COMES_WITH = {
    "werkzeug": "flask",
    "pydantic-core": "pydantic",
    "google-auth": "google-cloud-firestore",
    "google-api-core": "google-cloud-firestore",
    "protobuf": "google-cloud-firestore",
}


def imports_of(folder: str) -> dict[str, set[str]]:
    """Distribution → the modules of ours that import it, for all that the folder's bundle may run."""
    found: dict[str, set[str]] = {}
    for module in reached(folder):
        for name in imported_by(module):
            if inside(name) is None:
                for distribution in distributions_of(name):
                    found.setdefault(distribution, set()).add(module)
    return found


def asked_for(group: str) -> set[str]:
    """The distributions that a dependency group names, with the groups that it includes."""
    found = set()
    for entry in GROUPS[group]:
        found |= asked_for(entry["include-group"]) if isinstance(entry, dict) else {Requirement(entry).name}
    return {canonicalize_name(name) for name in found}


def requirements(folder: str) -> dict[str, str]:
    return pinned((FUNCTIONS / folder / "requirements.txt").read_text("utf-8"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_import_of_a_bundle_is_in_its_requirements(folder: str) -> None:
    missing = {name: modules for name, modules in imports_of(folder).items() if name not in requirements(folder)}
    assert missing == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_bundle_asks_for_what_it_imports_by_name(folder: str) -> None:
    """What only comes along with something else may stay away with its next version."""
    asked = asked_for(folder)
    by_chance = {name: users for name, users in imports_of(folder).items() if name not in asked}
    assert {name: users for name, users in by_chance.items() if COMES_WITH.get(name) not in asked} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_bundle_asks_for_nothing_that_it_does_not_import(folder: str) -> None:
    assert asked_for(folder) - imports_of(folder).keys() - NOT_IMPORTED.keys() == set()


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_tests_run_on_the_versions_that_are_deployed(folder: str) -> None:
    here = {name: installed()[name].version for name in requirements(folder) if name in installed()}
    assert here == requirements(folder)


def test_every_folder_is_locked_and_walled_in() -> None:
    noxfile = ast.parse((ROOT / "noxfile.py").read_text("utf-8"))
    locked = next(
        ast.literal_eval(node.value)
        for node in noxfile.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "BUNDLES"
    )
    assert sorted(locked) == FOLDERS
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    siblings = next(one for one in contracts if one["type"] == "layers")["layers"][0]
    assert sorted(siblings.split(" | ")) == [f"functions.{folder}" for folder in FOLDERS]


def test_a_bundle_reaches_what_it_imports_late_and_not_what_only_types_name() -> None:
    assert "functions.shared.pricing" in reached("agents")
    assert "functions.agents.providers.vertexai" in reached("agents")
    assert "functions.shared.bigquery" not in reached("my_agents")

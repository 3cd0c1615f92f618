"""The console's types hold against the contract, and what a page loads stays small."""

import json
from typing import Any

import pytest

from infra import web

CONSOLE = web.FrontEnd("console")
FIRST_LOAD = 120_000
ROUTE = 40_000
EDITOR = 130_000
"""Bytes of script under gzip (design: first load, each further route, the YAML editor apart)."""


@pytest.fixture(scope="module")
def parts(built: None) -> dict[str, dict[str, Any]]:
    """Every file of the build with its size, and what scripts fetch."""
    found: dict[str, dict[str, Any]] = json.loads((CONSOLE.output / "manifest.json").read_text())
    return found


def test_the_sources_fit_the_routes_of_the_gateway() -> None:
    """The client's types are made anew from api-gateway.yaml, so a route that changed breaks what calls it."""
    node = web.find_node()
    CONSOLE.install(node)
    node.run((*node.npm, "run", "--silent", "check"), CONSOLE.source)


def together(parts: dict[str, dict[str, Any]], name: str) -> set[str]:
    """A script and everything that it cannot run without."""
    found, waiting = set(), [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += [more for more in parts[one].get("imports", []) if more in parts]
    return found


def weight(parts: dict[str, dict[str, Any]], names: set[str]) -> int:
    return sum(int(parts[name]["gzip"]) for name in names if name.endswith(".js"))


def test_the_first_load_is_light(parts: dict[str, dict[str, Any]]) -> None:
    entry = next(name for name, part in parts.items() if part.get("entry") and part.get("source") == "index.html")
    assert weight(parts, together(parts, entry)) <= FIRST_LOAD


def test_each_further_page_is_light_and_the_editor_has_a_bound_of_its_own(parts: dict[str, dict[str, Any]]) -> None:
    entry = next(name for name, part in parts.items() if part.get("entry") and part.get("source") == "index.html")
    first = together(parts, entry)
    lazy = [name for name, part in parts.items() if name.endswith(".js") and not part.get("entry")]
    heavy = {name: size for name in lazy if (size := weight(parts, together(parts, name) - first)) > ROUTE}
    editors = {name for name in heavy if (parts[name].get("source") or "").startswith("src/editor/")}
    assert set(heavy) == editors, heavy
    assert all(heavy[name] <= EDITOR for name in editors)


def test_the_pure_parts_pass_their_own_tests() -> None:
    """Spans, changes, formats, CSV and what a chart is made of, run by Node."""
    node = web.find_node()
    CONSOLE.install(node)
    node.run((*node.node, "test/run.mjs"), CONSOLE.source)

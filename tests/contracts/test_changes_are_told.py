"""Every route that changes something leaves an entry in the activity, in the commit of the change.

The routes come from the contract, so a new one is asked too: from its handler, calls are followed through the source to
`activity.record`. That an entry says the right thing is asked by the tests of each room.
"""

import ast
from collections.abc import Iterator
from functools import cache

import pytest

from functions.shared.http.routes import Route
from functions.shared.identity import Caller
from infra import openapi
from tests.contracts.sources import modules, tree

RECORD = ("functions.shared.activity", "record")
LIMITS = "functions.shared.metering.alerts"
"""Its entries say that a limit is met, which is no change of anybody's."""

EXEMPT = {
    "POST /api/workspaces/{workspace}/switch": "changes the person's claim and nothing of any workspace",
    "POST /oauth/token": "gives a token; the key keeps the time of its last use",
    "POST /api/agents/prompt-preview": "stores nothing",
    "POST /api/agents/config/validate": "stores nothing",
    "POST /api/agents/{agent}/knowledge/search": "reads",
    "POST /api/agents/{agent}/chat": "a conversation is its own record",
    "POST /api/agents/{agent}/checks/run": "a run is its own record",
    "POST /api/billing/simulate": "reads",
    "POST /api/agents/export": "reads many files at once",
    "POST /api/widgets/preview": "stores nothing",
    "POST /api/invoices/{invoice}/evidence/verify": "reads the warehouse and compares",
    "POST /api/chat/lead": "a visitor's doing: an event, not an activity",
    "POST /api/chat": "a conversation is its own record",
    "POST /api/chat/feedback": "a visitor's doing: an event, not an activity",
    "POST /api/chat/hand-off": "a visitor's doing: an event, not an activity",
    "POST /api/widgets/{widget}/sessions": "a visitor comes",
}
"""Route → why it leaves no entry."""

CHANGING = {
    f"{route.method} {route.path}": route
    for api in openapi.declared()
    for route in api.routes
    if route.external and route.method != "GET"
}

Function = tuple[str, str]


@cache
def _functions(module: str) -> dict[str, ast.FunctionDef]:
    """Functions of a module by name, methods too."""
    return {node.name: node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef)}


@cache
def _imports(module: str) -> dict[str, str]:
    """Names that a module imports, wherever, with what they stand for."""
    names = {}
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _called(module: str, function: ast.FunctionDef) -> Iterator[Function]:
    """The functions of ours that this one mentions: called, or handed on to be called."""
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and (home := _imports(module).get(node.value.id)) in modules():
                yield str(home), node.attr
            elif node.attr in _functions(module):
                yield module, node.attr
        elif isinstance(node, ast.Name):
            home, _, name = _imports(module).get(node.id, "").rpartition(".")
            if home in modules():
                yield home, name
            elif node.id in _functions(module):
                yield module, node.id


def _reaches(start: Function) -> bool:
    waiting, seen = [start], set()
    while waiting:
        here = waiting.pop()
        if here == RECORD:
            return True
        if here in seen or here[0] == LIMITS:
            continue
        seen.add(here)
        module, name = here
        function = _functions(module).get(name)
        if function is not None:
            waiting += _called(module, function)
        elif (home := _imports(module).get(name, "")).rpartition(".")[0] in modules():
            # A package that shows what a module of it has.
            owner, _, inner = home.rpartition(".")
            waiting.append((owner, inner))
    return False


def _handler(route: Route) -> Function:
    return route.handler.__module__, route.handler.__name__


@pytest.mark.parametrize("name", sorted(CHANGING.keys() - EXEMPT.keys()))
def test_a_change_is_told(name: str) -> None:
    assert _reaches(_handler(CHANGING[name])), (
        f"{name} never comes to activity.record; if rightly so, say why in EXEMPT"
    )


@pytest.mark.parametrize("name", sorted(EXEMPT))
def test_what_is_exempt_is_a_route_that_leaves_no_entry(name: str) -> None:
    assert name in CHANGING, f"{name} is no route"
    assert not _reaches(_handler(CHANGING[name])), f"{name} leaves an entry; take it out of EXEMPT"


def test_reading_leads_to_no_entry() -> None:
    """Or the way that is followed would lead everywhere and say nothing."""
    reading = [
        route
        for api in openapi.declared()
        for route in api.routes
        if route.method == "GET" and Caller.CONSOLE in route.callers
    ]
    assert len(reading) > 20
    assert [route.path for route in reading if _reaches(_handler(route))] == []

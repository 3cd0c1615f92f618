"""Every query of the code runs on a Firestore that refuses what the catalogue has no index for, as the cloud would.

The functions that query are found in the source. Each is called with every combination of its optional arguments, for
each may be another index; values come from the annotations, and from VALUES where an annotation says too little.
"""

import ast
import importlib
import inspect
import itertools
import types
import typing
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
from google.api_core.exceptions import FailedPrecondition

from functions.shared import contracts, firestore
from functions.shared.firestore import Query
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.contracts.sources import modules, tree

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def _cursor(collection: str) -> Callable[[WorkspaceId], Any]:
    return lambda workspace: (NOW, contracts.path(workspace, collection, "x"))


VALUES: dict[str, Callable[[WorkspaceId], Any]] = {
    "functions.analytics.repository.conversations.after": _cursor("conversations"),
    "functions.analytics.repository.of_visitor.after": _cursor("conversations"),
    "functions.analytics.repository.handed_off.after": _cursor("conversations"),
    "functions.analytics.repository.versions.after": lambda ws: (1, contracts.path(ws, "agents", "x", "versions", "x")),
    "functions.analytics.repository.exports.after": _cursor("exports"),
    "functions.analytics.repository.of_span.after": _cursor("x"),
    "functions.analytics.repository.of_span.fields": lambda _: ("x",),
    "functions.analytics.repository.by_name.after": lambda ws: contracts.path(ws, "x", "x"),
    "functions.analytics.repository.by_name.fields": lambda _: ("x",),
    "functions.agents.repository.waiting_leads.after": _cursor("conversations"),
    "functions.agents.repository.handled_leads.after": _cursor("conversations"),
    "functions.agents.repository.handled_leads.states": lambda _: ("taken", "done"),
    "functions.agents.repository.handed_off.after": _cursor("conversations"),
    "functions.dashboard.repository.activity.after": _cursor("activity"),
    "functions.dashboard.repository.members.after": _cursor("members"),
    "functions.dashboard.repository.webhooks.after": _cursor("webhooks"),
    "functions.dashboard.repository.invitations.after": _cursor("invitations"),
    "functions.dashboard.repository.api_keys.after": _cursor("api_keys"),
    "functions.dashboard.repository.deliveries.after": _cursor("webhooks/x/deliveries"),
    "functions.widgets.repository.widgets.after": _cursor("widgets"),
    "functions.billing.repository.page_of_workspaces.after": str,
    "functions.billing.repository.page_of_operators_acts.after": lambda _: (NOW, "operator_acts/x"),
    "functions.shared.events.page_of_pending.after": _cursor("events"),
    "functions.shared.metering.apart.of_trial.month": lambda _: "2026-11",
    "functions.shared.metering.apart.of_credit.account": lambda _: contracts.BillingRead(),
    "functions.shared.metering.apart.of_credit.first": lambda _: "2026-11",
    "functions.shared.metering.apart.of_credit.earlier": lambda _: (),
}
"""Function and argument → its value, where "x" or the number 10 is none."""


def asking() -> dict[str, bool]:
    """Functions that query Firestore, by full name → whether another module may call them.

    A function that only a neighbour calls is reached through that neighbour, so the neighbour is among them too.
    """
    found: dict[str, bool] = {}
    for module in modules():
        if module == "functions.shared.firestore":
            continue
        named = {node.name: node for node in tree(module).body if isinstance(node, ast.FunctionDef)}
        names = {name for name, node in named.items() if any(_asks(inner) for inner in ast.walk(node))}
        assert names or not any(_asks(node) for node in ast.walk(tree(module))), f"{module}: query in functions only"
        for name in names:
            found[f"{module}.{name}"] = not name.startswith("_")
            if name.startswith("_"):
                users = {user for user, node in named.items() if _mentions(node, name)}
                found |= {f"{module}.{user}": True for user in users if not user.startswith("_")}
                assert users, f"{module}.{name} is private and unused"
    return found


def _asks(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("Query", "firestore.Query")


def _mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(node))


def _variants(name: str, function: Callable[..., Any], workspace: WorkspaceId) -> Iterator[tuple[list[Any], dict]]:
    """Positional and named arguments: with and without each that may be None."""
    hints = typing.get_type_hints(function, localns={"WorkspaceId": WorkspaceId})
    parameters = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is inspect.Parameter.empty or type(None) in typing.get_args(hints[parameter.name])
    ]
    choices = []
    for parameter in parameters:
        annotation = hints[parameter.name]
        given = VALUES.get(f"{name}.{parameter.name}")
        value = given(workspace) if given else _value(annotation, workspace)
        choices.append([value, None] if type(None) in typing.get_args(annotation) else [value])
    for values in itertools.product(*choices):
        pairs = list(zip(parameters, values, strict=True))
        named = {parameter.name: value for parameter, value in pairs if parameter.kind is parameter.KEYWORD_ONLY}
        yield [value for parameter, value in pairs if parameter.kind is not parameter.KEYWORD_ONLY], named


def _value(annotation: Any, workspace: WorkspaceId) -> Any:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        annotation = next(one for one in typing.get_args(annotation) if one is not type(None))
    if typing.get_origin(annotation) is tuple:
        return tuple(_value(one, workspace) for one in typing.get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return next(iter(annotation))
    known = {WorkspaceId: workspace, str: "x", int: 10, datetime: NOW, bool: True}
    assert annotation in known, f"say in VALUES what a {annotation} is"
    return known[annotation]


def test_the_functions_that_query_are_found() -> None:
    names = set(asking())
    assert {"functions.shared.events.unsent_before", "functions.analytics.repository.conversations"} <= names
    assert {key.rpartition(".")[0] for key in VALUES} <= names


@pytest.mark.parametrize("name", sorted(name for name, public in asking().items() if public))
def test_a_query_has_its_index(name: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    native = firestore._native
    monkeypatch.setattr(firestore, "_native", lambda query: asked.append(query) or native(query))
    module, _, function = name.rpartition(".")
    called = getattr(importlib.import_module(module), function)
    workspace = cloud.workspace()
    for positional, named in _variants(name, called, workspace):
        before = len(asked)
        result = called(*positional, **named)
        if inspect.isgenerator(result):
            list(itertools.islice(result, 3))
        assert len(asked) > before, f"{name}{tuple(positional)} asked nothing"


def test_a_query_without_index_is_refused_here(cloud: Cloud) -> None:
    home = contracts.path(cloud.workspace(), "conversations")
    with pytest.raises(FailedPrecondition, match="index"):
        firestore.find(Query(home, where=(("title", "==", "x"),)))
    with pytest.raises(FailedPrecondition, match="index"):
        firestore.find(Query(home, where=(("channel", "==", "x"),), order=("-updated_at",)))


def test_queries_are_asked_through_the_query_type_alone() -> None:
    """What the search above looks for is the only way to ask: the client's own query methods have one home."""
    for module in modules():
        if module != "functions.shared.firestore":
            used = {node.attr for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)}
            assert not used & {"collection_group", "find_nearest", "order_by"}, module

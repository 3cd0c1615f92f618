"""Finds the route of a path. Ours are literal segments and whole parameters, so a tree of segments is all it takes.

werkzeug's Map compiles each rule to Python code when the function starts: half a millisecond of cold start a route.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from functions.shared.http.routes import Route

Found = dict[str, tuple[Route, dict[str, str]]]


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """The routes of one deployment, by path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for segment in route.path.split("/")[1:]:
                if segment.startswith("{"):
                    node.parameter = node.parameter or _Node()
                    node = node.parameter
                else:
                    node = node.literals.setdefault(segment, _Node())
            node.routes[route.method] = route

    def find(self, path: str) -> Found:
        """For each method taken at this path its route with its parameters; empty for a path that is not ours.

        A literal segment goes before a parameter, for each method on its own. HEAD is GET.
        """
        found: Found = {}
        if path.startswith("/"):
            _walk(self._root, path.split("/")[1:], [], found)
        if "GET" in found:
            found.setdefault("HEAD", found["GET"])
        return found


def _walk(node: _Node, segments: list[str], values: list[str], found: Found) -> None:
    if not segments:
        for method, route in node.routes.items():
            found.setdefault(method, (route, dict(zip(route.parameters, values, strict=True))))
        return
    segment, *rest = segments
    if segment in node.literals:
        _walk(node.literals[segment], rest, values, found)
    if node.parameter is not None and segment:
        _walk(node.parameter, rest, [*values, segment], found)

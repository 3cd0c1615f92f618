"""Finds the operation of a request: path templates as API Gateway reads them, the more specific one first.

Matching works on the path as it was sent: `%2F` is never a slash. Doubled slashes and dot segments are resolved before.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_PARAMETER = re.compile(r"\{([^{}]+)\}")
_DOT = re.compile(r"%2e", re.IGNORECASE)

T = TypeVar("T")


class TemplateError(Exception):
    """A path template that API Gateway would refuse."""


def segments(template: str) -> list[str]:
    """The parts between the slashes. Raises TemplateError."""
    if not template.startswith("/"):
        raise TemplateError("a path begins with /")
    if template != "/" and template.endswith("/"):
        raise TemplateError("unexpected end of input '/'")
    parts = template[1:].split("/") if template != "/" else []
    for part in parts:
        if "{" in part and not _PARAMETER.fullmatch(part):
            raise TemplateError(f"a parameter must be a whole segment: {part}")
    return parts


def normal_path(path: str) -> str:
    """The path with doubled slashes merged and dot segments resolved; nothing else is decoded."""
    parts: list[str] = []
    for part in path.split("/"):
        plain = _DOT.sub(".", part)
        if plain == "..":
            if parts:
                parts.pop()
        elif plain not in ("", "."):
            parts.append(part)
    trailing = path.endswith("/") and parts
    return "/" + "/".join(parts) + ("/" if trailing else "")


@dataclass
class _Node(Generic[T]):
    literal: dict[str, "_Node[T]"] = field(default_factory=dict)
    parameter: "_Node[T] | None" = None
    rest: "_Node[T] | None" = None
    template: str = ""
    names: list[str] = field(default_factory=list)
    methods: dict[str, T] = field(default_factory=dict)


@dataclass(frozen=True)
class Match(Generic[T]):
    """A template that fits; `found` is None where it lacks the method."""

    template: str
    found: T | None
    parameters: list[tuple[str, str]]
    methods: dict[str, T]


class Routes(Generic[T]):
    """Templates in a tree of segments: a literal goes before a parameter, a parameter before `**`."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, method: str, template: str, target: T, wildcards: frozenset[str] = frozenset()) -> None:
        """Add one operation; parameters named in `wildcards` take any number of segments, also none."""
        node, names = self._root, []
        for part in segments(template):
            parameter = _PARAMETER.fullmatch(part)
            if parameter is None:
                node = node.literal.setdefault(part, _Node())
                continue
            names.append(parameter[1])
            if parameter[1] in wildcards:
                node.rest = node = node.rest or _Node()
            else:
                node.parameter = node = node.parameter or _Node()
        node.template, node.names = template, names
        node.methods[method] = target

    def match(self, method: str, path: str) -> Match[T] | None:
        """The most specific template that fits and has the method, else the first that fits, else None."""
        parts = path.strip("/").split("/") if path.strip("/") else []
        first: Match[T] | None = None
        for node, values in _walk(self._root, parts, ()):
            found = node.methods.get(method)
            match = Match(node.template, found, list(zip(node.names, values, strict=True)), node.methods)
            if found is not None:
                return match
            first = first or match
        return first


def _walk(node: _Node[T], parts: list[str], values: tuple[str, ...]) -> Iterator[tuple[_Node[T], tuple[str, ...]]]:
    if not parts and node.methods:
        yield node, values
    if parts:
        head, tail = parts[0], parts[1:]
        if head in node.literal:
            yield from _walk(node.literal[head], tail, values)
        if node.parameter is not None:
            yield from _walk(node.parameter, tail, (*values, head))
    if node.rest is not None and node.rest.methods:
        yield node.rest, (*values, "/".join(parts))

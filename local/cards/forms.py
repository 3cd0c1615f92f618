"""Stripe's form encoding: `line_items[0][price_data][currency]=usd` is a list with an object in an object."""

import re
from typing import Any
from urllib.parse import parse_qsl

_PART = re.compile(r"\[([^\[\]]*)\]")

Form = dict[str, Any]


class BadForm(ValueError):
    """The text is no form of this encoding; it says which parameter."""


def decoded(text: str) -> Form:
    """Nested objects and lists out of a form; every value is text. Raises BadForm."""
    found: Form = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        name, bracket, _ = key.partition("[")
        parts = [name, *_PART.findall(key)]
        if not name or (bracket and key != name + "".join(f"[{part}]" for part in parts[1:])):
            raise BadForm(key)
        _put(found, parts, value, key)
    return {name: _lists(value) for name, value in found.items()}


def _put(at: Form, parts: list[str], value: str, key: str) -> None:
    for part in parts[:-1]:
        at = at.setdefault(part, {})
        if not isinstance(at, dict):
            raise BadForm(key)
    last = parts[-1] or str(len(at))
    if last in at:
        raise BadForm(key)
    at[last] = value


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(one) for name, one in value.items()}
    return [inner[str(n)] for n in range(len(inner))] if set(inner) == set(map(str, range(len(inner)))) else inner

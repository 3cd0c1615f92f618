"""The filter language, against a plain evaluation of the same expression."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.pubsub.errors import Refused
from local.pubsub.filters import compile_filter

KEYS = ["a", "b-c", "d e"]
VALUES = ["", "x", "xy", 'q"']


@pytest.mark.parametrize(
    ("text", "attributes", "passes"),
    [
        ("", {}, True),
        ("attributes:a", {"a": ""}, True),
        ("attributes:a", {"b": "1"}, False),
        ('attributes.a = "1"', {"a": "1"}, True),
        ('attributes.a="1"', {"a": "2"}, False),
        ('attributes.a != "1"', {}, True),
        ('attributes.a != "1"', {"a": "1"}, False),
        ('hasPrefix(attributes.a, "x")', {"a": "xyz"}, True),
        ('hasPrefix(attributes.a, "")', {}, False),
        ('attributes."k y" = "1"', {"k y": "1"}, True),
        ('NOT attributes:a AND attributes.b = "1"', {"b": "1"}, True),
        ('-attributes:a AND attributes.b-c = "1"', {"b-c": "1"}, True),
        ("(attributes:a OR attributes:b) AND NOT (attributes:c)", {"b": "", "d": ""}, True),
        (r'attributes.a = "q\"t"', {"a": 'q"t'}, True),
    ],
)
def test_a_filter_passes_what_it_says(text: str, attributes: dict[str, str], passes: bool) -> None:
    assert compile_filter(text)(attributes) is passes


@pytest.mark.parametrize(
    "text",
    [
        "attributes",
        "attributes:",
        "attributes.a = 1",
        'attributes.a < "1"',
        "attributes:a AND",
        "attributes:a OR attributes:b AND attributes:c",
        "(attributes:a",
        "attributes:a)",
        'attributes.a = "open',
        'data = "x"',
        "attributes:a attributes:b",
        'attributes.a = "' + "x" * 256 + '"',
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        compile_filter(text)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _leaf(kind: str, key: str, value: str):
    if kind == ":":
        return f"attributes:{quoted(key)}", lambda a: key in a
    if kind == "=":
        return f"attributes.{quoted(key)} = {quoted(value)}", lambda a: a.get(key) == value
    if kind == "!=":
        return f"attributes.{quoted(key)} != {quoted(value)}", lambda a: a.get(key) != value
    return f"hasPrefix(attributes.{quoted(key)}, {quoted(value)})", lambda a: key in a and a[key].startswith(value)


leaves = st.builds(_leaf, st.sampled_from([":", "=", "!=", "prefix"]), st.sampled_from(KEYS), st.sampled_from(VALUES))
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(lambda e: (f"NOT ({e[0]})", lambda a: not e[1](a))),
        st.lists(inner, min_size=2, max_size=3).map(
            lambda es: (" AND ".join(f"({t})" for t, _ in es), lambda a: all(f(a) for _, f in es))
        ),
        st.lists(inner, min_size=2, max_size=3).map(
            lambda es: (" OR ".join(f"({t})" for t, _ in es), lambda a: any(f(a) for _, f in es))
        ),
    ),
    max_leaves=4,
).filter(lambda e: len(e[0]) <= 256)


@settings(max_examples=150, deadline=None)
@given(expressions, st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES)))
def test_any_filter_agrees_with_plain_evaluation(expression, attributes: dict[str, str]) -> None:
    text, expected = expression
    assert compile_filter(text)(attributes) is expected(attributes)

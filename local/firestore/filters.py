"""Matching, ordering and cutting documents in memory: the meaning of a query, whatever found the candidates."""

import operator
from collections.abc import Callable
from typing import Any

from local.firestore.paths import get_field, parse_field
from local.firestore.shape import NAME, Bound, Condition, Filter, Order
from local.firestore.values import NULL, encode, encode_reference, invert

_ROOT_KEY = 8  # bytes before the path in a document's key
Match = Callable[[Any, bytes], bool]
Getter = Callable[[Any, bytes], bytes | None]
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def name_value(key: bytes) -> bytes:
    """The encoded reference to the document with this key, which is what NAME means in a query."""
    return encode_reference(key[_ROOT_KEY:])


def getter(path: str) -> Getter:
    """A function of (fields, key): the encoded value at a path, None when the document has none."""
    if path == NAME:
        return lambda fields, key: name_value(key)
    parts = parse_field(path)

    def get(fields: Any, key: bytes) -> bytes | None:
        value = get_field(fields, parts)
        return None if value is None else encode(value)

    return get


def matcher(filter_: Filter) -> Match:
    """A function of (fields, key): whether the document passes the filter."""
    if isinstance(filter_, Condition):
        return _condition(filter_)
    members = [matcher(member) for member in filter_.members]
    if len(members) == 1:
        return members[0]
    if filter_.every:
        return lambda fields, key: all(member(fields, key) for member in members)
    return lambda fields, key: any(member(fields, key) for member in members)


def _condition(condition: Condition) -> Match:
    get = getter(condition.path)
    values = frozenset(condition.values)
    first = condition.values[0]
    if condition.operator in ("==", "in"):
        return lambda fields, key: get(fields, key) in values
    if condition.operator in ("!=", "not-in"):
        if condition.operator == "not-in" and NULL in values:
            return lambda fields, key: False
        excluded = values | {None, NULL}
        return lambda fields, key: get(fields, key) not in excluded
    if condition.operator in ("contains", "contains-any"):
        return _contains(condition.path, values)
    compare = _COMPARE[condition.operator]

    def in_range(fields: Any, key: bytes) -> bool:
        value = get(fields, key)
        return value is not None and value[0] == first[0] and compare(value, first)

    return in_range


def _contains(path: str, values: frozenset[bytes]) -> Match:
    parts = parse_field(path)

    def contains(fields: Any, key: bytes) -> bool:
        value = get_field(fields, parts)
        if value is None or value.WhichOneof("value_type") != "array_value":
            return False
        return any(encode(item) in values for item in value.array_value.values)

    return contains


def sort_key(orders: tuple[Order, ...]) -> Callable[[Any, bytes], list[bytes] | None]:
    """A function of (fields, key): what to sort by; None for a document that lacks a field, so is no result."""
    steps = [(getter(order.path), order.descending) for order in orders]

    def key_of(fields: Any, key: bytes) -> list[bytes] | None:
        values = []
        for get, descending in steps:
            value = get(fields, key)
            if value is None:
                return None
            values.append(invert(value) if descending else value)
        return values

    return key_of


def within(orders: tuple[Order, ...], start: Bound | None, end: Bound | None) -> Callable[[list[bytes]], bool]:
    """A function of a sort key: whether it lies between the cursors."""
    low = _directed(orders, start)
    high = _directed(orders, end)

    def inside(key: list[bytes]) -> bool:
        if low is not None and start is not None:
            head = key[: len(low)]
            if head < low or (head == low and not start.before):
                return False
        if high is not None and end is not None:
            head = key[: len(high)]
            if head > high or (head == high and end.before):
                return False
        return True

    return inside


def _directed(orders: tuple[Order, ...], bound: Bound | None) -> list[bytes] | None:
    if bound is None:
        return None
    return [invert(value) if order.descending else value for value, order in zip(bound.values, orders, strict=False)]

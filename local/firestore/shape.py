"""A StructuredQuery taken apart and checked once, in the form that planning, matching and index rules all share."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from local.firestore.errors import invalid
from local.firestore.paths import check_segment, parse_field, split_name
from local.firestore.protocol import DESCENDING, CompositeOperator, FieldOperator, UnaryOperator
from local.firestore.values import NAN, NULL, encode

NAME = "__name__"
_MAX_DISJUNCTIONS = 30
_MAX_NOT_IN = 10
_FIELD_OPERATORS = {
    FieldOperator.EQUAL: "==",
    FieldOperator.NOT_EQUAL: "!=",
    FieldOperator.LESS_THAN: "<",
    FieldOperator.LESS_THAN_OR_EQUAL: "<=",
    FieldOperator.GREATER_THAN: ">",
    FieldOperator.GREATER_THAN_OR_EQUAL: ">=",
    FieldOperator.IN: "in",
    FieldOperator.NOT_IN: "not-in",
    FieldOperator.ARRAY_CONTAINS: "contains",
    FieldOperator.ARRAY_CONTAINS_ANY: "contains-any",
}
_UNARY_OPERATORS = {
    UnaryOperator.IS_NULL: ("==", NULL),
    UnaryOperator.IS_NAN: ("==", NAN),
    UnaryOperator.IS_NOT_NULL: ("!=", NULL),
    UnaryOperator.IS_NOT_NAN: ("!=", NAN),
}
LIST_OPERATORS = frozenset({"in", "not-in", "contains-any"})
INEQUALITIES = frozenset({"<", "<=", ">", ">=", "!=", "not-in"})


@dataclass(frozen=True)
class Condition:
    """One comparison; `values` are encoded: one of them, or the list's for the operators that take a list."""

    path: str
    operator: str
    values: tuple[bytes, ...]


@dataclass(frozen=True)
class Group:
    """Conditions joined by AND (`every`) or OR."""

    every: bool
    members: "tuple[Filter, ...]"


Filter = Condition | Group


@dataclass(frozen=True)
class Order:
    """One step of the order; `path` may be NAME."""

    path: str
    descending: bool


@dataclass(frozen=True)
class Bound:
    """A cursor: encoded values for the first orders, and whether it is just before or just after what equals them."""

    values: tuple[bytes, ...]
    before: bool


@dataclass(frozen=True)
class Query:
    """A checked query. `collection` None means documents of any collection below `parent`; `scope_group` means all
    collections of that name below it. `orders` is complete: with implied orders, ending in NAME."""

    root: str
    parent: str
    collection: str | None
    scope_group: bool
    filter: Filter
    orders: tuple[Order, ...]
    start: Bound | None
    end: Bound | None
    offset: int
    limit: int | None
    nearest: Any
    select: tuple[str, ...] | None


def parse(parent: str, structured: Any) -> Query:
    """The query that a request means; raises INVALID_ARGUMENT for one that Firestore would not take."""
    root, path = split_name(parent)
    if len(structured.from_) > 1:
        raise invalid("A query may select from one collection only.")
    source = structured.from_[0] if structured.from_ else None
    collection = source.collection_id or None if source is not None else None
    scope_group = source is None or source.all_descendants
    if collection is not None:
        check_segment(collection)
    elif not scope_group:
        raise invalid("A query without a collection id must select all descendants.")
    filter_ = _filter(structured.where) if structured.HasField("where") else Group(True, ())
    _check_filter(filter_)
    orders = _orders(structured.order_by, filter_)
    limit = structured.limit.value if structured.HasField("limit") else None
    if limit is not None and limit < 0:
        raise invalid("limit is negative")
    if structured.offset < 0:
        raise invalid("offset is negative")
    nearest = structured.find_nearest if structured.HasField("find_nearest") else None
    select = tuple(field.field_path for field in structured.select.fields) if structured.HasField("select") else None
    return Query(
        root, path, collection, scope_group, filter_, orders, _bound(structured.start_at, orders),
        _bound(structured.end_at, orders), structured.offset, limit, nearest, select,
    )  # fmt: skip


def _filter(filter_: Any) -> Filter:
    kind = filter_.WhichOneof("filter_type")
    if kind == "composite_filter":
        operator = filter_.composite_filter.op
        if operator not in (CompositeOperator.AND, CompositeOperator.OR):
            raise invalid("A composite filter needs an operator.")
        if not filter_.composite_filter.filters:
            raise invalid("A composite filter must contain at least one filter.")
        members = tuple(_filter(member) for member in filter_.composite_filter.filters)
        return Group(operator == CompositeOperator.AND, members)
    if kind == "unary_filter":
        if filter_.unary_filter.op not in _UNARY_OPERATORS:
            raise invalid("A unary filter needs an operator.")
        operator, value = _UNARY_OPERATORS[filter_.unary_filter.op]
        return Condition(_path(filter_.unary_filter.field), operator, (value,))
    if kind != "field_filter":
        raise invalid("A filter must be a field filter, a unary filter or a composite filter.")
    field_filter = filter_.field_filter
    operator = _FIELD_OPERATORS.get(field_filter.op)
    if operator is None:
        raise invalid("A field filter needs an operator.")
    path = _path(field_filter.field)
    values = [field_filter.value]
    if operator in LIST_OPERATORS:
        if field_filter.value.WhichOneof("value_type") != "array_value" or not field_filter.value.array_value.values:
            raise invalid(f"'{operator.upper()}' requires a non-empty ArrayValue.")
        values = list(field_filter.value.array_value.values)
    if path == NAME and any(value.WhichOneof("value_type") != "reference_value" for value in values):
        raise invalid("__key__ filter value must be a Key")
    return Condition(path, operator, tuple(encode(value) for value in values))


def _path(field: Any) -> str:
    parse_field(field.field_path)
    return str(field.field_path)


def conditions(filter_: Filter) -> Iterator[Condition]:
    """All comparisons in a filter, however nested."""
    if isinstance(filter_, Condition):
        yield filter_
    else:
        for member in filter_.members:
            yield from conditions(member)


def disjuncts(filter_: Filter) -> list[tuple[Condition, ...]]:
    """The filter as alternatives, each a list of conditions that must all hold; lists of values stay together."""
    if isinstance(filter_, Condition):
        return [(filter_,)]
    branches = [disjuncts(member) for member in filter_.members]
    if not filter_.every:
        return [alternative for branch in branches for alternative in branch]
    return [tuple(one for part in choice for one in part) for choice in product(*branches)]


def _disjunctions(filter_: Filter) -> int:
    if isinstance(filter_, Condition):
        return len(filter_.values) if filter_.operator in ("in", "contains-any") else 1
    total = 1 if filter_.every else 0
    for member in filter_.members:
        count = _disjunctions(member)
        total = total * count if filter_.every else total + count
    return total


def _check_filter(filter_: Filter) -> None:
    if _disjunctions(filter_) > _MAX_DISJUNCTIONS:
        raise invalid(f"Invalid query: more than {_MAX_DISJUNCTIONS} disjunctions in its normal form.")
    every = list(conditions(filter_))
    negative = [one for one in every if one.operator in ("!=", "not-in")]
    if len(negative) > 1:
        raise invalid("Only a single NOT_EQUAL, NOT_IN, IS_NOT_NULL, or IS_NOT_NAN filter allowed per query.")
    if any(one.operator == "not-in" for one in negative):
        if len(negative[0].values) > _MAX_NOT_IN:
            raise invalid(f"'NOT_IN' supports up to {_MAX_NOT_IN} comparison values.")
        if any(one.operator in ("in", "contains-any") for one in every) or len(disjuncts(filter_)) > 1:
            raise invalid("'NOT_IN' cannot be used in the same query with 'IN', 'ARRAY_CONTAINS_ANY' or 'OR'.")
    for alternative in disjuncts(filter_):
        if sum(one.operator in ("contains", "contains-any") for one in alternative) > 1:
            raise invalid("A maximum of 1 'ARRAY_CONTAINS' filter is allowed per disjunction.")


def _orders(order_by: Any, filter_: Filter) -> tuple[Order, ...]:
    """The given orders, then the fields of inequalities, then the name, in the direction of the last one given."""
    orders = [Order(_path(order.field), order.direction == DESCENDING) for order in order_by]
    given = {order.path for order in orders}
    if len(given) < len(orders):
        raise invalid("order by cannot contain the same field twice")
    descending = orders[-1].descending if orders else False
    implied = {one.path for one in conditions(filter_) if one.operator in INEQUALITIES} - given - {NAME}
    orders += [Order(path, descending) for path in sorted(implied)]
    if NAME not in given:
        orders.append(Order(NAME, descending))
    return tuple(orders)


def _bound(cursor: Any, orders: tuple[Order, ...]) -> Bound | None:
    if not cursor.values:
        return None
    if len(cursor.values) > len(orders):
        raise invalid("Cursor has too many values.")
    return Bound(tuple(encode(value) for value in cursor.values), cursor.before)

"""Queries that Firestore would not take are refused with INVALID_ARGUMENT."""

import pytest
from google.cloud.firestore_v1 import types

from local.firestore.errors import Refused
from local.firestore.protocol import FieldOperator, StructuredQuery
from local.firestore.shape import NAME, parse
from tests.local.firestore.messages import CLIENT, ROOT, structured, value

T = CLIENT.collection("t")


def query(*filters, **settings):
    """A StructuredQuery without what the client itself would refuse."""
    built = StructuredQuery(**settings)
    built.from_.add(collection_id="t")
    for path, operator, operand in filters:
        one = built.where.composite_filter.filters.add().field_filter
        one.field.field_path = path
        one.op = getattr(FieldOperator, operator)
        one.value.CopyFrom(value(operand))
    if filters:
        built.where.composite_filter.op = types.StructuredQuery.CompositeFilter.Operator.AND
    return built


def cursor(*values):
    built = query()
    built.order_by.add().field.field_path = "a"
    built.start_at.values.extend([value(one) for one in values])
    return built


INVALID = {
    "offset": query(offset=-1),
    "too many values": query(("a", "IN", list(range(31)))),
    "too many alternatives": query(("a", "IN", list(range(6))), ("b", "ARRAY_CONTAINS_ANY", list(range(6)))),
    "no values": query(("a", "IN", [])),
    "a list that is none": query(("a", "IN", 1)),
    "two negations": query(("a", "NOT_EQUAL", 1), ("b", "NOT_IN", [1])),
    "eleven exclusions": query(("a", "NOT_IN", list(range(11)))),
    "an exclusion with a list": query(("a", "NOT_IN", [1]), ("b", "IN", [1])),
    "two arrays": query(("a", "ARRAY_CONTAINS", 1), ("b", "ARRAY_CONTAINS", 1)),
    "a name that is no reference": query((NAME, "EQUAL", "t/a")),
    "a cursor longer than the order": cursor(1, CLIENT.document("t/a"), 3),
    "an empty path": query(("a..b", "EQUAL", 1)),
    "no operator": query(("a", "OPERATOR_UNSPECIFIED", 1)),
    "a reserved collection": structured(CLIENT.collection("__t__")),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_query_is_refused(name):
    with pytest.raises(Refused) as refused:
        parse(ROOT, INVALID[name])
    assert refused.value.code.name == "INVALID_ARGUMENT"


@pytest.mark.parametrize("parent", ["", "projects/p", "projects/p/databases/d", "projects/p/databases/d/documentsx"])
def test_a_parent_must_be_a_resource_name(parent):
    with pytest.raises(Refused, match="Invalid resource name"):
        parse(parent, query())


def test_the_order_is_completed_by_inequalities_and_the_name():
    built = query(("c", "GREATER_THAN", 1), ("b", "NOT_EQUAL", 1), ("a", "EQUAL", 1))
    built.order_by.add(direction=2).field.field_path = "d"
    orders = parse(ROOT, built).orders
    assert [(order.path, order.descending) for order in orders] == [(path, True) for path in ("d", "b", "c", NAME)]

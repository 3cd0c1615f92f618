"""COUNT, SUM and AVG over the result of a query."""

from typing import Any

from local.firestore.errors import invalid
from local.firestore.paths import get_field, parse_field
from local.firestore.protocol import ASCENDING, StructuredQuery, Value
from local.firestore.values import number

_INT64 = 2**63
_MAX_AGGREGATIONS = 5


def prepare(aggregation_query: Any) -> tuple[Any, list[tuple[str, Any]]]:
    """(the query to run, [(alias, aggregation)]); raises INVALID_ARGUMENT.

    A sum or an average reads the index of its field, which orders the query by that field and leaves documents without
    it out; with a limit, it is the first documents by that field that count.
    """
    aggregations = list(aggregation_query.aggregations)
    if not aggregations:
        raise invalid("Aggregations can not be empty")
    if len(aggregations) > _MAX_AGGREGATIONS:
        raise invalid(f"The maximum number of aggregations allowed in an aggregation query is {_MAX_AGGREGATIONS}.")
    named = [(one.alias or f"field_{place}", one) for place, one in enumerate(aggregations, start=1)]
    if len(dict(named)) < len(named):
        raise invalid("Aggregation aliases contain duplicate alias")
    structured = StructuredQuery()
    structured.CopyFrom(aggregation_query.structured_query)
    given = {order.field.field_path for order in structured.order_by}
    summed = {path for _, one in named if (path := _field_path(one)) is not None}
    for path in sorted(summed - given):
        structured.order_by.add(direction=ASCENDING).field.field_path = path
    return structured, named


def _field_path(aggregation: Any) -> str | None:
    operator = aggregation.WhichOneof("operator")
    if operator is None:
        raise invalid("An aggregation needs an operator.")
    return None if operator == "count" else str(getattr(aggregation, operator).field.field_path)


def aggregate(aggregation: Any, documents: list[Any]) -> Any:
    """The Value of one aggregation."""
    path = _field_path(aggregation)
    if path is None:
        count = len(documents)
        if aggregation.count.HasField("up_to"):
            count = min(count, aggregation.count.up_to.value)
        return Value(integer_value=count)
    parts = parse_field(path)
    found = (get_field(document.fields, parts) for document in documents)
    numbers = [one for value in found if value is not None and (one := number(value)) is not None]
    total = sum(numbers)
    if aggregation.WhichOneof("operator") == "avg":
        return Value(double_value=total / len(numbers)) if numbers else Value(null_value=0)
    if isinstance(total, int) and -_INT64 <= total < _INT64:
        return Value(integer_value=total)
    return Value(double_value=total)

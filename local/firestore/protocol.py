"""Firestore's protobuf classes without the proto-plus wrapping, which costs more than the work done here.

Google's package offers only the wrapped types; each wraps a plain class that parses and prints itself.
"""

from typing import Any

from google.cloud.firestore_v1 import types


def plain(wrapped: Any) -> Any:
    """The plain protobuf class under a proto-plus type."""
    return type(wrapped.pb(wrapped()))


Document = plain(types.Document)
Value = plain(types.Value)
WriteResult = plain(types.WriteResult)
StructuredQuery = plain(types.StructuredQuery)

FieldOperator = types.StructuredQuery.FieldFilter.Operator
UnaryOperator = types.StructuredQuery.UnaryFilter.Operator
CompositeOperator = types.StructuredQuery.CompositeFilter.Operator
Distance = types.StructuredQuery.FindNearest.DistanceMeasure
DESCENDING = int(types.StructuredQuery.Direction.DESCENDING)
ASCENDING = int(types.StructuredQuery.Direction.ASCENDING)


def to_micros(timestamp: Any) -> int:
    """A protobuf timestamp in microseconds since the epoch; Firestore keeps no finer time."""
    return int(timestamp.seconds) * 1_000_000 + int(timestamp.nanos) // 1000


def set_micros(timestamp: Any, micros: int) -> None:
    """Write microseconds since the epoch into a protobuf timestamp."""
    timestamp.seconds, rest = divmod(micros, 1_000_000)
    timestamp.nanos = rest * 1000

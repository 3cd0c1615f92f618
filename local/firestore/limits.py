"""Firestore's limits on documents and requests, so that what would be refused in production is refused here."""

from typing import Any

from local.firestore.errors import invalid

MAX_REQUEST = 10 * 1024 * 1024
MAX_DOCUMENT = 1_048_576
_MAX_DEPTH = 20
_MAX_NAME = 1500
_SURELY_SMALL = MAX_DOCUMENT // 4  # bytes on the wire below which no document can exceed the limit by Firestore's count
_FIXED_SIZES = {
    None: 1,
    "null_value": 1,
    "boolean_value": 1,
    "integer_value": 8,
    "double_value": 8,
    "timestamp_value": 8,
    "geo_point_value": 16,
}


def check_request(request: Any) -> None:
    """Raises INVALID_ARGUMENT for a request of more than 10 MiB."""
    if request.ByteSize() > MAX_REQUEST:
        raise invalid(f"Request payload size exceeds the limit: {MAX_REQUEST} bytes.")


def check_document(document: Any) -> None:
    """Check names, nesting and size of a document to be stored, and cut its timestamps to microseconds.

    Raises INVALID_ARGUMENT.
    """
    _check_fields(document.fields, 1)
    if document.ByteSize() > _SURELY_SMALL and document_size(document) > MAX_DOCUMENT:
        raise invalid(
            f"Document '{document.name}' cannot be written because its size ({document_size(document):,} bytes) "
            f"exceeds the maximum allowed size of {MAX_DOCUMENT:,} bytes."
        )


def _check_fields(fields: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise invalid(f"Property is nested more than {_MAX_DEPTH} levels deep.")
    for name, value in fields.items():
        if not name:
            raise invalid("A field name must not be empty.")
        if name.startswith("__") and name.endswith("__") and len(name) > 3 and name != "__type__":
            raise invalid(f'Property name "{name}" is invalid because it is reserved.')
        if len(name) > _MAX_NAME // 4 and len(name.encode()) > _MAX_NAME:
            raise invalid(f"A field name is longer than {_MAX_NAME} bytes.")
        _check_value(value, depth)


def _check_value(value: Any, depth: int) -> None:
    kind = value.WhichOneof("value_type")
    if kind == "map_value":
        _check_fields(value.map_value.fields, depth + 1)
    elif kind == "array_value":
        for item in value.array_value.values:
            if item.WhichOneof("value_type") == "array_value":
                raise invalid("Cannot convert an array value in an array value.")
            _check_value(item, depth + 1)
    elif kind == "timestamp_value":
        value.timestamp_value.nanos -= value.timestamp_value.nanos % 1000
    elif kind == "reference_value" and "/documents/" not in value.reference_value:
        raise invalid(f'Invalid reference "{value.reference_value}".')


def document_size(document: Any) -> int:
    """Bytes of a document by Firestore's own count, which is not that of its wire form."""
    return _name_size(document.name) + 32 + _fields_size(document.fields)


def _name_size(name: str) -> int:
    path = name.partition("/documents/")[2]
    return 16 + sum(len(segment.encode()) + 1 for segment in path.split("/"))


def _fields_size(fields: Any) -> int:
    return sum(len(name.encode()) + 1 + _value_size(value) for name, value in fields.items())


def _value_size(value: Any) -> int:
    kind = value.WhichOneof("value_type")
    if kind == "string_value":
        return len(value.string_value.encode()) + 1
    if kind == "bytes_value":
        return len(value.bytes_value)
    if kind == "reference_value":
        return _name_size(value.reference_value)
    if kind == "array_value":
        return sum(_value_size(item) for item in value.array_value.values)
    if kind == "map_value":
        return _fields_size(value.map_value.fields)
    return _FIXED_SIZES[kind]

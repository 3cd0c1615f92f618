"""Firestore values as bytes that sort and compare as Firestore does, so that SQLite's order is Firestore's order.

Every encoding is prefix-free: none is the beginning of another. So encodings may be joined (arrays, composite indexes)
and still sort element by element, equality is equality of bytes, and a descending order is the inverted bytes.
"""

import struct
from collections.abc import Callable
from typing import Any

from local.firestore.paths import encode_path, escape

NULL, BOOLEAN, NAN, NUMBER, TIMESTAMP, STRING = b"\x05", b"\x0a", b"\x0d", b"\x0f", b"\x14", b"\x19"
BYTES, REFERENCE, GEO_POINT, ARRAY, VECTOR, MAP = b"\x1e", b"\x25", b"\x2d", b"\x32", b"\x35", b"\x37"
_END = b"\x02"  # ends an array or a map: below every tag, so the shorter one sorts first
_INVERSE = bytes(255 - i for i in range(256))
_SIGN = 1 << 63
_ALL = (1 << 64) - 1


def invert(encoded: bytes) -> bytes:
    """Bytes that sort in the opposite direction."""
    return encoded.translate(_INVERSE)


def _number(value: float) -> bytes:
    """A sortable double, then what an integer beyond 2**53 loses by becoming one."""
    near = float(value)
    lost = value - int(near) if isinstance(value, int) else 0
    bits: int = struct.unpack(">Q", struct.pack(">d", near or 0.0))[0]
    bits = ~bits & _ALL if bits & _SIGN else bits | _SIGN
    return struct.pack(">QH", bits, lost + 0x8000)


def _double(value: Any) -> bytes:
    number: float = value.double_value
    return NAN if number != number else NUMBER + _number(number)


def _timestamp(value: Any) -> bytes:
    moment = value.timestamp_value
    return TIMESTAMP + struct.pack(">QI", moment.seconds + _SIGN, moment.nanos // 1000 * 1000)


def _geo_point(value: Any) -> bytes:
    return GEO_POINT + _number(value.geo_point_value.latitude) + _number(value.geo_point_value.longitude)


def _array(value: Any) -> bytes:
    return ARRAY + b"".join([encode(item) for item in value.array_value.values]) + _END


def _map(value: Any) -> bytes:
    fields = value.map_value.fields
    if is_vector(value):
        numbers = vector(value)
        return VECTOR + struct.pack(">I", len(numbers)) + b"".join([_number(number) for number in numbers])
    members = [STRING + escape(name.encode()) + encode(fields[name]) for name in sorted(fields)]
    return MAP + b"".join(members) + _END


_ENCODERS: dict[str | None, Callable[[Any], bytes]] = {
    None: lambda value: NULL,
    "null_value": lambda value: NULL,
    "boolean_value": lambda value: BOOLEAN + (b"\x01" if value.boolean_value else b"\x00"),
    "integer_value": lambda value: NUMBER + _number(value.integer_value),
    "double_value": _double,
    "timestamp_value": _timestamp,
    "string_value": lambda value: STRING + escape(value.string_value.encode()),
    "bytes_value": lambda value: BYTES + escape(value.bytes_value),
    "reference_value": lambda value: encode_reference(encode_path(value.reference_value.partition("/documents/")[2])),
    "geo_point_value": _geo_point,
    "array_value": _array,
    "map_value": _map,
}


def encode(value: Any) -> bytes:
    """The bytes of a Value; two values are equal for Firestore exactly if their bytes are."""
    return _ENCODERS[value.WhichOneof("value_type")](value)


def encode_reference(path: bytes) -> bytes:
    """The bytes of a reference to the document with this encoded path."""
    return REFERENCE + path + b"\x01"


def is_vector(value: Any) -> bool:
    """Whether a Value is a vector: a map which says so in its `__type__`."""
    if value.WhichOneof("value_type") != "map_value":
        return False
    fields = value.map_value.fields
    return "__type__" in fields and fields["__type__"].string_value == "__vector__" and "value" in fields


def vector(value: Any) -> list[float]:
    """The numbers of a vector value."""
    return [number(item) or 0.0 for item in value.map_value.fields["value"].array_value.values]


def number(value: Any) -> float | None:
    """The number in a Value, an int where it is one; None when it is not a number."""
    kind = value.WhichOneof("value_type")
    if kind == "integer_value":
        return int(value.integer_value)
    return float(value.double_value) if kind == "double_value" else None

"""Converts values between JSON and the engine, as strictly as BigQuery does, in both directions."""

import datetime
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.bigquery.errors import invalid_query

_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_INTEGER = re.compile(r"[+-]?\d+")
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d?-\d\d?([Tt ]\d\d?:\d\d?:\d\d?(\.\d{1,6})?)?( ?(Z|z|UTC)|[+-]\d\d(:?\d\d)?)?",
)
_ALIASES = {"INTEGER": "INT64", "BOOLEAN": "BOOL", "FLOAT": "FLOAT64"}


@dataclass(frozen=True)
class Parameter:
    """A named query parameter: `kind` is the GoogleSQL type, of its elements where it is an array."""

    name: str
    kind: str
    array: bool
    value: Any


def integer(value: Any) -> int:
    """An INT64 from a JSON number or a string of digits; raises ValueError otherwise."""
    if isinstance(value, bool):
        raise ValueError("Cannot convert value to integer (bad value): " + str(value).lower())
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int):
        raise ValueError(f"Cannot convert value to integer (bad value): {value}")
    if not _LOWEST <= value <= _HIGHEST:
        raise ValueError(f"Cannot convert value to integer (out of range): {value}")
    return value


def boolean(value: Any) -> bool:
    """A BOOL from JSON true and false or their names."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError(f"Cannot convert value to boolean (bad value): {value}")


def text(value: Any) -> str:
    """A STRING from a JSON string, number or boolean, never from an object or a list."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise ValueError("Cannot convert non-scalar value to string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("Cannot convert value to string (bad UTF-8)") from None
    return value


def floating(value: Any) -> float:
    """A FLOAT64 from a JSON number or its text."""
    if isinstance(value, bool):
        raise ValueError("Cannot convert value to floating point (bad value): " + str(value).lower())
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"Cannot convert value to floating point (bad value): {value}") from None
    if not math.isfinite(number):
        raise ValueError("NaN and infinity are not supported by the local BigQuery")
    return number


def timestamp(value: Any) -> datetime.datetime:
    """A TIMESTAMP from ISO 8601 text with at most microseconds; without an offset it is UTC.

    Epoch numbers, which BigQuery takes too, are refused: they hide mistakes of unit.
    """
    wrong = ValueError(f"Invalid timestamp: {value!r}; give ISO 8601 text")
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value.strip()):
        raise wrong
    plain = re.sub(r" ?(UTC|Z|z)$", "+00:00", value.strip())
    try:
        moment = datetime.datetime.fromisoformat(plain)
        return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise wrong from None


def date(value: Any) -> datetime.date:
    """A DATE from YYYY-MM-DD."""
    try:
        return datetime.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"Invalid date: {value!r}") from None


READERS: dict[str, Callable[[Any], Any]] = {
    "STRING": text,
    "INT64": integer,
    "FLOAT64": floating,
    "BOOL": boolean,
    "TIMESTAMP": timestamp,
    "DATE": date,
}


def parameters(request: dict[str, Any]) -> dict[str, Parameter]:
    """The named parameters of a query request, by lower-case name; raises Refusal."""
    entries = request.get("queryParameters") or []
    if request.get("parameterMode", "NAMED").upper() != "NAMED" and entries:
        raise invalid_query("Positional parameters are not supported by the local BigQuery: name each parameter")
    found: dict[str, Parameter] = {}
    for entry in entries:
        name = entry.get("name")
        if not name:
            raise invalid_query("Positional parameters are not supported by the local BigQuery: name each parameter")
        if name.lower() in found:
            raise invalid_query(f"Duplicate parameter name {name}")
        found[name.lower()] = _parameter(name, entry.get("parameterType") or {}, entry.get("parameterValue") or {})
    return found


def _parameter(name: str, kind: dict[str, Any], value: dict[str, Any]) -> Parameter:
    array = kind.get("type") == "ARRAY"
    element = (kind.get("arrayType") or {}) if array else kind
    type_name = _ALIASES.get(element.get("type", ""), element.get("type", ""))
    reader = READERS.get(type_name)
    if reader is None:
        raise invalid_query(f"Parameter {name}: type {type_name} is not supported by the local BigQuery")
    try:
        if not array:
            return Parameter(name, type_name, False, _read(reader, value.get("value")))
        items = [_read(reader, item.get("value")) for item in value.get("arrayValues") or []]
    except ValueError as error:
        raise invalid_query(f"Invalid value for parameter {name} of type {type_name}: {error}") from None
    return Parameter(name, type_name, True, items)


def _read(reader: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else reader(value)


def micros(moment: datetime.datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (moment - _EPOCH) // datetime.timedelta(microseconds=1)


def result_kind(engine_type: str) -> tuple[str, bool]:
    """GoogleSQL type of a result column and whether it is an array; raises Refusal for a type outside the subset."""
    array = engine_type.endswith("[]")
    base = engine_type.removesuffix("[]")
    kind = {
        "VARCHAR": "STRING",
        "DOUBLE": "FLOAT64",
        "FLOAT": "FLOAT64",
        "BOOLEAN": "BOOL",
        "DATE": "DATE",
        "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
        '"NULL"': "INT64",
        "NULL": "INT64",
    }.get(base)
    if kind is None and ("INT" in base):
        kind = "INT64"
    if kind is None:
        raise invalid_query(f"A result of type {base} is not supported by the local BigQuery")
    return kind, array


def cell(value: Any, kind: str, array: bool, int64_timestamp: bool) -> Any:
    """One value in the wire format of results; raises Refusal where BigQuery would."""
    if array:
        if any(item is None for item in value or ()):
            raise invalid_query("Array cannot have a null element; error in writing field")
        return [{"v": _scalar(item, kind, int64_timestamp)} for item in value or ()]
    return _scalar(value, kind, int64_timestamp)


def _scalar(value: Any, kind: str, int64_timestamp: bool) -> str | None:
    if value is None:
        return None
    if kind == "INT64":
        if not _LOWEST <= value <= _HIGHEST:
            raise invalid_query(f"int64 overflow: {value}")
        return str(value)
    if kind == "BOOL":
        return "true" if value else "false"
    if kind == "FLOAT64":
        if math.isinf(value):
            return "-Infinity" if value < 0 else "Infinity"
        return "NaN" if math.isnan(value) else repr(value)
    if kind == "TIMESTAMP":
        whole = micros(value)
        return str(whole) if int64_timestamp else f"{whole // 10**6}.{whole % 10**6:06d}"
    if kind == "DATE":
        return str(value.isoformat())
    return str(value)


def row_problem(location: str, message: str) -> dict[str, str]:
    """One error of a row in `insertErrors`."""
    return {"reason": "invalid", "location": location, "debugInfo": "", "message": message}

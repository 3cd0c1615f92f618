"""One way to turn facts into bytes and bytes into names, so that a customer can recompute what the invoice says.

    leaf    SHA-256 of a fact's canonical JSON
    node    SHA-256 of its sorted children, each as 64 hexadecimal digits and a line feed

An hour is the node of its leaves, a day of its hours, a month of its days. With the leaves in a file, a shell is
enough: `sort leaves.txt | sha256sum`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AS_THEY_ARE = frozenset({str, int, bool, type(None)})
_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def rfc3339(at: datetime) -> str:
    """UTC with microseconds and Z, always 27 characters, so that the same instant gives the same bytes."""
    # isoformat takes a fifth of strftime's time, which is most of what a leaf costs; its offset is always +00:00.
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _plain(value: Any) -> Any:
    if type(value) in _AS_THEY_ARE:
        return value
    # bool is an int, and both are fine; whatever is not listed would not read back as the same value.
    if value is None or isinstance(value, str | int):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no canonical form")


def canonical_json(value: Any) -> bytes:
    """The one UTF-8 form of a value: sorted keys, no blanks. Raises TypeError for what has none: fractions, say."""
    return _encoder.encode(_plain(value)).encode()


def leaf(event: Mapping[str, Any]) -> str:
    """The digest of an event, given its columns.

    Its own `digest` does not count, and a column without value is as good as absent, since BigQuery knows no
    difference; times count as instants, however they are written.
    """
    columns = {}
    for key, value in event.items():
        if key == "digest" or value is None:
            continue
        if key.endswith("_at") and isinstance(value, str):
            columns[key] = rfc3339(datetime.fromisoformat(value))
        else:
            columns[key] = value if type(value) in _AS_THEY_ARE else _plain(value)
    # What canonical_json does, without walking once more over columns that are plain.
    return hashlib.sha256(_encoder.encode(columns).encode()).hexdigest()


def node(children: Iterable[str]) -> str:
    """The digest over digests; their order does not matter, their number does."""
    return hashlib.sha256("".join(f"{child}\n" for child in sorted(children)).encode()).hexdigest()


def stable_id(prefix: str, at: datetime, *parts: str) -> str:
    """An id in the form of all ids, sorted by `at`, but always the same for the same parts.

    What a job makes is named by what it is made of: a repeat writes the same document instead of a second one.
    """
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
    tail = hashlib.sha256(canonical_json([prefix, *parts])).digest()[:10]
    number = int.from_bytes(milliseconds.to_bytes(6, "big") + tail, "big")
    return f"{prefix}_{''.join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))}"

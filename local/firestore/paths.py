"""Names of documents and fields: taken apart, checked, and turned into keys that sort as Firestore sorts names.

A document's key is eight bytes for its database, then its encoded path; so a subtree is one range of keys. Collections
and indexes are known by 64-bit hashes of their names, which keeps rows small and needs no table of names.
"""

import re
import struct
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from local.firestore.errors import invalid

_NUMERIC_ID = re.compile(r"__id(-?\d{1,19})__")
_ROOT = re.compile(r"projects/[^/]+/databases/[^/]+/documents")
_FIELD = re.compile(r"`((?:[^`\\]|\\.)*)`|([^.`]+)")
_MAX_SEGMENT = 1500
_MAX_DEPTH = 100
AFTER = b"\xff"  # above whatever may follow a key, so `key + AFTER` ends the range of its subtree


class Place(NamedTuple):
    """Where a document is: its key, the hashes of its collection and of its collection group, the group's name."""

    key: bytes
    parent: int
    group: int
    collection: str


def escape(raw: bytes) -> bytes:
    """Raw bytes made prefix-free: zero bytes marked, and an end mark."""
    return raw.replace(b"\x00", b"\x00\xff") + b"\x00\x01"


def _encode_segment(segment: str) -> bytes:
    if (numeric := _NUMERIC_ID.fullmatch(segment)) and -(2**63) <= int(numeric[1]) < 2**63:
        return b"\x02" + struct.pack(">Q", int(numeric[1]) + 2**63)
    return b"\x03" + escape(segment.encode())


def encode_path(path: str) -> bytes:
    """The bytes of a path relative to the database; numeric ids sort before texts, as in Firestore."""
    return b"".join([_encode_segment(segment) for segment in path.split("/")]) if path else b""


def first_segment(encoded: bytes) -> tuple[str, int]:
    """The first segment of an encoded path, and how many bytes it takes."""
    if encoded[0] == 2:
        return f"__id{struct.unpack('>Q', encoded[1:9])[0] - 2**63}__", 9
    at = 1
    while encoded[(at := encoded.index(b"\x00", at)) + 1] != 1:
        at += 2
    return encoded[1:at].replace(b"\x00\xff", b"\x00").decode(), at + 2


@lru_cache(maxsize=65536)
def hashed(*names: str | int) -> int:
    """A signed 64-bit number for a name in parts; collisions are beyond any number of collections that fit here."""
    digest = blake2b("\x00".join(map(str, names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


@lru_cache(maxsize=1024)
def root_key(root: str) -> bytes:
    """The eight bytes that begin the key of every document of a database."""
    return struct.pack(">q", hashed("root", root))


def split_name(name: str) -> tuple[str, str]:
    """(`projects/P/databases/D/documents`, relative path, may be empty); raises INVALID_ARGUMENT for another form."""
    match = _ROOT.match(name)
    if match is None or (len(name) > match.end() and name[match.end()] != "/"):
        raise invalid(f'Invalid resource name "{name}".')
    return match[0], name[match.end() + 1 :]


@lru_cache(maxsize=16384)
def locate(name: str) -> Place:
    """The place of a document by its full resource name; raises INVALID_ARGUMENT when that is none."""
    root, path = split_name(name)
    segments = path.split("/")
    if len(segments) % 2 or not all(segments):
        raise invalid(f'Document name "{name}" has invalid trailing or missing segments.')
    if len(segments) > 2 * _MAX_DEPTH:
        raise invalid(f"Document name has more than {_MAX_DEPTH} levels.")
    for segment in segments:
        check_segment(segment)
    parent = path.rpartition("/")[0]
    return Place(root_key(root) + encode_path(path), collection_hash(root, parent), group_hash(root, segments[-2]),
                 segments[-2])  # fmt: skip


def check_segment(segment: str) -> None:
    """Raises INVALID_ARGUMENT for an id that Firestore keeps for itself or finds too long."""
    if segment in (".", ".."):
        raise invalid(f'Resource id "{segment}" is invalid.')
    if len(segment) > 3 and segment.startswith("__") and segment.endswith("__") and not _NUMERIC_ID.fullmatch(segment):
        raise invalid(f'Resource id "{segment}" is invalid because it is reserved.')
    if len(segment) > _MAX_SEGMENT // 4 and len(segment.encode()) > _MAX_SEGMENT:
        raise invalid(f"Resource id is longer than {_MAX_SEGMENT} bytes.")


def collection_hash(root: str, path: str) -> int:
    """The hash of one collection, by the path that all of its documents share."""
    return hashed("collection", root, path)


def group_hash(root: str, collection: str) -> int:
    """The hash of all collections of this name in a database."""
    return hashed("group", root, collection)


@lru_cache(maxsize=8192)
def parse_field(path: str) -> tuple[str, ...]:
    """The parts of a field path; a part in backquotes may hold anything. Raises INVALID_ARGUMENT when malformed."""
    if "`" not in path:
        parts = tuple(path.split("."))
    else:
        matches = list(_FIELD.finditer(path))
        parts = tuple(re.sub(r"\\(.)", r"\1", m[1]) if m[1] is not None else m[2] for m in matches)
        if ".".join(m[0] for m in matches) != path:
            raise invalid(f'Invalid property path "{path}".')
    if not all(parts):
        raise invalid(f'Invalid property path "{path}".')
    return parts


def get_field(fields: Any, parts: tuple[str, ...]) -> Any:
    """The value at a field path of a `fields` map, None when there is none."""
    for name in parts[:-1]:
        if name not in fields or fields[name].WhichOneof("value_type") != "map_value":
            return None
        fields = fields[name].map_value.fields
    return fields.get(parts[-1])


def set_field(fields: Any, parts: tuple[str, ...], value: Any) -> None:
    """Put a value at a field path of a `fields` map, making maps on the way; None removes what is there."""
    for name in parts[:-1]:
        if name not in fields or fields[name].WhichOneof("value_type") != "map_value":
            if value is None:
                return
            fields[name].map_value.SetInParent()
        fields = fields[name].map_value.fields
    if value is not None:
        fields[parts[-1]].CopyFrom(value)
    elif parts[-1] in fields:
        del fields[parts[-1]]

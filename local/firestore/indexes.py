"""Which indexes exist, and which queries production would refuse for want of one.

Firestore indexes every field of every collection by itself, in collection scope, unless the catalogue switches that
off; composite and collection-group indexes exist only where the catalogue lists them. The same definitions decide what
the store keeps entries for, so a query that is allowed is also fast.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from local.firestore.paths import get_field, hashed, locate, parse_field
from local.firestore.values import encode, invert, is_vector

ENTRY_LIMIT = 1500  # bytes of a value in a single-field index; longer values are cut, as in production
_LAYOUT = 1  # raise to have all entries made anew

Entry = tuple[int, bytes]


@dataclass(frozen=True)
class Part:
    """One field of an index."""

    path: str
    descending: bool = False
    contains: bool = False

    def __str__(self) -> str:
        return f"{'-' if self.descending else ''}{self.path}{'[]' if self.contains else ''}"


@dataclass(frozen=True)
class Index:
    """An index over a collection, or over all collections of that name (`group`)."""

    collection: str
    group: bool
    parts: tuple[Part, ...]

    def id(self, scope: int) -> int:
        """The number of this index's entries for one collection (or group), given by its hash."""
        return hashed("index", scope, *(str(part) for part in self.parts))


class Indexes:
    """The indexes of the catalogue; `Indexes(None)` has all automatic ones and refuses no query."""

    def __init__(self, section: dict[str, Any] | None) -> None:
        """From the catalogue's section `firestore`; raises ValueError for an index that cannot be."""
        self.enforced = section is not None
        section = section or {}
        self._settings: dict[str, dict[str, Any]] = section.get("collections") or {}
        self.ttl: dict[str, str] = {name: one["ttl"] for name, one in self._settings.items() if one.get("ttl")}
        self._manual = {name for name, one in self._settings.items() if "indexed" in one}
        self._listed: dict[str, list[Index]] = {
            name: list(_single_field(name, {**one.get("indexed", {}), **dict.fromkeys(one.get("group", ()), "group")}))
            for name, one in self._settings.items()
        }
        self._composite: dict[str, list[Index]] = {}
        self.vectors: set[tuple[str, str, bool]] = set()  # (collection, field, group)
        for one in section.get("indexes") or []:
            if "vector" in one:
                self.vectors.add((one["collection"], one["vector"], bool(one.get("group"))))
            else:
                index = Index(one["collection"], bool(one.get("group")), tuple(map(_part, one["fields"])))
                self._composite.setdefault(index.collection, []).append(index)
        self._section = section

    @classmethod
    def read(cls, catalogue: Path) -> "Indexes":
        """The indexes of a catalogue file; raises OSError or yaml.YAMLError."""
        return cls(yaml.load(catalogue.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["firestore"])

    def fingerprint(self) -> int:
        """Equal for two catalogues whose entries are the same."""
        text = json.dumps([_LAYOUT, self._section], sort_keys=True)
        return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big")

    def composites(self, collection: str, group: bool) -> list[Index]:
        """The composite indexes of a collection, or of a collection group."""
        return [index for index in self._composite.get(collection, ()) if index.group == group]

    def has_single(self, collection: str, path: str, group: bool) -> bool:
        """Whether a field is indexed by itself, ascending, descending and by array element."""
        if any(one.group == group and one.parts[0].path == path for one in self._listed.get(collection, ())):
            return True
        return not group and self.automatic(collection)

    def automatic(self, collection: str) -> bool:
        """Whether every field is indexed by itself in the scope of its collection."""
        return collection not in self._manual

    def entries(self, document: Any) -> set[Entry]:
        """(index number, value) of all entries of a document."""
        place = locate(document.name)
        found: set[Entry] = set()
        for index in self._listed.get(place.collection, ()):
            value = get_field(document.fields, parse_field(index.parts[0].path))
            if value is not None:
                found.update(_entries_of(index.id(place.group if index.group else place.parent), index, value))
        if self.automatic(place.collection):
            for path, value in _walk(document.fields, ""):
                for part in (Part(path), Part(path, contains=True)):
                    index = Index(place.collection, False, (part,))
                    found.update(_entries_of(index.id(place.parent), index, value))
        for index in self._composite.get(place.collection, ()):
            number = index.id(place.group if index.group else place.parent)
            choices = [_values_of(document.fields, part) for part in index.parts]
            found.update((number, b"".join(choice)) for choice in product(*choices))
        return found


def _single_field(collection: str, indexed: dict[str, str]) -> Iterator[Index]:
    for name, scope in indexed.items():
        path = canonical(name)
        if scope not in ("collection", "group"):
            raise ValueError(f"firestore.collections.{collection}: {scope!r} is no scope of an index")
        yield Index(collection, scope == "group", (Part(path),))
        yield Index(collection, scope == "group", (Part(path, contains=True),))


def _part(text: str) -> Part:
    descending = text.startswith("-")
    contains = text.endswith("[]")
    if descending and contains:
        raise ValueError(f"firestore.indexes: {text!r} cannot be both descending and array-contains")
    return Part(canonical(text.removeprefix("-").removesuffix("[]")), descending, contains)


@lru_cache(maxsize=8192)
def quote(name: str) -> str:
    """A field name as it stands in a field path: in backquotes unless it is a plain word."""
    if name.isidentifier() and name.isascii():
        return name
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


@lru_cache(maxsize=8192)
def canonical(path: str) -> str:
    """One spelling for each field path."""
    return ".".join(map(quote, parse_field(path)))


def _walk(fields: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Every field path of a document with its value; maps themselves too, as in Firestore."""
    for name, value in fields.items():
        path = prefix + quote(name)
        yield path, value
        if value.WhichOneof("value_type") == "map_value" and not is_vector(value):
            yield from _walk(value.map_value.fields, path + ".")


def _entries_of(number: int, index: Index, value: Any) -> Iterator[Entry]:
    if not index.parts[0].contains:
        yield number, encode(value)[:ENTRY_LIMIT]
    elif value.WhichOneof("value_type") == "array_value":
        for item in value.array_value.values:
            yield number, encode(item)[:ENTRY_LIMIT]


def _values_of(fields: Any, part: Part) -> list[bytes]:
    value = get_field(fields, parse_field(part.path))
    if value is None:
        return []
    if not part.contains:
        return [invert(encode(value)) if part.descending else encode(value)]
    return [encode(item) for item in value.array_value.values] if value.HasField("array_value") else []

"""Answering a query from one snapshot: candidates, filter, order, cursors, nearest neighbours, cut."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.firestore import plan
from local.firestore.filters import matcher, sort_key, within
from local.firestore.indexes import ENTRY_LIMIT, Indexes
from local.firestore.nearest import nearest
from local.firestore.paths import get_field, parse_field, set_field
from local.firestore.protocol import Document
from local.firestore.required import check
from local.firestore.shape import NAME, Query
from local.firestore.snapshot import Snapshot


@dataclass(frozen=True)
class Found:
    """The documents of a query in order, and how many its offset has skipped."""

    documents: list[Any]
    skipped: int

    def fingerprint(self) -> list[tuple[str, int, int]]:
        """Equal for two results exactly if no document of them was added, removed or changed."""
        return [
            (document.name, document.update_time.seconds, document.update_time.nanos) for document in self.documents
        ]


def run(snapshot: Snapshot, indexes: Indexes, query: Query) -> Found:
    """The query's result; raises FAILED_PRECONDITION when an index is missing that production would need."""
    if indexes.enforced:
        check(indexes, query)
    matches, key_of, inside = (
        matcher(query.filter),
        sort_key(query.orders),
        within(query.orders, query.start, query.end),
    )
    enough = query.offset + query.limit if query.limit is not None and query.nearest is None else None
    planned = plan.find(snapshot, indexes, query)
    found: list[tuple[list[bytes], Any]] = []
    last_entry = b""
    if enough != 0:
        for row, entry in planned.rows:
            full = planned.ordered and enough is not None and len(found) >= enough
            if full and (entry != last_entry or len(entry) < ENTRY_LIMIT):
                break
            document = Document.FromString(row.body)
            if not matches(document.fields, row.key):
                continue
            key = key_of(document.fields, row.key)
            if key is not None and inside(key):
                found.append((key, document))
                last_entry = entry
    found.sort(key=lambda pair: pair[0])
    documents = [document for _, document in found]
    if query.nearest is not None:
        documents = nearest(query.nearest, documents)
    end = None if query.limit is None else query.offset + query.limit
    return Found(documents[query.offset : end], min(query.offset, len(documents)))


def member(query: Query) -> Callable[[Any, bytes], bool]:
    """A function of (document, key): whether a document of the query's collections is in its result, by itself.

    That is all there is to know where the query has no limit, no offset and no nearest neighbours.
    """
    matches, key_of = matcher(query.filter), sort_key(query.orders)
    inside = within(query.orders, query.start, query.end)

    def is_member(document: Any, key: bytes) -> bool:
        if not matches(document.fields, key):
            return False
        place = key_of(document.fields, key)
        return place is not None and inside(place)

    return is_member


def project(document: Any, paths: tuple[str, ...] | None) -> Any:
    """A document with only these fields; None means all of them."""
    if paths is None:
        return document
    part = Document(name=document.name, create_time=document.create_time, update_time=document.update_time)
    for path in paths:
        if path == NAME:
            continue
        parts = parse_field(path)
        value = get_field(document.fields, parts)
        if value is not None:
            set_field(part.fields, parts, value)
    return part

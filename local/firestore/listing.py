"""Walking the tree of names page by page: documents of a collection, collections of a document.

A page token is the last name of the page before, so a page stays right whatever is written meanwhile.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from local.firestore.errors import invalid
from local.firestore.paths import AFTER, collection_hash, encode_path, first_segment, root_key
from local.firestore.protocol import Document
from local.firestore.snapshot import Row, Snapshot

_DEFAULT_PAGE = 300


class Page(NamedTuple):
    """Items and the token of the next page, empty at the end."""

    items: list[Any]
    token: str


def _page(items: Iterator[tuple[str, Any]], size: int) -> Page:
    if size < 0:
        raise invalid("page_size must not be negative.")
    size = size or _DEFAULT_PAGE
    taken: list[tuple[str, Any]] = []
    for item in items:
        if len(taken) == size:
            return Page([one for _, one in taken], taken[-1][0])
        taken.append(item)
    return Page([one for _, one in taken], "")


def documents(
    snapshot: Snapshot, root: str, parent: str, collection: str, missing: bool, size: int, token: str
) -> Page:
    """Documents of a collection in the order of their names; with `missing` also names that only have descendants.

    Raises INVALID_ARGUMENT for a token that is none.
    """
    path = f"{parent}/{collection}" if parent else collection
    below = root_key(root) + encode_path(path)
    after = below + (encode_path(token) if token else b"")
    if missing:
        return _page(_tree(snapshot, f"{root}/{path}", below, after), size)
    rows = snapshot.scan("parent = ? AND key > ?", (collection_hash(root, path), after), "ORDER BY key")
    return _page(((document.name.rpartition("/")[2], document) for document in map(_document, rows)), size)


def _document(row: Row) -> Any:
    return Document.FromString(row.body)


def _next(snapshot: Snapshot, after: bytes, end: bytes) -> Row | None:
    return next(snapshot.scan("key > ? AND key < ?", (after, end), "ORDER BY key LIMIT 1"), None)


def _tree(snapshot: Snapshot, name: str, below: bytes, after: bytes) -> Iterator[tuple[str, Any]]:
    """One seek for each child, over whatever lies below it."""
    end = below + AFTER
    if after != below:
        after += AFTER
    while (row := _next(snapshot, after, end)) is not None:
        segment, length = first_segment(row.key[len(below) :])
        child = row.key[: len(below) + length]
        yield segment, _document(row) if row.key == child else Document(name=f"{name}/{segment}")
        after = child + AFTER


def collections(snapshot: Snapshot, root: str, parent: str, size: int, token: str) -> Page:
    """The ids of the collections right below a document, or of the database for an empty `parent`."""
    below = root_key(root) + encode_path(parent)

    def walk() -> Iterator[tuple[str, str]]:
        after = below + (encode_path(token) + AFTER if token else b"")
        while (row := _next(snapshot, after, below + AFTER)) is not None:
            segment, length = first_segment(row.key[len(below) :])
            yield segment, segment
            after = row.key[: len(below) + length] + AFTER

    return _page(walk(), size)

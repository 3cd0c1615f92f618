"""Finding the candidates of a query in few reads: an index that fits it, or else the collection's range of keys.

A plan never decides what a query means. It only promises to deliver all documents that match, and says whether they
come in the query's order, so that reading may stop early.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from local.firestore.indexes import ENTRY_LIMIT, Index, Indexes, Part, canonical
from local.firestore.paths import AFTER, collection_hash, encode_path, group_hash, root_key
from local.firestore.shape import NAME, Condition, Group, Order, Query
from local.firestore.snapshot import Row, Snapshot
from local.firestore.values import REFERENCE, invert

_SMALLEST, _LARGEST = b"", b"\xff"


@dataclass
class _Range:
    """Encoded values between `low` and `high`, both included."""

    low: bytes = _SMALLEST
    high: bytes = _LARGEST

    def at_least(self, value: bytes) -> None:
        self.low = max(self.low, value)

    def at_most(self, value: bytes) -> None:
        """A high end includes all that begins with it, so of two that begin alike the longer one is the narrower."""
        if value.startswith(self.high) or (value < self.high and not self.high.startswith(value)):
            self.high = value


@dataclass
class _Wanted:
    """What all matching documents have in common, by field."""

    equal: dict[str, bytes] = field(default_factory=dict)
    one_of: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    contains: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    ranges: dict[str, _Range] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()


@dataclass(frozen=True)
class Plan:
    """(document, index entry) of all that may match. Where `ordered`, they come in the query's order, but documents
    whose entries are equal and as long as ENTRY_LIMIT may be in any."""

    rows: Iterator[tuple[Row, bytes]]
    ordered: bool


def find(snapshot: Snapshot, indexes: Indexes, query: Query) -> Plan:
    """All documents that may match, in the query's order where `ordered` says so."""
    where, arguments = _scope(query)
    wanted = _wanted(query)
    if snapshot.at is None and query.collection is not None:
        group = query.scope_group
        if group:
            scope = group_hash(query.root, query.collection)
        else:
            scope = collection_hash(query.root, _join(query.parent, query.collection))
        use = next(_candidates(indexes, query, wanted), None)
        if use is not None:
            below = ("AND d.key > ? AND d.key < ?", arguments[-2:]) if group and query.parent else ("", ())
            rows = (
                row
                for prefix in use.prefixes
                for row in snapshot.indexed(
                    use.index.id(scope), prefix + use.range.low, prefix + use.range.high + AFTER, *below,
                    use.backwards, wanted.orders[-1].descending,
                )
            )  # fmt: skip
            several = len(use.prefixes) > 1
            return Plan(_once(rows) if several else rows, use.ordered and not several)
    names = wanted.ranges.get(NAME, _Range())
    for value in (wanted.equal[NAME],) if NAME in wanted.equal else wanted.one_of.get(NAME, ())[:1]:
        names.at_least(min(wanted.one_of.get(NAME, (value,))))
        names.at_most(max(wanted.one_of.get(NAME, (value,))))
    prefix = root_key(query.root)
    if names.low > REFERENCE:
        where, arguments = where + " AND key >= ?", (*arguments, prefix + names.low[1:-1])
    if REFERENCE < names.high < _LARGEST:
        where, arguments = where + " AND key <= ?", (*arguments, prefix + names.high[1:-1])
    first = wanted.orders[0]
    direction = "DESC" if first.path == NAME and first.descending else "ASC"
    scanned = snapshot.scan(where, arguments, f"ORDER BY key {direction}")
    return Plan(((row, b"") for row in scanned), first.path == NAME)


def _join(parent: str, collection: str) -> str:
    return f"{parent}/{collection}" if parent else collection


def _scope(query: Query) -> tuple[str, tuple[int | bytes, ...]]:
    """The condition on rows for the collections that a query reads."""
    below = root_key(query.root) + encode_path(query.parent)
    if query.collection is None:
        return "key > ? AND key < ?", (below, below + AFTER)
    if not query.scope_group:
        return "parent = ?", (collection_hash(query.root, _join(query.parent, query.collection)),)
    group = group_hash(query.root, query.collection)
    if not query.parent:
        return "grp = ?", (group,)
    return "grp = ? AND key > ? AND key < ?", (group, below, below + AFTER)


def _wanted(query: Query) -> _Wanted:
    """What the conditions that always hold, and the cursors, say of single fields."""
    wanted = _Wanted()
    for condition in _always(query):
        path = NAME if condition.path == NAME else canonical(condition.path)
        first = condition.values[0]
        if condition.operator == "==":
            wanted.equal.setdefault(path, first)
        elif condition.operator == "in":
            wanted.one_of.setdefault(path, condition.values)
        elif condition.operator in ("contains", "contains-any"):
            wanted.contains.setdefault(path, tuple(dict.fromkeys(condition.values)))
        elif condition.operator in ("<", "<="):
            wanted.ranges.setdefault(path, _Range()).at_most(first)
            wanted.ranges[path].at_least(first[:1])
        elif condition.operator in (">", ">="):
            wanted.ranges.setdefault(path, _Range()).at_least(first)
            wanted.ranges[path].at_most(first[:1])
    wanted.orders = tuple(
        Order(order.path if order.path == NAME else canonical(order.path), order.descending) for order in query.orders
    )
    first_order = wanted.orders[0]
    for bound, is_start in ((query.start, True), (query.end, False)):
        if bound is not None:
            range_ = wanted.ranges.setdefault(first_order.path, _Range())
            if is_start != first_order.descending:
                range_.at_least(bound.values[0])
            else:
                range_.at_most(bound.values[0])
    return wanted


def _always(query: Query) -> Iterator[Condition]:
    """The conditions that every result meets."""
    pending = [query.filter]
    while pending:
        filter_ = pending.pop()
        if isinstance(filter_, Condition):
            yield filter_
        elif isinstance(filter_, Group) and (filter_.every or len(filter_.members) == 1):
            pending.extend(filter_.members)


@dataclass(frozen=True)
class _Use:
    """A way to use an index: entries that begin with one of `prefixes`, the rest within `range`."""

    index: Index
    prefixes: list[bytes]
    range: _Range
    backwards: bool
    ordered: bool


def _candidates(indexes: Indexes, query: Query, wanted: _Wanted) -> Iterator[_Use]:
    """Ways to use an index, the best first."""
    collection, group = query.collection, query.scope_group
    assert collection is not None
    rest = tuple(order for order in wanted.orders if order.path not in wanted.equal and order.path != NAME)
    by_name = wanted.orders[-1].path == NAME and all(order.path != NAME for order in wanted.orders[:-1])
    if by_name:
        for index in sorted(indexes.composites(collection, group), key=lambda one: -len(one.parts)):
            if use := _composite(index, wanted, rest):
                yield use

    def single(path: str, contains: bool = False) -> Index | None:
        if path == NAME or not indexes.has_single(collection, path, group):
            return None
        return Index(collection, group, (Part(path, contains=contains),))

    everything = _Range()
    for path, value in wanted.equal.items():
        if one := single(path):
            yield _Use(one, [value[:ENTRY_LIMIT]], everything, False, not rest and by_name)
    for path, values in wanted.contains.items():
        if one := single(path, contains=True):
            prefixes = [value[:ENTRY_LIMIT] for value in values]
            yield _Use(one, prefixes, everything, False, not rest and by_name)
    for path, values in wanted.one_of.items():
        if one := single(path):
            prefixes = list(dict.fromkeys(value[:ENTRY_LIMIT] for value in values))
            yield _Use(one, prefixes, everything, False, False)
    sorted_by = rest[0].path if len(rest) == 1 and by_name else None
    for path, range_ in wanted.ranges.items():
        if one := single(path):
            cut = _Range(range_.low[:ENTRY_LIMIT], range_.high[:ENTRY_LIMIT])
            same = path == sorted_by
            yield _Use(one, [b""], cut, same and rest[0].descending, same)
    if sorted_by is not None and query.limit is not None and (one := single(sorted_by)):
        yield _Use(one, [b""], everything, rest[0].descending, True)


def _composite(index: Index, wanted: _Wanted, rest: tuple[Order, ...]) -> _Use | None:
    """An index whose first parts are all fixed, and whose others are the query's order or its mirror image."""
    split = len(index.parts) - len(rest)
    if split < 0:
        return None
    fixed, sorted_ = index.parts[:split], index.parts[split:]
    prefix = b""
    for part in fixed:
        values = wanted.contains.get(part.path, ()) if part.contains else ()
        if part.contains and len(values) == 1:
            prefix += values[0]
        elif not part.contains and part.path in wanted.equal:
            prefix += invert(wanted.equal[part.path]) if part.descending else wanted.equal[part.path]
        else:
            return None
    if any(part.contains or part.path != order.path for part, order in zip(sorted_, rest, strict=True)):
        return None
    mirrored = {part.descending != order.descending for part, order in zip(sorted_, rest, strict=True)}
    if len(mirrored) > 1:
        return None
    bounds = wanted.ranges.get(sorted_[0].path, _Range()) if sorted_ else _Range()
    if sorted_ and sorted_[0].descending:
        bounds = _Range(invert(bounds.high) if bounds.high != _LARGEST else _SMALLEST, invert(bounds.low) or _LARGEST)
    return _Use(index, [prefix], bounds, True in mirrored, True)


def _once(rows: Iterator[tuple[Row, bytes]]) -> Iterator[tuple[Row, bytes]]:
    """Each document once: an array may hold several of the values that are asked for."""
    seen: set[bytes] = set()
    for row, value in rows:
        if row.key not in seen:
            seen.add(row.key)
            yield row, value

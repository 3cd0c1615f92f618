"""Refusing a query that production would refuse for want of an index, and naming the index.

Firestore answers a query from indexes only: equalities may be merged from several, but all of them must end in the
query's order. An alternative of an OR is a query of its own in this.
"""

from local.firestore.errors import Refused, failed_precondition
from local.firestore.indexes import Indexes, Part, canonical
from local.firestore.shape import INEQUALITIES, NAME, Condition, Order, Query, disjuncts


def check(indexes: Indexes, query: Query) -> None:
    """Raises FAILED_PRECONDITION when an index is missing; the message says what to add to the catalogue."""
    collection = query.collection
    if collection is None:
        return
    if query.nearest is not None:
        path = query.nearest.vector_field.field_path
        if (collection, path, query.scope_group) not in indexes.vectors:
            group = ", group: true" if query.scope_group else ""
            raise failed_precondition(
                "Missing vector index configuration. Please create the required index: add to firestore.indexes in the "
                f"catalogue: {{ collection: {collection}, vector: {path}{group} }}"
            )
    for conditions in disjuncts(query.filter):
        _check_alternative(indexes, collection, query, conditions)


def _check_alternative(indexes: Indexes, collection: str, query: Query, conditions: tuple[Condition, ...]) -> None:
    group = query.scope_group
    equal: set[str] = set()
    contains: set[str] = set()
    for condition in conditions:
        if condition.path == NAME or condition.operator in INEQUALITIES:
            continue
        chosen = contains if condition.operator in ("contains", "contains-any") else equal
        chosen.add(canonical(condition.path))
    orders = [
        Part(NAME if order.path == NAME else canonical(order.path), order.descending)
        for order in _sorted_by(query.orders)
    ]
    orders = [part for part in orders if part.path not in equal]
    fixed = [Part(path) for path in sorted(equal)] + [Part(path, contains=True) for path in sorted(contains)]
    if not orders:
        for part in fixed:
            if not indexes.has_single(collection, part.path, group) and not _covered(indexes, collection, group, fixed):
                raise _missing_single(indexes, collection, part, group)
        return
    if not fixed and len(orders) == 1 and orders[0].path != NAME:
        if not indexes.has_single(collection, orders[0].path, group):
            raise _missing_single(indexes, collection, orders[0], group)
        return
    if not fixed and orders == [Part(NAME)]:
        return
    merged = all(indexes.has_single(collection, part.path, group) for part in fixed)
    if fixed and merged and orders == [Part(NAME, descending=True)]:
        return
    if not _merged(indexes, collection, group, fixed, orders):
        raise _missing_composite(collection, [*fixed, *orders], group)


def _sorted_by(orders: tuple[Order, ...]) -> tuple[Order, ...]:
    """The order without a final NAME in the direction of the field before it, which every index has by itself."""
    *before, last = orders
    if last.path == NAME and last.descending == (before[-1].descending if before else False):
        return tuple(before)
    return orders


def _covered(indexes: Indexes, collection: str, group: bool, fixed: list[Part]) -> bool:
    """Whether composite indexes of nothing but these fields have them all."""
    return _merged(indexes, collection, group, fixed, [])


def _merged(indexes: Indexes, collection: str, group: bool, fixed: list[Part], orders: list[Part]) -> bool:
    """Whether indexes that end in this order, or its mirror image, together begin with all the fixed fields."""
    wanted = {(part.path, part.contains) for part in fixed}
    mirrored = [Part(part.path, not part.descending) for part in orders]
    found: set[tuple[str, bool]] = set()
    exists = False
    for index in indexes.composites(collection, group):
        split = len(index.parts) - len(orders)
        head = {(part.path, part.contains) for part in index.parts[:split]}
        if split >= 0 and list(index.parts[split:]) in (orders, mirrored) and head <= wanted:
            found |= head
            exists = True
    if not orders:
        found |= {one for one in wanted if indexes.has_single(collection, one[0], group)}
    return exists and found == wanted


def _missing_single(indexes: Indexes, collection: str, part: Part, group: bool) -> Refused:
    kind = "CONTAINS" if part.contains else "DESC" if part.descending else "ASC"
    scope = "COLLECTION_GROUP" if group else "COLLECTION"
    if group and indexes.automatic(collection):
        missing = f"group: [{part.path}]"
    else:
        missing = f"indexed: {{ {part.path}: {'group' if group else 'collection'} }}"
    return failed_precondition(
        f"The query requires an index: a {scope}_{kind} index for collection {collection} and field {part.path}. "
        f"Add to firestore.collections in the catalogue: "
        f"{collection}: {{ {missing} }}"
    )


def _missing_composite(collection: str, parts: list[Part], group: bool) -> Refused:
    fields = ", ".join(f'"{part}"' if part.contains else str(part) for part in parts)
    return failed_precondition(
        f"The query requires an index. Add to firestore.indexes in the catalogue: "
        f"{{ collection: {collection}, fields: [{fields}]{', group: true' if group else ''} }}"
    )

"""A query finds the same documents in the same order through an index as by reading everything."""

from google.cloud.firestore_v1.base_query import And, FieldFilter, Or
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.firestore.indexes import Indexes
from local.firestore.query import run
from local.firestore.shape import parse
from local.firestore.store import Store
from tests.local.firestore.messages import CLIENT, ROOT, put, structured

SECTION = {
    "indexes": [
        {"collection": "things", "fields": ["a", "-b"]},
        {"collection": "things", "fields": ["tags[]", "b"]},
        {"collection": "things", "fields": ["a", "b", "-c.d"]},
        {"collection": "things", "fields": ["a", "-b"], "group": True},
    ],
}
FIELDS = ("a", "b", "c.d")
SMALL = st.one_of(st.integers(-1, 2), st.sampled_from([None, "x", "y", "x" * 2000, "x" * 1999 + "y", 1.0]))
DOCUMENTS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "a": SMALL,
            "b": SMALL,
            "c": st.fixed_dictionaries({}, optional={"d": SMALL}),
            "tags": st.lists(st.sampled_from("pqr"), max_size=2),
        },
    ),
    min_size=5,
    max_size=25,
)
FILTERS = st.one_of(
    st.builds(FieldFilter, st.sampled_from(FIELDS), st.sampled_from(["==", "<", "<=", ">", ">="]), st.integers(-1, 2)),
    st.builds(FieldFilter, st.sampled_from(FIELDS), st.just("=="), st.sampled_from(["x", "x" * 2000, 1.0])),
    st.builds(FieldFilter, st.sampled_from(FIELDS), st.just("in"), st.lists(st.integers(0, 2), min_size=1, max_size=2)),
    st.builds(FieldFilter, st.just("tags"), st.just("array_contains"), st.sampled_from("pq")),
)
PLANS = st.fixed_dictionaries(
    {
        "filters": st.lists(FILTERS, max_size=3),
        "either": st.lists(FILTERS, max_size=2),
        "orders": st.lists(st.tuples(st.sampled_from(FIELDS), st.booleans()), max_size=2, unique_by=lambda one: one[0]),
        "limit": st.one_of(st.none(), st.integers(1, 6)),
        "offset": st.integers(0, 2),
        "start": st.one_of(st.none(), SMALL),
        "after": st.booleans(),
        "group": st.booleans(),
    }
)


def build(plan):
    query = CLIENT.collection_group("things") if plan["group"] else CLIENT.collection("things")
    filters = list(plan["filters"])
    if len(plan["either"]) == 2:
        filters.append(Or(plan["either"]))
    if sum(getattr(one, "field_path", "") == "tags" for one in [*plan["filters"], *plan["either"]]) > 1:
        filters = [one for one in filters if getattr(one, "field_path", "") != "tags"][:2]
        filters = [one for one in filters if not isinstance(one, Or)]
    if filters:
        query = query.where(filter=And(filters))
    for path, descending in plan["orders"]:
        query = query.order_by(path, direction="DESCENDING" if descending else "ASCENDING")
    if plan["orders"] and plan["start"] is not None:
        path = plan["orders"][0][0]
        fields = {"c": {"d": plan["start"]}} if path == "c.d" else {path: plan["start"]}
        query = query.start_after(fields) if plan["after"] else query.start_at(fields)
    if plan["offset"]:
        query = query.offset(plan["offset"])
    if plan["limit"] is not None:
        query = query.limit(plan["limit"])
    return structured(query)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(DOCUMENTS, st.lists(PLANS, min_size=25, max_size=25))
def test_an_index_gives_what_reading_everything_gives(tmp_path_factory, documents, plans):
    indexes = Indexes(SECTION)
    indexes.enforced = False
    store = Store(tmp_path_factory.mktemp("query") / "f.sqlite3", indexes)
    try:
        writes = [put(f"things/d{number}", data) for number, data in enumerate(documents)]
        writes += [put(f"roots/r{number % 2}/things/d{number}", data) for number, data in enumerate(documents)]
        past = store.submit(writes).at
        store.submit([put("elsewhere/x", {})])
        for plan in plans:
            query = parse(ROOT, build(plan))
            with store.snapshot(past) as everything, store.snapshot() as indexed:
                assert everything.at is not None
                assert indexed.at is None
                wanted = [one.name for one in run(everything, indexes, query).documents]
                assert [one.name for one in run(indexed, indexes, query).documents] == wanted
    finally:
        store.close()

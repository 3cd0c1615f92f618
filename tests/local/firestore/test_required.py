"""Queries without the index that production would need are refused, and those with it are not."""

import pytest
from google.api_core import exceptions
from google.cloud.firestore_v1.base_query import FieldFilter, Or
from google.cloud.firestore_v1.base_vector_query import DistanceMeasure
from google.cloud.firestore_v1.vector import Vector

from local.firestore.errors import Refused
from local.firestore.indexes import Indexes
from local.firestore.required import check
from local.firestore.shape import parse
from tests.local.firestore.messages import CLIENT, ROOT, structured

INDEXES = Indexes(
    {
        "collections": {
            "events": {"indexed": {"unsent": "group", "day": "collection"}, "ttl": "expire_at"},
            "members": {"group": ["uid"]},
        },
        "indexes": [
            {"collection": "chats", "fields": ["agent", "-at"]},
            {"collection": "chats", "fields": ["words[]", "-at"]},
            {"collection": "chunks", "vector": "embedding"},
        ],
    }
)
CHATS, EVENTS, CHUNKS = (CLIENT.collection("w", "x", name) for name in ("chats", "events", "chunks"))
ALL_CHATS, ALL_EVENTS = CLIENT.collection_group("chats"), CLIENT.collection_group("events")
MEMBERS, ALL_MEMBERS = CLIENT.collection("w", "x", "members"), CLIENT.collection_group("members")


def where(*args):
    return FieldFilter(*args)


def nearest(collection):
    return collection.order_by("__name__").find_nearest(
        vector_field="embedding", query_vector=Vector([1.0]), limit=1, distance_measure=DistanceMeasure.COSINE
    )


ALLOWED = {
    "everything": CHATS,
    "one field": CHATS.where(filter=where("a", "==", 1)),
    "equalities merge": CHATS.where(filter=where("a", "==", 1)).where(filter=where("words", "array_contains", "x")),
    "a range, ordered by itself": CHATS.where(filter=where("a", ">", 1)).order_by("a", direction="DESCENDING"),
    "ordered by a field that is equal": CHATS.where(filter=where("a", "==", 1)).order_by("a"),
    "a list, ordered by itself": CHATS.where(filter=where("a", "in", [1, 2])).order_by("a"),
    "the composite": CHATS.where(filter=where("agent", "==", 1)).order_by("at", direction="DESCENDING"),
    "its mirror image": CHATS.where(filter=where("agent", "==", 1)).order_by("at"),
    "a range on its end": CHATS.where(filter=where("agent", "==", 1)).where(filter=where("at", ">", 1)),
    "two composites merged": CHATS.where(filter=where("agent", "==", 1))
    .where(filter=where("words", "array_contains", "x"))
    .order_by("at", direction="DESCENDING"),
    "a group without a filter": ALL_CHATS,
    "a group with its index": ALL_EVENTS.where(filter=where("unsent", "==", True)),
    "a group beside the automatic indexes": ALL_MEMBERS.where(filter=where("uid", "==", "u")),
    "an automatic field beside the one of a set": MEMBERS.where(filter=where("role", "==", "owner")).order_by("role"),
    "a field that is still indexed": EVENTS.where(filter=where("day", "==", "2026-11-25")),
    "by name": CHATS.order_by("__name__").start_at({"__name__": CHATS.document("x")}),
    "alternatives that need nothing": CHATS.where(filter=Or([where("a", "==", 1), where("b", "==", 2)])),
    "nearest": nearest(CHUNKS),
    "not": CHATS.where(filter=where("a", "!=", 1)),
}
REFUSED = {
    "equality and order": (CHATS.where(filter=where("a", "==", 1)).order_by("at"), "fields: [a, at]"),
    "order in the wrong direction": (
        CHATS.where(filter=where("agent", "==", 1)).order_by("at").order_by("b"),
        "fields: [agent, at, b]",
    ),
    "two orders": (CHATS.order_by("a").order_by("b", direction="DESCENDING"), "fields: [a, -b]"),
    "two ranges": (CHATS.where(filter=where("a", ">", 1)).where(filter=where("b", ">", 1)), "fields: [a, b]"),
    "contains and order": (
        CHATS.where(filter=where("labels", "array_contains", 1)).order_by("at"),
        'fields: ["labels[]", at]',
    ),
    "an alternative": (
        CHATS.where(filter=Or([where("agent", "==", 1), where("a", "==", 2)])).order_by("at"),
        "fields: [a, at]",
    ),
    "a group on an automatic field": (ALL_CHATS.where(filter=where("a", "==", 1)), "chats: { group: [a] }"),
    "a group on another field than the listed one": (
        ALL_MEMBERS.where(filter=where("role", "==", "owner")),
        "members: { group: [role] }",
    ),
    "a group on a composite of collections": (
        ALL_CHATS.where(filter=where("agent", "==", 1)).order_by("at"),
        "fields: [agent, at], group: true",
    ),
    "a field switched off": (EVENTS.where(filter=where("cost", ">", 1)), "cost: collection"),
    "a collection on a group's field": (EVENTS.where(filter=where("unsent", "==", True)), "unsent: collection"),
    "a group on a collection's field": (ALL_EVENTS.where(filter=where("day", "==", "x")), "day: group"),
    "names backwards": (CHATS.order_by("__name__", direction="DESCENDING"), "fields: [-__name__]"),
    "nearest without its index": (nearest(CHATS), "vector: embedding"),
    "nearest in a filter": (nearest(CHUNKS.where(filter=where("a", "==", 1)).order_by("b")), "fields: [a, b]"),
}


def refusal(name, query):
    try:
        check(INDEXES, parse(f"{ROOT}/w/x" if "group" not in name else ROOT, structured(query)))
    except Refused as refused:
        return refused
    return None


@pytest.mark.parametrize("name", ALLOWED)
def test_a_query_with_its_indexes_is_answered(name):
    assert refusal(name, ALLOWED[name]) is None


@pytest.mark.parametrize("name", REFUSED)
def test_a_query_without_its_index_is_refused_by_the_name_of_the_index(name):
    query, wanted = REFUSED[name]
    refused = refusal(name, query)
    assert refused.code.name == "FAILED_PRECONDITION"
    assert wanted in refused.message


def test_the_client_is_told_by_the_engine(db):
    query = db.collection("chats").where(filter=where("a", "==", 1)).order_by("b")
    with pytest.raises(exceptions.FailedPrecondition, match=r"The query requires an index.*fields: \[a, b\]"):
        list(query.stream())
    with pytest.raises(exceptions.FailedPrecondition, match="requires an index"):
        query.count().get()

"""What the product relies on, through the real client; the same holds on Google's emulator."""

import threading
from datetime import UTC, datetime

import pytest
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter


def test_a_document_comes_back_as_it_was_written(db):
    data = {
        "text": "Grüße\x00",
        "number": 2**62,
        "float": 1.5,
        "none": None,
        "bytes": b"\x00\xff",
        "list": [1, "two", {"three": 3}],
        "map": {"a.b": {"c": True}},
        "at": datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC),
        "ref": db.document("a/b"),
        "where": firestore.GeoPoint(1.5, -2.5),
    }
    db.document("things/one").set(data)
    assert db.document("things/one").get().to_dict() == data


def test_get_all_answers_for_each_name_once_and_says_what_is_missing(db):
    db.document("things/one").set({"n": 1})
    found = list(db.get_all([db.document("things/one"), db.document("things/two"), db.document("things/one")]))
    assert {one.id: one.to_dict() for one in found} == {"one": {"n": 1}, "two": None}


def test_a_batch_is_written_whole_or_not_at_all(db):
    db.document("things/there").set({"n": 1})
    batch = db.batch()
    batch.set(db.document("things/new"), {"n": 2})
    batch.create(db.document("things/there"), {"n": 3})
    with pytest.raises(exceptions.AlreadyExists):
        batch.commit()
    assert not db.document("things/new").get().exists
    with pytest.raises(exceptions.NotFound):
        db.document("things/missing").update({"n": 1})


def test_an_update_for_another_version_is_refused(db):
    ref = db.document("things/one")
    first = ref.set({"n": 1}).update_time
    second = ref.update({"n": 2}, option=db.write_option(last_update_time=first)).update_time
    assert second > first
    with pytest.raises(exceptions.FailedPrecondition):
        ref.update({"n": 3}, option=db.write_option(last_update_time=first))
    with pytest.raises(exceptions.FailedPrecondition):
        ref.delete(option=db.write_option(last_update_time=first))
    assert ref.get().to_dict() == {"n": 2}


def test_an_update_that_changes_nothing_keeps_the_version(db):
    ref = db.document("things/one")
    first = ref.set({"n": 1}).update_time
    assert ref.set({"n": 1}).update_time == first
    assert ref.get().update_time == first


def test_transforms_compute_in_the_store(db):
    ref = db.document("things/one")
    ref.set({"n": 1, "words": ["a", "b"], "deep": {"n": 2.5}, "gone": 1})
    ref.update(
        {
            "n": firestore.Increment(2**62),
            "deep.n": firestore.Increment(1),
            "new": firestore.Maximum(3),
            "words": firestore.ArrayUnion(["b", "c"]),
            "gone": firestore.DELETE_FIELD,
            "at": firestore.SERVER_TIMESTAMP,
        }
    )
    data = ref.get().to_dict()
    assert abs((datetime.now(UTC) - data.pop("at")).total_seconds()) < 60
    assert data == {"n": 2**62 + 1, "words": ["a", "b", "c"], "deep": {"n": 3.5}, "new": 3}
    ref.set({"deep": {"m": 1}, "words": firestore.ArrayRemove(["a"])}, merge=True)
    assert ref.get().to_dict()["deep"] == {"n": 3.5, "m": 1}
    assert ref.get().to_dict()["words"] == ["b", "c"]


def test_conversations_are_found_by_agent_and_word_newest_first(db):
    conversations = db.document("workspaces/w").collection("conversations")
    for number in range(6):
        words = ["hello", f"w{number % 2}"]
        conversations.document(f"c{number}").set(
            {"agent_id": f"a{number % 3 % 2}", "words": words, "updated_at": number}
        )
    newest = conversations.order_by("updated_at", direction="DESCENDING")
    of_agent = newest.where(filter=FieldFilter("agent_id", "==", "a0"))
    assert [one.id for one in newest.limit(2).stream()] == ["c5", "c4"]
    assert [one.id for one in of_agent.stream()] == ["c5", "c3", "c2", "c0"]
    assert [one.id for one in of_agent.start_after(conversations.document("c5").get()).limit(2).stream()] == [
        "c3",
        "c2",
    ]
    with_word = of_agent.where(filter=FieldFilter("words", "array_contains", "w1"))
    assert [one.id for one in with_word.stream()] == ["c5", "c3"]


def test_queries_filter_order_cut_and_count(db):
    things = db.collection("things")
    for number in range(10):
        things.document(f"t{number}").set({"n": number, "even": number % 2 == 0, "extra": "x"})
    assert [one.id for one in things.where(filter=FieldFilter("n", ">", 6)).stream()] == ["t7", "t8", "t9"]
    assert [one.id for one in things.where(filter=FieldFilter("n", "in", [2, 4, 99])).stream()] == ["t2", "t4"]
    assert [one.id for one in things.order_by("n").limit_to_last(2).get()] == ["t8", "t9"]
    even = things.where(filter=FieldFilter("even", "==", True))
    assert [one.to_dict() for one in even.select(["n"]).limit(1).stream()] == [{"n": 0}]
    aggregates = [even.count().get(), things.sum("n").get(), things.avg("n").get()]
    assert [one[0][0].value for one in aggregates] == [5, 45, 4.5]


def test_a_collection_group_reaches_every_workspace(db):
    for workspace in ("w1", "w2"):
        events = db.document(f"workspaces/{workspace}").collection("events")
        events.document(f"{workspace}-new").set({"unsent": True})
        events.document(f"{workspace}-old").set({"day": "2026-11-25"})
    unsent = db.collection_group("events").where(filter=FieldFilter("unsent", "==", True))
    assert [one.id for one in unsent.stream()] == ["w1-new", "w2-new"]


def test_projects_and_databases_do_not_see_each_other(db, connect, address):
    db.document("things/one").set({"n": 1})
    other = connect(address, db.project + "-2")
    assert not other.document("things/one").get().exists
    assert [one.id for one in db.collections()] == ["things"]
    assert list(other.collections()) == []


def test_a_collection_lists_also_names_that_only_have_descendants(db):
    db.document("things/b").set({})
    db.document("things/a/parts/x").set({})
    assert sorted(one.id for one in db.collection("things").list_documents(page_size=1)) == ["a", "b"]
    assert [one.id for one in db.collection("things").stream()] == ["b"]
    assert [one.id for one in db.document("things/a").collections()] == ["parts"]


def test_a_read_only_transaction_sees_one_instant(db):
    ref = db.document("things/one")
    ref.set({"n": 1})
    transaction = db.transaction(read_only=True)
    transaction._begin()
    ref.set({"n": 2})
    assert next(db.get_all([ref], transaction=transaction)).to_dict() == {"n": 1}
    assert ref.get().to_dict() == {"n": 2}


def test_a_listener_hears_of_what_is_there_and_of_each_change(db):
    seen = []
    heard = threading.Condition()

    def on_snapshot(documents, changes, read_time):
        with heard:
            seen.append([(one.id, one.get("n")) for one in documents])
            heard.notify_all()

    def wait_for(state):
        with heard:
            assert heard.wait_for(lambda: seen and seen[-1] == state, timeout=20), seen

    things = db.collection("things")
    things.document("a").set({"n": 1})
    watch = things.where(filter=FieldFilter("n", "<", 5)).on_snapshot(on_snapshot)
    try:
        wait_for([("a", 1)])
        things.document("b").set({"n": 2})
        wait_for([("a", 1), ("b", 2)])
        things.document("a").update({"n": 9})
        wait_for([("b", 2)])
        things.document("b").delete()
        wait_for([])
    finally:
        watch.unsubscribe()


@pytest.mark.parametrize(
    "data",
    [{"__reserved__": 1}, {"list": [[1]]}, {"big": "x" * 1_048_576}, {"": 1}],
    ids=["reserved", "nested-array", "too-large", "empty-name"],
)
def test_what_firestore_would_not_store_is_refused(db, data):
    with pytest.raises((exceptions.InvalidArgument, ValueError)):
        db.document("things/one").set(data)


def test_a_commit_beyond_ten_mebibytes_is_refused(db):
    batch = db.batch()
    for number in range(11):
        batch.set(db.document(f"things/{number}"), {"big": "x" * 1_000_000})
    with pytest.raises(exceptions.InvalidArgument):
        batch.commit()

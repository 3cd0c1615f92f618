"""Commits are atomic and in order, the past can be read for a while, and what has expired goes."""

import sqlite3
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.firestore.errors import Refused
from local.firestore.housekeeping import sweep
from local.firestore.indexes import Indexes
from local.firestore.paths import locate
from local.firestore.protocol import Document, set_micros
from local.firestore.store import Store
from tests.local.firestore.messages import ROOT, delete, put, value


def read(store, path, at=None):
    key = locate(f"{ROOT}/{path}").key
    with store.snapshot(at) as snapshot:
        row = snapshot.get([key]).get(key)
    return None if row is None else Document.FromString(row.body)


def number(store, path, at=None):
    document = read(store, path, at)
    return None if document is None else document.fields["n"].integer_value


def test_a_commit_that_fails_leaves_nothing_and_harms_no_other(store):
    refused = put("t/there", {"n": 9})
    refused.current_document.exists = False
    store.submit([put("t/there", {"n": 1})])
    start = threading.Barrier(8)
    errors = []

    def commit(worker):
        start.wait()
        for step in range(20):
            try:
                writes = [put(f"t/w{worker}-{step}", {"n": step})]
                store.submit([*writes, refused] if step % 2 else writes)
            except Refused as error:
                errors.append(error)

    threads = [threading.Thread(target=commit, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 80
    for worker in range(8):
        assert [number(store, f"t/w{worker}-{step}") for step in range(3)] == [0, None, 2]
    assert number(store, "t/there") == 1


def test_commit_times_only_grow_also_across_a_restart_and_a_clock_set_back(tmp_path, monkeypatch):
    path = tmp_path / "f.sqlite3"
    store = Store(path, Indexes(None))
    times = [store.submit([put("t/a", {"n": step})]).at for step in range(5)]
    store.close()
    monkeypatch.setattr(Store, "now", staticmethod(lambda: 1_000_000))
    store = Store(path, Indexes(None))
    times += [store.submit([put("t/a", {"n": step})]).at for step in range(5)]
    store.close()
    assert times == sorted(set(times))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 3))), max_size=12))
def test_every_past_moment_can_be_read_as_it_was(tmp_path_factory, steps):
    store = Store(tmp_path_factory.mktemp("past") / "f.sqlite3", Indexes(None))
    try:
        state, states = {}, []
        for name, n in steps:
            write = delete(f"t/{name}") if n is None else put(f"t/{name}", {"n": n})
            state = {**state, name: n}
            states.append((store.submit([write]).at, state))
        for at, state in states:
            assert {name: number(store, f"t/{name}", at) for name in state} == state
    finally:
        store.close()


def test_old_versions_go_and_a_read_of_them_is_refused(tmp_path):
    store = Store(tmp_path / "f.sqlite3", Indexes(None), history_seconds=0)
    first = store.submit([put("t/a", {"n": 1})]).at
    second = store.submit([put("t/a", {"n": 2})]).at
    assert number(store, "t/a", first) == 1
    store.tidy()
    with pytest.raises(Refused) as refused:
        read(store, "t/a", first)
    assert refused.value.code.name == "FAILED_PRECONDITION"
    assert number(store, "t/a", second) == 2
    store.close()


def test_other_indexes_in_the_catalogue_make_the_entries_anew(tmp_path):
    path = tmp_path / "f.sqlite3"
    document = put("t/a", {"a": 1, "b": [1, 2]})

    def entries(section):
        store = Store(path, Indexes(section))
        store.submit([document])
        store.close()
        with sqlite3.connect(path) as connection:
            found = set(connection.execute("SELECT idx, value FROM entries"))
        connection.close()
        return found, Indexes(section).entries(document.update)

    for section in (
        {},
        {"collections": {"t": {"indexed": {}}}},
        {"collections": {"t": {"indexed": {"b": "group"}}}, "indexes": [{"collection": "t", "fields": ["a", "b[]"]}]},
        None,
    ):
        found, wanted = entries(section)
        assert found == wanted
    assert len(wanted) == 4


def test_what_has_expired_goes_and_what_was_renewed_stays(tmp_path):
    store = Store(tmp_path / "f.sqlite3", Indexes({"collections": {"marks": {"ttl": "expire_at"}}}))
    now = datetime.now(UTC)
    old, new = now - timedelta(hours=1), now + timedelta(days=1)
    store.submit(
        [
            put("marks/old", {"expire_at": old, "n": 1}),
            put("w/x/marks/old", {"expire_at": old, "n": 1}),
            put("marks/new", {"expire_at": new, "n": 1}),
            put("marks/none", {"n": 1}),
            put("others/old", {"expire_at": old, "n": 1}),
        ]
    )
    assert sweep(store, store.now()) == 0, "somebody who lives in the past is working with them"
    assert sweep(store, store.now() + 2 * 3600 * 10**6) == 2
    assert [number(store, path) for path in ("marks/old", "w/x/marks/old")] == [None, None]
    assert [number(store, path) for path in ("marks/new", "marks/none", "others/old")] == [1, 1, 1]
    store.close()


def test_a_version_must_match_to_the_microsecond(store):
    at = store.submit([put("t/a", {"n": 1})]).at
    for difference, code in ((-1, "FAILED_PRECONDITION"), (10**12, "INVALID_ARGUMENT")):
        write = put("t/a", {"n": 2})
        set_micros(write.current_document.update_time, at + difference)
        with pytest.raises(Refused) as refused:
            store.submit([write])
        assert refused.value.code.name == code
    write = put("t/a", {"n": 2})
    set_micros(write.current_document.update_time, at)
    store.submit([write])
    assert number(store, "t/a") == 2


def test_a_timestamp_is_kept_to_the_microsecond(store):
    write = put("t/a", {"at": datetime(2026, 1, 1, tzinfo=UTC)})
    write.update.fields["at"].CopyFrom(value(datetime(2026, 1, 1, tzinfo=UTC)))
    write.update.fields["at"].timestamp_value.nanos = 123456789
    store.submit([write])
    assert read(store, "t/a").fields["at"].timestamp_value.nanos == 123456000

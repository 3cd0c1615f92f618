"""What a watching client is sent: the difference each time, whatever the query."""

import threading
from collections.abc import Iterator
from queue import Queue

import pytest
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.base_query import FieldFilter

from local.firestore.indexes import Indexes
from local.firestore.listen import Listener
from local.firestore.protocol import plain
from local.firestore.store import Store
from tests.local.firestore.messages import CLIENT, DATABASE, ROOT, delete, put, structured

_Request = plain(types.ListenRequest)


class Client:
    """The other end of a stream: keeps the documents that it has been told of."""

    def __init__(self, store):
        self.requests = Queue()
        self.listener = Listener(store)
        self.documents, self.kinds, self.causes = {}, [], []
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        for response in self.listener.responses(iter(self.requests.get, None)):
            with self.changed:
                if response.HasField("document_change"):
                    document = response.document_change.document
                    self.documents[document.name.removeprefix(f"{ROOT}/")] = document.fields["n"].integer_value
                elif response.HasField("document_delete"):
                    del self.documents[response.document_delete.document.removeprefix(f"{ROOT}/")]
                else:
                    change = response.target_change
                    self.kinds.append(types.TargetChange.TargetChangeType(change.target_change_type).name)
                    self.causes.append(change.cause.message)
                self.changed.notify_all()

    def add(self, query, **settings):
        request = _Request(database=DATABASE)
        request.add_target.target_id = 7
        request.add_target.query.parent = ROOT
        request.add_target.query.structured_query.CopyFrom(structured(query))
        for name, setting in settings.items():
            setattr(request.add_target, name, setting)
        self.requests.put(request)

    def wait_for(self, state):
        with self.changed:
            assert self.changed.wait_for(lambda: "CURRENT" in self.kinds and self.documents == state, 10), (
                self.documents
            )

    def wait_for_kind(self, kind):
        with self.changed:
            assert self.changed.wait_for(lambda: kind in self.kinds, 10), self.kinds

    def close(self):
        self.requests.put(None)
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture
def client(store) -> Iterator[Client]:
    opened = Client(store)
    yield opened
    opened.close()


def test_documents_come_change_and_go(store, client):
    store.submit([put("t/a", {"n": 1}), put("t/b", {"n": 9}), put("u/c", {"n": 1})])
    client.add(CLIENT.collection("t").where(filter=FieldFilter("n", "<", 5)))
    client.wait_for({"t/a": 1})
    store.submit([put("t/a", {"n": 2}), put("t/b", {"n": 3}), put("u/d", {"n": 1})])
    client.wait_for({"t/a": 2, "t/b": 3})
    store.submit([put("t/a", {"n": 7}), delete("t/b")])
    client.wait_for({})


def test_a_limit_lets_the_next_one_in(store, client):
    store.submit([put(f"t/{n}", {"n": n}) for n in range(4)])
    client.add(CLIENT.collection("t").order_by("n").limit(2))
    client.wait_for({"t/0": 0, "t/1": 1})
    store.submit([delete("t/0")])
    client.wait_for({"t/1": 1, "t/2": 2})
    store.submit([put("t/x", {"n": -1})])
    client.wait_for({"t/x": -1, "t/1": 1})


def test_a_client_that_comes_back_is_told_to_forget_first(store, client):
    store.submit([put("t/a", {"n": 1})])
    client.add(CLIENT.collection("t"), resume_token=b"something")
    client.wait_for({"t/a": 1})
    assert client.kinds[:2] == ["ADD", "RESET"]


def test_a_target_that_is_removed_is_silent(store, client):
    client.add(CLIENT.collection("t"))
    client.wait_for({})
    client.requests.put(_Request(database=DATABASE, remove_target=7))
    client.wait_for_kind("REMOVE")
    store.submit([put("t/a", {"n": 1})])
    client.add(CLIENT.collection("u"))
    store.submit([put("u/a", {"n": 1})])
    client.wait_for({"u/a": 1})


def test_a_query_without_its_index_removes_the_target_and_says_why(tmp_path):
    store = Store(tmp_path / "f.sqlite3", Indexes({}))
    client = Client(store)
    client.add(CLIENT.collection("t").order_by("a").order_by("b"))
    client.wait_for_kind("REMOVE")
    assert "requires an index" in client.causes[-1]
    client.close()
    store.close()

"""The engine as a process: where its data is, how it stops, what its options do."""

import signal
from queue import Queue

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.firestore_v1 import types

from tests.engines import start
from tests.local.firestore.messages import DATABASE, ROOT


@pytest.fixture
def engine(tmp_path):
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text("firestore: { collections: { events: { indexed: {} } } }", encoding="utf-8")
    running = start("firestore", tmp_path / "data", "--catalogue", str(catalogue))
    yield running
    running.kill()


def test_data_survives_a_stop_while_a_client_listens(engine, connect):
    db = connect(engine.address, "kept")
    db.document("t/a").set({"n": 1})
    requests = Queue()
    requests.put(types.ListenRequest(database=DATABASE, add_target={"documents": {"documents": [f"{ROOT}/t/a"]}}))
    with grpc.insecure_channel(engine.address) as channel:
        listen = channel.stream_stream(
            "/google.firestore.v1.Firestore/Listen", request_serializer=types.ListenRequest.serialize
        )
        responses = listen(iter(requests.get, None))
        next(responses)
        engine.process.send_signal(signal.SIGTERM)
        assert engine.process.wait(10) == 0
        requests.put(None)
    assert [path.name for path in engine.data.iterdir()] == ["firestore.sqlite3"]
    engine.kill()
    engine.start()
    assert connect(engine.address, "kept").document("t/a").get().to_dict() == {"n": 1}


def test_the_catalogue_decides_which_queries_are_answered(engine, connect, tmp_path):
    db = connect(engine.address, "checked")
    db.document("events/a").set({"n": 1})
    with pytest.raises(exceptions.FailedPrecondition, match="requires an index"):
        db.collection("events").order_by("n").get()
    lenient = start("firestore", tmp_path / "lenient", "--no-index-check")
    try:
        assert connect(lenient.address, "unchecked").collection("events").order_by("n").order_by("m").get() == []
    finally:
        lenient.kill()

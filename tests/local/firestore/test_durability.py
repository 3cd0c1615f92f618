"""What was answered is on disk: the engine is killed in the middle of writing, started again, and asked."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

from google.api_core import exceptions
from google.cloud import firestore

from tests.engines import start

WRITERS, KILLS = 6, 2


def test_kill_nine_loses_no_answered_commit_and_halves_none(tmp_path, connect):
    engine = start("firestore", tmp_path)
    try:
        db = connect(engine.address, "durable")
        db.document("sums/total").set({"n": 0})
        answered = [set() for _ in range(WRITERS)]
        for round_ in range(KILLS):
            db = connect(engine.address, "durable")
            # Channels of one address share their connection, and one that has seen its server die waits before it comes
            # back; a read tries again until then, a commit without retry would fail for it.
            db.document("sums/total").get()
            stop = threading.Event()
            dying = threading.Event()
            enough = threading.Event()

            def write(writer, db=db, round_=round_, stop=stop, enough=enough, dying=dying):
                number = 0
                while not stop.is_set():
                    name = f"{round_}-{writer}-{number}"
                    batch = db.batch()
                    batch.create(db.document(f"left/{name}"), {"n": number})
                    batch.create(db.document(f"right/{name}"), {"n": number})
                    batch.update(db.document("sums/total"), {"n": firestore.Increment(1)})
                    try:
                        batch.commit(retry=None)
                    except exceptions.GoogleAPICallError:
                        if not dying.is_set():
                            raise
                        return  # the engine is dead: this one was not answered
                    answered[writer].add(name)
                    number += 1
                    if number > 15:
                        enough.set()

            with ThreadPoolExecutor(WRITERS) as pool:
                futures = [pool.submit(write, writer) for writer in range(WRITERS)]
                assert enough.wait(120), [future.exception(0) for future in futures if future.done()]
                threading.Event().wait(random.random() * 0.02)
                dying.set()
                engine.kill()
                stop.set()
                for future in futures:
                    future.result()
            engine.start()
        db = connect(engine.address, "durable")
        left = {one.id for one in db.collection("left").stream()}
        right = {one.id for one in db.collection("right").stream()}
        assert left == right
        assert set().union(*answered) <= left
        assert db.document("sums/total").get().get("n") == len(left)
    finally:
        engine.kill()

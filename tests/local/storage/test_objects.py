"""Objects are whole or absent, whatever moment the process dies."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from google.api_core.exceptions import GoogleAPICallError
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.exceptions import RequestException

from local.storage.errors import Refusal
from local.storage.objects import Bucket, Conditions, Stored
from local.storage.uploads import scratch_file, store
from tests import engines
from tests.local.storage.conftest import connect


def put(bucket: Bucket, name: str, content: bytes, conditions: Conditions | None = None) -> Stored:
    return store(bucket, name, {}, scratch_file(bucket, content), conditions or Conditions(), None)


def content(bucket: Bucket, name: str) -> bytes:
    _, file = bucket.open(name)
    with file:
        return file.read()


def test_every_answered_upload_survives_a_kill(tmp_path: Path) -> None:
    engine = engines.start("storage", tmp_path)
    try:
        answered: list[tuple[str, int]] = []
        enough = threading.Semaphore(0)

        def write(writer: int) -> None:
            client = connect(engine)
            for number in range(1000):
                name, size = f"w{writer}/{number % 5}", 1000 + number
                try:
                    client.bucket("cdn").blob(name).upload_from_string(
                        b"%d" % (number % 10) * size, retry=None, timeout=2
                    )
                except (GoogleAPICallError, RequestException):
                    return
                answered.append((name, size))
                enough.release()

        writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
        for writer in writers:
            writer.start()
        for _ in range(30):
            assert enough.acquire(timeout=20)
        engine.kill()
        for writer in writers:
            writer.join()
        engine.start()
        client = connect(engine)
        last = dict(answered)
        for name, size in last.items():
            # Google's client compares the checksums of what it reads.
            found = client.bucket("cdn").blob(name).download_as_bytes()
            assert len(found) >= size
            assert len(set(found)) == 1
    finally:
        engine.kill()


def test_a_start_removes_what_a_crash_left(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path, "cdn", public=True)
    kept = put(bucket, "kept", b"kept")
    folder = tmp_path / "cdn"
    (folder / "0000.1.content").write_bytes(b"content without metadata")
    (folder / "0000.new").write_text("half of a met")
    scratch_file(bucket, b"half of an upload")
    again = Bucket(tmp_path, "cdn", public=True)
    assert again.get("kept") == kept
    assert content(again, "kept") == b"kept"
    left = sorted(path.name for path in folder.rglob("*") if path.is_file())
    assert [name.split(".")[-1] for name in left] == ["content", "json"]
    assert put(again, "kept", b"newer").generation > kept.generation


def test_of_many_creations_one_wins(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path, "archive", public=False)

    def create(number: int) -> bool:
        try:
            put(bucket, "invoice", b"%d" % number, Conditions(generation=0))
        except Refusal as refusal:
            return refusal.status != 412
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(16))) == 1
    assert list(bucket.scratch.iterdir()) == []


def test_a_reader_keeps_what_it_opened(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path, "cdn", public=True)
    put(bucket, "page", b"old")
    _, file = bucket.open("page")
    put(bucket, "page", b"new")
    with file:
        assert file.read() == b"old"
    assert content(bucket, "page") == b"new"


@settings(max_examples=30, deadline=None)
@given(names=st.sets(st.text("ab/é", min_size=1, max_size=6), max_size=12), data=st.data())
def test_pages_of_a_list_add_up_to_the_list(
    tmp_path_factory: pytest.TempPathFactory, names: set[str], data: st.DataObject
) -> None:
    bucket = Bucket(tmp_path_factory.mktemp("list"), "cdn", public=True)
    for name in names:
        bucket._objects[name] = Stored(name, 1, 1, 0, "", "", 0, 0)
    bucket._names = sorted(names)
    prefix = data.draw(st.sampled_from(["", "a", "b/"]))
    delimiter = data.draw(st.sampled_from(["", "/"]))
    limit = data.draw(st.integers(1, 4))
    found, groups, after = [], [], ""
    while True:
        objects, prefixes, last = bucket.list(prefix, delimiter, after, limit)
        assert len(objects) + len(prefixes) <= limit
        found += [stored.name for stored in objects]
        groups += prefixes
        if last is None:
            break
        after = last
    inside = sorted(name for name in names if name.startswith(prefix))
    cut = {name: name.find(delimiter, len(prefix)) if delimiter else -1 for name in inside}
    assert found == [name for name in inside if cut[name] < 0]
    assert groups == sorted({name[: cut[name] + 1] for name in inside if cut[name] >= 0})


def test_files_are_named_by_hash_so_any_name_fits(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path, "cdn", public=True)
    for name in ("a/../../b", "x" * 1024, "CON", "ü" * 512):
        put(bucket, name, name.encode())
        assert content(bucket, name) == name.encode()
    assert {path.parent for path in tmp_path.rglob("*.content")} == {tmp_path / "cdn"}
    assert os.listdir(tmp_path) == ["cdn"]

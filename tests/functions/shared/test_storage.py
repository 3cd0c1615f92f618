"""Whole objects in the file store: overwritten on purpose, written once, gone without complaint."""

from pathlib import Path

import pytest
from google.auth.exceptions import DefaultCredentialsError

from functions.shared import config, ids, storage
from functions.shared.errors import Unavailable
from tests import engines
from tests.cloud import Cloud


def test_an_object_is_written_read_overwritten_and_deleted(cloud: Cloud) -> None:
    name = f"v1/{ids.secret(8)}.json"
    assert storage.read("cdn", name) is None
    for content in (b"one", b"two"):
        storage.write("cdn", name, content, content_type="application/json", cache_control="public, max-age=60")
        assert storage.read("cdn", name) == content
    blob = storage.client().bucket("cdn").get_blob(name)
    assert (blob.content_type, blob.cache_control) == ("application/json", "public, max-age=60")
    storage.delete("cdn", name)
    storage.delete("cdn", name)
    assert storage.read("cdn", name) is None


def test_an_object_that_is_written_once_keeps_its_first_content(cloud: Cloud) -> None:
    name = ids.secret(8)
    assert storage.write_once("archive", name, b"first", content_type="application/pdf")
    assert not storage.write_once("archive", name, b"second", content_type="application/pdf")
    assert storage.read("archive", name) == b"first"


@pytest.mark.parametrize("fault", [DefaultCredentialsError("the metadata server does not answer"), TimeoutError()])
def test_without_credentials_or_an_answer_in_time_the_file_store_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def silent() -> None:
        raise fault

    monkeypatch.setattr(storage, "client", silent)
    for call in (
        lambda: storage.write("cdn", "x", b"x", content_type="text/plain"),
        lambda: storage.read("cdn", "x"),
        lambda: storage.delete("cdn", "x"),
    ):
        with pytest.raises(Unavailable):
            call()


def test_a_file_store_that_is_gone_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    engine = engines.start("storage", tmp_path)
    engine.kill()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{engine.address}")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT_ID", "agenthub-test")
    monkeypatch.setattr(storage, "SECONDS", 0.5)
    for cached in (config.settings, storage.client):
        cached.cache_clear()
    with pytest.raises(Unavailable):
        storage.write("cdn", "x", b"x", content_type="text/plain")
    with pytest.raises(Unavailable):
        storage.read("cdn", "x")
    with pytest.raises(Unavailable):
        storage.delete("cdn", "x")
    for cached in (config.settings, storage.client):
        cached.cache_clear()


def test_a_stream_becomes_an_object_when_it_is_whole(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "CHUNK", 256 * 1024)
    name, content = ids.secret(8), bytes(range(256)) * 4096
    with storage.stream_once("exports", name, content_type="text/csv", download_as="Größe 1.csv") as file:
        for start in range(0, len(content), 100_000):
            file.write(content[start : start + 100_000])
            file.flush()
        assert storage.read("exports", name) is None
    assert storage.read("exports", name) == content
    blob = storage.client().bucket("exports").get_blob(name)
    assert blob.content_type == "text/csv"
    assert blob.content_disposition == "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.csv"


@pytest.mark.parametrize("size", [0, 10, 300_000])
def test_a_stream_that_breaks_off_is_no_object(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(storage, "CHUNK", 256 * 1024)
    name = ids.secret(8)

    def broken() -> None:
        with storage.stream_once("exports", name, content_type="text/csv", download_as="x.csv") as file:
            file.write(b"x" * size)
            raise KeyError(name)

    with pytest.raises(KeyError):
        broken()
    assert storage.read("exports", name) is None
    with storage.stream_once("exports", name, content_type="text/csv", download_as="x.csv"):
        pass
    assert storage.read("exports", name) == b""


def test_a_stream_never_replaces_an_object(cloud: Cloud) -> None:
    name = ids.secret(8)
    assert storage.write_once("exports", name, b"first", content_type="text/plain")
    with (
        pytest.raises(FileExistsError),
        storage.stream_once("exports", name, content_type="text/plain", download_as="x") as file,
    ):
        file.write(b"second")
    assert storage.read("exports", name) == b"first"
    # An open one would be written once more by the garbage collector.
    assert file.closed

"""What Google's client sees of the JSON API."""

import base64
import hashlib
import io
import uuid

import pytest
import requests
from google.api_core.exceptions import BadRequest, MethodNotImplemented, NotFound, PreconditionFailed
from google.cloud import storage

from tests.engines import Engine

CHUNK = 256 * 1024


@pytest.fixture
def folder() -> str:
    """A prefix of its own, since all tests write to the same buckets."""
    return f"{uuid.uuid4().hex}/"


def test_an_upload_comes_back_with_its_metadata(client: storage.Client, folder: str) -> None:
    name = f"{folder}w/ä b%2F?#.json"
    blob = client.bucket("cdn").blob(name)
    blob.cache_control = "public, max-age=300"
    blob.metadata = {"version": "1"}
    blob.upload_from_string('{"a": 1}', content_type="application/json")
    found = client.bucket("cdn").get_blob(name)
    assert found is not None
    assert found.download_as_bytes() == b'{"a": 1}'
    assert (found.content_type, found.cache_control) == ("application/json", "public, max-age=300")
    assert (found.metadata, found.size, found.metageneration) == ({"version": "1"}, 8, 1)
    assert found.md5_hash == base64.b64encode(hashlib.md5(b'{"a": 1}').digest()).decode()


@pytest.mark.parametrize("size", [0, 1, CHUNK, 3 * CHUNK + 5])
@pytest.mark.parametrize("known", [True, False])
def test_a_resumable_upload_comes_back_whole(client: storage.Client, folder: str, size: int, known: bool) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    blob = client.bucket("cdn").blob(f"{folder}large", chunk_size=CHUNK)
    blob.upload_from_file(io.BytesIO(content), size=size if known else None)
    assert blob.size == size
    assert client.bucket("cdn").blob(f"{folder}large", chunk_size=2 * CHUNK).download_as_bytes() == content


def test_a_part_can_be_read(client: storage.Client, folder: str) -> None:
    blob = client.bucket("cdn").blob(f"{folder}part")
    blob.upload_from_string(b"0123456789")
    assert blob.download_as_bytes(start=2, end=4) == b"234"
    assert blob.download_as_bytes(start=8) == b"89"


def test_an_object_that_is_created_only_once_is_never_replaced(client: storage.Client, folder: str) -> None:
    blob = client.bucket("archive").blob(f"{folder}invoice.pdf")
    blob.upload_from_string(b"first", if_generation_match=0)
    for upload in (
        lambda: blob.upload_from_string(b"second", if_generation_match=0),
        lambda: blob.upload_from_file(io.BytesIO(b"x" * CHUNK * 2), if_generation_match=0),
    ):
        with pytest.raises(PreconditionFailed):
            upload()
    assert client.bucket("archive").blob(blob.name).download_as_bytes() == b"first"


def test_generations_grow_and_are_told_apart(client: storage.Client, folder: str) -> None:
    blob = client.bucket("cdn").blob(f"{folder}page")
    blob.upload_from_string(b"one")
    first = blob.generation
    blob.upload_from_string(b"two", if_generation_match=first)
    assert blob.generation > first
    with pytest.raises(PreconditionFailed):
        blob.upload_from_string(b"three", if_generation_match=first)
    with pytest.raises(NotFound):
        client.bucket("cdn").blob(blob.name, generation=first).download_as_bytes()


def test_metadata_changes_alone_and_only_as_the_caller_knew_it(client: storage.Client, folder: str) -> None:
    blob = client.bucket("cdn").blob(f"{folder}page")
    blob.upload_from_string(b"one")
    generation = blob.generation
    blob.cache_control = "no-store"
    blob.metadata = {"a": "1", "b": "2"}
    blob.patch(if_metageneration_match=1)
    assert (blob.generation, blob.metageneration, blob.cache_control) == (generation, 2, "no-store")
    with pytest.raises(PreconditionFailed):
        blob.patch(if_metageneration_match=1)
    blob.metadata = {"a": None}
    blob.patch()
    assert client.bucket("cdn").get_blob(blob.name).metadata == {"b": "2"}


def test_a_deleted_object_is_gone(client: storage.Client, folder: str) -> None:
    blob = client.bucket("cdn").blob(f"{folder}page")
    blob.upload_from_string(b"one")
    with pytest.raises(PreconditionFailed):
        blob.delete(if_generation_match=1)
    blob.delete()
    assert not blob.exists()
    with pytest.raises(NotFound):
        blob.delete()


def test_lists_come_in_the_order_of_names_and_in_pages(client: storage.Client, folder: str) -> None:
    names = [f"{folder}{name}" for name in ("b", "a", "c/x", "c/y", "c/z", "d", "é")]
    for name in names:
        client.bucket("cdn").blob(name).upload_from_string(name)
    listed = client.list_blobs("cdn", prefix=folder, page_size=2)
    assert [[blob.name for blob in page] for page in listed.pages] == [
        sorted(names)[start : start + 2] for start in range(0, 7, 2)
    ]
    flat = client.list_blobs("cdn", prefix=folder, delimiter="/", page_size=2)
    assert [blob.name.removeprefix(folder) for blob in flat] == ["a", "b", "d", "é"]
    assert flat.prefixes == {f"{folder}c/"}


def test_content_that_was_changed_on_the_way_is_refused(engine: Engine, folder: str) -> None:
    boundary = "cut"
    metadata = f'{{"name": "{folder}bad", "md5Hash": "{base64.b64encode(b"x" * 16).decode()}"}}'
    head = (
        f"--{boundary}\r\nContent-Type: application/json\r\n\r\n{metadata}\r\n--{boundary}\r\nContent-Type: text/plain"
    )
    body = f"{head}\r\n\r\nhello\r\n--{boundary}--".encode()
    url = f"http://{engine.address}/upload/storage/v1/b/cdn/o?uploadType=multipart"
    answer = requests.post(
        url, data=body, headers={"Content-Type": f"multipart/related; boundary={boundary}"}, timeout=10
    )
    assert answer.status_code == 400
    assert "md5Hash" in answer.json()["error"]["message"]
    assert requests.get(f"http://{engine.address}/cdn/{folder}bad", timeout=10).status_code == 404


def test_a_simple_upload_works(engine: Engine, client: storage.Client, folder: str) -> None:
    url = f"http://{engine.address}/upload/storage/v1/b/cdn/o"
    answer = requests.post(
        url,
        params={"uploadType": "media", "name": f"{folder}simple"},
        data=b"hello",
        headers={"Content-Type": "text/css"},
        timeout=10,
    )
    assert (answer.status_code, answer.json()["contentType"]) == (200, "text/css")
    assert client.bucket("cdn").blob(f"{folder}simple").download_as_bytes() == b"hello"


def test_a_resumable_upload_goes_on_where_it_stopped(engine: Engine, client: storage.Client, folder: str) -> None:
    url = f"http://{engine.address}/upload/storage/v1/b/cdn/o?uploadType=resumable"
    place = requests.post(url, json={"name": f"{folder}resumed"}, timeout=10).headers["Location"]
    first = requests.put(place, data=b"01234", headers={"Content-Range": "bytes 0-4/*"}, timeout=10)
    assert (first.status_code, first.headers["Range"]) == (308, "bytes=0-4")
    asked = requests.put(place, headers={"Content-Range": "bytes */10"}, timeout=10)
    assert (asked.status_code, asked.headers["Range"]) == (308, "bytes=0-4")
    overlap = requests.put(place, data=b"3456789", headers={"Content-Range": "bytes 3-9/10"}, timeout=10)
    assert (overlap.status_code, overlap.json()["size"]) == (200, "10")
    assert client.bucket("cdn").blob(f"{folder}resumed").download_as_bytes() == b"0123456789"
    assert requests.put(place, headers={"Content-Range": "bytes */10"}, timeout=10).status_code == 404


def test_what_is_not_supported_is_refused_by_name(client: storage.Client, folder: str) -> None:
    blob = client.bucket("cdn").blob(f"{folder}page")
    blob.upload_from_string(b"one")
    with pytest.raises(MethodNotImplemented, match="is not supported by the local Cloud Storage"):
        client.bucket("cdn").copy_blob(blob, client.bucket("archive"))
    with pytest.raises(MethodNotImplemented, match="Making a bucket"):
        client.create_bucket("more")
    with pytest.raises(MethodNotImplemented, match="The parameter versions"):
        list(client.list_blobs("cdn", versions=True))
    with pytest.raises(NotFound):
        client.get_bucket("nothing")
    assert [bucket.name for bucket in client.list_buckets()] == ["cdn", "archive"]


@pytest.mark.parametrize("name", ["", "x" * 1025, "a\nb", ".."])
def test_a_name_that_cloud_storage_refuses_is_refused(engine: Engine, name: str) -> None:
    url = f"http://{engine.address}/upload/storage/v1/b/cdn/o"
    answer = requests.post(url, params={"uploadType": "media", "name": name}, data=b"x", timeout=10)
    assert answer.status_code == 400


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_broken_json_is_a_client_error(engine: Engine, client: storage.Client, folder: str, body: bytes) -> None:
    client.bucket("cdn").blob(f"{folder}page").upload_from_string(b"one")
    url = f"http://{engine.address}/storage/v1/b/cdn/o/{folder.rstrip('/')}%2Fpage"
    assert requests.patch(url, data=body, timeout=10).status_code == 400


def test_a_property_that_is_not_kept_is_refused(client: storage.Client, folder: str) -> None:
    blob = client.bucket("cdn").blob(f"{folder}page")
    blob.upload_from_string(b"one")
    blob.temporary_hold = True
    with pytest.raises(BadRequest, match="temporaryHold"):
        blob.patch()

"""Reads by plain address: the CDN's side, and signed URLs."""

import datetime
import gzip
import uuid

import pytest
import requests
from google.cloud import storage
from google.oauth2 import service_account

from tests.engines import Engine


@pytest.fixture
def name() -> str:
    return f"{uuid.uuid4().hex}/a b.js"


def url(engine: Engine, bucket: str, name: str) -> str:
    return f"http://{engine.address}/{bucket}/{requests.utils.quote(name)}"


def get(address: str, **headers: str) -> requests.Response:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return requests.get(address, headers=named, timeout=10)


def test_a_public_object_is_served_for_any_page(engine: Engine, client: storage.Client, name: str) -> None:
    blob = client.bucket("cdn").blob(name)
    blob.cache_control = "public, max-age=31536000, immutable"
    blob.upload_from_string("let a", content_type="text/javascript")
    answer = get(url(engine, "cdn", name), Origin="https://dentist.example")
    assert (answer.status_code, answer.text) == (200, "let a")
    assert answer.headers["Content-Type"] == "text/javascript"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert requests.head(url(engine, "cdn", name), timeout=10).headers["Content-Length"] == "5"
    preflight = requests.options(url(engine, "cdn", name), timeout=10)
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (204, "*")


def test_an_object_that_has_not_changed_is_not_sent_again(engine: Engine, client: storage.Client, name: str) -> None:
    blob = client.bucket("cdn").blob(name)
    blob.upload_from_string("one")
    first = get(url(engine, "cdn", name))
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    again = get(url(engine, "cdn", name), If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert get(url(engine, "cdn", name), If_Modified_Since=first.headers["Last-Modified"]).status_code == 304
    blob.upload_from_string("two")
    assert get(url(engine, "cdn", name), If_None_Match=first.headers["ETag"]).text == "two"


@pytest.mark.parametrize(
    ("wanted", "status", "content"),
    [
        ("bytes=1-2", 206, b"12"),
        ("bytes=3-", 206, b"34"),
        ("bytes=-2", 206, b"34"),
        ("bytes=9-", 416, b""),
        ("x", 200, b"01234"),
    ],
)
def test_ranges(engine: Engine, client: storage.Client, name: str, wanted: str, status: int, content: bytes) -> None:
    client.bucket("cdn").blob(name).upload_from_string(b"01234")
    answer = get(url(engine, "cdn", name), Range=wanted)
    assert (answer.status_code, answer.content) == (status, content)


def test_stored_gzip_is_unpacked_for_who_cannot(engine: Engine, client: storage.Client, name: str) -> None:
    blob = client.bucket("cdn").blob(name)
    blob.content_encoding = "gzip"
    blob.upload_from_string(gzip.compress(b"let a"), content_type="text/javascript")
    plain = get(url(engine, "cdn", name), Accept_Encoding="identity")
    assert (plain.content, plain.headers.get("Content-Encoding")) == (b"let a", None)
    assert get(url(engine, "cdn", name), Accept_Encoding="gzip").headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("address", ["/cdn/nothing", "/nowhere/nothing", "/cdn", "/"])
def test_what_is_not_there_is_404(engine: Engine, address: str) -> None:
    assert get(f"http://{engine.address}{address}").status_code == 404


def test_the_archive_is_closed_to_strangers_and_to_pages(engine: Engine, client: storage.Client, name: str) -> None:
    client.bucket("archive").blob(name).upload_from_string("secret")
    stranger = get(url(engine, "archive", name))
    assert (stranger.status_code, "Access-Control-Allow-Origin" in stranger.headers) == (401, False)
    friend = get(url(engine, "archive", name), Authorization="Bearer token")
    assert (friend.text, friend.headers["Cache-Control"]) == ("secret", "private, max-age=0")
    assert "Access-Control-Allow-Origin" not in friend.headers


def sign(engine: Engine, client: storage.Client, name: str, signer: service_account.Credentials, minutes: int) -> str:
    signed: str = (
        client.bucket("archive")
        .blob(name)
        .generate_signed_url(
            version="v4",
            expiration=datetime.timedelta(minutes=minutes),
            credentials=signer,
            api_access_endpoint=f"http://{engine.address}",
            response_disposition='attachment; filename="invoice.pdf"',
        )
    )
    return signed


def test_a_signed_url_opens_one_object(
    engine: Engine, client: storage.Client, name: str, signer: service_account.Credentials
) -> None:
    client.bucket("archive").blob(name).upload_from_string("secret")
    client.bucket("archive").blob(f"{name}2").upload_from_string("other")
    signed = sign(engine, client, name, signer, minutes=5)
    answer = get(signed)
    assert (answer.status_code, answer.text) == (200, "secret")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="invoice.pdf"'
    for wrong in (
        signed.replace(".js?", ".js2?"),
        signed.replace("Expires=300", "Expires=3000"),
        signed.replace("agenthub-billing-api", "somebody"),
        signed[:-4] + "0000",
        signed[:-4] + "zzzz",
        signed + "&extra=1",
    ):
        assert get(wrong).status_code == 403, wrong
    assert requests.head(signed, timeout=10).status_code == 403


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("X-Goog-Date=20", "X-Goog-Date=19"),
        ("Expires=300", "Expires=999999"),
        ("GOOG4-RSA-SHA256", "GOOG4-HMAC-SHA256"),
        ("X-Goog-Date=20", "X-Goog-Date=xx"),
        ("SignedHeaders=host", "SignedHeaders=range"),
    ],
)
def test_a_signed_url_that_is_over_or_of_another_kind_is_refused(
    engine: Engine, client: storage.Client, name: str, signer: service_account.Credentials, before: str, after: str
) -> None:
    signed = sign(engine, client, name, signer, minutes=5)
    assert before in signed
    assert get(signed.replace(before, after)).status_code == 400

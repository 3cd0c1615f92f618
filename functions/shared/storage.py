"""The only module that touches the Cloud Storage client: whole objects, written once or overwritten on purpose."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from functions.shared import logs
from functions.shared.config import settings
from functions.shared.errors import Unavailable

SECONDS = 20.0
"""How long a call may take in all, its repeats included: whole objects may be written and deleted twice."""


@cache
def client() -> Any:
    """The process's client; imported and built on the first call."""
    from google.cloud import storage

    key = settings().service_account_key
    if key:
        return storage.Client.from_service_account_info(key, project=settings().project)
    return storage.Client(project=settings().project)


def write(bucket: str, name: str, content: bytes, *, content_type: str, cache_control: str = "private") -> None:
    """Write an object, whatever was there. Raises Unavailable."""
    _upload(bucket, name, content, content_type, cache_control, None)


def write_once(bucket: str, name: str, content: bytes, *, content_type: str) -> bool:
    """Write an object that must not exist; False, and nothing changed, when it does. Raises Unavailable."""
    from google.api_core import exceptions

    try:
        _upload(bucket, name, content, content_type, "private", 0)
    except exceptions.PreconditionFailed:
        return False
    return True


def _upload(
    bucket: str, name: str, content: bytes, content_type: str, cache_control: str, generation: int | None
) -> None:
    logs.count("storage_writes")
    with _reached():
        blob = client().bucket(bucket).blob(name)
        blob.cache_control = cache_control
        blob.upload_from_string(
            content, content_type=content_type, if_generation_match=generation, checksum="crc32c", **_patience()
        )


def _patience() -> dict[str, Any]:
    from google.cloud.storage.retry import DEFAULT_RETRY

    return {"timeout": SECONDS, "retry": DEFAULT_RETRY.with_timeout(SECONDS)}


@contextmanager
def _reached() -> Iterator[None]:
    """Every way in which the file store can fail to answer is Unavailable."""
    import requests
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except (
        exceptions.ServerError,
        exceptions.TooManyRequests,
        exceptions.RetryError,
        requests.ConnectionError,
        requests.Timeout,
        GoogleAuthError,  # The metadata server of the instance does not answer.
    ) as error:
        raise Unavailable("The file store did not answer. Try again.") from error


def read(bucket: str, name: str) -> bytes | None:
    """A whole object, or None when there is none. Raises Unavailable."""
    from google.api_core import exceptions

    logs.count("storage_reads")
    try:
        with _reached():
            content: bytes = client().bucket(bucket).blob(name).download_as_bytes(**_patience())
    except exceptions.NotFound:
        return None
    return content


def delete(bucket: str, name: str) -> None:
    """Take an object away; none there is no error. Raises Unavailable."""
    from google.api_core import exceptions

    logs.count("storage_writes")
    try:
        with _reached():
            client().bucket(bucket).blob(name).delete(**_patience())
    except exceptions.NotFound:
        return

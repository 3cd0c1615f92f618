"""The only module that touches the Cloud Storage client: whole objects, written once or overwritten on purpose.

What is too large for memory is written as a stream (`stream_once`), and opened to a browser by a signed address.
"""

import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from typing import IO, Any

from functions.shared import logs, unanswered
from functions.shared.config import settings
from functions.shared.errors import Unavailable
from functions.shared.identity import signing

SECONDS = 20.0
"""How long a call may take in all, its repeats included: whole objects may be written and deleted twice."""


CHUNK = 8 * 2**20
"""What a stream keeps in memory and sends at once, in bytes."""


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
    try:
        yield
    except unanswered.errors() as error:
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


@contextmanager
def stream_once(bucket: str, name: str, *, content_type: str, download_as: str) -> Iterator[IO[bytes]]:
    """A file to write to, without seeking, that becomes the object at the end of the block: whole, or not at all.

    No more than CHUNK is in memory. A browser saves the object as `download_as`. Where there is such an object already,
    or the block raises, nothing is written. Raises Unavailable, and FileExistsError at the end.
    """
    from google.cloud.storage.exceptions import InvalidResponse

    logs.count("storage_writes")
    blob = client().bucket(bucket).blob(name)
    blob.cache_control = "private"
    blob.content_disposition = f"attachment; filename*=UTF-8''{urllib.parse.quote(download_as)}"
    try:
        with _reached():
            writer = blob.open(
                "wb",
                chunk_size=CHUNK,
                ignore_flush=True,
                content_type=content_type,
                if_generation_match=0,
                **_patience(),
            )
            try:
                yield writer
                writer.close()
            except BaseException:
                # A writer that stays open would be closed by the garbage collector, and write once more.
                with suppress(Exception):
                    writer.terminate()
                raise
    except InvalidResponse as error:
        # The client says so of streams alone.
        status = error.response.status_code
        if status == 412:
            raise FileExistsError(name) from error
        if status == 429 or status >= 500:
            raise Unavailable("The file store did not answer. Try again.") from error
        raise


def signed_url(bucket: str, name: str, *, lifetime: timedelta) -> str:
    """An address that opens the object to whoever has it, for as long as `lifetime`, at most 7 days.

    Signed as this deployment's own account, which must be allowed to read the object. Raises Unavailable.
    """
    blob = client().bucket(bucket).blob(name)
    address: str = blob.generate_signed_url(
        version="v4",
        expiration=lifetime,
        method="GET",
        api_access_endpoint=settings().storage_url,
        credentials=_signer(),
    )
    return address


def _signer() -> Any:
    from google.auth.credentials import Signing

    class Signer(Signing):  # type: ignore[misc]
        """What the client's own signing asks; it would look for a key, or for IAM at a fixed address."""

        signer = None
        signer_email = settings().service_account(settings().deployment)

        def sign_bytes(self, message: bytes) -> bytes:
            return signing.signature_of(settings().deployment, message)

    return Signer()

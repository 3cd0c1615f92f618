"""Answers with an object's content: whole, a range of it, or "not modified"."""

import datetime
import email.utils
import gzip
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from local.storage.objects import Stored
from local.storage.uploads import DEFAULT_TYPE

_BLOCK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def serve_content(request: Request, stored: Stored, file: BinaryIO, *, cache_control: str | None) -> Response:
    """The content of `stored`, read from `file`, which is closed at the end.

    `cache_control` is what an object without its own gets. Content stored as gzip is unpacked for a client that does
    not accept gzip, as Cloud Storage does.
    """
    headers = _headers(stored, cache_control)
    if _not_modified(request, stored):
        file.close()
        return Response(status_code=304, headers=headers)
    kind = stored.content_type or DEFAULT_TYPE
    if stored.content_encoding == "gzip" and "gzip" not in request.headers.get("accept-encoding", ""):
        with file:
            content = _unpacked(file.read())
        for name in ("Content-Encoding", "x-goog-hash"):
            headers.pop(name, None)
        return _typed(Response(content, headers=headers), kind)
    start, end, status = 0, stored.size, 200
    wanted = _RANGE.fullmatch(request.headers.get("range", ""))
    if wanted is not None and (wanted[1] or wanted[2]):
        start, end = _range(wanted[1], wanted[2], stored.size)
        if start >= end:
            file.close()
            return Response(status_code=416, headers={"Content-Range": f"bytes */{stored.size}"})
        status = 206
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        file.close()
        return _typed(Response(status_code=status, headers=headers), kind)
    return _typed(StreamingResponse(_blocks(file, start, end), status_code=status, headers=headers), kind)


def _unpacked(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return content  # Only called gzip; as it is, it is at least readable.


def _typed(response: Response, kind: str) -> Response:
    # Set afterwards: Starlette would add a charset of its own to text.
    response.headers["Content-Type"] = kind
    return response


def _headers(stored: Stored, cache_control: str | None) -> dict[str, str]:
    modified = datetime.datetime.fromtimestamp(stored.updated // 10**6, datetime.UTC)
    headers = {
        "ETag": f'"{stored.md5}"',
        "Last-Modified": email.utils.format_datetime(modified, usegmt=True),
        "Accept-Ranges": "bytes",
        "x-goog-generation": str(stored.generation),
        "x-goog-metageneration": str(stored.metageneration),
        "x-goog-hash": f"crc32c={stored.crc32c},md5={stored.md5}",
        "x-goog-stored-content-length": str(stored.size),
        "x-goog-stored-content-encoding": stored.content_encoding or "identity",
    }
    optional = {
        "Cache-Control": stored.cache_control or cache_control,
        "Content-Disposition": stored.content_disposition,
        "Content-Encoding": stored.content_encoding,
        "Content-Language": stored.content_language,
    }
    return headers | {name: value for name, value in optional.items() if value}


def _not_modified(request: Request, stored: Stored) -> bool:
    known = request.headers.get("if-none-match")
    if known is not None:
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        return "*" in tags or f'"{stored.md5}"' in tags
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        moment = email.utils.parsedate_to_datetime(since)
    except ValueError:
        return False
    return stored.updated // 10**6 <= int(moment.timestamp())


def _range(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(size - int(last), 0), size
    return int(first), min(int(last) + 1, size) if last else size


def _blocks(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = end - start
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            left -= len(block)
            yield block

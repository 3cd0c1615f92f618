"""Takes content in: in one piece, with metadata in front of it, or in chunks that may be resumed after a crash."""

import base64
import hashlib
import json
import re
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import google_crc32c

from local.durability import fsync
from local.storage.errors import Refusal
from local.storage.objects import Bucket, Conditions, Stored, check_name, sync_folder
from local.storage.resources import changes

_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_BLOCK = 1024 * 1024
DEFAULT_TYPE = "application/octet-stream"


def store(
    bucket: Bucket, name: str, resource: dict[str, Any], path: Path, conditions: Conditions, kind: str | None
) -> Stored:
    """Make the file at `path` (which is moved away) an object, once its checksums agree with those that were sent."""
    check_name(name)
    md5, crc = hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            md5.update(block)
            crc = google_crc32c.extend(crc, block)
        fsync(file.fileno())
        size = file.tell()
    sums = {"md5Hash": md5.digest(), "crc32c": crc.to_bytes(4, "big")}
    encoded = {algorithm: base64.b64encode(digest).decode() for algorithm, digest in sums.items()}
    for algorithm, value in encoded.items():
        sent = resource.get(algorithm)
        if sent is not None and sent != value:
            path.unlink()
            raise Refusal(
                400, f"Provided {algorithm} {sent!r} doesn't match calculated {algorithm} {value!r}.", "invalid"
            )
    fields = changes(resource, {}, whole=True)
    fields["content_type"] = fields["content_type"] or kind or DEFAULT_TYPE
    stored = Stored(
        name=name, generation=0, metageneration=0, size=size, md5=encoded["md5Hash"], crc32c=encoded["crc32c"],
        created=0, updated=0, **fields,
    )  # fmt: skip
    try:
        return bucket.put(path, stored, conditions)
    except Refusal:
        path.unlink(missing_ok=True)
        raise


def scratch_file(bucket: Bucket, content: bytes) -> Path:
    """Content in a new file of the bucket's scratch folder."""
    path = bucket.scratch / uuid.uuid4().hex
    path.write_bytes(content)
    return path


def split_related(body: bytes, content_type: str) -> tuple[dict[str, Any], bytes, str | None]:
    """Metadata, content and content type of a multipart/related body; 400 where it is not one."""
    match = re.search(r"boundary=(?:\"([^\"]+)\"|'([^']+)'|([^;\s]+))", content_type)
    if match is None:
        raise Refusal(400, "A multipart upload needs a boundary", "badRequest")
    mark = b"--" + next(group for group in match.groups() if group).encode()
    parts = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(parts) != 4 or not parts[3].startswith(b"--"):
        raise Refusal(400, "A multipart upload has two parts, metadata and content", "badRequest")
    _, metadata = _part(parts[1])
    headers, content = _part(parts[2])
    return read_json(metadata), content, headers.get("content-type")


def _part(raw: bytes) -> tuple[dict[str, str], bytes]:
    head, _, content = raw.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    lines = [line.split(":", 1) for line in head.decode("latin-1").split("\r\n") if ":" in line]
    return {name.strip().lower(): value.strip() for name, value in lines}, content


def read_json(raw: bytes) -> dict[str, Any]:
    """A JSON object, empty for an empty body; 400 otherwise."""
    try:
        value = json.loads(raw) if raw.strip() else {}
    except ValueError as error:
        raise Refusal(400, f"Parse Error: {error}", "parseError") from None
    if not isinstance(value, dict):
        raise Refusal(400, "Parse Error: an object is expected", "parseError")
    return value


@dataclass
class Session:
    """A resumable upload: what the object will be, beside the file that grows."""

    bucket: str
    name: str
    resource: dict[str, Any]
    conditions: dict[str, int | None]
    content_type: str | None


class Sessions:
    """Resumable uploads, on disk from their first moment, so that a client can go on after a crash."""

    def __init__(self, folder: Path, buckets: dict[str, Bucket]) -> None:
        self._folder = folder / "resumable-uploads"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._buckets = buckets

    def begin(self, session: Session) -> str:
        """The id under which chunks are sent."""
        check_name(session.name)
        upload_id = uuid.uuid4().hex
        (self._folder / upload_id).touch()
        with (self._folder / f"{upload_id}.json").open("w") as file:
            json.dump(asdict(session), file)
            file.flush()
            fsync(file.fileno())
        sync_folder(self._folder)
        return upload_id

    def append(self, upload_id: str, content_range: str | None, content: bytes) -> tuple[Stored | None, str, int]:
        """Take a chunk: the finished object or None, its bucket, and how many bytes are here. Raises 404, 400."""
        session = self._session(upload_id)
        path = self._folder / upload_id
        have = path.stat().st_size
        start, total = _parse_range(content_range, have, len(content))
        if content:
            if start > have:
                raise Refusal(
                    400, f"Invalid request. There were {have} byte(s) received before; a gap follows", "badRequest"
                )
            with path.open("ab") as file:
                file.write(content[have - start :])
                file.flush()
                fsync(file.fileno())
                have = file.tell()
        if total is None or have < total:
            return None, session.bucket, have
        conditions = Conditions(**session.conditions)
        bucket = self._buckets[session.bucket]
        try:
            stored = store(bucket, session.name, session.resource, path, conditions, session.content_type)
        finally:
            self.drop(upload_id)
        return stored, session.bucket, have

    def drop(self, upload_id: str) -> None:
        """Forget an upload."""
        (self._folder / f"{upload_id}.json").unlink(missing_ok=True)
        (self._folder / upload_id).unlink(missing_ok=True)

    def _session(self, upload_id: str) -> Session:
        path = self._folder / f"{upload_id}.json"
        if not upload_id.isalnum() or not path.exists() or not (self._folder / upload_id).exists():
            raise Refusal(404, "No such upload", "notFound")
        return Session(**json.loads(path.read_text()))


def _parse_range(header: str | None, have: int, length: int) -> tuple[int, int | None]:
    """Where a chunk starts, and the total size if it is known."""
    if header is None:
        return 0, length
    match = _RANGE.fullmatch(header)
    if match is None:
        raise Refusal(400, f"Failed to parse Content-Range header: {header}", "badRequest")
    total = None if match[3] == "*" else int(match[3])
    return (have if match[1] is None else int(match[1])), total

"""Turns objects into the JSON API's resources, and a request's JSON into changes."""

import datetime
from typing import Any
from urllib.parse import quote

from local.storage.errors import Refusal
from local.storage.objects import Bucket, Stored

# JSON name → field of Stored; these may be set by a client.
WRITABLE = {
    "contentType": "content_type",
    "cacheControl": "cache_control",
    "contentDisposition": "content_disposition",
    "contentEncoding": "content_encoding",
    "contentLanguage": "content_language",
    "customTime": "custom_time",
}
# Sent back by clients that write a whole resource; without effect, as in Cloud Storage.
_READ_ONLY = {
    "kind", "id", "selfLink", "mediaLink", "name", "bucket", "generation", "metageneration", "size", "md5Hash",
    "crc32c", "etag", "timeCreated", "updated", "storageClass", "timeStorageClassUpdated", "timeFinalized",
}  # fmt: skip


def object_resource(bucket: Bucket, stored: Stored, base: str) -> dict[str, Any]:
    """The resource of an object; `base` is the address that links begin with."""
    path = f"b/{bucket.name}/o/{quote(stored.name, safe='')}"
    resource: dict[str, Any] = {
        "kind": "storage#object",
        "id": f"{bucket.name}/{stored.name}/{stored.generation}",
        "selfLink": f"{base}/storage/v1/{path}",
        "mediaLink": f"{base}/download/storage/v1/{path}?generation={stored.generation}&alt=media",
        "name": stored.name,
        "bucket": bucket.name,
        "generation": str(stored.generation),
        "metageneration": str(stored.metageneration),
        "size": str(stored.size),
        "md5Hash": stored.md5,
        "crc32c": stored.crc32c,
        "etag": etag(stored),
        "storageClass": "STANDARD",
        "timeCreated": _time(stored.created),
        "updated": _time(stored.updated),
        "timeFinalized": _time(stored.created),
    }
    for name, attribute in WRITABLE.items():
        value = getattr(stored, attribute)
        if value is not None:
            resource[name] = value
    if stored.metadata:
        resource["metadata"] = stored.metadata
    return resource


def etag(stored: Stored) -> str:
    """Changes with content and with metadata."""
    return f"{stored.generation}/{stored.metageneration}"


def bucket_resource(bucket: Bucket, base: str) -> dict[str, Any]:
    """The resource of a bucket."""
    return {
        "kind": "storage#bucket",
        "id": bucket.name,
        "name": bucket.name,
        "selfLink": f"{base}/storage/v1/b/{bucket.name}",
        "location": "US",
        "storageClass": "STANDARD",
        "metageneration": "1",
        "timeCreated": _time(0),
        "updated": _time(0),
        "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}},
    }


def changes(given: dict[str, Any], current: dict[str, str], *, whole: bool) -> dict[str, Any]:
    """Fields of Stored to change; a null removes a field, and where the resource is `whole` so does its absence.

    Raises 400 for a property that this engine does not keep.
    """
    found: dict[str, Any] = dict.fromkeys(WRITABLE.values()) if whole else {}
    for name, value in given.items():
        if name in WRITABLE:
            if value is not None and not isinstance(value, str):
                raise Refusal(400, f"Invalid value for {name}", "invalid")
            found[WRITABLE[name]] = value
        elif name == "metadata":
            found["metadata"] = _merge(value, {} if whole else current)
        elif name not in _READ_ONLY and value not in (None, [], {}, False):
            raise Refusal(400, f"Property {name} is not supported by the local Cloud Storage", "invalid")
    if whole:
        found.setdefault("metadata", {})
    return found


def _merge(value: Any, current: dict[str, str]) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(v is None or isinstance(v, str) for v in value.values()):
        raise Refusal(400, "Invalid value for metadata", "invalid")
    merged = {**current, **value}
    return {name: text for name, text in merged.items() if text is not None}


def _time(micros: int) -> str:
    moment = datetime.datetime.fromtimestamp(micros / 10**6, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

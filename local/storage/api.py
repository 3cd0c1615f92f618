"""The JSON API's paths, read from the raw request line, since an object's name may hold %2F."""

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.storage.contents import serve_content
from local.storage.errors import Refusal, not_supported
from local.storage.objects import Bucket, Conditions
from local.storage.public import PublicReads
from local.storage.resources import bucket_resource, changes, object_resource
from local.storage.uploads import Session, Sessions, read_json, scratch_file, split_related, store

_LARGEST_BODY = 256 * 1024 * 1024
_PAGE = 1000
_API = re.compile(r"/(?:(upload|download)/)?storage/v1/b(?:/([^/]+)(?:/(o)(?:/([^/]+)(/.*)?)?|(/.*))?)?")
_INCOMPLETE = 308


class Api:
    """Every request to the engine comes here."""

    def __init__(self, folder: Path, buckets: dict[str, Bucket], identity: str | None) -> None:
        self._buckets = buckets
        self._sessions = Sessions(folder, buckets)
        self._public = PublicReads(buckets, identity)

    async def __call__(self, request: Request) -> Response:
        """The answer to one request, with the client's errors as the JSON API words them."""
        raw = request.scope["raw_path"].decode("ascii")
        try:
            if raw == "/health":
                return JSONResponse({"status": "ok"})
            if raw.startswith("/batch/"):
                raise not_supported("A batch")
            match = _API.fullmatch(raw)
            if match is None:
                return await run_in_threadpool(self._public.answer, request, raw)
            body = await _body(request)
            return await run_in_threadpool(self._answer, request, match, body)
        except Refusal as refusal:
            return JSONResponse(refusal.body(), status_code=refusal.status)

    def _answer(self, request: Request, match: re.Match[str], body: bytes) -> Response:
        face, bucket_name, objects, name, deeper, other = match.groups()
        if deeper or other:
            raise not_supported(f"{request.method} {request.scope['raw_path'].decode()}")
        for flag in ("versions", "softDeleted", "kmsKeyName", "predefinedAcl", "matchGlob"):
            if request.query_params.get(flag, "false") != "false":
                raise not_supported(f"The parameter {flag}")
        if bucket_name is None:
            return self._buckets_request(request)
        bucket = self._bucket(unquote(bucket_name))
        handlers: dict[str, Callable[..., Response]]
        if face == "upload":
            handlers = {"POST": self._upload, "PUT": self._chunk, "DELETE": self._cancel}
        elif not objects:
            handlers = {"GET": lambda request, bucket, _: JSONResponse(bucket_resource(bucket, _base(request)))}
        elif name is None:
            handlers = {"GET": self._list}
        else:
            return self._object(request, bucket, unquote(name), body, download=face == "download")
        handler = handlers.get(request.method)
        if handler is None:
            raise not_supported(f"{request.method} {request.scope['raw_path'].decode()}")
        return handler(request, bucket, body)

    def _bucket(self, name: str) -> Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            raise Refusal(404, "The specified bucket does not exist.", "notFound")
        return bucket

    def _buckets_request(self, request: Request) -> Response:
        if request.method != "GET":
            raise not_supported("Making a bucket (Terraform and the engine's arguments do that)")
        items = [bucket_resource(bucket, _base(request)) for bucket in self._buckets.values()]
        return JSONResponse({"kind": "storage#buckets", "items": items})

    # Objects --------------------------------------------------------------------------------------------------------

    def _object(self, request: Request, bucket: Bucket, name: str, body: bytes, *, download: bool) -> Response:
        conditions, generation = _conditions(request), _number(request, "generation")
        if request.method == "DELETE":
            bucket.delete(name, conditions, generation)
            return Response(status_code=204)
        if request.method in ("PATCH", "PUT"):
            current = bucket.get(name, generation)
            wanted = changes(read_json(body), current.metadata, whole=request.method == "PUT")
            stored = bucket.change(name, wanted, conditions, generation)
            return JSONResponse(object_resource(bucket, stored, _base(request)))
        if request.method != "GET":
            raise not_supported(f"{request.method} of an object")
        stored = bucket.get(name, generation)
        if stored.generation == conditions.not_generation or stored.metageneration == conditions.not_metageneration:
            return Response(status_code=304)
        conditions.check(stored)
        if download or request.query_params.get("alt") == "media":
            return serve_content(request, *bucket.open(name, stored.generation), cache_control=None)
        return JSONResponse(object_resource(bucket, stored, _base(request)))

    def _list(self, request: Request, bucket: Bucket, _: bytes) -> Response:
        query = request.query_params
        for option in ("startOffset", "endOffset"):
            if query.get(option):
                raise not_supported(f"The parameter {option}")
        token = query.get("pageToken", "")
        try:
            after = bytes.fromhex(token).decode()
        except ValueError:
            raise Refusal(400, "Invalid page token", "invalid") from None
        limit = min(_number(request, "maxResults") or _PAGE, _PAGE)
        found, prefixes, last = bucket.list(query.get("prefix", ""), query.get("delimiter", ""), after, limit)
        answer: dict[str, Any] = {"kind": "storage#objects"}
        if found:
            answer["items"] = [object_resource(bucket, stored, _base(request)) for stored in found]
        if prefixes:
            answer["prefixes"] = prefixes
        if last is not None:
            answer["nextPageToken"] = last.encode().hex()
        return JSONResponse(answer)

    # Uploads --------------------------------------------------------------------------------------------------------

    def _upload(self, request: Request, bucket: Bucket, body: bytes) -> Response:
        query, headers = request.query_params, request.headers
        kind = query.get("uploadType")
        if kind == "resumable" and query.get("upload_id"):
            return self._chunk(request, bucket, body)
        if kind == "resumable":
            resource = read_json(body)
            session = Session(
                bucket=bucket.name,
                name=_object_name(query.get("name"), resource),
                resource=resource,
                conditions=asdict(_conditions(request)),
                content_type=headers.get("x-upload-content-type"),
            )
            # Refused before the content is sent, and again when it is whole.
            _conditions(request).check(bucket.find(session.name))
            upload_id = self._sessions.begin(session)
            address = f"{_base(request)}/upload/storage/v1/b/{bucket.name}/o?uploadType=resumable&upload_id={upload_id}"
            return Response(headers={"Location": address, "X-GUploader-UploadID": upload_id})
        content_type: str | None
        if kind == "multipart":
            resource, content, content_type = split_related(body, headers.get("content-type", ""))
        elif kind == "media":
            resource, content, content_type = {}, body, headers.get("content-type")
        else:
            raise Refusal(400, "uploadType must be media, multipart or resumable", "badRequest")
        name = _object_name(query.get("name"), resource)
        stored = store(bucket, name, resource, scratch_file(bucket, content), _conditions(request), content_type)
        return JSONResponse(object_resource(bucket, stored, _base(request)))

    def _chunk(self, request: Request, bucket: Bucket, body: bytes) -> Response:
        upload_id = request.query_params.get("upload_id", "")
        stored, bucket_name, have = self._sessions.append(upload_id, request.headers.get("content-range"), body)
        if stored is None:
            headers = {"Range": f"bytes=0-{have - 1}"} if have else {}
            return Response(status_code=_INCOMPLETE, headers=headers)
        return JSONResponse(object_resource(self._buckets[bucket_name], stored, _base(request)))

    def _cancel(self, request: Request, bucket: Bucket, _: bytes) -> Response:
        self._sessions.drop(request.query_params.get("upload_id", ""))
        return Response(status_code=499)


def _object_name(in_query: str | None, resource: dict[str, Any]) -> str:
    name = in_query or resource.get("name")
    if not isinstance(name, str) or not name:
        raise Refusal(400, "Required parameter: name", "required")
    return name


def _conditions(request: Request) -> Conditions:
    return Conditions(
        generation=_number(request, "ifGenerationMatch"),
        not_generation=_number(request, "ifGenerationNotMatch"),
        metageneration=_number(request, "ifMetagenerationMatch"),
        not_metageneration=_number(request, "ifMetagenerationNotMatch"),
    )


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value is None or value == "":
        return None
    if not value.isdecimal():
        raise Refusal(400, f"Invalid value for {name}: {value}", "invalid")
    return int(value)


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > _LARGEST_BODY:
            raise Refusal(413, f"The local Cloud Storage takes at most {_LARGEST_BODY} bytes at once", "uploadTooLarge")
        parts.append(part)
    return b"".join(parts)

"""Reads by plain address, /BUCKET/OBJECT: what a CDN serves of a public bucket, what a signed URL opens of another."""

from urllib.parse import parse_qsl, unquote

from starlette.requests import Request
from starlette.responses import Response

from local.storage.contents import serve_content
from local.storage.errors import Refusal
from local.storage.objects import Bucket
from local.storage.signatures import Signatures

_CORS = {"Access-Control-Allow-Origin": "*"}
_PREFLIGHT = {
    **_CORS,
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "3600",
}


class PublicReads:
    """GET, HEAD and OPTIONS of objects by their plain address."""

    def __init__(self, buckets: dict[str, Bucket], identity: str | None) -> None:
        self._buckets = buckets
        self._signatures = Signatures(identity) if identity else None

    def answer(self, request: Request, raw_path: str) -> Response:
        """The object; for a bucket that is not public only with a signature, or with a bearer token."""
        bucket_name, _, name = raw_path.lstrip("/").partition("/")
        bucket = self._buckets.get(unquote(bucket_name))
        if bucket is None:
            raise Refusal(404, "The specified bucket does not exist.", "NoSuchBucket")
        try:
            response = self._read(request, raw_path, bucket, unquote(name))
        except Refusal as refusal:
            if not bucket.public:
                raise
            # A page must be able to read why, as it can read the object.
            response = Response(refusal.message, status_code=refusal.status, media_type="text/plain")
        if bucket.public:
            response.headers.update(_CORS)
        return response

    def _read(self, request: Request, raw_path: str, bucket: Bucket, name: str) -> Response:
        if request.method == "OPTIONS" and bucket.public:
            return Response(status_code=204, headers=_PREFLIGHT)
        if request.method not in ("GET", "HEAD"):
            raise Refusal(405, f"{request.method} is not supported here by the local Cloud Storage", "methodNotAllowed")
        query = parse_qsl(request.url.query, keep_blank_values=True)
        given = dict(query)
        if not bucket.public:
            self._admit(request, raw_path, query, given)
        stored, file = bucket.open(name, int(given["generation"]) if given.get("generation", "").isdecimal() else None)
        default = "public, max-age=3600" if bucket.public else "private, max-age=0"
        response = serve_content(request, stored, file, cache_control=default)
        if not bucket.public:
            for header in ("Content-Type", "Content-Disposition"):
                wanted = given.get(f"response-{header.lower()}")
                if wanted:
                    response.headers[header] = wanted
        return response

    def _admit(self, request: Request, raw_path: str, query: list[tuple[str, str]], given: dict[str, str]) -> None:
        if "X-Goog-Signature" in given:
            if self._signatures is None:
                raise Refusal(403, "Signed URLs need the engine's option --identity", "forbidden")
            self._signatures.check(request.method, raw_path, query, request.headers)
            return
        # Whose token it is, is not looked at: here as in the cloud only the functions' accounts may read, and they do
        # so through the JSON API.
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refusal(401, "Anonymous caller does not have storage.objects.get access.", "required")

"""What port 8000 serves next to the contract: landing page, the CDN's files, signed addresses, identity and card service.

In the cloud these are a bucket behind a CDN and the hosts of Google and Stripe. `/v1/…` is read from the CDN bucket
first, so what the functions write there shows at once; what is not in it comes from the widget's build folder.
"""

import hashlib
import mimetypes
import re
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

import httpx2

from local.forwarding import Forwarder, Headers, Outgoing, TooLarge, passing_headers, read_body, reply
from local.serving import Receive, Scope, Send

_PAGE = Path(__file__).parent / "landing.html"
_SECONDS = 30.0
_DOWNLOAD_SECONDS = 3600.0
_HASHED = re.compile(r"[.-][0-9a-zA-Z_-]{8,}\.\w+$")
_CORS: Headers = [(b"access-control-allow-origin", b"*"), (b"cross-origin-resource-policy", b"cross-origin")]
_KEPT = ("content-type", "cache-control", "etag", "content-encoding", "last-modified")


class Site:
    """Answers GET of `/` and `/v1/…`, everything under the names of local servers in `behind` (`/identity/…`), and
    under the name of each bucket in `downloads` what a signed address opens."""

    def __init__(
        self,
        forwarder: Forwarder,
        *,
        behind: Mapping[str, str | None],
        storage: str | None,
        bucket: str,
        downloads: tuple[str, ...] = (),
        widget: Path | None,
    ) -> None:
        self._forwarder = forwarder
        self._behind = {name: address.rstrip("/") for name, address in behind.items() if address}
        self._storage = storage.rstrip("/") if storage else None
        self._bucket = bucket
        self._downloads = downloads
        self._widget = widget
        self._client = httpx2.AsyncClient(trust_env=False, timeout=10)

    async def answer(self, scope: Scope, path: str, receive: Receive, send: Send) -> int | None:
        """The status of what was sent, or None where this path is not ours."""
        name = path[1:].partition("/")[0]
        if name in self._behind and path.startswith(f"/{name}/"):
            return await self._to(name, scope, path, receive, send)
        if self._storage is not None and name in self._downloads:
            return await self._to_storage(scope, self._storage, receive, send)
        if path != "/" and not path.startswith("/v1/"):
            return None
        if scope["method"] not in ("GET", "HEAD"):
            return await reply(send, 405, b"GET or HEAD\n", b"text/plain", [(b"allow", b"GET, HEAD")])
        if path == "/":
            return await self._send(scope, send, _PAGE.read_bytes(), {"content-type": "text/html; charset=utf-8"})
        name = urllib.parse.unquote(path[1:])
        found = await self._from_bucket(name) or self._from_build(name)
        if found is None:
            return await reply(send, 404, b"There is no such file.\n", b"text/plain", _CORS)
        return await self._send(scope, send, *found)

    async def _send(self, scope: Scope, send: Send, body: bytes, headers: dict[str, str]) -> int:
        etag = headers.setdefault("etag", f'"{hashlib.sha256(body).hexdigest()[:32]}"')
        headers.setdefault("cache-control", "no-cache")
        listed = [(name.encode(), value.encode("latin-1")) for name, value in headers.items() if name in _KEPT]
        known = next((v.decode("latin-1") for n, v in scope["headers"] if n == b"if-none-match"), "")
        if etag in (part.strip() for part in known.split(",")):
            await send({"type": "http.response.start", "status": 304, "headers": [*listed, *_CORS]})
            await send({"type": "http.response.body", "body": b""})
            return 304
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": 200, "headers": [*listed, length, *_CORS]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
        return 200

    async def _from_bucket(self, name: str) -> tuple[bytes, dict[str, str]] | None:
        if self._storage is None:
            return None
        url = f"{self._storage}/download/storage/v1/b/{self._bucket}/o/{urllib.parse.quote(name, safe='')}?alt=media"
        try:
            response = await self._client.get(url)
        except httpx2.TransportError:
            return None
        if response.status_code != 200:
            return None
        headers = {name: response.headers[name] for name in _KEPT if name in response.headers}
        # The client has undone any compression of the way; the length is made anew.
        headers.pop("content-encoding", None)
        return response.content, headers

    def _from_build(self, name: str) -> tuple[bytes, dict[str, str]] | None:
        if self._widget is None or "\0" in name:
            return None
        root = self._widget.resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            return None
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        if kind.startswith("text/") or kind == "application/javascript":
            kind += "; charset=utf-8"
        lasting = "public, max-age=31536000, immutable" if _HASHED.search(path.name) else "public, max-age=60"
        return path.read_bytes(), {"content-type": kind, "cache-control": lasting}

    async def _to(self, name: str, scope: Scope, path: str, receive: Receive, send: Send) -> int:
        try:
            body = await read_body(scope, receive)
        except TooLarge:
            return await reply(send, 413, b"Too large\n", b"text/plain")
        query = scope["query_string"]
        target = path.removeprefix(f"/{name}").encode("latin-1") + (b"?" + query if query else b"")
        outgoing = Outgoing(scope["method"], self._behind[name], target, passing_headers(scope["headers"]), body)
        return await self._forwarder.exchange(outgoing, receive, send, seconds=_SECONDS, error=_error)

    async def _to_storage(self, scope: Scope, storage: str, receive: Receive, send: Send) -> int:
        if scope["method"] not in ("GET", "HEAD"):
            return await reply(send, 405, b"GET or HEAD\n", b"text/plain", [(b"allow", b"GET, HEAD")])
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        # The host is signed: it stays the one that the browser asked. Only the signature opens, no token.
        host = [(name, value) for name, value in scope["headers"] if name == b"host"]
        passing = [(name, value) for name, value in passing_headers(scope["headers"]) if name != b"authorization"]
        outgoing = Outgoing(scope["method"], storage, target, [*passing, *host], b"")
        return await self._forwarder.exchange(outgoing, receive, send, seconds=_DOWNLOAD_SECONDS, error=_error)


def _error(status: int, message: str) -> tuple[bytes, bytes]:
    return f"{message}\n".encode(), b"text/plain"

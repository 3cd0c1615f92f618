"""What port 8000 serves next to the contract: the console, the CDN's files, signed addresses, identity and card service.

In the cloud these are a bucket behind a CDN and the hosts of Google and Stripe. `/v1/…` is read from the CDN bucket
first, so what the functions write there shows at once; what is not in it comes from the widget's build folder. The
console is at `/` here and under `/console/` there; it reads from `config.json` beside it where everything else is.
"""

import hashlib
import json
import mimetypes
import re
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

import httpx2

from local.forwarding import Forwarder, Headers, Outgoing, TooLarge, passing_headers, read_body, reply
from local.serving import Receive, Scope, Send

_NOT_BUILT = b"The console is not built: run `python -m infra.web`, or `nox -s serve`, which does.\n"
_SECONDS = 30.0
_DOWNLOAD_SECONDS = 3600.0
_HASHED = re.compile(r"[.-][0-9a-zA-Z_-]{8,}\.\w+$")
_CORS: Headers = [(b"access-control-allow-origin", b"*"), (b"cross-origin-resource-policy", b"cross-origin")]
_KEPT = (
    "content-type",
    "cache-control",
    "etag",
    "content-encoding",
    "last-modified",
    "content-security-policy",
)


class Site:
    """Answers GET of the console's files and `/v1/…`, everything under the names of local servers in `behind`
    (`/identity/…`), and under the name of each bucket in `downloads` what a signed address opens."""

    def __init__(
        self,
        forwarder: Forwarder,
        *,
        behind: Mapping[str, str | None],
        storage: str | None,
        bucket: str,
        downloads: tuple[str, ...] = (),
        widget: Path | None,
        console: Path | None,
        project: str,
    ) -> None:
        self._forwarder = forwarder
        self._behind = {name: address.rstrip("/") for name, address in behind.items() if address}
        self._storage = storage.rstrip("/") if storage else None
        self._bucket = bucket
        self._downloads = downloads
        self._widget = widget
        self._console = console
        self._project = project
        self._client = httpx2.AsyncClient(trust_env=False, timeout=10)

    async def answer(self, scope: Scope, path: str, receive: Receive, send: Send) -> int | None:
        """The status of what was sent, or None where this path is not ours."""
        name = path[1:].partition("/")[0]
        if name in self._behind and path.startswith(f"/{name}/"):
            return await self._to(name, scope, path, receive, send)
        if self._storage is not None and name in self._downloads:
            return await self._to_storage(scope, self._storage, receive, send)
        ours = path.startswith("/v1/")
        of_console = None if ours else self._of_console(path, scope)
        if not ours and of_console is None and path != "/":
            return None
        if scope["method"] not in ("GET", "HEAD"):
            return await reply(send, 405, b"GET or HEAD\n", b"text/plain", [(b"allow", b"GET, HEAD")])
        if of_console is not None:
            return await self._send(scope, send, *of_console)
        if not ours:
            return await reply(send, 404, _NOT_BUILT, b"text/plain")
        name = urllib.parse.unquote(path[1:])
        found = await self._from_bucket(name) or _from_build(self._widget, name)
        if found is None:
            return await reply(send, 404, b"There is no such file.\n", b"text/plain", _CORS)
        return await self._send(scope, send, *found)

    def _of_console(self, path: str, scope: Scope) -> tuple[bytes, dict[str, str]] | None:
        """A file of the console; its configuration is made for the host name by which the browser came."""
        if path == "/config.json":
            host = next((v.decode("latin-1") for n, v in scope["headers"] if n == b"host"), "localhost:8000")
            origin = f"{scope['scheme']}://{host}"
            config = {
                "api_url": origin,
                "cdn_url": origin,
                "chat_url": origin,
                "identity_key": "local",
                "identity_url": f"{origin}/identity",
                "project": self._project,
            }
            return json.dumps(config).encode(), {"content-type": "application/json"}
        found = _from_build(self._console, urllib.parse.unquote(path[1:]) or "index.html")
        if found is not None and found[1]["content-type"].startswith("text/html"):
            # Nothing in a frame can lead a person's clicks, except the console's own previews.
            found[1]["content-security-policy"] = "frame-ancestors 'self'"
        return found

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


def _from_build(folder: Path | None, name: str) -> tuple[bytes, dict[str, str]] | None:
    """A file of a build folder with its headers; files named by their hash may be kept for ever."""
    if folder is None or "\0" in name:
        return None
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        return None
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind == "application/javascript":
        kind += "; charset=utf-8"
    lasting = "public, max-age=31536000, immutable" if _HASHED.search(path.name) else "public, max-age=60"
    return path.read_bytes(), {"content-type": kind, "cache-control": lasting}

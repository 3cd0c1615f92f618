"""The gateway itself: one request from its path to its answer, in the order in which Google's gateway works.

Its own errors are `{"code", "message"}` and carry no CORS headers, as in the cloud: a function's errors pass unchanged.
"""

import json
import sys
import time
import urllib.parse

from local.forwarding import (
    Cut,
    Forwarder,
    Gone,
    Headers,
    Outgoing,
    TooLarge,
    passing_headers,
    read_body,
    reply,
)
from local.gateway.contract import Contract, Operation
from local.gateway.quota import Quota
from local.gateway.security import Guard
from local.gateway.site import Site
from local.gateway.templates import Match, Routes, normal_path
from local.id_tokens import IdTokens, NoToken
from local.serving import Receive, Scope, Send
from local.tokens import Rejected

USERINFO = b"x-apigateway-api-userinfo"
FORWARDED_AUTHORIZATION = b"x-forwarded-authorization"
_OVERRIDE = b"x-http-method-override"
_JSON = b"application/json"


class Refusal(Exception):
    """An answer of the gateway's own."""

    def __init__(self, status: int, message: str, headers: Headers | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or []


class Gateway:
    """An ASGI application over one contract; what the contract does not name goes to `site`."""

    def __init__(
        self, contract: Contract, guard: Guard, id_tokens: IdTokens | None, forwarder: Forwarder, site: Site
    ) -> None:
        self._routes: Routes[Operation] = Routes()
        for operation in contract.operations:
            wildcards = frozenset(name for template, name in contract.wildcards if template == operation.template)
            self._routes.add(operation.method, operation.template, operation, wildcards)
        self._allow_cors = contract.allow_cors
        self._quota = Quota(contract.limits)
        self._guard = guard
        self._id_tokens = id_tokens
        self._forwarder = forwarder
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; writes one line about it to standard error."""
        started = time.perf_counter()
        status = 0
        try:
            status = await self._answer(scope, receive, send)
        except Refusal as refusal:
            body, content_type = error_body(refusal.status, str(refusal))
            status = await reply(send, refusal.status, body, content_type, refusal.headers)
        except (Gone, Cut):
            # Returning without the end of an answer makes the server close the connection.
            status = 499
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            print(f"{scope['method']} {scope['path']} {status} {milliseconds:.1f} ms", file=sys.stderr)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> int:
        headers: Headers = scope["headers"]
        if odd := next((name for name, _ in headers if b"_" in name), None):
            raise Refusal(400, f"header names with underscores are not allowed: {odd.decode('latin-1')}")
        path = normal_path(scope["raw_path"].decode("latin-1"))
        method = _method(scope)
        match = self._routes.match(method, path)
        if match is None:
            status = await self._site.answer(scope, path, receive, send)
            if status is None:
                raise Refusal(404, "The current request is not defined by this API.")
            return status
        operation = match.found or self._preflight(method, match)
        if operation is None:
            raise Refusal(
                405,
                f'The current request is matched to the defined url template "{match.template}" '
                "but its http method is not allowed",
            )
        public = match.found is None
        userinfo = None if public else await self._admit(operation, scope)
        try:
            body = await read_body(scope, receive)
        except TooLarge as error:
            raise Refusal(413, "Payload Too Large") from error
        outgoing = Outgoing(
            method,
            operation.backend.address,
            _target(operation, match, path, scope["query_string"]),
            await self._headers(operation, scope, userinfo),
            body,
        )
        return await self._forwarder.exchange(
            outgoing, receive, send, seconds=operation.backend.deadline, error=error_body
        )

    def _preflight(self, method: str, match: Match[Operation]) -> Operation | None:
        """With allowCors an undeclared OPTIONS goes, unchecked, where the path's first method goes."""
        return next(iter(match.methods.values())) if method == "OPTIONS" and self._allow_cors else None

    async def _admit(self, operation: Operation, scope: Scope) -> str | None:
        headers, query = scope["headers"], scope["query_string"]
        try:
            userinfo = await self._guard.userinfo(operation, headers, query)
            self._guard.check_key(operation, headers, query)
        except Rejected as rejected:
            raise Refusal(rejected.status, str(rejected), _challenge(scope, rejected)) from rejected
        if metric := self._quota.take("", operation.costs):
            raise Refusal(429, f"RESOURCE_EXHAUSTED: Quota exceeded for quota metric '{metric}' per minute.")
        return userinfo

    async def _headers(self, operation: Operation, scope: Scope, userinfo: str | None) -> Headers:
        """The headers for the function.

        Only where a JWT was verified is a client-sent Userinfo replaced; on public operations it passes, as it does in
        the cloud. X-Forwarded-Authorization is replaced only where the client sent an Authorization.
        """
        headers = passing_headers(scope["headers"])
        if userinfo is not None:
            headers = [(n, v) for n, v in headers if n != USERINFO]
            headers.append((USERINFO, userinfo.encode()))
        audience = operation.backend.audience
        if audience is not None and self._id_tokens is not None:
            own = next((v for n, v in headers if n == b"authorization"), None)
            drop = (b"authorization",) if own is None else (b"authorization", FORWARDED_AUTHORIZATION)
            headers = [(n, v) for n, v in headers if n not in drop]
            if own is not None:
                headers.append((FORWARDED_AUTHORIZATION, own))
            try:
                token = await self._id_tokens.token(audience)
            except NoToken as error:
                raise Refusal(503, "Token is not found for the backend") from error
            headers.append((b"authorization", b"Bearer " + token.encode()))
        return _with_client(headers, scope)


def error_body(status: int, message: str) -> tuple[bytes, bytes]:
    """An error of the gateway's own, as Google's looks."""
    return json.dumps({"code": status, "message": message}).encode(), _JSON


def _method(scope: Scope) -> str:
    override = next((v for n, v in scope["headers"] if n == _OVERRIDE), None)
    return override.decode("latin-1").upper() if override else str(scope["method"])


def _target(operation: Operation, match: Match[Operation], path: str, query: bytes) -> bytes:
    base = urllib.parse.urlsplit(operation.backend.address).path
    if not operation.backend.constant:
        return (base + path).encode("latin-1") + (b"?" + query if query else b"")
    parameters = "&".join(f"{name}={value}" for name, value in match.parameters).encode("latin-1")
    together = b"&".join(part for part in (query, parameters) if part)
    return (base or "/").encode("latin-1") + (b"?" + together if together else b"")


def _with_client(headers: Headers, scope: Scope) -> Headers:
    """Adds who called, at the end of X-Forwarded-For, and by which scheme."""
    client = scope.get("client") or ("unknown", 0)
    before = [value for name, value in headers if name == b"x-forwarded-for"]
    kept = [(n, v) for n, v in headers if n not in (b"x-forwarded-for", b"x-forwarded-proto")]
    chain = b", ".join([*before, str(client[0]).encode()])
    return [*kept, (b"x-forwarded-for", chain), (b"x-forwarded-proto", str(scope["scheme"]).encode())]


def _challenge(scope: Scope, rejected: Rejected) -> Headers:
    if rejected.status != 401:
        return []
    host = next((v.decode("latin-1") for n, v in scope["headers"] if n == b"host"), "")
    realm = f'Bearer realm="{scope["scheme"]}://{host}{scope["raw_path"].decode("latin-1")}"'
    return [(b"www-authenticate", f'{realm}, error="invalid_token"'.encode("latin-1"))]

"""Cloud Run's front door on a laptop: lets callers in that IAM would let in, and nobody else.

On a laptop one process serves all deployments, each on its own port; in a cluster one stands beside each of them. It
verifies the caller's ID token (signature, issuer, audience, end), checks that the account is listed, takes the signature
away as Google does, and forwards. Answers stream through; a client that leaves closes the connection to the function.
"""

import argparse
import html
import json
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from local.process import announce, die_with_parent
from local.serving import Receive, Scope, Send, listen, port_of, serve
from local.tokens import KeySets, Rejected, Token

GOOGLE_KEYS = "https://www.googleapis.com/oauth2/v3/certs"
STRIPPED = "SIGNATURE_REMOVED_BY_GOOGLE"
_ISSUERS = ("https://accounts.google.com", "accounts.google.com")
_AUTHORIZATION = b"authorization"
_SERVERLESS = b"x-serverless-authorization"
# gunicorn closes an idle connection after 2 s.
_IDLE_SECONDS = 1.0
_START_PATIENCE = 10.0
_HTML = b"text/html; charset=UTF-8"


@dataclass(frozen=True)
class Service:
    """One deployment as the front sees it."""

    name: str
    upstream: str
    audience: str
    callers: frozenset[str]
    seconds: float


class Front:
    """An ASGI application for many ports. `jwks` is where Google's keys are published."""

    def __init__(self, services: dict[int, Service], jwks: str, keys: KeySets, forwarder: Forwarder) -> None:
        self._services = services
        self._jwks = jwks
        self._keys = keys
        self._forwarder = forwarder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of the service whose port was called."""
        service = self._services[scope["server"][1]]
        try:
            headers = await self._admitted(service, scope["headers"])
            body = await read_body(scope, receive)
            query = scope["query_string"]
            target = scope["raw_path"] + (b"?" + query if query else b"")
            outgoing = Outgoing(scope["method"], service.upstream, target, passing_headers(headers), body)
            await self._forwarder.exchange(outgoing, receive, send, seconds=service.seconds, error=_page)
        except Rejected as rejected:
            print(f"{service.name}: {rejected.status} {rejected}", file=sys.stderr)
            page, content_type = _page(rejected.status, str(rejected))
            challenge = [(b"www-authenticate", b'Bearer error="invalid_token"')] if rejected.status == 401 else []
            await reply(send, rejected.status, page, content_type, challenge)
        except TooLarge:
            await reply(send, 413, *_page(413, "The request is too large."))
        except (Gone, Cut):
            # Returning without the end of an answer makes the server close the connection.
            return

    async def _admitted(self, service: Service, headers: Headers) -> Headers:
        """The headers with the checked token's signature taken away. Raises Rejected."""
        names = {name for name, _ in headers}
        checked = _SERVERLESS if _SERVERLESS in names else _AUTHORIZATION
        value = next((v for n, v in headers if n == checked), b"").decode("latin-1")
        scheme, _, raw = value.partition(" ")
        if scheme.lower() != "bearer" or not raw:
            raise Rejected("The request was not authenticated.", 403)
        token = await self._verified(service, raw.strip())
        if token.claims.get("email") not in service.callers or token.claims.get("email_verified") is not True:
            raise Rejected("The caller may not invoke this service.", 403)
        return [(n, _strip(v) if n in (_AUTHORIZATION, _SERVERLESS) else v) for n, v in headers]

    async def _verified(self, service: Service, raw: str) -> Token:
        token = Token.parse(raw)
        if token.issuer not in _ISSUERS:
            raise Rejected("Jwt issuer is not configured")
        token.check_time(time.time())
        try:
            token.check_audience(frozenset({service.audience}))
        except Rejected as rejected:
            raise Rejected(str(rejected), 401) from rejected
        token.check_signature(await self._keys.key(self._jwks, token.header.get("kid")))
        return token


def _strip(value: bytes) -> bytes:
    """A bearer JWT without its signature; anything else as it is."""
    head, dot, _ = value.rpartition(b".")
    return head + dot + STRIPPED.encode() if value.count(b".") == 2 else value


def _page(status: int, message: str) -> tuple[bytes, bytes]:
    """An error page as Google's front end shows it: HTML, not JSON."""
    text = f"<html><head><title>{status}</title></head><body><h1>Error</h1><p>{html.escape(message)}</p></body></html>"
    return text.encode(), _HTML


def _service(entry: dict[str, Any]) -> Service:
    return Service(
        entry["name"], entry["upstream"], entry["audience"], frozenset(entry["callers"]), float(entry["seconds"])
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Cloud Run's IAM check, for all deployments or for one.")
    parser.add_argument("--config", type=Path, help="all deployments, on inherited sockets; the rest is for one")
    parser.add_argument("--name", help="the deployment")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--upstream", metavar="URL", help="where the function itself listens")
    parser.add_argument("--audience", metavar="URL", help="the deployment's address, as tokens for it name it")
    parser.add_argument("--caller", action="append", default=[], metavar="EMAIL", help="an account that may call")
    parser.add_argument("--seconds", type=float, default=60.0, help="the longest that an answer may take")
    parser.add_argument("--keys", default=GOOGLE_KEYS, metavar="URL", help="where Google's keys are published")
    options = parser.parse_args()
    if options.config is None and not (options.name and options.upstream and options.audience):
        parser.error("give --config, or --name, --upstream and --audience")
    return options


def _configuration(options: argparse.Namespace) -> dict[str, Any]:
    if options.config is not None:
        whole: dict[str, Any] = json.loads(options.config.read_text(encoding="utf-8"))
        return whole
    one = {"name": options.name, "upstream": options.upstream, "audience": options.audience}
    one |= {"callers": options.caller, "seconds": options.seconds, "fd": listen(options.host, options.port).detach()}
    return {"jwks": options.keys, "services": [one]}


def main() -> None:
    """Serve until SIGTERM."""
    options = _arguments()
    die_with_parent()
    config = _configuration(options)
    listeners = [socket.socket(fileno=entry["fd"]) for entry in config["services"]]
    services = {
        port_of(listener): _service(entry) for listener, entry in zip(listeners, config["services"], strict=True)
    }
    front = Front(services, config["jwks"], KeySets(), Forwarder(_IDLE_SECONDS, connect_patience=_START_PATIENCE))
    serve(front, listeners, ready=lambda: announce(port_of(listeners[0])))


if __name__ == "__main__":
    main()

"""One POST to an address that a customer chose, which must not lead to anything of ours (server-side request forgery).

The name is resolved once, every address that comes back is looked at, and the connection goes to that very address with
the name kept for TLS and `Host`: a name that says something else a moment later changes nothing. Redirects are answers
like any other and followed by nobody. Everything together takes SECONDS at most after the name is resolved.
"""

import http.client
import io
import ipaddress
import re
import socket
import ssl
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from functions.shared import clock

SECONDS = 15.0
LARGEST_ANSWER = 64 * 1024
_MOST_ADDRESSES = 4

_SAFE = re.compile(r"[!-~]+")
_PORTS = {"https": 443, "http": 80}

# What ipaddress (of this or another version of Python) calls global and is not: protocols and metadata, local translations.
_OURS = tuple(ipaddress.ip_network(text) for text in ("192.0.0.0/24", "168.63.129.16/32", "64:ff9b:1::/48", "::/8"))
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")

Address = tuple[Any, ...]
"""A socket address as getaddrinfo gives it: family, type, protocol, and where."""


class Unreachable(Exception):
    """No answer came; `error` is a stable class of reasons and never the other side's words."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True, slots=True)
class Answered:
    """What is kept of an answer: its status, and after how many seconds it asks us to come again."""

    status: int
    retry_after: int | None = None


def public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, whatever disguise it comes in."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None or ip in _TRANSLATED:
            return public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip.sixtofour is not None or ip.teredo is not None:
            return False  # Tunnels to an IPv4 address; nobody needs them today.
    if ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local:
        return False
    return ip.is_global and not any(ip in network for network in _OURS if network.version == ip.version)


def post(url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool = False) -> Answered:
    """Send it once and say what came back. Raises Unreachable.

    `allow_private` is for an installation on a laptop: plain http and private addresses are reached then.
    """
    target, host, port = _parts(url, allow_private)
    addresses = _addresses(host, port, allow_private)
    deadline = clock.monotonic() + SECONDS
    try:
        with ExitStack() as open_:
            stream = open_.enter_context(_connected(addresses, deadline))
            if target.scheme == "https":
                stream.settimeout(_left(deadline))
                stream = open_.enter_context(_tls().wrap_socket(stream, server_hostname=host))
            stream.settimeout(_left(deadline))
            stream.sendall(_request(target, body, headers))
            return _answer(stream, deadline)
    except TimeoutError as error:
        raise Unreachable("timeout") from error
    except ssl.SSLError as error:
        raise Unreachable("tls_failed") from error
    except http.client.HTTPException as error:
        raise Unreachable("bad_answer") from error
    except OSError as error:
        raise Unreachable("connection_failed") from error


def _parts(url: str, allow_private: bool) -> tuple[SplitResult, str, int]:
    """The URL in parts, its host and its port. Raises Unreachable for one that is not ours to call."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise Unreachable("url_not_allowed") from error
    # A line feed in here would let the customer write the rest of our request.
    plain = _SAFE.fullmatch(url) is not None and parts.hostname and "@" not in parts.netloc
    if not plain or not port or (parts.scheme != "https" and not allow_private):
        raise Unreachable("url_not_allowed")
    return parts, str(parts.hostname), port


def _addresses(host: str, port: int, allow_private: bool) -> list[Address]:
    """Where the name leads, asked once. Raises Unreachable when any of it is not public: a mixture is no accident."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise Unreachable("name_not_found") from error
    if not allow_private and not all(public(str(where[0])) for *_, where in found):
        raise Unreachable("address_not_allowed")
    return [(family, kind, protocol, where) for family, kind, protocol, _, where in found[:_MOST_ADDRESSES]]


def _connected(addresses: list[Address], deadline: float) -> socket.socket:
    """A connection to the first address that takes one; the last one's error when none does."""
    failed: OSError = OSError("no address")
    for number, (family, kind, protocol, where) in enumerate(addresses):
        stream = socket.socket(family, kind, protocol)
        try:
            # What is left is shared out, so that an address that swallows everything leaves time for the next.
            stream.settimeout(_left(deadline) / (len(addresses) - number))
            stream.connect(where)
        except OSError as error:
            stream.close()
            failed = error
        else:
            return stream
    raise failed


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _left(deadline: float) -> float:
    left = deadline - clock.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _request(target: SplitResult, body: bytes, headers: Mapping[str, str]) -> bytes:
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    lines = {"Host": target.netloc, "Content-Length": str(len(body)), "Connection": "close", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def _answer(stream: socket.socket, deadline: float) -> Answered:
    response = http.client.HTTPResponse(_Within(stream, deadline), method="POST")  # type: ignore[arg-type]
    with response:
        response.begin()
        wait = response.headers.get("Retry-After", "")
        # Read so that the other side sees its answer taken; the status counts, however the rest ends.
        with suppress(OSError, http.client.HTTPException):
            response.read(LARGEST_ANSWER)
    return Answered(response.status, int(wait) if re.fullmatch(r"[0-9]{1,6}", wait) else None)


class _Within(io.RawIOBase):
    """What a connection brings before a deadline, up to LARGEST_ANSWER bytes: a slow drip does not go on for ever."""

    def __init__(self, stream: socket.socket, deadline: float) -> None:
        self._stream, self._deadline, self._room = stream, deadline, LARGEST_ANSWER

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What http.client reads from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Some bytes; 0 at the end. Raises TimeoutError."""
        room = memoryview(buffer)[: self._room]
        if not room:
            return 0
        self._stream.settimeout(_left(self._deadline))
        number = self._stream.recv_into(room)
        self._room -= number
        return number

"""A person at the API: signs up and in, holds a token, and speaks HTTP through the gateway."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

LOCAL = ("localhost", "127.0.0.1", "::1")
SECONDS = 120
"""How long one request may take: as long as the slowest route."""


class Unexpected(AssertionError):
    """An answer was not the one that the story needs; the text has the whole exchange."""


@dataclass(frozen=True)
class Identity:
    """Where people sign in. Google takes the API key `key` from pages of the console only, which `referer` names."""

    toolkit: str
    securetoken: str
    key: str = ""
    referer: str = ""

    @classmethod
    def of_stack(cls, gateway: str) -> "Identity":
        """The one that a local stack has behind its gateway."""
        there = f"{gateway}/identity"
        return cls(f"{there}/identitytoolkit.googleapis.com", f"{there}/securetoken.googleapis.com")


class Client:
    """One person with one token; without `identity` of a local stack."""

    def __init__(self, gateway: str, identity: Identity | None = None) -> None:
        self.gateway = gateway
        self.token = ""
        self._latest: tuple[str, requests.Response] | None = None
        self.http = requests.Session()
        # What is on this machine is never behind a proxy.
        self.http.trust_env = urlsplit(gateway).hostname not in LOCAL
        # Without this a .netrc that knows the host would replace our Authorization header.
        self.http.auth = lambda request: request
        self._identity = identity
        self.refresh_token = ""

    def sign_up(self, email: str, password: str) -> None:
        """Make the person at the identity service, or sign in when they exist."""
        answer = self._account("signUp", email, password, (200, 400))
        if answer.status_code == 400:
            answer = self._account("signInWithPassword", email, password)
        self._keep(answer)

    def sign_in(self, email: str, password: str) -> None:
        """Take tokens for a person who exists. Raises Unexpected with what the identity service says."""
        self._keep(self._account("signInWithPassword", email, password))

    def refresh(self) -> None:
        """A new token, with the claims of now."""
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh_token}
        self.token = self._identify(f"{self._where.securetoken}/v1/token", (200,), data=form).json()["id_token"]

    def _keep(self, answer: requests.Response) -> None:
        self.token, self.refresh_token = answer.json()["idToken"], answer.json()["refreshToken"]

    def _account(self, call: str, email: str, password: str, status: tuple[int, ...] = (200,)) -> requests.Response:
        body = {"email": email, "password": password, "returnSecureToken": True}
        return self._identify(f"{self._where.toolkit}/v1/accounts:{call}", status, json=body)

    @property
    def _where(self) -> Identity:
        return self._identity or Identity.of_stack(self.gateway)

    def _identify(self, url: str, status: tuple[int, ...], **body: Any) -> requests.Response:
        where = self._where
        params = {"key": where.key} if where.key else None
        headers = {"Referer": where.referer} if where.referer else None
        answer = self._send("POST", url, params=params, headers=headers, **body)
        # The request has a password or a token in it, so it is not told.
        return _wanted(answer, status, f"POST {url}")

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int | tuple[int, ...] = (200, 201, 204),
        key: bool | str = True,
        stream: bool = False,
        **headers: str,
    ) -> requests.Response:
        """One request; POSTs carry a fresh Idempotency-Key. With `stream` the answer is read by the caller.

        Raises Unexpected for another status than wanted, and when there is no answer.
        """
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if method == "POST" and key:
            sent["Idempotency-Key"] = key if isinstance(key, str) else uuid.uuid4().hex
        content = {"data": body.encode()} if isinstance(body, str) else {"json": body}
        told = "" if body is None else " " + (body if isinstance(body, str) else json.dumps(body))[:1000]
        answer = self._send(method, self.gateway + path, headers=sent, stream=stream, **content)
        self._latest = None if stream else (f"{method} {path}{told}", answer)
        return _wanted(answer, status if isinstance(status, tuple) else (status,), f"{method} {path}{told}")

    def _send(self, method: str, url: str, **request: Any) -> requests.Response:
        try:
            return self.http.request(method, url, timeout=SECONDS, **request)
        except requests.RequestException as error:
            raise Unexpected(f"{method} {url} was not answered: {type(error).__name__}: {error}") from error

    @property
    def latest(self) -> str:
        """The latest exchange in words, for who meets an answer that is not as it should be."""
        if self._latest is None:
            return "a stream or nothing"
        what, answer = self._latest
        return f"{what} answered {answer.status_code}: {answer.text[:1000]}"

    def get(self, path: str) -> Any:
        """The JSON of a GET."""
        return self.ask("GET", path).json()

    def etag(self, path: str) -> str:
        """The ETag of a resource, as it is sent back in If-Match."""
        return self.ask("GET", path).headers["ETag"]


def _wanted(answer: requests.Response, status: tuple[int, ...], what: str) -> requests.Response:
    if answer.status_code not in status:
        raise Unexpected(f"{what} answered {answer.status_code}, not {status}: {answer.text[:1000]}")
    return answer


def events_of(answer: requests.Response) -> Iterator[tuple[str, Any]]:
    """The events of a stream as they come."""
    name = b""
    # Bytes: cut as text, a line would end at characters that are no line's end in a stream of events.
    for line in answer.iter_lines():
        if line.startswith(b"event: "):
            name = line.removeprefix(b"event: ")
        elif line.startswith(b"data: "):
            yield name.decode(), json.loads(line.removeprefix(b"data: "))


def check(true: bool, what: str) -> None:
    """Raises Unexpected unless it is so."""
    if not true:
        raise Unexpected(what)


def until(seconds: float, look: Callable[[], Any], pause: float = 0.05) -> tuple[Any, float]:
    """Ask again until the answer is true; returns it and the seconds it took. Raises Unexpected when it stays false."""
    began = time.monotonic()
    while True:
        found = look()
        if found:
            return found, time.monotonic() - began
        if time.monotonic() - began > seconds:
            raise Unexpected(f"still not so after {seconds} s: {found!r}")
        time.sleep(pause)

"""A person at the API: signs up and in, holds a token, and speaks HTTP through the gateway."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import requests

TOOLKIT = "/identity/identitytoolkit.googleapis.com/v1/accounts:"
SECURETOKEN = "/identity/securetoken.googleapis.com/v1/token"


class Unexpected(AssertionError):
    """An answer was not the one that the story needs; the text has the whole exchange."""


class Client:
    """One person with one token."""

    def __init__(self, gateway: str) -> None:
        self.gateway = gateway
        self.http = requests.Session()
        self.http.trust_env = False
        self.token = ""
        self._refresh = ""

    def sign_up(self, email: str, password: str) -> None:
        """Make the person at the local identity service, or sign in when they exist."""
        body = {"email": email, "password": password, "returnSecureToken": True}
        answer = self.http.post(f"{self.gateway}{TOOLKIT}signUp", json=body)
        if answer.status_code == 400:
            answer = self.http.post(f"{self.gateway}{TOOLKIT}signInWithPassword", json=body)
        answer.raise_for_status()
        self.token, self._refresh = answer.json()["idToken"], answer.json()["refreshToken"]

    def refresh(self) -> None:
        """A new token, with the claims of now."""
        form = {"grant_type": "refresh_token", "refresh_token": self._refresh}
        answer = self.http.post(f"{self.gateway}{SECURETOKEN}", data=form)
        answer.raise_for_status()
        self.token = answer.json()["id_token"]

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int | tuple[int, ...] = (200, 201, 204),
        key: bool | str = True,
        **headers: str,
    ) -> requests.Response:
        """One request; POSTs carry a fresh Idempotency-Key. Raises Unexpected for another status than wanted."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if method == "POST" and key:
            sent["Idempotency-Key"] = key if isinstance(key, str) else uuid.uuid4().hex
        if isinstance(body, str):
            answer = self.http.request(method, self.gateway + path, data=body.encode(), headers=sent, timeout=120)
        else:
            answer = self.http.request(method, self.gateway + path, json=body, headers=sent, timeout=120)
        wanted = status if isinstance(status, tuple) else (status,)
        if answer.status_code not in wanted:
            raise Unexpected(f"{method} {path} answered {answer.status_code}, not {wanted}: {answer.text[:1000]}")
        return answer

    def get(self, path: str) -> Any:
        """The JSON of a GET."""
        return self.ask("GET", path).json()

    def etag(self, path: str) -> str:
        """The ETag of a resource, as it is sent back in If-Match."""
        return self.ask("GET", path).headers["ETag"]


def until(seconds: float, look: Callable[[], Any]) -> tuple[Any, float]:
    """Ask again until the answer is true; returns it and the seconds it took. Raises Unexpected when it stays false."""
    began = time.monotonic()
    while True:
        found = look()
        if found:
            return found, time.monotonic() - began
        if time.monotonic() - began > seconds:
            raise Unexpected(f"still not so after {seconds} s: {found!r}")
        time.sleep(0.05)

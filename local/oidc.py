"""ID tokens of a service account, from the local identity server, in Google's own way.

A service account signs an assertion with its key and exchanges it for an ID token with the wanted audience
(grant type jwt-bearer). A token is kept until five minutes before it ends.
"""

import functools
import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

import google.auth.crypt
import google.auth.exceptions
import requests
from google.auth.transport.requests import Request
from google.oauth2 import service_account

_EARLY = 300.0
_TIMEOUT = 10.0


class NoToken(Exception):
    """The identity server gave no token; the text says why."""


@dataclass
class _Held:
    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str = ""
    until: float = 0.0


class Tokens:
    """ID tokens for any service account that the key may sign for, cached by account and audience."""

    def __init__(self, identity: str, credentials: Path) -> None:
        """`identity` is the server's address; `credentials` a service-account key file, read when first needed."""
        self._token_uri = f"{identity.rstrip('/')}/token"
        self._credentials = credentials
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str], _Held] = {}

    def get(self, email: str, audience: str) -> str:
        """A token of `email` for `audience`. Raises NoToken when none can be had."""
        with self._lock:
            held = self._held.setdefault((email, audience), _Held())
        # One caller fetches, the others of the same audience wait for it.
        with held.lock:
            if time.time() >= held.until:
                held.token, expiry = self._fetch(email, audience)
                held.until = expiry - _EARLY
            return held.token

    def forget(self, email: str, audience: str) -> None:
        """Fetch anew next time: a deployment has refused the token."""
        with self._lock:
            self._held.pop((email, audience), None)

    def _fetch(self, email: str, audience: str) -> tuple[str, float]:
        try:
            key = json.loads(self._credentials.read_text(encoding="utf-8"))
            credentials = service_account.IDTokenCredentials(
                google.auth.crypt.RSASigner.from_service_account_info(key),
                service_account_email=email,
                token_uri=self._token_uri,
                target_audience=audience,
            )
            with requests.Session() as session:
                session.trust_env = False  # a proxy of the machine has no way to the local server
                # The limit: a hanging identity server must not hold every delivery.
                credentials.refresh(functools.partial(Request(session), timeout=_TIMEOUT))
        except (OSError, ValueError, google.auth.exceptions.GoogleAuthError) as error:
            raise NoToken(f"no ID token of {email} for {audience}: {error}") from error
        return str(credentials.token), _timestamp(credentials)


def _timestamp(credentials: service_account.IDTokenCredentials) -> float:
    """When the token ends, in seconds since 1970; google.auth keeps it as UTC without a zone."""
    return float(credentials.expiry.replace(tzinfo=UTC).timestamp())

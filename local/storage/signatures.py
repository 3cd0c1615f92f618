"""Checks V4 signed URLs as Cloud Storage does, with the public keys of the service account that they name."""

import datetime
import hashlib
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from local.storage.errors import Refusal

_ALGORITHM = "GOOG4-RSA-SHA256"
_LONGEST = 7 * 24 * 3600
_KEPT_SECONDS = 300


class Signatures:
    """Keys come from the local identity service at `identity`; they are kept for five minutes."""

    def __init__(self, identity: str) -> None:
        self._identity = identity.rstrip("/")
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[float, list[RSAPublicKey]]] = {}

    def check(self, method: str, raw_path: str, query: list[tuple[str, str]], headers: Mapping[str, str]) -> None:
        """Raise 403 or 400 unless the URL is signed for this very request and not yet over."""
        given = dict(query)
        if given.get("X-Goog-Algorithm") != _ALGORITHM:
            raise Refusal(400, f"Invalid signing algorithm; {_ALGORITHM} is supported", "invalid")
        email, _, scope = given.get("X-Goog-Credential", "").partition("/")
        stamp, signed = given.get("X-Goog-Date", ""), given.get("X-Goog-SignedHeaders", "")
        self._check_time(stamp, given.get("X-Goog-Expires", ""))
        if scope.split("/")[0] != stamp[:8] or not scope.endswith("/storage/goog4_request"):
            raise Refusal(400, "Invalid credential scope", "invalid")
        names = signed.split(";")
        if "host" not in names:
            raise Refusal(400, "The header host must be signed", "invalid")
        pairs = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in query if k != "X-Goog-Signature")
        request = "\n".join(
            [
                method,
                raw_path,
                "&".join(f"{name}={value}" for name, value in pairs),
                "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names),
                signed,
                headers.get("x-goog-content-sha256", "UNSIGNED-PAYLOAD"),
            ]
        )
        text = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
        if not self._verifies(email, given.get("X-Goog-Signature", ""), text.encode()):
            message = "The request signature we calculated does not match the signature you provided."
            raise Refusal(403, message, "SignatureDoesNotMatch")

    def _check_time(self, stamp: str, seconds: str) -> None:
        try:
            start = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
            life = int(seconds)
        except ValueError:
            raise Refusal(400, "Invalid X-Goog-Date or X-Goog-Expires", "invalid") from None
        now = datetime.datetime.now(datetime.UTC)
        if not 0 < life <= _LONGEST:
            raise Refusal(400, "X-Goog-Expires must be between 1 and 604800", "invalid")
        if not start - datetime.timedelta(minutes=15) <= now < start + datetime.timedelta(seconds=life):
            raise Refusal(400, "The provided token has expired.", "ExpiredToken")

    def _verifies(self, email: str, signature: str, text: bytes) -> bool:
        try:
            raw = bytes.fromhex(signature)
        except ValueError:
            return False
        for key in self._public_keys(email):
            try:
                key.verify(raw, text, padding.PKCS1v15(), hashes.SHA256())
            except InvalidSignature:
                continue
            return True
        return False

    def _public_keys(self, email: str) -> list[RSAPublicKey]:
        with self._lock:
            at, keys = self._keys.get(email, (0.0, []))
            if time.monotonic() - at < _KEPT_SECONDS and keys:
                return keys
        keys = self._fetch(email)
        with self._lock:
            self._keys[email] = (time.monotonic(), keys)
        return keys

    def _fetch(self, email: str) -> list[RSAPublicKey]:
        url = f"{self._identity}/www.googleapis.com/service_accounts/v1/jwk/{quote(email, safe='@')}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                entries: list[dict[str, Any]] = json.load(answer)["keys"]
        except urllib.error.HTTPError:
            return []
        except (OSError, ValueError, KeyError) as error:
            raise Refusal(503, f"The keys of {email} cannot be read: {error}", "backendError") from None
        keys = [jwt.PyJWK(entry).key for entry in entries]
        return [key for key in keys if isinstance(key, RSAPublicKey)]

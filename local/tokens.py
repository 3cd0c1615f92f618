"""Checks JWTs against published keys the way Google's proxies do, with their messages.

Gateway and IAM front share this. Only RS256 is accepted; the order of the checks and the texts are Envoy's.
"""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

CACHE_SECONDS = 300
LEEWAY_SECONDS = 60
_REFETCH_SECONDS = 5
_MALFORMED = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"


class Rejected(Exception):
    """Why a token is refused; 401, but 403 for a wrong audience."""

    def __init__(self, message: str, status: int = 401) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Token:
    """A token taken apart, nothing about it verified yet."""

    header: dict[str, Any]
    claims: dict[str, Any]
    payload: str
    raw: str

    @staticmethod
    def parse(raw: str) -> "Token":
        """Raises Rejected where this is no JWT."""
        parts = raw.split(".")
        if len(parts) != 3:
            raise Rejected(_MALFORMED)
        header = _object(parts[0], "Jwt header is an invalid JSON")
        claims = _object(parts[1], "Jwt payload is an invalid JSON")
        if header.get("alg") != "RS256":
            raise Rejected("Jwt header [alg] is not supported")
        return Token(header, claims, parts[1], raw)

    @property
    def issuer(self) -> str:
        """Who claims to have issued it."""
        issuer = self.claims.get("iss")
        return issuer if isinstance(issuer, str) else ""

    def check_time(self, now: float) -> None:
        """Raises Rejected where the token has ended or not yet begun; one minute of grace either way."""
        expires, begins = self.claims.get("exp"), self.claims.get("nbf", 0)
        if not isinstance(expires, int | float) or expires + LEEWAY_SECONDS < now:
            raise Rejected("Jwt is expired")
        if not isinstance(begins, int | float) or begins - LEEWAY_SECONDS > now:
            raise Rejected("Jwt not yet valid")

    def check_audience(self, allowed: frozenset[str]) -> None:
        """Raises Rejected where the token is for somebody else."""
        audience = self.claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if not any(isinstance(a, str) and a in allowed for a in audiences):
            raise Rejected("Audiences in Jwt are not allowed", 403)

    def check_signature(self, key: rsa.RSAPublicKey | None) -> None:
        """Raises Rejected where `key` did not sign it."""
        if key is None:
            raise Rejected("Jwt verification fails")
        try:
            jwt.PyJWS(algorithms=["RS256"]).decode(self.raw, key, algorithms=["RS256"])
        except jwt.InvalidTokenError as error:
            raise Rejected("Jwt verification fails") from error


class KeySets:
    """Published keys by address: JWKS or Google's certificates by key id, cached for five minutes."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._client = httpx2.AsyncClient(trust_env=False, timeout=5)
        self._cached: dict[str, tuple[float, dict[str, rsa.RSAPublicKey]]] = {}
        self._lock = asyncio.Lock()
        self._clock = clock

    async def key(self, url: str, kid: object) -> rsa.RSAPublicKey | None:
        """The key with this id; asks again (seldom) when it is unknown. Raises Rejected if the keys cannot be read."""
        if not isinstance(kid, str):
            return None
        fetched, keys = self._cached.get(url, (0.0, {}))
        age = self._clock() - fetched
        if age > CACHE_SECONDS or (kid not in keys and age > _REFETCH_SECONDS):
            async with self._lock:
                if self._cached.get(url, (0.0, {}))[0] == fetched:
                    self._cached[url] = (self._clock(), await self._fetch(url))
            keys = self._cached[url][1]
        return keys.get(kid)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _fetch(self, url: str) -> dict[str, rsa.RSAPublicKey]:
        try:
            response = await self._client.get(url)
            response.raise_for_status()
            return public_keys(response.json())
        except (httpx2.HTTPError, ValueError) as error:
            raise Rejected("Jwks remote fetch is failed") from error


def public_keys(document: dict[str, Any]) -> dict[str, rsa.RSAPublicKey]:
    """RSA keys by id from a JWKS or from certificates by id. Raises ValueError."""
    if isinstance(listed := document.get("keys"), list):
        found = {str(k.get("kid")): jwt.PyJWK(k, "RS256").key for k in listed if k.get("kty") == "RSA"}
    else:
        found = {kid: x509.load_pem_x509_certificate(pem.encode()).public_key() for kid, pem in document.items()}
    return {kid: key for kid, key in found.items() if isinstance(key, rsa.RSAPublicKey)}


def _object(part: str, message: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except ValueError as error:
        raise Rejected(message) from error
    if not isinstance(value, dict):
        raise Rejected(message)
    return value

"""Google ID tokens for a service account, from its key file, as Google's own proxies get them for their calls.

Tokens are kept for each audience until shortly before they end.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_TOKEN_ENDPOINT = "https://oauth2.googleapis.com/token"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_RENEW_BEFORE = 300


class NoToken(Exception):
    """The token endpoint could not be reached or refused."""


@dataclass(frozen=True)
class Credentials:
    """What of a key file is needed to sign an assertion."""

    email: str
    key_id: str
    private_key: str
    token_uri: str

    @staticmethod
    def read(path: Path) -> "Credentials":
        """From a service-account key file. Raises KeyError, ValueError or OSError where it is none."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return Credentials(
            content["client_email"], content["private_key_id"], content["private_key"], content["token_uri"]
        )

    def assertion(self, audience: str) -> str:
        """A signed request for an ID token for `audience`."""
        now = int(time.time())
        claims = {
            "iss": self.email,
            "sub": self.email,
            "aud": _TOKEN_ENDPOINT,
            "iat": now,
            "exp": now + 3600,
            "target_audience": audience,
        }
        # The account's own key, out of a file that is trusted with the account; to try its primes costs a hundred signatures.
        key = load_pem_private_key(self.private_key.encode(), password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, RSAPrivateKey):
            raise ValueError(f"the key of {self.email} is no RSA key")
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": self.key_id})


class IdTokens:
    """Fetches and keeps the tokens of one account."""

    def __init__(self, credentials: Credentials, client: httpx2.AsyncClient | None = None) -> None:
        self._credentials = credentials
        self._client = client or httpx2.AsyncClient(trust_env=False, timeout=5)
        self._kept: dict[str, tuple[float, str]] = {}
        self._lock = asyncio.Lock()

    async def token(self, audience: str) -> str:
        """An ID token for `audience` that is good for at least five minutes. Raises NoToken."""
        kept = self._kept.get(audience)
        if kept and kept[0] > time.time() + _RENEW_BEFORE:
            return kept[1]
        async with self._lock:
            kept = self._kept.get(audience)
            if not kept or kept[0] <= time.time() + _RENEW_BEFORE:
                kept = self._kept[audience] = await self._fetch(audience)
        return kept[1]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _fetch(self, audience: str) -> tuple[float, str]:
        assertion = self._credentials.assertion(audience)
        try:
            response = await self._client.post(
                self._credentials.token_uri, data={"grant_type": _GRANT, "assertion": assertion}
            )
            response.raise_for_status()
            token: str = response.json()["id_token"]
            expires: float = jwt.decode(token, options={"verify_signature": False})["exp"]
        except (httpx2.HTTPError, KeyError, ValueError, jwt.InvalidTokenError) as error:
            raise NoToken(f"no ID token for {audience}: {error}") from error
        return expires, token

"""Decides whether a request may pass: the API key, and the JWT of one of the issuers that the operation allows."""

import time
import urllib.parse
from collections.abc import Callable

from local.forwarding import Headers
from local.gateway.contract import Location, Operation, Provider
from local.tokens import KeySets, Rejected, Token

_NO_KEY = (
    "Method doesn't allow unregistered callers (callers without established identity). "
    "Please use API Key or other form of API consumer identity to call this API."
)


class Guard:
    """Checks tokens against the issuers' published keys, and API keys against those that were given."""

    def __init__(self, keys: KeySets, address_of: Callable[[str], str], api_keys: frozenset[str] = frozenset()) -> None:
        self._keys = keys
        self._address_of = address_of
        self._api_keys = api_keys

    def check_key(self, operation: Operation, headers: Headers, query: bytes) -> None:
        """Raises Rejected where the operation needs an API key and the request has none that is known."""
        if operation.key_locations is None:
            return
        key = next((k for place in operation.key_locations if (k := _at(place, headers, query))), None)
        if key is None:
            raise Rejected(_NO_KEY)
        if key not in self._api_keys:
            raise Rejected("API key not valid. Please pass a valid API key.", 400)

    async def userinfo(self, operation: Operation, headers: Headers, query: bytes) -> str | None:
        """The verified claims for `X-Apigateway-Api-Userinfo`, or None where the operation is public.

        Raises Rejected.
        """
        if not operation.providers:
            return None
        failure = Rejected("Jwt is missing")
        for provider in operation.providers:
            for location in provider.locations:
                raw = _at(location, headers, query)
                if raw is None:
                    continue
                try:
                    return await self._verified(raw, provider)
                except Rejected as rejected:
                    failure = _more_telling(failure, rejected)
        raise failure

    async def _verified(self, raw: str, provider: Provider) -> str:
        token = Token.parse(raw)
        if token.issuer != provider.issuer:
            raise Rejected("Jwt issuer is not configured")
        token.check_time(time.time())
        token.check_audience(provider.audiences)
        token.check_signature(await self._keys.key(self._address_of(provider.jwks_uri), token.header.get("kid")))
        return token.payload


def published_at(identity: str | None) -> Callable[[str], str]:
    """Where the keys of an issuer are read: those that Google publishes are published by `identity` where there is one."""

    def address_of(jwks_uri: str) -> str:
        parts = urllib.parse.urlsplit(jwks_uri)
        if identity and parts.scheme == "https" and (parts.hostname or "").endswith("googleapis.com"):
            return f"{identity.rstrip('/')}/{parts.hostname}{parts.path}"
        return jwks_uri

    return address_of


def _at(location: Location, headers: Headers, query: bytes) -> str | None:
    if location.query is not None:
        values = urllib.parse.parse_qs(query.decode("latin-1")).get(location.query)
        return values[0] if values else None
    wanted = (location.header or "").encode()
    for name, value in headers:
        if name == wanted:
            text = value.decode("latin-1")
            return text[len(location.prefix) :].strip() if text.startswith(location.prefix) else None
    return None


def _more_telling(one: Rejected, other: Rejected) -> Rejected:
    """What to tell when several issuers refuse: the one that knew the token, not the ones it was not for."""
    vague = ("Jwt is missing", "Jwt issuer is not configured")
    if str(one) == "Jwt is missing":
        return other
    return one if str(other) in vague else other

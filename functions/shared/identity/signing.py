"""Has IAM Credentials sign for one of our service accounts: no key of ours exists anywhere, and nothing is cached."""

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from functions.shared import clock, logs
from functions.shared.config import settings
from functions.shared.errors import Unavailable

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_SECONDS = 10


def jwt_of(account: str, claims: Mapping[str, Any]) -> str:
    """A JWT with these claims, signed as the account of this name. Raises Unavailable."""
    signed: str = _asked(account, "signJwt", {"payload": json.dumps(claims)}, "signedJwt")
    return signed


def signature_of(account: str, content: bytes) -> bytes:
    """The account's RSA-SHA256 signature of some bytes. Raises Unavailable."""
    payload = base64.b64encode(content).decode()
    return base64.b64decode(_asked(account, "signBlob", {"payload": payload}, "signedBlob"))


def _asked(account: str, verb: str, body: Mapping[str, str], answer: str) -> str:
    email = settings().service_account(account)
    address = f"{settings().iam_credentials_url}/v1/projects/-/serviceAccounts/{email}:{verb}"
    started = clock.monotonic()
    try:
        found = session().post(address, json=body, timeout=_SECONDS)
        found.raise_for_status()
        signed: str = found.json()[answer]
    except Exception as error:  # google.auth, requests and JSON raise unrelated types; all mean: no signature now.
        logs.error("A token could not be signed", error, account=email)
        raise Unavailable("Nothing can be signed at this moment.") from error
    logs.count("signatures")
    logs.count("signature_ms", round((clock.monotonic() - started) * 1000))
    return signed


@cache
def session() -> Any:
    """The process's session with IAM, as its own account; made on the first call."""
    from google.auth.transport.requests import AuthorizedSession

    return AuthorizedSession(credentials())


@cache
def credentials() -> Any:
    """This process's own Google credentials; imported and found on the first call."""
    key = settings().service_account_key
    if key:
        from google.oauth2 import service_account

        return service_account.Credentials.from_service_account_info(key, scopes=[_SCOPE])
    import google.auth

    found, _ = google.auth.default(scopes=[_SCOPE])
    return found

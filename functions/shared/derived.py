"""Secrets that are derived and not stored: each from the installation's one key, by a purpose and what it belongs to.

HKDF (RFC 5869) with SHA-256 keeps purposes apart: who knows one derived secret knows no other and not the key. A secret
that must be readable to check a signature so lies in no database; what is stored beside it is its public salt.
"""

import base64

from functions.shared.config import MissingSetting, settings
from functions.shared.errors import Unavailable
from functions.shared.hkdf import hkdf

_SALT = b"agenthub"


def key(purpose: str, *parts: str) -> bytes:
    """32 bytes for this purpose and these parts, always the same. Raises Unavailable (`no_installation_key`)."""
    try:
        installation = settings().installation_key
    except MissingSetting as error:
        raise Unavailable(
            "This installation has no INSTALLATION_KEY yet; who runs it can set one.", code="no_installation_key"
        ) from error
    # Lengths keep the parts apart, so that ("a", "bc") and ("ab", "c") are two.
    info = "\x1f".join(f"{len(part)}:{part}" for part in (purpose, *parts)).encode()
    return hkdf(installation, _SALT, info, 32)


def secret(purpose: str, *parts: str) -> str:
    """`key` as URL-safe text of 43 characters."""
    return base64.urlsafe_b64encode(key(purpose, *parts)).decode().rstrip("=")


def name(purpose: str, *parts: str) -> str:
    """`key` as the part of an id after its kind: 52 characters in lower case."""
    return base64.b32encode(key(purpose, *parts)).decode().rstrip("=").lower()

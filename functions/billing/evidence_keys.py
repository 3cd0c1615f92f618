"""The Ed25519 keys of evidence: the one that signs now, and every public one that ever did.

A setting writes a key as base64 of its 32 bytes, with the day from which on it signs: `BASE64@2026-11-25`. A key's id is
the SHA-256 of its public half, so nobody can pass another key off under an id that is known.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from functions.shared.config import MissingSetting, settings
from functions.shared.digests import canonical_json
from functions.shared.errors import Unavailable

ALGORITHM = "Ed25519"
_RAW = 32


@dataclass(frozen=True)
class EvidenceKey:
    """A public key that signs or has signed; `since` is the day it was first used, where somebody has said so."""

    public: bytes
    since: str | None
    current: bool = False

    @property
    def id(self) -> str:
        """SHA-256 of the public key's 32 bytes, in hexadecimal digits."""
        return hashlib.sha256(self.public).hexdigest()


def _dated(setting: str, text: str) -> tuple[bytes, str | None]:
    """The bytes and the day of a key as settings write it. Raises MissingSetting."""
    encoded, _, since = text.strip().partition("@")
    try:
        raw = base64.b64decode(encoded, validate=True)
        if len(raw) != _RAW or (since and date.fromisoformat(since).isoformat() != since):
            raise ValueError(setting)
    except ValueError as error:
        raise MissingSetting(
            f"{setting} is base64 of 32 bytes, with @ and a day behind it: BASE64@2026-11-25."
        ) from error
    return raw, since or None


def _signing() -> tuple[Ed25519PrivateKey, EvidenceKey]:
    raw, since = _dated("EVIDENCE_SIGNING_KEY", settings().evidence_signing_key)
    private = Ed25519PrivateKey.from_private_bytes(raw)
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return private, EvidenceKey(public, since, current=True)


def current() -> EvidenceKey | None:
    """The key that signs now; None when there is none or its setting cannot be read."""
    try:
        return _signing()[1]
    except MissingSetting:
        return None


def every_key() -> list[EvidenceKey]:
    """All keys that ever signed: the one that signs now, then those of EVIDENCE_PUBLIC_KEYS. Raises MissingSetting."""
    now = current()
    former = [part for part in settings().evidence_public_keys.split(",") if part.strip()]
    known = [EvidenceKey(*_dated("EVIDENCE_PUBLIC_KEYS", part)) for part in former]
    return [*([now] if now else []), *(key for key in known if now is None or key.id != now.id)]


def signed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with `key_id` and `signature`: Ed25519 over its canonical JSON with the key id, in base64.

    Raises Unavailable (`no_evidence_key`) when this installation has no key that signs.
    """
    try:
        private, key = _signing()
    except MissingSetting as error:
        raise Unavailable(
            "This installation has no EVIDENCE_SIGNING_KEY yet; who runs it can set one, and then the evidence is signed.",
            retry_after=3600,
            code="no_evidence_key",
        ) from error
    stated = {**manifest, "key_id": key.id}
    return {**stated, "signature": base64.b64encode(private.sign(canonical_json(stated))).decode()}


def is_signed(manifest: Mapping[str, Any]) -> bool:
    """Whether one of our keys signed exactly this manifest."""
    stated = {name: value for name, value in manifest.items() if name != "signature"}
    key = next((key for key in every_key() if key.id == manifest.get("key_id")), None)
    if key is None:
        return False
    try:
        signature = base64.b64decode(str(manifest.get("signature")), validate=True)
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, canonical_json(stated))
    except (InvalidSignature, ValueError):
        return False
    return True

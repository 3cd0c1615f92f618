"""How secrets that we gave out are kept: as hashes, compared without telling by the time how near a guess was."""

import hashlib
import hmac
from collections.abc import Iterable


def hash_of(secret: str) -> str:
    """SHA-256 of a secret of ours: it has 256 random bits, so nothing slower is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_among(secret: str, hashes: Iterable[str]) -> bool:
    """Whether the secret is one of those that were hashed."""
    given = hash_of(secret)
    return any(hmac.compare_digest(stored, given) for stored in hashes)

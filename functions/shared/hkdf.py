"""Derives keys from one key: HKDF with SHA-256 (RFC 5869)."""

import hashlib
import hmac


def hkdf(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """`length` bytes, always the same; another salt or `info` gives others that say nothing about these."""
    pseudorandom = hmac.digest(salt, key, hashlib.sha256)
    block, out = b"", b""
    for number in range(1, -(-length // hashlib.sha256().digest_size) + 1):
        block = hmac.digest(pseudorandom, block + info + bytes([number]), hashlib.sha256)
        out += block
    return out[:length]

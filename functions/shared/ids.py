"""Makes every id: time-sortable ones for what people make, hashes for what is written at each turn.

A prefixed id is a kind, an underscore and a ULID in lower case (48 bits of milliseconds, 80 random bits, Crockford base
32), so ids of one kind sort by age. A turn's id is a hash, so that neighbours lie far apart in the key space and nobody
can name another's turn.
"""

import base64
import hashlib
import re
import secrets
from datetime import datetime

from functions.shared import clock, digests

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ID = re.compile(r"[a-z]{2,4}_[0-9a-z]{26,52}")

KINDS = {
    "workspace": "ws",
    "agent": "agt",
    "version": "ver",
    "knowledge": "kno",
    "widget": "wgt",
    "session": "ses",
    "visitor": "vis",
    "conversation": "cnv",
    "message": "msg",
    "event": "evt",
    "activity": "act",
    "invoice": "inv",
    "payment": "pay",
    "refund": "ref",
    "credit_note": "crn",
    "api_key": "key",
    "invitation": "ivt",
    "webhook": "whk",
    "check_run": "run",
    "export": "exp",
}


def new(kind: str) -> str:
    """A fresh id of a kind in KINDS, such as `agt_01k…`. Raises KeyError for an unknown kind."""
    number = (int(clock.now().timestamp() * 1000) << 80) | secrets.randbits(80)
    digits = []
    for _ in range(26):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return f"{KINDS[kind]}_{''.join(reversed(digits))}"


def of(kind: str, at: datetime, *parts: str) -> str:
    """An id in the form of `new`, sorted by `at`, which is the same for the same time and parts."""
    return digests.stable_id(KINDS[kind], at, *parts)


def valid(kind: str, text: str) -> bool:
    """Whether `text` has the form of an id of this kind; says nothing about its existence."""
    return text.startswith(KINDS[kind] + "_") and _ID.fullmatch(text) is not None


def hashed(*parts: str) -> str:
    """base32(SHA-256(parts)) in lower case, 52 characters; the parts are kept apart, so ("a", "bc") ≠ ("ab", "c")."""
    digest = hashlib.sha256("\x1f".join(f"{len(part)}:{part}" for part in parts).encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def turn(caller: str, idempotency_key: str) -> str:
    """The id of a turn, its hold and its event: a hash of caller (session, key or person) and idempotency key."""
    return hashed("turn", caller, idempotency_key)


def conversation_of(turn_id: str) -> str:
    """The id of the conversation that a first turn opens; a repeat of the turn finds the same conversation."""
    return f"{KINDS['conversation']}_{hashed('conversation', turn_id)}"


def secret(byte_count: int = 32) -> str:
    """A random secret in URL-safe characters."""
    return secrets.token_urlsafe(byte_count)

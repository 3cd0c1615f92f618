"""How much of a customer's credit makes room under a cap at a moment; one rule for whoever admits and whoever shows."""

from collections.abc import Mapping
from datetime import datetime


def credit_at(nanos: int, ends: Mapping[str, int], apart: int, now: datetime) -> int:
    """The credit that counts at this moment, in nanos: what has expired opens no room, also before the close books it.

    `ends` says how much of it stops counting at which moment (RFC 3339). Nor does `apart` count, what invoices of earlier
    months will take. They take first what expires first, but what has expired pays for usage alone and for none after its
    end: until the close has booked how much of it is held for them, it is not known to pay any of `apart`.
    """
    ended = sum(amount for end, amount in ends.items() if datetime.fromisoformat(end) <= now)
    return max(0, nanos - ended - apart)

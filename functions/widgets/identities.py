"""Visitors whom the site itself has signed in: their secrets, their signatures, and the one visitor that each stays.

The site's server signs a JWT (HS256) that names its user. The secret is derived from the installation's key, the widget
and the key's id (decision 0019), so it is stored nowhere and can still be checked.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from functions.shared import derived, ids
from functions.shared.errors import Unauthenticated
from functions.shared.identity import WorkspaceId
from functions.widgets.models import IdentityKey

LONGEST = timedelta(days=1)
LEEWAY = timedelta(seconds=60)
"""Two servers' clocks differ by so much at most."""
MOST_KEYS = 2


def rotated(keys: list[dict[str, Any]], overlap: timedelta, now: datetime, *, by: str) -> list[dict[str, Any]]:
    """The keys with a new one in front. The one before counts for `overlap` longer, or is gone at once without.

    `by` is the call that makes it, so that a repeat finds its key (`made_by`).
    """
    new = {"id": ids.secret(9), "created_at": now, "ends_at": None, "by": by}
    before = [key for key in live(keys, now) if overlap]
    kept = [{**key, "ends_at": min(now + overlap, key["ends_at"] or now + overlap)} for key in before]
    return [new, *kept][:MOST_KEYS]


def made_by(keys: list[dict[str, Any]], call: str) -> str | None:
    """The id of the key that this call has made already."""
    return next((key["id"] for key in keys if key.get("by") == call), None)


def live(keys: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """The keys that count now, the newest first."""
    return [key for key in keys if key["ends_at"] is None or key["ends_at"] > now]


def shown(keys: list[dict[str, Any]]) -> list[IdentityKey]:
    """The keys without their secrets."""
    return [IdentityKey.model_validate(key) for key in keys]


def secret_of(widget: str, key: str) -> str:
    """The secret of a key. Raises Unavailable where the installation has no key of its own."""
    return derived.secret("widget-identity", widget, key)


def subject_of(token: str, widget: str, data: Mapping[str, Any], now: datetime) -> str:
    """Whom a site's JWT names. Raises Unauthenticated (`identity_refused`) for any that none of the live keys signed.

    It must name `sub` and `exp`, and `exp` must not be more than a day away. A `kid` chooses the key; without one, each
    live key is tried.
    """
    import jwt  # Slow to import, and many visitors have no identity.

    try:
        named = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError as error:
        raise _refused("it is no JWT") from error
    for key in live(list(data.get("identity_keys") or ()), now):
        if named not in (None, key["id"]):
            continue
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                secret_of(widget, key["id"]),
                algorithms=["HS256"],
                # The times are compared with the call's own clock below.
                options={"require": ["sub", "exp"], "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except jwt.InvalidSignatureError:
            continue
        except jwt.PyJWTError as error:
            raise _refused("it is not a JWT with HS256, sub and exp") from error
        _in_time(claims["exp"], now)
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= 200:
            raise _refused("`sub` is not a text of 1 to 200 characters")
        return subject
    raise _refused("no secret that counts now has signed it")


def _in_time(ends: Any, now: datetime) -> None:
    if not isinstance(ends, int | float) or isinstance(ends, bool):
        raise _refused("`exp` is no time")
    left = ends - now.timestamp()
    if left < -LEEWAY.total_seconds():
        raise _refused("it has expired")
    if left > (LONGEST + LEEWAY).total_seconds():
        raise _refused("`exp` is more than a day away")


def visitor_of(workspace: WorkspaceId, subject: str) -> str:
    """The visitor that the site's user `subject` is, on every device and in every widget of the workspace.

    Nobody can make the id from the subject without the installation's key. Raises Unavailable without one.
    """
    return f"{ids.KINDS['visitor']}_{derived.name('visitor', str(workspace), subject)}"


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"The visitor's identity was refused: {why}.", code="identity_refused")

"""Signs the tokens that we issue, for machines and visitors, and reads a visitor's old one.

The gateway allows one issuer for each kind of caller, so each kind has a service account; IAM Credentials signs for it
(`signJwt`), and no key of ours exists anywhere. Nothing is cached: a token is signed when it is asked for.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from functions.shared.config import settings
from functions.shared.errors import Unauthenticated, Unavailable
from functions.shared.identity import signing
from functions.shared.identity.authenticate import MACHINE_AUDIENCE, VISITOR_AUDIENCE
from functions.shared.identity.workspace import WorkspaceId, from_claims, is_name

MACHINE_LIFETIME = timedelta(hours=1)
VISITOR_LIFETIME = timedelta(minutes=30)
RENEWABLE = timedelta(days=30)
"""How long after its end a visitor's token still proves who the visitor was."""

_SECONDS = 10


def machine_token(workspace: WorkspaceId, key: str, *, now: datetime) -> tuple[str, int]:
    """A token for an API key and the seconds it lives. What it allows is read from the key's document at each call."""
    claims = {"sub": key, "workspace_id": workspace, "aud": MACHINE_AUDIENCE}
    return _signed("machines", claims, now, MACHINE_LIFETIME), int(MACHINE_LIFETIME.total_seconds())


def visitor_token(
    workspace: WorkspaceId,
    *,
    widget: str,
    agent: str,
    session: str,
    visitor: str,
    origin: str,
    new_visitor: bool,
    now: datetime,
) -> tuple[str, datetime]:
    """A token for a visitor's session and when it ends."""
    claims = {
        "sub": visitor,
        "workspace_id": workspace,
        "widget_id": widget,
        "agent_id": agent,
        "session_id": session,
        "origin": origin,
        "new_visitor": new_visitor,
        "aud": VISITOR_AUDIENCE,
    }
    return _signed("visitors", claims, now, VISITOR_LIFETIME), now + VISITOR_LIFETIME


class ReadVisitor:
    """What an old visitor token proves: these ids and the origin belonged together when we signed it."""

    def __init__(self, claims: dict[str, Any]) -> None:
        try:
            self.workspace = from_claims(str(claims["workspace_id"]))
            self.widget, self.session = str(claims["widget_id"]), str(claims["session_id"])
            self.visitor, self.origin = str(claims["sub"]), str(claims["origin"])
            self.new_visitor = claims.get("new_visitor") is True
        except (KeyError, ValueError) as error:
            raise Unauthenticated("This token names no session.") from error
        if not all(is_name(text) for text in (self.widget, self.session, self.visitor)):
            raise Unauthenticated("This token names no session.")


def read_visitor_token(token: str, *, now: datetime) -> ReadVisitor:
    """Verify a visitor token that a session shows in order to be renewed, up to 30 days after its end.

    This is the one token that we verify ourselves: the route is public, so no gateway has. Raises Unauthenticated.
    """
    import jwt  # Slow to import, and needed by one deployment.

    try:
        key = _visitor_keys().get_signing_key_from_jwt(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=["RS256"],
            audience=VISITOR_AUDIENCE,
            issuer=settings().service_account("visitors"),
            options={"require": ["exp", "iat", "sub"], "verify_exp": False, "verify_iat": False},
        )
    except jwt.PyJWKClientConnectionError as error:
        raise Unavailable("The session cannot be renewed at this moment.") from error
    except jwt.PyJWTError as error:
        raise Unauthenticated("This token is not one of ours.") from error
    ends = claims["exp"]
    if not isinstance(ends, int | float) or now.timestamp() > ends + RENEWABLE.total_seconds():
        raise Unauthenticated("This session ended too long ago.")
    return ReadVisitor(claims)


@cache
def _visitor_keys() -> Any:
    import jwt

    address = f"{settings().google_apis_url}/service_accounts/v1/jwk/{settings().service_account('visitors')}"
    return jwt.PyJWKClient(address, cache_keys=False, lifespan=300, timeout=_SECONDS)


def _signed(account: str, claims: dict[str, Any], now: datetime, lifetime: timedelta) -> str:
    email, seconds = settings().service_account(account), int(now.timestamp())
    return signing.jwt_of(
        account, {**claims, "iss": email, "iat": seconds, "exp": seconds + int(lifetime.total_seconds())}
    )

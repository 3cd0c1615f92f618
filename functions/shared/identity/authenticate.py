"""Turns a request's headers into a `Principal`, or refuses it; the rules are those of ARCHITECTURE, "Who is calling".

Two questions, in this order. Who invoked this function: the ID token in `Authorization`, which Cloud Run's IAM has
verified before us and whose signature it has taken away. Then on whose behalf: the claims in
`X-Apigateway-Api-Userinfo`, believed only on a route that is declared for verified callers, and only from the gateway
or from a function that the catalogue lists, because anybody can send that header to a public route.
"""

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from werkzeug.datastructures import Headers

from functions.shared import clock, firestore
from functions.shared.config import settings
from functions.shared.errors import Forbidden, NotFound, Unauthenticated
from functions.shared.identity.principal import Caller, Principal, Role
from functions.shared.identity.workspace import WorkspaceId, from_claims, from_operator, is_name

USERINFO = "X-Apigateway-Api-Userinfo"
MACHINE_AUDIENCE = "agenthub-machines"
VISITOR_AUDIENCE = "agenthub-visitors"
_STRIPPED = "SIGNATURE_REMOVED_BY_GOOGLE"
_LEEWAY_SECONDS = 60


def authenticate(
    headers: Headers,
    *,
    callers: Collection[Caller],
    role: Role | None,
    scope: str,
) -> Principal:
    """The caller of a route declared for `callers`, at least `role` in the workspace, with `scope` if it is a machine.

    Costs one Firestore read for a person or a machine, none for others. Raises Unauthenticated, Forbidden.
    """
    invoker = _invoker(headers)
    if Caller.PUBLIC in callers:
        return Principal(Caller.PUBLIC, "")
    for internal in (Caller.PUSH, Caller.SCHEDULER):
        if invoker == settings().service_account(internal):
            if internal not in callers:
                raise Forbidden("This account may not call this route.")
            return Principal(internal, invoker)
    claims = _claims(headers)
    via = "" if invoker == settings().service_account("gateway") else _deployment(invoker)
    issuer = claims.get("iss")
    if issuer == f"https://securetoken.google.com/{settings().project}":
        return _person(claims, callers, role, via)
    if issuer == settings().service_account("machines"):
        return _machine(claims, callers, role, scope, via)
    if issuer == settings().service_account("visitors"):
        return _visitor(claims, callers, via)
    raise Unauthenticated("This token is not from an issuer that we know.")


def _invoker(headers: Headers) -> str:
    """The e-mail of the account that called this function; one of the deployment's callers."""
    # Where both are sent, Cloud Run checks X-Serverless-Authorization and leaves the other unchecked.
    header = headers.get("X-Serverless-Authorization") or headers.get("Authorization") or ""
    scheme, _, token = header.partition(" ")
    parts = token.strip().split(".")
    # A signature that is still there was not checked by Cloud Run.
    if scheme.lower() != "bearer" or len(parts) != 3 or parts[2] != _STRIPPED:
        raise Unauthenticated("This function is called by other services only.")
    claims = _decoded(parts[1])
    if str(claims.get("aud")).rstrip("/") != settings().own_address or _expired(claims):
        raise Unauthenticated("This service token is not for us, or no longer.")
    email = claims.get("email")
    if not isinstance(email, str) or email not in settings().callers:
        raise Forbidden("This service account may not call this function.", code="caller_not_listed")
    return email


def _deployment(email: str) -> str:
    name, _, rest = email.partition("@")
    own = settings().service_account("gateway").partition("@")[2]
    return name.removeprefix("agenthub-") if rest == own else email


def _claims(headers: Headers) -> dict[str, Any]:
    value = headers.get(USERINFO)
    if not value:
        raise Unauthenticated("Sign in first.")
    claims = _decoded(value)
    if _expired(claims):
        raise Unauthenticated("This token has ended. Get a new one.")
    if not isinstance(claims.get("sub"), str) or not is_name(claims["sub"]):
        raise Unauthenticated("This token names nobody.")
    return claims


def _decoded(part: str) -> dict[str, Any]:
    try:
        claims = json.loads(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise Unauthenticated("This token cannot be read.") from error
    if not isinstance(claims, dict):
        raise Unauthenticated("This token cannot be read.")
    return claims


def _expired(claims: Mapping[str, Any]) -> bool:
    ends = claims.get("exp")
    return not isinstance(ends, int | float) or clock.now().timestamp() > ends + _LEEWAY_SECONDS


def _for(claims: Mapping[str, Any], audience: str) -> None:
    stated = claims.get("aud")
    if stated != audience and stated != [audience]:
        raise Unauthenticated("This token is for another service.")


def _workspace(claims: Mapping[str, Any]) -> WorkspaceId | None:
    try:
        return from_claims(str(claims["workspace_id"]))
    except (KeyError, ValueError):
        return None


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _person(claims: dict[str, Any], callers: Collection[Caller], role: Role | None, via: str) -> Principal:
    _for(claims, settings().project)
    operator = claims.get("operator") is True
    person = Principal(
        Caller.CONSOLE,
        claims["sub"],
        operator=operator,
        email=_text(claims, "email"),
        name=_text(claims, "name"),
        via=via,
        claims=MappingProxyType(claims),
    )
    if Caller.OPERATOR in callers and operator:
        return replace(person, kind=Caller.OPERATOR)
    if Caller.CONSOLE not in callers:
        raise Forbidden(
            "Only an operator may do this." if Caller.OPERATOR in callers else "This route is not for people."
        )
    if role is None:
        return person
    workspace = _workspace(claims)
    if workspace is None:
        raise Forbidden("Make a workspace first, or switch to one, and refresh the token.", code="no_workspace")
    held = role_of(workspace, claims["sub"])
    if held is None:
        raise Forbidden("You are no member of this workspace.", code="not_a_member")
    if not held.allows(role):
        raise Forbidden(f"This needs the role {role}; yours is {held}.", code="role_too_low")
    return replace(person, workspace=workspace, role=held)


def _machine(claims: dict[str, Any], callers: Collection[Caller], role: Role | None, scope: str, via: str) -> Principal:
    _for(claims, MACHINE_AUDIENCE)
    workspace = _workspace(claims)
    if workspace is None:
        raise Unauthenticated("This token names no workspace.")
    if Caller.MACHINE not in callers:
        raise Forbidden("This route is not for API keys.")
    key = firestore.get(f"workspaces/{workspace}/api_keys/{claims['sub']}")
    if not key.exists or key.data.get("revoked_at") is not None:
        raise Unauthenticated("This API key is revoked.", code="key_revoked")
    ends = key.data.get("expires_at")
    if ends is not None and ends <= clock.now():
        raise Unauthenticated("This API key has expired.", code="key_expired")
    scopes = frozenset(str(item) for item in key.data.get("scopes", ()))
    if scope not in scopes:
        raise Forbidden(f"This key lacks the scope {scope}.", code="scope_missing")
    held = Role(key.data.get("role", Role.MEMBER))
    if role is not None and not held.allows(role):
        raise Forbidden(f"This needs the role {role}; this key has {held}.", code="role_too_low")
    return Principal(
        Caller.MACHINE,
        claims["sub"],
        workspace,
        role=held,
        name=str(key.data.get("name", "")),
        scopes=scopes,
        via=via,
        claims=MappingProxyType(claims),
    )


def _visitor(claims: dict[str, Any], callers: Collection[Caller], via: str) -> Principal:
    _for(claims, VISITOR_AUDIENCE)
    workspace = _workspace(claims)
    widget, session, origin = (_text(claims, name) for name in ("widget_id", "session_id", "origin"))
    if workspace is None or not (is_name(widget) and is_name(session)):
        raise Unauthenticated("This token names no session.")
    if Caller.VISITOR not in callers:
        raise Forbidden("This route is not for visitors.")
    return Principal(
        Caller.VISITOR,
        claims["sub"],
        workspace,
        widget=widget,
        agent=_text(claims, "agent_id"),
        session=session,
        origin=origin,
        new_visitor=claims.get("new_visitor") is True,
        via=via,
        claims=MappingProxyType(claims),
    )


def role_of(workspace: WorkspaceId, uid: str) -> Role | None:
    """The role that a person has in a workspace now, or None; one read."""
    member = firestore.get(f"workspaces/{workspace}/members/{uid}")
    stated = member.data.get("role")
    return Role(stated) if stated in list(Role) else None


def workspace_of_member(principal: Principal, text: str) -> tuple[WorkspaceId, Role]:
    """The workspace that a person names, when it is theirs (switching): NotFound otherwise; one read."""
    try:
        workspace = from_claims(text)
    except ValueError as error:
        raise NotFound("You belong to no workspace of this id.") from error
    held = role_of(workspace, principal.subject) if principal.kind is Caller.CONSOLE else None
    if held is None:
        raise NotFound("You belong to no workspace of this id.")
    return workspace, held


def workspace_of_operator(principal: Principal, text: str) -> WorkspaceId:
    """The workspace that an operator names in a path. Raises NotFound when it has not the form of one."""
    try:
        return from_operator(principal.kind is Caller.OPERATOR and principal.operator, text)
    except PermissionError as error:
        raise Forbidden("Only an operator may do this.") from error
    except ValueError as error:
        raise NotFound("There is no workspace of this id.") from error

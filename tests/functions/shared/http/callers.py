"""Speaks to a function as the gateway, Pub/Sub, the scheduler or another function would, behind Cloud Run's IAM."""

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from functions.shared import clock, firestore, ids

PROJECT = "agenthub-local"
ADDRESS = "http://sample.test"


def account(name: str) -> str:
    return f"agenthub-{name}@{PROJECT}.iam.gserviceaccount.com"


def encoded(claims: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def invoker(name: str = "gateway", *, signature: str = "SIGNATURE_REMOVED_BY_GOOGLE", **changes: Any) -> dict[str, str]:
    claims = {"email": account(name), "aud": ADDRESS, "exp": clock.now().timestamp() + 3600, **changes}
    return {"Authorization": f"Bearer {encoded({'alg': 'RS256'})}.{encoded(claims)}.{signature}"}


def userinfo(claims: dict[str, Any]) -> dict[str, str]:
    return {"X-Apigateway-Api-Userinfo": encoded(claims)}


@dataclass
class Someone:
    """One caller with claims that the gateway has verified."""

    claims: dict[str, Any]
    through: str = "gateway"
    changes: dict[str, Any] = field(default_factory=dict)

    def headers(self, **more: str) -> dict[str, str]:
        given = {name.replace("_", "-"): value for name, value in more.items()}
        return {**invoker(self.through), **userinfo({**self.claims, **self.changes}), **given}


def person(role: str | None = "member", workspace: str | None = None, **claims: Any) -> Someone:
    """A person, stored as a member of the workspace unless the role is None."""
    uid = "uid" + secrets.token_hex(8)
    workspace = workspace or ids.new("workspace")
    if role is not None:
        write(f"workspaces/{workspace}/members/{uid}", {"role": role, "email": "ann@example.com"})
    return Someone(
        {
            "iss": f"https://securetoken.google.com/{PROJECT}",
            "aud": PROJECT,
            "sub": uid,
            "email": "ann@example.com",
            "exp": clock.now().timestamp() + 3600,
            "workspace_id": workspace,
            **claims,
        }
    )


def machine(*, scopes: tuple[str, ...] = ("read", "write"), revoked: bool = False, **claims: Any) -> Someone:
    """A program with an API key that is stored in the workspace."""
    workspace, key = ids.new("workspace"), ids.new("api_key")
    stored = {"name": "CI", "scopes": list(scopes), "revoked_at": clock.now() if revoked else None}
    write(f"workspaces/{workspace}/api_keys/{key}", stored)
    return Someone(
        {
            "iss": account("machines"),
            "aud": "agenthub-machines",
            "sub": key,
            "exp": clock.now().timestamp() + 3600,
            "workspace_id": workspace,
            **claims,
        }
    )


def visitor(**claims: Any) -> Someone:
    """A visitor in a session."""
    return Someone(
        {
            "iss": account("visitors"),
            "aud": "agenthub-visitors",
            "sub": ids.new("visitor"),
            "exp": clock.now().timestamp() + 1800,
            "workspace_id": ids.new("workspace"),
            "widget_id": ids.new("widget"),
            "session_id": ids.new("session"),
            "origin": "https://shop.example",
            **claims,
        }
    )


def write(path: str, data: dict[str, Any]) -> None:
    batch = firestore.Batch()
    batch.set(path, data)
    batch.commit()

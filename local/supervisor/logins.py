"""The ready-made logins that `serve` ends with: an owner's with a workspace, and an operator's.

They are made as anybody would make them: through the gateway, by HTTP. Only the operator claim is set on the files,
since no route may set it.
"""

import json
import os
import secrets
from pathlib import Path

import httpx2

from local.identity.operator import make_operator

OWNER = "demo@agenthub.test"
OPERATOR = "operator@agenthub.test"
_TOOLKIT = "/identity/identitytoolkit.googleapis.com/v1/accounts:"


class LoginFailed(Exception):
    """A ready-made login could not be made; the text says why."""


async def make(gateway: str, state: Path) -> list[str]:
    """Make both logins where they are missing; the lines that tell a person about them."""
    passwords = _passwords(state / "logins.json")
    make_operator(state / "identity", OPERATOR, passwords[OPERATOR])
    async with httpx2.AsyncClient(base_url=gateway, trust_env=False, timeout=30) as client:
        try:
            workspace = await _workspace(client, await _sign_in(client, OWNER, passwords[OWNER]))
        except (httpx2.TransportError, LoginFailed) as error:
            return [f"There is no ready-made login: {error}"]
    lines = []
    for what, email in (("Owner", OWNER), ("Operator", OPERATOR)):
        lines += [f"{what}: {email}, password {passwords[email]}; a token:", f"  {_curl(gateway, email, passwords)}"]
    return [*lines, f"The owner {workspace}."]


async def _sign_in(client: httpx2.AsyncClient, email: str, password: str) -> str:
    """An ID token; signs the person up at the first start. Raises LoginFailed where the password has been changed."""
    body = {"email": email, "password": password, "returnSecureToken": True}
    response = await client.post(f"{_TOOLKIT}signInWithPassword", json=body)
    if response.status_code == 400:
        response = await client.post(f"{_TOOLKIT}signUp", json=body)
    if response.status_code != 200:
        raise LoginFailed(f"{email} cannot sign in with the password in logins.json: {response.text[:200]}")
    token: str = response.json()["idToken"]
    return token


async def _workspace(client: httpx2.AsyncClient, id_token: str) -> str:
    """Make the demo's workspace; a repeat finds the one that is there."""
    response = await client.post(
        "/api/workspaces",
        json={"name": "Demo"},
        headers={"Authorization": f"Bearer {id_token}", "Idempotency-Key": "ready-made-login"},
    )
    if response.status_code in (200, 201):
        return "has its workspace"
    if response.status_code in (404, 405, 503):
        return "has no workspace yet: POST /api/workspaces is not there"
    return f"has no workspace: POST /api/workspaces answered {response.status_code} {response.text[:200]}"


def _passwords(path: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    wanted = {email: known.get(email) or secrets.token_urlsafe(9) for email in (OWNER, OPERATOR)}
    if wanted != known:
        temporary = path.with_suffix(".tmp")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(wanted, file, indent=2)
        temporary.replace(path)
    return wanted


def _curl(gateway: str, email: str, passwords: dict[str, str]) -> str:
    body = json.dumps({"email": email, "password": passwords[email], "returnSecureToken": True})
    return (
        f"curl -s '{gateway}{_TOOLKIT}signInWithPassword' -H 'Content-Type: application/json' -d '{body}'"
        " | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"idToken\"])'"
    )

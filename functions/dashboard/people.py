"""Writes a person's claims through Identity Toolkit, so that their next token carries the workspace."""

import json
from typing import Any

from functions.shared import logs
from functions.shared.config import settings
from functions.shared.errors import Unavailable
from functions.shared.identity import signing

SECONDS = 10.0


def set_workspace(uid: str, workspace: str | None) -> None:
    """Put `workspace_id` among the person's claims, or take it away, and keep the others, such as `operator`.

    Takes effect with the next token. A repeat changes nothing. Raises Unavailable.
    """
    claims = _claims(uid)
    if claims.get("workspace_id") != workspace:
        others = {name: value for name, value in claims.items() if name != "workspace_id"}
        wanted = others if workspace is None else {**others, "workspace_id": workspace}
        _post("accounts:update", {"localId": uid, "customAttributes": json.dumps(wanted)})


def _claims(uid: str) -> dict[str, Any]:
    users = _post("accounts:lookup", {"localId": [uid]}).get("users") or [{}]
    claims = json.loads(users[0].get("customAttributes") or "{}")
    return claims if isinstance(claims, dict) else {}


def _post(method: str, body: dict[str, Any]) -> dict[str, Any]:
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import AuthorizedSession
    from requests import RequestException

    url = f"{settings().identity_toolkit_url}/v1/projects/{settings().project}/{method}"
    try:
        response = AuthorizedSession(signing.credentials()).post(url, json=body, timeout=SECONDS)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
    except (RequestException, GoogleAuthError, ValueError) as error:
        logs.error("the identity service did not answer", error, method=method)
        raise Unavailable("The identity service did not answer. Nothing is lost; try again.") from error
    return answer

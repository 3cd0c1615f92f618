"""Calls another function on behalf of the caller: our ID token says who we are, the passed claims for whom we call.

The other side reads both in `identity.authenticate`. It believes us only if the catalogue lists this deployment under
its `callers`.
"""

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from functions.shared import logs
from functions.shared.config import settings
from functions.shared.errors import Problem, Unavailable
from functions.shared.identity.authenticate import USERINFO

if TYPE_CHECKING:
    from functions.shared.http.call import Call


class Refused(Problem):
    """Another function refused; its status, code, words and findings become ours."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        kept = {name: headers[name] for name in ("Retry-After",) if name in headers}
        super().__init__(
            str(body.get("detail", "")),
            code=str(body.get("code", "refused")),
            errors=body.get("errors") or (),
            headers=kept,
        )
        self.status = status
        self.title = str(body.get("title", self.title))


class Answered:
    """What another function answered: status, JSON (None without content) and headers."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
        self.status, self.body, self.headers = status, body, headers

    @property
    def etag(self) -> str | None:
        """The etag without quotes, as `call.if_match` and `Reply.etag` have it."""
        stated = self.headers.get("ETag")
        return stated.strip('"') if stated else None


def call(
    call: "Call",
    deployment: str,
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,
) -> Answered:
    """One request to `deployment` as the caller of `call`, within `timeout` seconds; `body` is JSON.

    Raises Refused for a problem that is the caller's (4xx, 503), Unavailable when there is no answer or a 5xx. It is
    not repeated: send an Idempotency-Key in `headers` when a repeat must be harmless.
    """
    import requests  # Present with google-api-core; slow to import, so only where calls are made.

    address = settings().address(deployment)
    sent = {
        "Authorization": f"Bearer {id_token(address)}",
        USERINFO: _encoded(call.principal.claims),
        "X-Request-ID": call.request_id,
        "traceparent": call.trace.parent,
        "Accept": "application/json",
        **(headers or {}),
    }
    logs.count("calls")
    try:
        answer = _session().request(method, address + path, json=body, headers=sent, timeout=timeout)
    except requests.RequestException as error:
        logs.warning("Another function did not answer", deployment=deployment, reason=type(error).__name__)
        raise Unavailable("A part of the service did not answer in time.") from error
    try:
        content = answer.json() if answer.content else None
    except requests.JSONDecodeError:
        content = None
    if answer.status_code < 400:
        return Answered(answer.status_code, content, answer.headers)
    if isinstance(content, dict) and (answer.status_code < 500 or answer.status_code == 503):
        raise Refused(answer.status_code, content, answer.headers)
    logs.error("Another function failed", deployment=deployment, status=answer.status_code)
    raise Unavailable("A part of the service does not work at this moment.")


def _encoded(claims: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(dict(claims)).encode()).decode().rstrip("=")


def id_token(audience: str) -> str:
    """An ID token of this process's account for `audience`, kept until shortly before it ends. Raises Unavailable."""
    try:
        found = _identity(audience)  # Asks the metadata server whether it is there, the first time.
        if not found.valid:  # google.auth says no some minutes before the end.
            from google.auth.transport.requests import Request

            found.refresh(Request())
    except Exception as error:  # google.auth raises what its transport raises; all of it means: no token now.
        logs.error("No ID token could be had", error, audience=audience)
        raise Unavailable("A part of the service cannot be called at this moment.") from error
    return str(found.token)


@cache
def _identity(audience: str) -> Any:
    key = settings().service_account_key
    if key:
        from google.oauth2 import service_account

        return service_account.IDTokenCredentials.from_service_account_info(key, target_audience=audience)
    from google.oauth2 import id_token as google_id_token

    return google_id_token.fetch_id_token_credentials(audience)


@cache
def _session() -> Any:
    import requests

    return requests.Session()

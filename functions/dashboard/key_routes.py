"""API keys over HTTP, and their exchange for a token."""

from urllib.parse import parse_qs

from functions.dashboard import keys
from functions.dashboard.models import ApiKey, ApiKeyChange, ApiKeyWithSecret, NewApiKey, Rotation, Token
from functions.shared.errors import Malformed, Unauthenticated
from functions.shared.http import CONSOLE, PUBLIC, Call, Items, Page, Raw, Reply, Routes

api = Routes("dashboard-api")


@api.get("/api/workspace/api-keys", callers=(CONSOLE,), role="admin", summary="The API keys, without their secrets.")
def list_api_keys(call: Call, query: Page) -> Items[ApiKey]:
    """The newest first, revoked ones too."""
    return keys.keys(call.workspace, query, call.now)


@api.get(
    "/api/workspace/api-keys/{key}",
    callers=(CONSOLE,),
    role="admin",
    etag=True,
    summary="One API key, without its secret.",
)
def get_api_key(call: Call, key: str) -> Reply[ApiKey]:
    """With the ETag that a change must show."""
    found, etag = keys.key(call.workspace, key, call.now)
    return Reply(found, etag=etag)


@api.post(
    "/api/workspace/api-keys",
    callers=(CONSOLE,),
    role="admin",
    status=201,
    idempotent=True,
    secret=True,
    summary="Make an API key; its secret is shown once.",
)
def create_api_key(call: Call, body: NewApiKey) -> Reply[ApiKeyWithSecret]:
    """Keep the secret: it cannot be shown again."""
    return Reply(keys.create(call, body))


@api.patch(
    "/api/workspace/api-keys/{key}",
    callers=(CONSOLE,),
    role="admin",
    summary="Change name, scopes, role or end of a key.",
)
def change_api_key(call: Call, key: str, body: ApiKeyChange) -> Reply[ApiKey]:
    """In force from the key's next call on."""
    found, etag = keys.change(call, key, body)
    return Reply(found, etag=etag)


@api.post(
    "/api/workspace/api-keys/{key}/rotate",
    callers=(CONSOLE,),
    role="admin",
    idempotent=True,
    secret=True,
    summary="A new secret for a key; the old one works for up to seven days more.",
)
def rotate_api_key(call: Call, key: str, body: Rotation) -> Reply[ApiKeyWithSecret]:
    """Keep the secret: it cannot be shown again."""
    return Reply(keys.rotate(call, key, body))


@api.delete(
    "/api/workspace/api-keys/{key}", callers=(CONSOLE,), role="admin", if_match=False, summary="Revoke an API key."
)
def revoke_api_key(call: Call, key: str) -> None:
    """Its tokens are refused from the next call on."""
    keys.revoke(call, key)


@api.post(
    "/oauth/token",
    callers=(PUBLIC,),
    basic=True,
    accepts=("application/x-www-form-urlencoded",),
    summary="Client credentials: an API key and its secret for a token of one hour.",
)
def token(call: Call, body: Raw) -> Reply[Token]:
    """RFC 6749, section 4.4; the pair comes as HTTP Basic or in the form."""
    try:
        form = parse_qs(body.content.decode(), max_num_fields=20)
    except ValueError as error:
        raise Malformed("This is not a form of a few fields in UTF-8.", code="invalid_request") from error
    if form.get("grant_type") != ["client_credentials"]:
        raise Malformed("Send grant_type=client_credentials.", code="unsupported_grant_type")
    key, secret = call.basic or (form.get("client_id", [""])[0], form.get("client_secret", [""])[0])
    if not key or not secret:
        raise Unauthenticated("Send the key and its secret.", code="invalid_client", headers=keys.CHALLENGE)
    issued, seconds = keys.machine_token(key, secret, call.now)
    return Reply(Token(access_token=issued, expires_in=seconds), headers={"Cache-Control": "no-store"})

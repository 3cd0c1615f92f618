"""The dashboard over HTTP: home page, workspaces, members, keys, tokens for machines, status."""

from pathlib import Path
from urllib.parse import parse_qs

from functions.dashboard import overview, webhook_routes, workspaces
from functions.dashboard.models import (
    Activity,
    ApiKey,
    ApiKeyWithSecret,
    Home,
    Member,
    NewApiKey,
    NewWorkspace,
    Status,
    Summary,
    Token,
    Workspace,
    WorkspaceChange,
)
from functions.shared import firestore
from functions.shared.errors import Malformed, Unauthenticated
from functions.shared.http import CONSOLE, MACHINE, PUBLIC, Call, Items, Page, Raw, Reply, Routes

api = Routes("dashboard-api", contract=Path(__file__).with_name("openapi.json"))
api.include(webhook_routes.api)


@api.get("/api/dashboard", callers=(CONSOLE, MACHINE), summary="The home page in one call.")
def home(call: Call) -> Home:
    """Workspace, figures, latest activity."""
    return overview.home(call)


@api.get("/api/dashboard/summary", callers=(CONSOLE, MACHINE), summary="The figures of the home page.")
def summary(call: Call) -> Summary:
    """Today and this month."""
    return overview.summary(call)


@api.get("/api/dashboard/activity", callers=(CONSOLE, MACHINE), summary="Who did what, the newest first.")
def activity(call: Call, query: Page) -> Items[Activity]:
    """The feed."""
    return overview.feed(call, query)


@api.get("/api/dashboard/status", callers=(CONSOLE, MACHINE), summary="How every deployment is.", deadline="slow")
def status(call: Call) -> Status:
    """Asked at this moment, in parallel."""
    return overview.status(call)


@api.get("/api/workspaces", callers=(CONSOLE,), role=None, summary="The workspaces that I belong to.")
def list_workspaces(call: Call) -> Items[Workspace]:
    """All of them; nobody has many."""
    return Items(items=workspaces.mine(call))


@api.post("/api/workspaces", callers=(CONSOLE,), role=None, status=201, idempotent=True, summary="Make my workspace.")
def create_workspace(call: Call, body: NewWorkspace) -> Reply[Workspace]:
    """Refresh the token afterwards: it then carries the workspace. A repeat finds the workspace again."""
    workspace, etag = workspaces.create(call, body)
    return Reply(workspace, etag=etag, headers={"Location": "/api/workspace"})


@api.post(
    "/api/workspaces/{workspace}/switch", callers=(CONSOLE,), role=None, summary="Work in another of my workspaces."
)
def switch_workspace(call: Call, workspace: str) -> Reply[Workspace]:
    """Refresh the token afterwards."""
    found, etag = workspaces.switch(call, workspace)
    return Reply(found, etag=etag)


@api.get("/api/workspace", callers=(CONSOLE, MACHINE), summary="The workspace I work in.")
def get_workspace(call: Call) -> Reply[Workspace]:
    """With the caller's role."""
    found, etag = workspaces.show(call, call.workspace)
    return Reply(found, etag=etag)


@api.patch("/api/workspace", callers=(CONSOLE,), role="admin", summary="Change name or time zone.")
def change_workspace(call: Call, body: WorkspaceChange) -> Reply[Workspace]:
    """Figures by day follow the new time zone from now on."""
    found, etag = workspaces.change(call, body)
    return Reply(found, etag=etag)


@api.get("/api/workspace/members", callers=(CONSOLE, MACHINE), summary="Who belongs to the workspace.")
def list_members(call: Call) -> Items[Member]:
    """Everybody, the longest-standing first."""
    return Items(items=workspaces.members(call.workspace))


@api.get("/api/workspace/api-keys", callers=(CONSOLE,), role="admin", summary="The API keys, without their secrets.")
def list_api_keys(call: Call) -> Items[ApiKey]:
    """Revoked ones too."""
    return Items(items=workspaces.keys(call.workspace))


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
    return Reply(workspaces.create_key(call, body))


@api.delete(
    "/api/workspace/api-keys/{key}", callers=(CONSOLE,), role="admin", if_match=False, summary="Revoke an API key."
)
def revoke_api_key(call: Call, key: str) -> None:
    """Its tokens are refused from the next call on."""
    workspaces.revoke_key(call, key)


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
        raise Unauthenticated("Send the key and its secret.", code="invalid_client", headers=workspaces.CHALLENGE)
    issued, seconds = workspaces.machine_token(key, secret, call.now)
    return Reply(Token(access_token=issued, expires_in=seconds), headers={"Cache-Control": "no-store"})


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/dashboard-api")

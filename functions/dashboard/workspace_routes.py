"""Workspaces over HTTP: mine, the one I work in, its settings, its closing."""

from functions.dashboard import closing, suspending, workspaces
from functions.dashboard.models import Closing, NewWorkspace, Suspended, Suspension, Workspace, WorkspaceChange
from functions.shared.http import CONSOLE, MACHINE, OPERATOR, Call, Items, Page, Reply, Routes
from functions.shared.identity.authenticate import workspace_of_operator

api = Routes("dashboard-api")


@api.get("/api/workspaces", callers=(CONSOLE,), role=None, summary="The workspaces that I belong to.")
def list_workspaces(call: Call, query: Page) -> Items[Workspace]:
    """The one that was made first at the top."""
    return workspaces.mine(call, query)


@api.post("/api/workspaces", callers=(CONSOLE,), role=None, status=201, idempotent=True, summary="Make my workspace.")
def create_workspace(call: Call, body: NewWorkspace) -> Reply[Workspace]:
    """Refresh the token afterwards: it then carries the workspace. A repeat finds the workspace again."""
    made, etag = workspaces.create(call, body)
    return Reply(made, etag=etag, headers={"Location": "/api/workspace"})


@api.post(
    "/api/workspaces/{workspace}/switch",
    callers=(CONSOLE,),
    role=None,
    idempotent=True,
    summary="Work in another of my workspaces.",
)
def switch_workspace(call: Call, workspace: str) -> Reply[Workspace]:
    """Refresh the token afterwards."""
    found, etag = workspaces.switch(call, workspace)
    return Reply(found, etag=etag)


@api.get("/api/workspace", callers=(CONSOLE, MACHINE), etag=True, summary="The workspace I work in.")
def get_workspace(call: Call) -> Reply[Workspace]:
    """With the caller's role."""
    found, etag = workspaces.show(call, call.workspace)
    return Reply(found, etag=etag)


@api.patch(
    "/api/workspace",
    callers=(CONSOLE,),
    role="admin",
    summary="Change name, time zone, currency, retention or who gets alerts.",
)
def change_workspace(call: Call, body: WorkspaceChange) -> Reply[Workspace]:
    """Figures by day follow a new time zone from now on; the currency stays once something was used."""
    found, etag = workspaces.change(call, body)
    return Reply(found, etag=etag)


@api.post(
    "/api/workspace/close",
    callers=(CONSOLE,),
    role="owner",
    idempotent=True,
    summary="Close the workspace: agents stop at once, all but the books is erased 30 days later.",
)
def close_workspace(call: Call, body: Closing) -> Reply[Workspace]:
    """The workspace's name is the confirmation. `erase_at` says when it is erased: closed in the first days of a month a
    few days later still, when that month's invoice is final."""
    found, etag = closing.close(call, body)
    return Reply(found, etag=etag)


@api.post(
    "/api/workspace/reopen",
    callers=(CONSOLE,),
    role="owner",
    idempotent=True,
    summary="Reopen a closed workspace before it is erased.",
)
def reopen_workspace(call: Call) -> Reply[Workspace]:
    """As it was before it was closed."""
    found, etag = closing.reopen(call)
    return Reply(found, etag=etag)


@api.put(
    "/api/operator/workspaces/{workspace}/suspension",
    callers=(OPERATOR,),
    role=None,
    if_match=False,
    summary="Suspend a workspace, or lift its suspension.",
)
def set_suspension(call: Call, workspace: str, body: Suspension) -> Suspended:
    """Its agents stop answering; nothing is deleted, and the console can still be read and invoices paid."""
    return suspending.decide(call, workspace_of_operator(call.principal, workspace), body)

"""Exports over HTTP."""

from functions.analytics import exports
from functions.analytics.export_models import Export, NewExport
from functions.shared.http import CONSOLE, MACHINE, Call, Items, Page, Reply, Routes

api = Routes("analytics-api")


@api.post(
    "/api/exports",
    callers=(CONSOLE, MACHINE),
    status=202,
    idempotent=True,
    refuses=(429,),
    summary="Export figures, conversations, the books, the audit log or the whole workspace as a file.",
)
def request_export(call: Call, body: NewExport) -> Reply[Export]:
    """It is written in the background: read it again until its state is `done`. Three may be under way at once."""
    export, etag = exports.request(call, body)
    return Reply(export, etag=etag, headers={"Location": f"/api/exports/{export.id}"})


@api.get(
    "/api/exports", callers=(CONSOLE, MACHINE), role="member", summary="Exports of the last week, the latest first."
)
def list_exports(call: Call, query: Page) -> Items[Export]:
    """Without addresses of files."""
    return exports.listed(call, query)


@api.get(
    "/api/exports/{export}",
    callers=(CONSOLE, MACHINE),
    role="member",
    etag=True,
    summary="How far an export is; its file.",
)
def get_export(call: Call, export: str) -> Reply[Export]:
    """When it is done, `url` opens the file for 15 minutes."""
    found, etag = exports.show(call, export)
    return Reply(found, etag=etag)

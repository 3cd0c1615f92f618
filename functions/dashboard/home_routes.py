"""The home page over HTTP: figures, alerts, who did what, search, status of the service, and the audit log."""

from functions.dashboard import audit, overview, searching
from functions.dashboard.home_models import Activity, ActivityFilter, Alert, Hit, Home, SearchQuery, Status, Summary
from functions.shared.http import CONSOLE, MACHINE, Bytes, Call, Items, Routes

api = Routes("dashboard-api")


@api.get("/api/dashboard", callers=(CONSOLE, MACHINE), summary="The home page in one call.")
def home(call: Call) -> Home:
    """Workspace, figures, alerts, latest activity."""
    return overview.home(call)


@api.get("/api/dashboard/summary", callers=(CONSOLE, MACHINE), summary="The figures of the home page.")
def summary(call: Call) -> Summary:
    """Today and this month."""
    return overview.summary(call)


@api.get("/api/dashboard/activity", callers=(CONSOLE, MACHINE), summary="Who did what, the newest first.")
def activity(call: Call, query: ActivityFilter) -> Items[Activity]:
    """The feed."""
    return audit.page(call.workspace, query)


@api.get("/api/dashboard/alerts", callers=(CONSOLE, MACHINE), summary="What needs attention, the gravest first.")
def alerts(call: Call) -> Items[Alert]:
    """All of them, each with the definition of when it is shown."""
    return Items(items=overview.alerts(call))


@api.get("/api/dashboard/search", callers=(CONSOLE, MACHINE), summary="Find agents, widgets, conversations, invoices.")
def search(call: Call, query: SearchQuery) -> Items[Hit]:
    """Up to ten of each kind."""
    return Items(items=searching.search(call.workspace, query.q))


@api.get("/api/dashboard/status", callers=(CONSOLE, MACHINE), summary="How every deployment is.", deadline="slow")
def status(call: Call) -> Status:
    """Asked at this moment, in parallel."""
    return overview.status(call)


@api.get(
    "/api/audit-log",
    callers=(CONSOLE, MACHINE),
    role="admin",
    deadline="slow",
    produces=(audit.CSV, audit.JSON_LINES),
    summary="Every change: who, what, before and after; as a page, or up to 10,000 as a file.",
)
def audit_log(call: Call, query: ActivityFilter) -> Items[Activity] | Bytes:
    """Accept decides: JSON is a page, text/csv and application/jsonl are a file."""
    if call.media_type in (audit.CSV, audit.JSON_LINES):
        return audit.export(call, query)
    return audit.page(call.workspace, query)

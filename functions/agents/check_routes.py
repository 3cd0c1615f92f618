"""An agent's test cases over HTTP, and what their runs gave; running them is agents-chat's (`check_run_routes`)."""

from functions.agents import checks
from functions.agents.check_results import ListedRun, ShownRun
from functions.agents.check_rules import Cases
from functions.agents.checks import ShownCases
from functions.shared.http import CONSOLE, MACHINE, Call, Items, Reply, Routes

api = Routes("agents-api")


@api.get("/api/agents/{agent}/checks", callers=(CONSOLE, MACHINE), etag=True, summary="The agent's test cases.")
def get_checks(call: Call, agent: str) -> Reply[ShownCases]:
    """With what a run of them can be charged at most. The ETag is that of the cases, not the agent's."""
    shown, etag = checks.shown(call, agent)
    return Reply(shown, etag=etag)


@api.put("/api/agents/{agent}/checks", callers=(CONSOLE, MACHINE), summary="Replace the agent's test cases.")
def replace_checks(call: Call, agent: str, body: Cases) -> Reply[ShownCases]:
    """All of them, up to 50. From then on publishing asks for a run of exactly these."""
    shown, etag = checks.replace(call, agent, body)
    return Reply(shown, etag=etag)


@api.get("/api/agents/{agent}/checks/runs", callers=(CONSOLE, MACHINE), summary="The latest 20 runs of the test cases.")
def list_check_runs(call: Call, agent: str) -> Items[ListedRun]:
    """The newest first; kept for 90 days."""
    return checks.runs(call, agent)


@api.get(
    "/api/agents/{agent}/checks/runs/{run}",
    callers=(CONSOLE, MACHINE),
    etag=True,
    summary="What each case of a run gave.",
)
def get_check_run(call: Call, agent: str, run: str) -> Reply[ShownRun]:
    """Draft and published version side by side."""
    found, etag = checks.run(call, agent, run)
    return Reply(found, etag=etag)

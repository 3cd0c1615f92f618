"""Running an agent's test cases over HTTP, streamed or as one object."""

from functions.agents import check_runs
from functions.agents.check_results import ShownRun
from functions.agents.check_runs import Run
from functions.agents.connections import provider
from functions.shared.http import CONSOLE, MACHINE, Call, Reply, Routes, Stream

api = Routes("agents-chat")


@api.post(
    "/api/agents/{agent}/checks/run",
    callers=(CONSOLE, MACHINE),
    scope="chat",
    deadline="chat",
    idempotent="own",
    refuses=(402, 429),
    summary="Run the agent's test cases on draft and published version; streamed on request.",
)
def run_checks(call: Call, agent: str) -> Stream | Reply[ShownRun]:
    """Each case is a turn that is charged like any other; the agent need not be active.

    Events: `start` with the highest price, `case` after each, `done` with the totals. The same key again gives what was
    stored. A run that ends early (cap, caller gone, time up) says which cases did not run.
    """
    found = check_runs.begin(call, agent, provider)
    if isinstance(found, Run):
        if call.wants_stream:
            return Stream(found.events(), cancel=found.leave)
        for _ in found.events():
            pass
        return Reply(found.shown)
    return Stream(check_runs.repeated(found)) if call.wants_stream else Reply(found)

"""The fleet over HTTP."""

from functions.my_agents import bulk, service, sweeping
from functions.my_agents.models import (
    Bulk,
    BulkAnswer,
    Filter,
    FleetAgent,
    FleetChange,
    NewAgent,
    NewDuplicate,
    Status,
    StatusChange,
)
from functions.shared import events, firestore
from functions.shared.http import CONSOLE, MACHINE, Call, Items, Json, Reply, Routes

api = Routes("my-agents-api")


@api.get("/api/my-agents", callers=(CONSOLE, MACHINE), summary="Every agent with its status, health and figures.")
def list_fleet(call: Call, query: Filter) -> Items[FleetAgent]:
    """Figures are those of today and this month in the workspace's time zone. A page holds up to 500: a whole fleet."""
    return service.listed(call, query)


@api.post(
    "/api/my-agents", callers=(CONSOLE, MACHINE), status=201, idempotent=True, summary="Make an agent in the fleet."
)
def create_in_fleet(call: Call, body: NewAgent) -> Reply[FleetAgent]:
    """The wizard makes it (its answer to a bad definition is ours too), the fleet adds tags and note."""
    shown, etag = service.create(call, body)
    return Reply(shown, etag=etag, headers={"Location": f"/api/my-agents/{shown.id}"})


@api.post(
    "/api/my-agents/bulk",
    callers=(CONSOLE, MACHINE),
    idempotent=True,
    deadline="slow",
    summary="One action on up to 500 agents, with an outcome for each.",
)
def act_on_many(call: Call, body: Bulk) -> BulkAnswer:
    """Agents by ids or by a filter. One that fails stops no other. Delete and restore need the role admin."""
    return bulk.run(call, body)


@api.get("/api/my-agents/{agent}", callers=(CONSOLE, MACHINE), etag=True, summary="One agent of the fleet.")
def get_fleet_agent(call: Call, agent: str) -> Reply[FleetAgent]:
    """With its figures."""
    shown, etag = service.one(call, agent)
    return Reply(shown, etag=etag)


@api.patch("/api/my-agents/{agent}", callers=(CONSOLE, MACHINE), summary="Change tags, note or pin.")
def change_fleet_agent(call: Call, agent: str, body: FleetChange) -> Reply[FleetAgent]:
    """The definition is changed in the wizard."""
    shown, etag = service.change(call, agent, body)
    return Reply(shown, etag=etag)


@api.delete("/api/my-agents/{agent}", callers=(CONSOLE, MACHINE), role="admin", summary="Delete; 30 days to restore.")
def delete_fleet_agent(call: Call, agent: str) -> None:
    """New turns are refused at once; what was said and charged stays."""
    service.delete(call, agent)


@api.post(
    "/api/my-agents/{agent}/duplicate",
    callers=(CONSOLE, MACHINE),
    status=201,
    idempotent=True,
    deadline="slow",
    summary="Make a copy with draft, file and knowledge.",
)
def duplicate_fleet_agent(call: Call, agent: str, body: NewDuplicate) -> Reply[FleetAgent]:
    """A draft with the agent's tags; it is neither published nor active, and has no history."""
    shown, etag = service.duplicate(call, agent, body)
    return Reply(shown, etag=etag, headers={"Location": f"/api/my-agents/{shown.id}"})


@api.post(
    "/api/my-agents/{agent}/restore",
    callers=(CONSOLE, MACHINE),
    role="admin",
    idempotent=True,
    summary="Undo a deletion.",
)
def restore_fleet_agent(call: Call, agent: str) -> Reply[FleetAgent]:
    """It comes back paused if it was active."""
    shown, etag = service.restore(call, agent)
    return Reply(shown, etag=etag)


@api.get("/api/my-agents/{agent}/status", callers=(CONSOLE, MACHINE), etag=True, summary="Status and its history.")
def get_status(call: Call, agent: str) -> Reply[Status]:
    """With what may follow."""
    found, etag = service.status(call, agent)
    return Reply(found, etag=etag)


@api.put("/api/my-agents/{agent}/status", callers=(CONSOLE, MACHINE), summary="Activate, pause or archive.")
def put_status(call: Call, agent: str, body: StatusChange) -> Reply[Status]:
    """draft → active ⇄ paused → archived; a refused transition says why."""
    found, etag = service.set_status(call, agent, body)
    return Reply(found, etag=etag)


@api.push("sweep-requested")
def sweep_one(call: Call, body: Json) -> None:
    """The fleet's part of the daily sweep, as of the message's time."""
    workspace, as_of = events.requested(body.value, "sweep-requested")
    sweeping.sweep(workspace, as_of)


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/my-agents-api")

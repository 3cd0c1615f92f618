"""What the daily sweep asks of the fleet: to forget agents that nobody can restore, and workspaces that are erased."""

from datetime import datetime

from functions.my_agents import changes, repository
from functions.shared import contracts, firestore
from functions.shared.contracts import WorkspaceRead
from functions.shared.identity import WorkspaceId


def sweep(workspace: WorkspaceId, as_of: datetime) -> int:
    """Forget what is due as of this time; returns how many documents went. A repeat finds nothing left to do.

    The wizard's room clears the agents themselves. As long as an agent is there its document here stays, or it would look
    like one that nobody has touched: so it does not matter who comes first.
    """
    found = firestore.get(contracts.workspace_path(workspace))
    if not found.exists:
        return 0
    if WorkspaceRead.model_validate(found.data).is_over(as_of):
        return firestore.delete_tree(repository.fleet_paths(workspace))
    old = repository.deleted_before(workspace, as_of - changes.RESTORABLE)
    agents = repository.read(repository.agent_path(workspace, one.id) for one in old)
    return firestore.delete_tree(one.path for one, agent in zip(old, agents, strict=True) if not agent.exists)

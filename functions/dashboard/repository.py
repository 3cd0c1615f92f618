"""Every query of the dashboard's room."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from functions.shared import contracts, firestore
from functions.shared.firestore import Query, Snapshot
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import from_directory
from functions.shared.paging import Place

RELAY = "relay/state"
"""The relay's counters; one document for the installation."""

MOST_AGENTS = 1000
MOST_WIDGETS = 500


def member_path(workspace: WorkspaceId, uid: str) -> str:
    """Where a person's role in a workspace is."""
    return contracts.path(workspace, "members", uid)


def api_key_path(workspace: WorkspaceId, key: str) -> str:
    """Where an API key is, without its secret."""
    return contracts.path(workspace, "api_keys", key)


def webhook_path(workspace: WorkspaceId, webhook: str) -> str:
    """Where a webhook is; its deliveries lie below it."""
    return contracts.path(workspace, "webhooks", webhook)


def delivery_path(workspace: WorkspaceId, webhook: str, event: str) -> str:
    """Where it is kept what became of an event at a webhook: there is one delivery for both."""
    return f"{webhook_path(workspace, webhook)}/deliveries/{event}"


def mail_path(workspace: WorkspaceId, event: str) -> str:
    """Where it is kept what became of the mail about an event."""
    return contracts.path(workspace, "deliveries", event)


def invitation_path(workspace: WorkspaceId, invitation: str) -> str:
    """Where an invitation is, without its token."""
    return contracts.path(workspace, "invitations", invitation)


def members(workspace: WorkspaceId, limit: int, after: Place | None) -> list[Snapshot]:
    """Who is in the workspace, the longest-standing first."""
    home = contracts.path(workspace, "members")
    return firestore.find(Query(home, order=("since",), limit=limit, after=after or ()))


def owners(workspace: WorkspaceId) -> list[Snapshot]:
    """The members who own the workspace."""
    return firestore.find(Query(contracts.path(workspace, "members"), where=(("role", "==", "owner"),), limit=500))


def members_with(workspace: WorkspaceId, email: str) -> list[Snapshot]:
    """The members with this address, in lower case; one of them is enough."""
    return firestore.find(Query(contracts.path(workspace, "members"), where=(("email", "==", email),), limit=1))


def memberships(uid: str, limit: int, after: WorkspaceId | None = None) -> list[Snapshot]:
    """The member documents of a person by workspace, in the order of their ids: the workspace made first comes first."""
    past = () if after is None else (member_path(after, uid),)
    return firestore.find(Query("members", where=(("uid", "==", uid),), group=True, limit=limit, after=past))


def webhooks(workspace: WorkspaceId, limit: int | None = None, after: Place | None = None) -> list[Snapshot]:
    """The webhooks, the oldest first; without a limit all of them, of which there are few."""
    home = contracts.path(workspace, "webhooks")
    return firestore.find(Query(home, order=("created_at",), limit=limit, after=after or ()))


def count_webhooks(workspace: WorkspaceId) -> int:
    """How many there are."""
    return firestore.count(Query(contracts.path(workspace, "webhooks")))


def deliveries(workspace: WorkspaceId, webhook: str, limit: int, after: Place | None) -> list[Snapshot]:
    """What went to a webhook, the newest first."""
    home = f"{webhook_path(workspace, webhook)}/deliveries"
    return firestore.find(Query(home, order=("-created_at",), limit=limit, after=after or ()))


def due(moment: datetime, limit: int) -> list[Snapshot]:
    """Deliveries of every workspace, webhooks' and mails, that are to be tried by `moment`, the longest due first."""
    found = Query("deliveries", where=(("due_at", "<=", moment),), order=("due_at",), limit=limit, group=True)
    return firestore.find(found)


def invitations(workspace: WorkspaceId, limit: int, after: Place | None) -> list[Snapshot]:
    """The invitations, the newest first; what is over goes 30 days later."""
    home = contracts.path(workspace, "invitations")
    return firestore.find(Query(home, order=("-created_at",), limit=limit, after=after or ()))


def waiting_invitations(workspace: WorkspaceId, now: datetime, limit: int) -> list[Snapshot]:
    """Invitations that nobody has accepted or revoked and that are not too old, the oldest first."""
    home = contracts.path(workspace, "invitations")
    where: Any = (("open", "==", True), ("expires_at", ">", now))
    return firestore.find(Query(home, where=where, order=("expires_at",), limit=limit))


def invited_since(workspace: WorkspaceId, moment: datetime) -> int:
    """How many invitations were made after this moment."""
    return firestore.count(Query(contracts.path(workspace, "invitations"), where=(("created_at", ">", moment),)))


def api_keys(workspace: WorkspaceId, limit: int, after: Place | None) -> list[Snapshot]:
    """The keys, the newest first, revoked ones too."""
    home = contracts.path(workspace, "api_keys")
    return firestore.find(Query(home, order=("-created_at",), limit=limit, after=after or ()))


def keys_ending(workspace: WorkspaceId, since: datetime, until: datetime) -> list[Snapshot]:
    """Keys whose end lies in this time, revoked ones too; the soonest first."""
    where: Any = (("expires_at", ">=", since), ("expires_at", "<", until))
    return firestore.find(Query(contracts.path(workspace, "api_keys"), where=where, order=("expires_at",), limit=20))


def activity(
    workspace: WorkspaceId,
    limit: int,
    after: Place | None,
    actor: str | None = None,
    kind: str | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Snapshot]:
    """Who did what from `since` on and before `until`, the newest first.

    Only the first that is given of subject, actor and kind is asked for, so that three indexes are enough: whoever
    gives several looks at the others himself.
    """
    where: list[tuple[str, firestore.Operator, Any]] = []
    for field, value in (("subject", subject), ("actor", actor), ("kind", kind)):
        if value is not None:
            where.append((field, "==", value))
            break
    if since is not None:
        where.append(("at", ">=", since))
    if until is not None:
        where.append(("at", "<", until))
    home = contracts.path(workspace, "activity")
    return firestore.find(Query(home, where=tuple(where), order=("-at",), limit=limit, after=after or ()))


def fleet(workspace: WorkspaceId) -> dict[str, Snapshot]:
    """Every agent's fleet document by agent; an agent that nobody touched has none."""
    found = firestore.find(
        Query(contracts.path(workspace, "fleet"), fields=("status", "deleted_at"), limit=MOST_AGENTS)
    )
    return {one.id: one for one in found}


def agents(workspace: WorkspaceId) -> int:
    """How many agents there are, deleted ones too."""
    return firestore.count(Query(contracts.path(workspace, "agents")))


def agent_names(workspace: WorkspaceId) -> list[Snapshot]:
    """Every agent's name, deleted ones too."""
    return firestore.find(Query(contracts.path(workspace, "agents"), fields=("name", "created_at"), limit=MOST_AGENTS))


def unpublished(workspace: WorkspaceId, limit: int) -> list[Snapshot]:
    """Agents of which no version was ever published, deleted ones too."""
    home = contracts.path(workspace, "agents")
    where: Any = (("published_version", "==", None),)
    return firestore.find(Query(home, where=where, fields=("name", "created_at"), limit=limit))


def widgets(workspace: WorkspaceId) -> list[Snapshot]:
    """The widgets that are not deleted, the newest first."""
    home = contracts.path(workspace, "widgets")
    where: Any = (("deleted_at", "==", None),)
    return firestore.find(
        Query(home, where=where, order=("-created_at",), fields=("name", "created_at"), limit=MOST_WIDGETS)
    )


def conversations_with(workspace: WorkspaceId, word: str, limit: int) -> list[Snapshot]:
    """Conversations in which this word was said, the latest first."""
    home = contracts.path(workspace, "conversations")
    where: Any = (("words", "array_contains", word),)
    fields = ("title", "words", "updated_at")
    return firestore.find(Query(home, where=where, order=("-updated_at",), limit=limit, fields=fields))


def waiting_for_a_person(workspace: WorkspaceId, limit: int) -> list[str]:
    """Conversations that a person was asked for and nobody has taken, the latest first."""
    home = contracts.path(workspace, "conversations")
    where: Any = (("hand_off.state", "==", "waiting"),)
    found = firestore.find(Query(home, where=where, order=("-updated_at",), limit=limit, fields=()))
    return [one.id for one in found]


def invoices_numbered(workspace: WorkspaceId, start: str, limit: int) -> list[Snapshot]:
    """Invoices whose number begins so, in the order of their numbers."""
    home = contracts.path(workspace, "invoices")
    where: Any = (("number", ">=", start), ("number", "<", f"{start}\uf8ff"))
    return firestore.find(Query(home, where=where, order=("number",), limit=limit))


def overdue(workspace: WorkspaceId, limit: int) -> list[Snapshot]:
    """Invoices that are overdue."""
    home = contracts.path(workspace, "invoices")
    return firestore.find(Query(home, where=(("state", "==", "overdue"),), limit=limit))


def owing(workspace: WorkspaceId, limit: int) -> list[Snapshot]:
    """Invoices that should have been paid: overdue, or given up as uncollectible."""
    home = contracts.path(workspace, "invoices")
    return firestore.find(Query(home, where=(("state", "in", ["overdue", "uncollectible"]),), limit=limit))


def invoices_in_making(workspace: WorkspaceId) -> list[Snapshot]:
    """Invoices that are not final: a month's draft, one that is drafted again, one that is being filed."""
    home = contracts.path(workspace, "invoices")
    return firestore.find(Query(home, where=(("state", "in", ["draft", "finalizing"]),)))


def invoices(workspace: WorkspaceId, limit: int) -> int:
    """How many invoices there are, at most `limit`."""
    return len(firestore.find(Query(contracts.path(workspace, "invoices"), fields=("period",), limit=limit)))


def periods(workspace: WorkspaceId) -> list[Snapshot]:
    """The spend documents of all months."""
    return firestore.find(Query(contracts.path(workspace, "spend")))


def paths_in(workspace: WorkspaceId, collection: str, limit: int) -> list[str]:
    """Where the documents of one of the workspace's collections are, in no promised order."""
    found = firestore.find(Query(contracts.path(workspace, collection), fields=(), limit=limit))
    return [one.path for one in found]


def read(paths: Iterable[str]) -> list[Snapshot]:
    """These documents, in one round trip; none without paths."""
    wanted = list(paths)
    return firestore.get_all(wanted) if wanted else []


def workspaces() -> Iterator[WorkspaceId]:
    """Every workspace that is not erased, for the jobs of the whole installation."""
    for found in firestore.stream(Query("workspaces", fields=("state",))):
        if found.data.get("state") != "erased":
            yield from_directory(found.id)

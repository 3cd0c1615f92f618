"""One search over what a workspace has: by part of a name, by id, by words that were said, by an invoice's number."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Literal

from functions.dashboard import repository
from functions.dashboard.home_models import Hit
from functions.shared import contracts, ids, words
from functions.shared.contracts import FleetRead
from functions.shared.firestore import Snapshot
from functions.shared.identity import WorkspaceId

Kind = Literal["agent", "widget", "conversation", "invoice"]

MOST = 10
"""Of each kind."""

MOST_CONVERSATIONS = 50
"""Conversations with the first word that are looked at for the others."""

COLLECTIONS: dict[Kind, str] = {
    "agent": "agents",
    "widget": "widgets",
    "conversation": "conversations",
    "invoice": "invoices",
}


def search(workspace: WorkspaceId, text: str) -> list[Hit]:
    """What fits: of an id the thing itself, else agents and widgets whose name has it, invoices whose number begins so,
    conversations in which all words were said; up to MOST of each kind.

    An id costs a read or two; anything else reads every agent's and widget's name.
    """
    wanted = text.strip()
    for kind in COLLECTIONS:
        if ids.valid(kind, wanted):
            return list(_by_id(workspace, kind, wanted))
    folded = words.folded(wanted)
    if not folded:
        return []
    finders: tuple[Callable[[WorkspaceId, str], Iterator[Hit]], ...] = (_agents, _widgets, _conversations, _invoices)
    return [hit for find in finders for hit in find(workspace, folded)]


def _by_id(workspace: WorkspaceId, kind: Kind, name: str) -> Iterator[Hit]:
    paths = [contracts.path(workspace, COLLECTIONS[kind], name)]
    if kind == "agent":
        paths.append(contracts.path(workspace, "fleet", name))
    found, *fleet = repository.read(paths)
    gone = found.data.get("deleted_at") or any(one.data.get("deleted_at") for one in fleet)
    if found.exists and not gone:
        yield _hit(kind, found)


def _hit(kind: Kind, found: Snapshot) -> Hit:
    data = found.data
    if kind == "invoice":
        return Hit(kind=kind, id=found.id, name=str(data.get("number") or data.get("period", "")))
    at: datetime | None = data.get("updated_at") if kind == "conversation" else data.get("created_at")
    title: Any = data.get("title") if kind == "conversation" else data.get("name")
    return Hit(kind=kind, id=found.id, name=str(title or ""), at=at)


def _named(found: list[Snapshot], folded: str) -> list[Snapshot]:
    """Those whose name has the text, names that begin with it first."""
    names = [(words.folded(str(one.data.get("name", ""))), one) for one in found]
    fitting = [(not name.startswith(folded), name, one.id, one) for name, one in names if folded in name]
    return [one for *_, one in sorted(fitting, key=lambda row: row[:3])]


def _agents(workspace: WorkspaceId, folded: str) -> Iterator[Hit]:
    fitting = _named(repository.agent_names(workspace), folded)[: MOST * 2]
    fleet = repository.read(contracts.path(workspace, "fleet", one.id) for one in fitting)
    living = [
        one
        for one, standing in zip(fitting, fleet, strict=True)
        if FleetRead.model_validate(standing.data).deleted_at is None
    ]
    yield from (_hit("agent", one) for one in living[:MOST])


def _widgets(workspace: WorkspaceId, folded: str) -> Iterator[Hit]:
    yield from (_hit("widget", one) for one in _named(repository.widgets(workspace), folded)[:MOST])


def _conversations(workspace: WorkspaceId, folded: str) -> Iterator[Hit]:
    said = words.significant(folded)
    if not said:
        return
    found = repository.conversations_with(workspace, said[0], MOST_CONVERSATIONS)
    fitting = [one for one in found if set(said) <= set(one.data.get("words", ()))]
    yield from (_hit("conversation", one) for one in fitting[:MOST])


def _invoices(workspace: WorkspaceId, folded: str) -> Iterator[Hit]:
    yield from (_hit("invoice", one) for one in repository.invoices_numbered(workspace, folded.upper(), MOST))

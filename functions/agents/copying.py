"""Copies an agent with what it knows: many documents in bounded commits, and nobody meets the copy before it is whole.

The copy's knowledge is written first, below an agent that does not exist yet; one last commit makes the agent. A mark
under `copies` tells of it in between, so a repeat with the same key begins anew, and what nobody repeats is cleared away
by the next copy or the daily sweep. Items keep their ids and vectors, so nothing is embedded again.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from pydantic import Field

from functions.agents import check_rules, definitions, knowledge_index, repository, wizard, yaml_writer
from functions.agents.models import Agent, KnowledgeState, Name
from functions.agents.wizard import ShownAgent
from functions.shared import clock, firestore
from functions.shared.firestore import Snapshot
from functions.shared.http import Body, Call
from functions.shared.identity import WorkspaceId

ABANDONED = timedelta(hours=1)
"""A copy that has not become whole by then never will: no request lives so long."""
_COMMIT_BYTES = 5_000_000
_COMMIT_WRITES = 200
_MOST_CLEARED = 5
_PART_BYTES = 910_000
_VECTOR_BYTES = 800
"""About what a passage's vector takes beside the text."""


class NewCopy(Body):
    """What to call the copy; `Mia (copy)` when nothing is said."""

    name: Name | None = Field(default=None)


def copy(call: Call, agent: str, new: NewCopy) -> tuple[ShownAgent, str]:
    """A new agent with this one's draft, file, knowledge and test cases, and its etag. It is neither published nor active.

    A repeat with the same Idempotency-Key finds the copy, or makes what is missing of it. Raises NotFound, Contended when
    the knowledge changes all the time.
    """
    name = call.new_id("agent")
    source, target = wizard.found(call, agent)[1], repository.read(repository.agent_path(call.workspace, name))[0]
    if target.exists:
        return wizard.get(call, name)
    sweep(call.workspace, call.now)
    batch = firestore.Batch()
    batch.set(repository.copy_path(call.workspace, name), {"copy_of": agent, "begun_at": call.now})
    batch.commit()
    while (call.deadline - clock.now()).total_seconds() > knowledge_index.SECONDS_TO_WRITE:
        # What an earlier attempt has left may be of another state of the knowledge.
        _clear(call.workspace, name)
        kept, source = wizard.found(call, agent)
        if _knowledge(call.workspace, agent, name, kept.knowledge):
            now = repository.read(source.path)[0].data.get("knowledge") or {}
            if KnowledgeState.model_validate(now).revision == kept.knowledge.revision:
                return _finished(call, agent, name, kept, new)
        knowledge_index.pause()
    raise firestore.Contended("Others are changing this agent's knowledge. Try again in a moment.")


def _knowledge(workspace: WorkspaceId, agent: str, name: str, knowledge: KnowledgeState) -> bool:
    """Copy index, items and contents; False when something was replaced meanwhile."""
    items = repository.items(workspace, agent)
    for group in _groups(workspace, agent, name, items, knowledge):
        found = repository.read(*group)
        if not all(one.exists for one in found):
            return False
        batch = firestore.Batch()
        for one in found:
            batch.set(group[one.path], one.data)
        batch.commit()
    for start in range(0, len(items), _COMMIT_WRITES):
        batch = firestore.Batch()
        for item in items[start : start + _COMMIT_WRITES]:
            batch.set(repository.item_path(workspace, name, item.id), item.data)
        batch.commit()
    return True


def _groups(
    workspace: WorkspaceId, agent: str, name: str, items: list[Snapshot], knowledge: KnowledgeState
) -> Iterator[dict[str, str]]:
    """From where to where the parts go, in groups that fit into a commit; their size is guessed, never too low."""
    parts = [
        (source, target, _PART_BYTES)
        for source, target in zip(
            repository.index_paths(workspace, agent, knowledge.revision, knowledge.parts),
            repository.index_paths(workspace, name, knowledge.revision, knowledge.parts),
            strict=True,
        )
    ]
    for item in items:
        data = item.data
        size = min(_PART_BYTES, 1_000 + data["bytes"] + data["passages"] * _VECTOR_BYTES)
        sources = repository.content_paths(workspace, agent, item.id, data["revision"], data["parts"])
        targets = repository.content_paths(workspace, name, item.id, data["revision"], data["parts"])
        parts += [(source, target, size) for source, target in zip(sources, targets, strict=True)]
    group: dict[str, str] = {}
    held = 0
    for source, target, size in parts:
        if group and (held + size > _COMMIT_BYTES or len(group) == _COMMIT_WRITES):
            yield group
            group, held = {}, 0
        group[source] = target
        held += size
    if group:
        yield group


def _finished(call: Call, agent: str, name: str, kept: Agent, new: NewCopy) -> tuple[ShownAgent, str]:
    title = new.name or f"{kept.draft.name[:70]} (copy)"
    definition = definitions.formed({**definitions.stored(kept.draft), "name": title})
    text = yaml_writer.changed(kept.draft_yaml, kept.draft, definition) if kept.draft_yaml else ""
    document = wizard.document(definition, text, kept.knowledge, call.now)
    path = repository.agent_path(call.workspace, name)
    batch = firestore.Batch()
    cases = check_rules.stored_cases(repository.read(repository.checks_path(call.workspace, agent))[0].data)
    if cases:
        # The cases come along; what their runs gave was about the other agent.
        written = {"cases": [case.model_dump(mode="json") for case in cases], "updated_at": call.now}
        batch.set(repository.checks_path(call.workspace, name), written)
        document["checks"] = {"count": len(cases), "cases": check_rules.digest_of(cases)}
    batch.create(path, document)
    batch.delete(repository.copy_path(call.workspace, name))
    wizard.tell(batch, call, "agent.copied", name, definition.name, after={"copy_of": agent})
    try:
        etag = batch.commit()[path]
    except firestore.AlreadyExists:
        return wizard.get(call, name)
    return wizard.shown(name, Agent.model_validate(document)), etag


def sweep(workspace: WorkspaceId, as_of: datetime) -> int:
    """Clear away the beginnings of copies that were given up, a few at a time; returns how many."""
    found = repository.copies(workspace, as_of - ABANDONED, _MOST_CLEARED)
    for mark in found:
        # One that was finished has its agent, and only its mark was left.
        if not repository.read(repository.agent_path(workspace, mark.id))[0].exists:
            _clear(workspace, mark.id)
        firestore.delete_tree([mark.path])
    return len(found)


def _clear(workspace: WorkspaceId, name: str) -> None:
    firestore.delete_tree(
        repository.chunk_path(workspace, name, part) for part in repository.chunk_ids(workspace, name)
    )
    firestore.delete_tree(item.path for item in repository.items(workspace, name))

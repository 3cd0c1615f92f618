"""The wizard's verbs: make, show, list and change an agent's draft, by JSON and by file, each in one commit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from functions.agents import definitions, differences, repository, yaml_reader, yaml_writer
from functions.agents.models import Agent, Definition, KnowledgeState
from functions.shared import activity, contracts, firestore, ids, paging
from functions.shared.contracts import FleetRead
from functions.shared.errors import Invalid, NotFound
from functions.shared.firestore import Snapshot
from functions.shared.http import Answer, Body, Call, Items, Page


class VersionInfo(Answer):
    """Which version visitors talk to."""

    id: str
    number: int


class ShownAgent(Answer):
    """An agent with its draft. Visitors talk to the published version; `unpublished_changes` says whether it differs."""

    id: str
    name: str
    industry: str
    model: str
    definition: Definition
    published: VersionInfo | None
    unpublished_changes: bool
    knowledge: KnowledgeState
    created_at: datetime
    updated_at: datetime


class ListedAgent(Answer):
    """An agent in a list."""

    id: str
    name: str
    industry: str
    model: str
    published: VersionInfo | None
    knowledge: KnowledgeState
    created_at: datetime
    updated_at: datetime


def found(call: Call, agent: str) -> tuple[Agent, Snapshot]:
    """The agent and its document. Raises NotFound, also when the fleet has deleted it."""
    if not ids.valid("agent", agent):
        raise NotFound("There is no such agent.")
    snapshot, fleet = repository.read(
        repository.agent_path(call.workspace, agent), contracts.path(call.workspace, "fleet", agent)
    )
    if not snapshot.exists or FleetRead.model_validate(fleet.data).deleted_at is not None:
        raise NotFound("There is no such agent.")
    return Agent.model_validate(snapshot.data), snapshot


def shown(agent: str, kept: Agent) -> ShownAgent:
    """As the API shows it."""
    return ShownAgent(
        id=agent,
        name=kept.name,
        industry=kept.industry,
        model=kept.model,
        definition=kept.draft,
        published=_version(kept.published_version, kept.published_number),
        unpublished_changes=kept.draft != kept.published,
        knowledge=kept.knowledge,
        created_at=kept.created_at,
        updated_at=kept.updated_at,
    )


def _version(version: str | None, number: int) -> VersionInfo | None:
    return None if version is None else VersionInfo(id=version, number=number)


def get(call: Call, agent: str) -> tuple[ShownAgent, str]:
    """One agent and its etag. Raises NotFound."""
    kept, snapshot = found(call, agent)
    return shown(agent, kept), snapshot.etag


def listed(call: Call, query: Page) -> Items[ListedAgent]:
    """A page, the newest first. Deleted agents are left out, so a page may be shorter than asked for."""
    after = paging.place_of(query.page_token, contracts.path(call.workspace, "agents"))
    page = repository.agents(call.workspace, query.page_size + 1, after or ())
    more, page = len(page) > query.page_size, page[: query.page_size]
    fleet = repository.read(*(contracts.path(call.workspace, "fleet", agent.id) for agent in page)) if page else []
    gone = {one.id for one in fleet if FleetRead.model_validate(one.data).deleted_at is not None}
    token = paging.next_token(page[-1], "created_at") if more else None
    return Items(items=[_listed(agent) for agent in page if agent.id not in gone], next_page_token=token)


def _listed(agent: Snapshot) -> ListedAgent:
    data = agent.data
    return ListedAgent(
        id=agent.id,
        name=data["name"],
        industry=data["industry"],
        model=data["model"],
        published=_version(data.get("published_version"), data.get("published_number") or 0),
        knowledge=KnowledgeState.model_validate(data.get("knowledge") or {}),
        created_at=data["created_at"],
        updated_at=data["updated_at"],
    )


def create(call: Call, answers: Mapping[str, Any]) -> tuple[ShownAgent, str]:
    """A new agent of these answers, gaps filled. Raises Invalid (`unknown_model` among others)."""
    definition = definitions.checked(definitions.completed(definitions.merged({}, answers), call.now), call.now)
    return _made(call, definition, "", "agent.created")


def imported(call: Call, content: bytes) -> tuple[ShownAgent, str]:
    """A new agent of a file; nothing is filled in, so the file means the same everywhere. Raises as `read_file`."""
    reading, definition = read_file(content, call.now)
    return _made(call, definition, reading.text, "agent.imported")


def _made(call: Call, definition: Definition, text: str, action: str) -> tuple[ShownAgent, str]:
    agent = call.new_id("agent")
    path = repository.agent_path(call.workspace, agent)
    made = document(definition, text, KnowledgeState(), call.now)
    batch = firestore.Batch()
    batch.create(path, made)
    after = {"industry": definition.industry, "model": made["model"]}
    tell(batch, call, action, agent, definition.name, after=after)
    try:
        etag = batch.commit()[path]
    except firestore.AlreadyExists:
        # Made by an earlier request with this key, whose answer was lost.
        return get(call, agent)
    return shown(agent, Agent.model_validate(made)), etag


def document(definition: Definition, text: str, knowledge: KnowledgeState, now: datetime) -> dict[str, Any]:
    """An agent as it is stored when it is made: a draft that was never published."""
    return {
        **_of_draft(definition, text),
        "published": None,
        "published_prompt": "",
        "published_version": None,
        "published_number": 0,
        "published_name": None,
        "published_greeting": "",
        "published_questions": [],
        "published_away": "",
        "published_languages": [],
        "knowledge": knowledge.model_dump(),
        "created_at": now,
        "updated_at": now,
    }


def _of_draft(definition: Definition, text: str) -> dict[str, Any]:
    return {
        "name": definition.name,
        "industry": definition.industry,
        "model": f"{definition.model.provider}/{definition.model.id}",
        "draft": definitions.stored(definition),
        "draft_yaml": text,
    }


def change(call: Call, agent: str, patch: Mapping[str, Any]) -> tuple[ShownAgent, str]:
    """Merge a patch into the draft (RFC 7396); what a null takes away falls back to its default. Raises Invalid."""
    kept, snapshot = found(call, agent)
    values = definitions.merged(definitions.stored(kept.draft), patch)
    definition = definitions.checked(values, call.now)
    text = yaml_writer.changed(kept.draft_yaml, kept.draft, definition) if kept.draft_yaml else ""
    return _changed(call, agent, kept, snapshot, definition, text)


def replace(call: Call, agent: str, content: bytes) -> tuple[ShownAgent, str]:
    """Make a file the draft. Raises as `read_file`."""
    reading, definition = read_file(content, call.now)
    kept, snapshot = found(call, agent)
    return _changed(call, agent, kept, snapshot, definition, reading.text)


def _changed(
    call: Call, agent: str, kept: Agent, snapshot: Snapshot, definition: Definition, text: str
) -> tuple[ShownAgent, str]:
    batch = firestore.Batch()
    fields = add_draft(batch, call, agent, kept, definition, text)
    return written(batch, agent, kept, fields, snapshot.path, call.if_match or snapshot.etag)


def add_draft(
    batch: firestore.Batch, call: Call, agent: str, kept: Agent, definition: Definition, text: str
) -> dict[str, Any]:
    """Add the activity entry of a new draft to a commit; returns the fields of the agent that it changes."""
    before, after = differences.told(differences.between(kept.draft, definition))
    tell(batch, call, "agent.changed", agent, definition.name, before=before, after=after)
    return {**_of_draft(definition, text), "updated_at": call.now}


def written(
    batch: firestore.Batch, agent: str, kept: Agent, fields: Mapping[str, Any], path: str, etag: str
) -> tuple[ShownAgent, str]:
    """Commit changed fields of an agent that must still have this etag; the agent as it is then, and its new etag."""
    batch.update(path, {(name,): value for name, value in fields.items()}, if_etag=etag)
    result = Agent.model_validate({**kept.model_dump(), **fields})
    return shown(agent, result), batch.commit()[path]


def read_file(content: bytes, now: datetime) -> tuple[yaml_reader.Reading, Definition]:
    """A file as a definition. Raises TooLarge, Malformed or Invalid, whose errors name line and column."""
    reading = yaml_reader.read(content)
    try:
        return reading, definitions.checked(reading.values, now)
    except Invalid as error:
        raise reading.placed(error) from None


def file_of(call: Call, agent: str) -> tuple[str, str]:
    """The draft as a file, as it was sent where it came by file, and the agent's etag."""
    kept, snapshot = found(call, agent)
    return kept.draft_yaml or yaml_writer.fresh(kept.draft), snapshot.etag


class ExportRequest(Body):
    """Whose files to give."""

    agents: list[str] = Field(min_length=1, max_length=100)


class ExportedAgent(Answer):
    """An agent's draft as a file."""

    id: str
    name: str
    yaml: str


def files_of(call: Call, wanted: ExportRequest) -> Items[ExportedAgent]:
    """The drafts of these agents as files, in this order; those that are not there or deleted are left out."""
    names = [name for name in dict.fromkeys(wanted.agents) if ids.valid("agent", name)]
    agents = repository.read(*(repository.agent_path(call.workspace, name) for name in names)) if names else []
    fleet = repository.read(*(contracts.path(call.workspace, "fleet", name) for name in names)) if names else []
    found = []
    for snapshot, status in zip(agents, fleet, strict=True):
        if snapshot.exists and FleetRead.model_validate(status.data).deleted_at is None:
            kept = Agent.model_validate(snapshot.data)
            text = kept.draft_yaml or yaml_writer.fresh(kept.draft)
            found.append(ExportedAgent(id=snapshot.id, name=kept.name, yaml=text))
    return Items(items=found)


def tell(batch: firestore.Batch, call: Call, action: str, agent: str, name: str, **changed: Any) -> None:
    """Add the activity entry of a change to its commit."""
    activity.record(
        batch, call.workspace, call.principal, action, kind="agent", subject=agent, name=name, now=call.now, **changed
    )

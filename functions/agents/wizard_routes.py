"""The wizard over HTTP: the prompt's preview, agents, their versions and their files."""

from pydantic import Field

from functions.agents import (
    check_routes,
    conversation_routes,
    copying,
    definitions,
    knowledge,
    knowledge_routes,
    offer_routes,
    preview,
    publishing,
    sweep_routes,
    wizard,
    yaml_reader,
)
from functions.agents.copying import NewCopy
from functions.agents.definitions import Answers
from functions.agents.models import Definition
from functions.agents.publishing import Difference, ListedVersion, Rollback, Version
from functions.agents.wizard import ExportedAgent, ExportRequest, ListedAgent, ShownAgent
from functions.shared import firestore
from functions.shared.http import (
    CONSOLE,
    MACHINE,
    Answer,
    Body,
    Bytes,
    Call,
    Items,
    Page,
    Query,
    Raw,
    Reply,
    Routes,
)

api = Routes("agents-api")
api.include(offer_routes.api)
api.include(knowledge_routes.api)
api.include(check_routes.api)
api.include(conversation_routes.api)
api.include(sweep_routes.api)

YAML = "application/yaml"
_YAML_TYPES = (YAML, "application/x-yaml", "text/yaml")


class PreviewRequest(Body):
    """Any part of the wizard's answers; `agent_id` names the agent against whose knowledge they are judged.

    Without one they are those of a new agent, which has no knowledge yet.
    """

    agent_id: str | None = Field(default=None, max_length=80)
    definition: Answers = Field(default_factory=Answers)


class GateQuery(Query):
    """`accept_failing=true`: publish although test cases fail or were not run."""

    accept_failing: bool = False


class PublishQuery(GateQuery):
    """`publish=true`: draft and published version in one step."""

    publish: bool = False


class AgainstQuery(Query):
    """What to compare with: a version's id or `draft`; the version before it when absent."""

    against: str | None = Field(default=None, max_length=80)


class ForQuery(Query):
    """`agent_id` names the agent that the file is for: then its knowledge is judged too."""

    agent_id: str | None = Field(default=None, max_length=80)


class TakenFile(ShownAgent):
    """The agent with the file as its draft; `warnings` are worth a look."""

    warnings: list[preview.PromptWarning]


class FileCheck(Answer):
    """A file that could be taken as it is; `warnings` are worth a look."""

    definition: Definition
    warnings: list[preview.PromptWarning]


@api.post("/api/agents/prompt-preview", callers=(CONSOLE, MACHINE), summary="The prompt of some answers; not stored.")
def preview_prompt(call: Call, body: PreviewRequest) -> preview.Preview:
    """Gaps are filled as they are when an agent is made. What the agent's knowledge lacks is told too."""
    unknown = preview.nothing_known if body.agent_id is None else knowledge.lacking(call, body.agent_id)
    return preview.preview(definitions.merged({}, body.definition.given()), call.now, unknown)


@api.post("/api/agents", callers=(CONSOLE, MACHINE), status=201, idempotent=True, summary="Make an agent.")
def create_agent(call: Call, body: Answers) -> Reply[ShownAgent]:
    """A name is enough: the industry fills the rest."""
    agent, etag = wizard.create(call, body.given())
    return _made(agent, etag)


def _made(agent: ShownAgent, etag: str) -> Reply[ShownAgent]:
    return Reply(agent, etag=etag, headers={"Location": f"/api/agents/{agent.id}"})


@api.get("/api/agents", callers=(CONSOLE, MACHINE), summary="The agents, the newest first.")
def list_agents(call: Call, query: Page) -> Items[ListedAgent]:
    """Without their definitions; status and figures are the fleet's."""
    return wizard.listed(call, query)


@api.get("/api/agents/{agent}", callers=(CONSOLE, MACHINE), etag=True, summary="One agent with its draft.")
def get_agent(call: Call, agent: str) -> Reply[ShownAgent]:
    """The ETag changes with draft, version and knowledge."""
    shown, etag = wizard.get(call, agent)
    return Reply(shown, etag=etag)


@api.patch(
    "/api/agents/{agent}",
    callers=(CONSOLE, MACHINE),
    accepts=("application/json", "application/merge-patch+json"),
    summary="Change the draft by a JSON merge patch (RFC 7396).",
)
def change_agent(call: Call, agent: str, body: Answers) -> Reply[ShownAgent]:
    """Parts such as `business` are merged, lists are replaced whole, null means the default."""
    shown, etag = wizard.change(call, agent, body.given())
    return Reply(shown, etag=etag)


@api.post(
    "/api/agents/{agent}/copy",
    callers=(CONSOLE, MACHINE),
    status=201,
    idempotent=True,
    deadline="slow",
    summary="Make a copy with draft, file and knowledge.",
)
def copy_agent(call: Call, agent: str, body: NewCopy) -> Reply[ShownAgent]:
    """Neither published nor active; it knows what the agent knows at this moment."""
    shown, etag = copying.copy(call, agent, body)
    return _made(shown, etag)


@api.post(
    "/api/agents/export",
    callers=(CONSOLE, MACHINE),
    role="viewer",
    scope="read",
    deadline="slow",
    summary="The drafts of up to 100 agents as YAML files.",
)
def export_agents(call: Call, body: ExportRequest) -> Items[ExportedAgent]:
    """Those that are not there are left out."""
    return wizard.files_of(call, body)


@api.post(
    "/api/agents/{agent}/publish",
    callers=(CONSOLE, MACHINE),
    idempotent=True,
    refuses=(412,),
    summary="Publish the draft.",
)
def publish_agent(call: Call, agent: str, query: GateQuery) -> Reply[ListedVersion]:
    """Visitors meet it from their next message on. Knowledge needs no publishing. The ETag is the agent's.

    An agent with test cases needs a run of them in which none fails on this draft: 409 `checks_not_run`, `checks_failing`.
    """
    version, etag = publishing.publish(call, agent, accept_failing=query.accept_failing)
    return Reply(version, etag=etag)


@api.get("/api/agents/{agent}/versions", callers=(CONSOLE, MACHINE), summary="Published versions, the newest first.")
def list_versions(call: Call, agent: str, query: Page) -> Items[ListedVersion]:
    """Versions are never changed and never deleted while the agent lives."""
    return publishing.listed(call, agent, query)


@api.get("/api/agents/{agent}/versions/{version}", callers=(CONSOLE, MACHINE), etag=True, summary="One version, whole.")
def get_version(call: Call, agent: str, version: str) -> Reply[Version]:
    """Definition, file and the prompt as models read it."""
    found, etag = publishing.get(call, agent, version)
    return Reply(found, etag=etag)


@api.get("/api/agents/{agent}/versions/{version}/diff", callers=(CONSOLE, MACHINE), summary="What a version changed.")
def compare_versions(call: Call, agent: str, version: str, query: AgainstQuery) -> Difference:
    """By section and field; texts line by line, with the words that differ."""
    return publishing.compared(call, agent, version, query.against)


@api.post("/api/agents/{agent}/rollback", callers=(CONSOLE, MACHINE), idempotent=True, summary="Go back to a version.")
def rollback_agent(call: Call, agent: str, body: Rollback) -> Reply[ListedVersion]:
    """It is published again under a new number; the draft stays as it is."""
    version, etag = publishing.rollback(call, agent, body.version)
    return Reply(version, etag=etag)


@api.get(
    "/api/agents/{agent}/config",
    callers=(CONSOLE, MACHINE),
    produces=(YAML,),
    etag=True,
    summary="The draft as a YAML file.",
)
def get_file(call: Call, agent: str) -> Bytes:
    """A file that was sent comes back as it was, comments included."""
    text, etag = wizard.file_of(call, agent)
    return Bytes(text.encode(), f"{YAML}; charset=utf-8", etag=etag)


@api.put(
    "/api/agents/{agent}/config",
    callers=(CONSOLE, MACHINE),
    accepts=_YAML_TYPES,
    max_body=yaml_reader.MAX_BYTES,
    summary="Make a YAML file the draft; with publish=true published at once.",
)
def put_file(call: Call, agent: str, query: PublishQuery, body: Raw) -> Reply[TakenFile]:
    """The way of a pipeline; a file that is there already changes nothing. What is probably not meant is in `warnings`."""
    if query.publish:
        shown, etag = publishing.replace_and_publish(call, agent, body.content, accept_failing=query.accept_failing)
    else:
        shown, etag = wizard.replace(call, agent, body.content)
    found = preview.warnings(shown.definition, call.now, knowledge.lacking(call, agent))
    return Reply(TakenFile(**dict(shown), warnings=found), etag=etag)


@api.post(
    "/api/agents/import",
    callers=(CONSOLE, MACHINE),
    status=201,
    idempotent=True,
    accepts=_YAML_TYPES,
    max_body=yaml_reader.MAX_BYTES,
    summary="Make an agent of a YAML file.",
)
def import_agent(call: Call, body: Raw) -> Reply[ShownAgent]:
    """What the file leaves out has the schema's defaults, the same everywhere."""
    agent, etag = wizard.imported(call, body.content)
    return _made(agent, etag)


@api.post(
    "/api/agents/config/validate",
    callers=(CONSOLE, MACHINE),
    role="viewer",
    scope="read",
    accepts=_YAML_TYPES,
    max_body=yaml_reader.MAX_BYTES,
    summary="Check a YAML file; nothing is stored.",
)
def validate_file(call: Call, query: ForQuery, body: Raw) -> FileCheck:
    """A file that would be refused is answered as it would be then: 422 with line and column."""
    _, definition = wizard.read_file(body.content, call.now)
    unknown = None if query.agent_id is None else knowledge.lacking(call, query.agent_id)
    return FileCheck(definition=definition, warnings=preview.warnings(definition, call.now, unknown))


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/agents-api")

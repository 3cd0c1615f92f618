"""Published versions: made once and never changed, compared, and gone back to.

A version holds definition, file and prompt, so going back means exactly what visitors met then. Knowledge is live: it
belongs to the agent and not to a version.
"""

from datetime import datetime
from typing import Any

from functions.agents import checks, definitions, differences, offers, prompts, repository, wizard, yaml_writer
from functions.agents.differences import SectionChange
from functions.agents.models import Agent, Definition
from functions.shared import events, firestore, ids, publications
from functions.shared.errors import Conflict, Invalid, NotFound
from functions.shared.events import Event
from functions.shared.firestore import Snapshot
from functions.shared.http import Answer, Body, Call, Items, Page, page_token, page_values


class ListedVersion(Answer):
    """A version in a list; `rolled_back_to` is the number of the one whose definition it repeats.

    `check_run` judged exactly this version before it was published, and `checks_failing` of its test cases failed.
    """

    id: str
    number: int
    name: str
    model: str
    published_at: datetime
    published_by: str
    rolled_back_to: int | None
    check_run: str | None = None
    checks_failing: int | None = None


class Version(ListedVersion):
    """A version with everything that it is."""

    definition: Definition
    yaml: str
    prompt: str


class Difference(Answer):
    """What changed from `against` to `version`. `against` is null for the first version, compared with nothing."""

    version: str
    against: str | None
    sections: list[SectionChange]


class Rollback(Body):
    """Which version to go back to."""

    version: str


def publish(call: Call, agent: str, *, accept_failing: bool = False) -> tuple[ListedVersion, str]:
    """Make the draft the version that visitors talk to: that version, and the agent's new etag.

    A repeat with the same key finds the version that the first request made, whatever the draft is by then.

    Raises Conflict (`nothing_to_publish`) when definition and prompt are the published ones, Invalid when its model
    cannot be used any more, and, unless failing test cases are accepted, checks.ChecksNotRun and checks.ChecksFailing.
    """
    kept, snapshot = wizard.found(call, agent)
    if (made := _made_before(call, agent)) is not None:
        return made, snapshot.etag
    offers.check(kept.draft.model, call.now)
    prompt = prompts.compose(kept.draft).text
    if kept.draft == kept.published and prompt == kept.published_prompt:
        raise Conflict("The draft is published already. Knowledge needs no publishing.", code="nothing_to_publish")
    judged = checks.gate(kept, kept.draft, accept_failing=accept_failing)
    batch = firestore.Batch()
    fields, version, event = _add(batch, call, agent, kept, kept.draft, kept.draft_yaml, prompt, judged)
    _, etag = wizard.written(batch, agent, kept, fields, snapshot.path, call.if_match or snapshot.etag)
    events.publish(event)
    return version, etag


def replace_and_publish(
    call: Call, agent: str, content: bytes, *, accept_failing: bool = False
) -> tuple[wizard.ShownAgent, str]:
    """Make a file draft and published version in one commit. A file that says nothing new changes nothing.

    A pipeline may run again and again: a file that is published already is no error. Test cases are a gate as they are
    to `publish`; where that refuses, the draft is not changed either.
    """
    reading, definition = wizard.read_file(content, call.now)
    kept, snapshot = wizard.found(call, agent)
    etag = call.if_match or snapshot.etag
    prompt = prompts.compose(definition).text
    same_text = definition == kept.draft and reading.text == kept.draft_yaml
    if same_text and definition == kept.published and prompt == kept.published_prompt:
        if etag != snapshot.etag:
            raise firestore.Changed(etag)
        return wizard.shown(agent, kept), snapshot.etag
    batch = firestore.Batch()
    fields = wizard.add_draft(batch, call, agent, kept, definition, reading.text)
    event = None
    if definition != kept.published or prompt != kept.published_prompt:
        judged = checks.gate(kept, definition, accept_failing=accept_failing)
        added, _, event = _add(batch, call, agent, kept, definition, reading.text, prompt, judged)
        fields |= added
    result = wizard.written(batch, agent, kept, fields, snapshot.path, etag)
    if event is not None:
        events.publish(event)
    return result


def rollback(call: Call, agent: str, version: str) -> tuple[ListedVersion, str]:
    """Publish an earlier version's definition and prompt under a new number; the draft stays as it is.

    Returns the new version and the agent's new etag; a repeat with the same key finds that version. Test cases do not
    stand in the way back.

    Raises NotFound, Conflict (`nothing_to_publish`) for the present version, Invalid when its model is gone.
    """
    kept, snapshot = wizard.found(call, agent)
    if (made := _made_before(call, agent)) is not None:
        return made, snapshot.etag
    old = _version(call, agent, version)
    definition = Definition.model_validate(old.data["definition"])
    if definition == kept.published and old.data["prompt"] == kept.published_prompt:
        raise Conflict("This is what is published now.", code="nothing_to_publish")
    offers.check(definition.model, call.now)
    batch = firestore.Batch()
    was = old.data
    unjudged = checks.PublishedChecks()
    fields, new, event = _add(
        batch, call, agent, kept, definition, was["yaml"], was["prompt"], unjudged, back_to=was["number"]
    )
    _, etag = wizard.written(batch, agent, kept, fields, snapshot.path, call.if_match or snapshot.etag)
    events.publish(event)
    return new, etag


def _made_before(call: Call, agent: str) -> ListedVersion | None:
    """What an earlier request with this key has published, whose answer was lost."""
    if not call.repeated:
        return None
    (found,) = repository.read(repository.version_path(call.workspace, agent, call.new_id("version", agent)))
    return ListedVersion(id=found.id, **found.data) if found.exists else None


def _add(
    batch: firestore.Batch,
    call: Call,
    agent: str,
    kept: Agent,
    definition: Definition,
    text: str,
    prompt: str,
    judged: checks.PublishedChecks,
    back_to: int | None = None,
) -> tuple[dict[str, Any], ListedVersion, Event]:
    """Add the version, its activity entry and its event to a commit.

    Returns the fields of the agent that it changes, the version, and the event to publish after the commit.
    """
    version, number = call.new_id("version", agent), kept.published_number + 1
    stored = definitions.stored(definition)
    document = {
        "number": number,
        "name": definition.name,
        "model": f"{definition.model.provider}/{definition.model.id}",
        "definition": stored,
        "yaml": text or yaml_writer.fresh(definition),
        "prompt": prompt,
        "published_at": call.now,
        "published_by": call.principal.actor,
        "rolled_back_to": back_to,
        **judged.model_dump(),
    }
    batch.create(repository.version_path(call.workspace, agent, version), document)
    fields = {
        "published": stored,
        "published_prompt": prompt,
        "published_version": version,
        "published_number": number,
        "published_name": definition.name,
        "published_greeting": definition.greeting,
        "published_questions": list(definition.sample_questions),
        "published_away": definition.away_message,
        "published_hours": stored["business"]["hours"],
        "published_hand_off_away": definition.hand_off.away_message,
        "published_leads": definition.leads.enabled,
        "published_languages": list(definition.languages),
        "updated_at": call.now,
    }
    wizard.tell(
        batch,
        call,
        "agent.published" if back_to is None else "agent.rolled_back",
        agent,
        definition.name,
        before={"version": kept.published_number or None},
        after={"version": number} if back_to is None else {"version": number, "as_version": back_to},
    )
    event = publications.record(batch, call.workspace, agent, version, now=call.now)
    return fields, ListedVersion(id=version, **document), event


def listed(call: Call, agent: str, query: Page) -> Items[ListedVersion]:
    """The versions, the newest first. Raises NotFound."""
    wizard.found(call, agent)
    after: tuple[Any, ...] = ()
    values = page_values(query.page_token, 2)
    if values is not None:
        number, version = values
        if not isinstance(number, int) or not isinstance(version, str) or not ids.valid("version", version):
            raise Invalid(errors=[{"pointer": "/page_token", "message": "This is not a page token of this list."}])
        after = (number, repository.version_path(call.workspace, agent, version))
    page = repository.versions(call.workspace, agent, query.page_size + 1, after)
    more, page = len(page) > query.page_size, page[: query.page_size]
    token = page_token(page[-1].data["number"], page[-1].id) if more else None
    return Items(items=[ListedVersion(id=found.id, **found.data) for found in page], next_page_token=token)


def get(call: Call, agent: str, version: str) -> tuple[Version, str]:
    """One version and its etag. Raises NotFound."""
    wizard.found(call, agent)
    found = _version(call, agent, version)
    return Version(id=found.id, **found.data), found.etag


def compared(call: Call, agent: str, version: str, against: str | None) -> Difference:
    """What changed up to `version`, from `against`: a version, `draft`, or by default the version before it."""
    kept, _ = wizard.found(call, agent)
    found = _version(call, agent, version)
    definition = Definition.model_validate(found.data["definition"])
    if against == "draft":
        return Difference(version=version, against="draft", sections=differences.between(kept.draft, definition))
    if against is not None:
        other: Snapshot | None = _version(call, agent, against)
    else:
        other = repository.version_of_number(call.workspace, agent, found.data["number"] - 1)
    if other is None:
        return Difference(version=version, against=None, sections=[])
    before = Definition.model_validate(other.data["definition"])
    return Difference(version=version, against=other.id, sections=differences.between(before, definition))


def _version(call: Call, agent: str, version: str) -> Snapshot:
    if ids.valid("version", version):
        (found,) = repository.read(repository.version_path(call.workspace, agent, version))
        if found.exists:
            return found
    raise NotFound("There is no such version.")

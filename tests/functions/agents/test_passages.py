"""Passages for a question: cached by revision, found again when an index is replaced, never larger than the hold counts."""

import pytest

from functions.agents import passages, prompt_format, repository
from functions.agents.chunking import Source
from functions.agents.models import KnowledgeState
from functions.agents.providers import ModelTimeout
from functions.shared import firestore, logs
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.agents.talking import (
    HOURS,
    Scripted,
    Visitor,
    an_agent,
    know,
    named,
    stored_agent,
    text_of,
    write,
)

QUESTION = "When are you open on Friday?"
PARKING = Source("kno_parking", "Parking", "text", "You can park behind the house on Friday, the gate is open.")


def found(workspace: WorkspaceId, agent: str, known: KnowledgeState | None = None, most: int = 4) -> list[str]:
    knowledge = known or stored_agent(workspace, agent).knowledge
    return [hit.item_id for hit in passages.find(workspace, agent, knowledge, QUESTION, most, Scripted())]


def replace(workspace: WorkspaceId, agent: str, *sources: Source) -> KnowledgeState:
    """Switch the agent to a new index and delete the old one, as a write of knowledge does."""
    old = stored_agent(workspace, agent).knowledge
    new = know(workspace, agent, sources)
    path = repository.agent_path(workspace, agent)
    write(path, {**firestore.get(path).data, "knowledge": new.model_dump()})
    firestore.delete_tree(repository.index_paths(workspace, agent, old.revision, old.parts))
    return new


def test_an_index_is_read_once_in_an_instance(workspace: WorkspaceId) -> None:
    agent = an_agent(workspace, knowledge=(HOURS,))
    known = stored_agent(workspace, agent).knowledge
    with logs.request() as operations:
        assert found(workspace, agent, known) == ["kno_hours"]
        assert found(workspace, agent, known) == ["kno_hours"]
    assert dict(operations) == {"firestore_reads": 1}


def test_a_new_index_counts_at_once(workspace: WorkspaceId) -> None:
    agent = an_agent(workspace, knowledge=(HOURS,))
    assert found(workspace, agent) == ["kno_hours"]
    replace(workspace, agent, PARKING)
    assert found(workspace, agent) == ["kno_parking"]


def test_an_index_that_is_replaced_in_the_middle_of_a_turn_is_found_again(workspace: WorkspaceId) -> None:
    agent = an_agent(workspace, knowledge=(HOURS,))
    old = stored_agent(workspace, agent).knowledge
    replace(workspace, agent, PARKING)
    assert found(workspace, agent, old) == ["kno_parking"]


def test_an_index_that_is_gone_finds_nothing(workspace: WorkspaceId) -> None:
    agent = an_agent(workspace, knowledge=(HOURS,))
    old = stored_agent(workspace, agent).knowledge
    firestore.delete_tree(repository.index_paths(workspace, agent, old.revision, old.parts))
    assert found(workspace, agent, old) == []
    firestore.delete_tree([repository.agent_path(workspace, agent)])
    assert found(workspace, agent, old) == []


def test_no_knowledge_and_no_passages_cost_nothing(workspace: WorkspaceId) -> None:
    agent = an_agent(workspace, knowledge=(HOURS,))
    with logs.request() as operations:
        assert found(workspace, agent, KnowledgeState()) == []
        assert found(workspace, agent, KnowledgeState(revision="r", parts=1), most=0) == []
    assert not operations


def test_knowledge_of_a_model_that_is_gone_is_found_by_its_words(workspace: WorkspaceId) -> None:
    agent = an_agent(workspace, knowledge=(HOURS,))
    known = stored_agent(workspace, agent).knowledge
    assert found(workspace, agent, known.model_copy(update={"embedding_model": "gone"})) == ["kno_hours"]


@pytest.mark.parametrize("letter", ["ü", "字", "<knowledge>"])
def test_the_block_is_never_larger_than_the_hold_counts(workspace: WorkspaceId, letter: str) -> None:
    sources = tuple(
        Source(f"kno_{n}", f"Open on Friday {n}", "text", f"Open on Friday. {letter * 80}") for n in range(30)
    )
    agent = an_agent(workspace, knowledge=sources)
    known = stored_agent(workspace, agent).knowledge
    hits = passages.find(workspace, agent, known, QUESTION, 8, Scripted())
    block = prompt_format.knowledge_block([(hit.title, hit.text) for hit in hits])
    assert hits
    assert len(block.encode()) <= passages.MAX_BYTES


def test_the_instance_keeps_so_many_parts_and_no_more(workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passages, "CACHED_PARTS", 2)
    agents = [an_agent(workspace, knowledge=(HOURS,)) for _ in range(3)]
    states = [stored_agent(workspace, agent).knowledge for agent in agents]
    for agent, known in zip(agents, states, strict=True):
        found(workspace, agent, known)
    with logs.request() as operations:
        assert found(workspace, agents[2], states[2]) == ["kno_hours"]
        assert found(workspace, agents[0], states[0]) == ["kno_hours"]
    assert dict(operations) == {"firestore_reads": 1}


def test_an_answer_names_its_sources_by_the_numbers_in_its_text(talking: Cloud, workspace: WorkspaceId) -> None:
    visitor = Visitor(talking, workspace, an_agent(workspace, knowledge=(HOURS, PARKING)))
    told = visitor.say("Where can I park?", stream=True)
    assert text_of(told).endswith("[1]")
    assert named(told, "sources") == [{"sources": [{"number": 1, "title": "Parking", "item_id": "kno_parking"}]}]


def test_a_half_answer_has_its_sources_too(cloud: Cloud, workspace: WorkspaceId) -> None:
    from functions.agents.providers import TextDelta

    visitor = Visitor(cloud, workspace, an_agent(workspace, knowledge=(HOURS,)))
    visitor.turn(Scripted(TextDelta("From nine [1]"), ModelTimeout("late")), QUESTION)
    assert [source["item_id"] for source in visitor.turns()[0]["sources"]] == ["kno_hours"]

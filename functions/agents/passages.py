"""Finds the passages of an agent's knowledge that answer a question; keeps decoded indexes in the instance.

An index is cached by its revision, which is new at every write, so an instance never serves an old one: the revision it
asks for comes from the agent's document, read in the same turn.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

from functions.agents import index, prompt_format, repository, retrieval
from functions.agents.models import Agent, KnowledgeState
from functions.agents.providers import ModelError, Provider, deadline_in, load
from functions.agents.retrieval import Hit
from functions.shared import logs
from functions.shared.identity import WorkspaceId

CACHED_PARTS = 150
"""How many parts of indexes are kept decoded in the instance: they bound its memory, as each is below a megabyte."""
EMBEDDING_SECONDS = 5.0
MAX_BYTES = 6_000
"""The most that the block of knowledge may bring into the prompt; the turn's highest price counts it."""

_indexes: OrderedDict[str, tuple[index.PackedIndex, int]] = OrderedDict()
_lock = threading.Lock()


def find(
    workspace: WorkspaceId,
    agent: str,
    knowledge: KnowledgeState,
    question: str,
    passages: int,
    provider: Callable[[str], Provider],
) -> list[Hit]:
    """At most `passages` hits, best first, whose block is within MAX_BYTES; empty when the knowledge does not answer.

    An embedding that cannot be had in time costs quality, not the answer: words alone decide then. Raises Unavailable
    when the database does not answer.
    """
    if not passages or not knowledge.parts:
        return []
    packed = _index(workspace, agent, knowledge)
    if packed is None:
        return []
    relevance, (vector,) = _embedded(knowledge, [question], provider)
    hits: list[Hit] = []
    for hit in retrieval.search(packed, question, vector, relevance, passages):
        block = prompt_format.knowledge_block([(known.title, known.text) for known in (*hits, hit)])
        if len(block.encode()) > MAX_BYTES:
            break
        hits.append(hit)
    return hits


def unknown(
    workspace: WorkspaceId,
    agent: str,
    knowledge: KnowledgeState,
    questions: Sequence[str],
    provider: Callable[[str], Provider],
) -> list[int]:
    """Which of these the knowledge says nothing about, by their numbers, found as `find` finds; all when there is none.

    All are embedded in one call. Raises Unavailable when the database does not answer.
    """
    packed = _index(workspace, agent, knowledge) if knowledge.parts else None
    if packed is None:
        return list(range(len(questions)))
    relevance, vectors = _embedded(knowledge, questions, provider)
    return [
        number
        for number, question in enumerate(questions)
        if not retrieval.search(packed, question, vectors[number], relevance, 1)
    ]


def _embedded(
    knowledge: KnowledgeState, questions: Sequence[str], provider: Callable[[str], Provider]
) -> tuple[float, list[list[float] | None]]:
    """The relevance of the knowledge's model and a vector each; None each when words alone must decide."""
    try:
        # Knowledge that no model has embedded names none, and one of an earlier catalogue may be gone.
        card = load().embedding(knowledge.embedding_provider, knowledge.embedding_model)
        vectors = provider(card.provider).embed(list(questions), card.id, deadline_in(EMBEDDING_SECONDS), "query")
    except ModelError as error:
        logs.warning("a question was not embedded; words alone decide", reason=type(error).__name__)
        return 1.0, [None] * len(questions)
    return card.relevance, [*vectors]


def _index(workspace: WorkspaceId, agent: str, knowledge: KnowledgeState) -> index.PackedIndex | None:
    packed = _read(workspace, agent, knowledge)
    if packed is None:
        # A newer index has replaced this one since the agent was read; its parts are deleted then.
        found = repository.read(repository.agent_path(workspace, agent))[0]
        if found.exists:
            packed = _read(workspace, agent, Agent.model_validate(found.data).knowledge)
    if packed is None:
        logs.warning("an index was replaced while it was read", agent_id=agent)
    return packed


def _read(workspace: WorkspaceId, agent: str, knowledge: KnowledgeState) -> index.PackedIndex | None:
    key = f"{workspace}/{agent}/{knowledge.revision}"
    with _lock:
        if key in _indexes:
            _indexes.move_to_end(key)
            return _indexes[key][0]
    try:
        packed = index.decode(repository.index_parts(workspace, agent, knowledge.revision, knowledge.parts))
    except index.BrokenIndex:
        return None
    with _lock:
        _indexes[key] = packed, knowledge.parts
        while sum(parts for _, parts in _indexes.values()) > CACHED_PARTS:
            _indexes.popitem(last=False)
    return packed

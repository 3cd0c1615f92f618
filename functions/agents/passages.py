"""Finds the passages of an agent's knowledge that answer a question; keeps decoded indexes in the instance.

An index is cached by its revision, which is new at every write, so an instance never serves an old one: the revision it
asks for comes from the agent's document, read in the same turn.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable

from functions.agents import index, repository, retrieval
from functions.agents.models import KnowledgeState
from functions.agents.providers import ModelError, Provider, deadline_in, load
from functions.agents.retrieval import Hit
from functions.shared import logs
from functions.shared.identity import WorkspaceId

CACHED = 64
EMBEDDING_SECONDS = 5.0
MAX_BYTES = 6_000
"""The most that all passages of one question may bring into the prompt; the turn's highest price counts it."""

_indexes: OrderedDict[str, index.PackedIndex] = OrderedDict()
_lock = threading.Lock()


def find(
    workspace: WorkspaceId,
    agent: str,
    knowledge: KnowledgeState,
    question: str,
    passages: int,
    provider: Callable[[str], Provider],
) -> list[Hit]:
    """At most `passages` hits, best first, within MAX_BYTES; empty when the knowledge does not answer.

    An embedding that cannot be had in time costs quality, not the answer: words alone decide then.
    """
    if not passages or not knowledge.parts:
        return []
    packed = _index(workspace, agent, knowledge)
    if packed is None:
        return []
    vector: list[float] | None = None
    relevance = 1.0
    try:
        # Knowledge that no model has embedded names none, and one of an earlier catalogue may be gone.
        card = load().embedding(knowledge.embedding_provider, knowledge.embedding_model)
        relevance = card.relevance
        vector = provider(card.provider).embed([question], card.id, deadline_in(EMBEDDING_SECONDS), "query")[0]
    except ModelError as error:
        logs.warning("a question was not embedded; words alone decide", reason=type(error).__name__)
    hits, size = [], 0
    for hit in retrieval.search(packed, question, vector, relevance, passages):
        size += len(hit.title.encode()) + len(hit.text.encode()) + 16
        if size > MAX_BYTES:
            break
        hits.append(hit)
    return hits


def _index(workspace: WorkspaceId, agent: str, knowledge: KnowledgeState) -> index.PackedIndex | None:
    key = f"{workspace}/{agent}/{knowledge.revision}"
    with _lock:
        if key in _indexes:
            _indexes.move_to_end(key)
            return _indexes[key]
    parts = repository.index_parts(workspace, agent, knowledge.revision, knowledge.parts)
    try:
        packed = index.decode(parts)
    except index.BrokenIndex:
        logs.warning("an index was replaced while it was read", agent_id=agent)
        return None
    with _lock:
        _indexes[key] = packed
        while len(_indexes) > CACHED:
            _indexes.popitem(last=False)
    return packed

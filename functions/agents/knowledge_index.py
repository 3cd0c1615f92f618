"""Makes an agent's index from its items' contents: embeds what is new, packs, and clears away what nobody reads.

Vectors are kept as bytes, one for each dimension, exactly as the index holds them, so an item is embedded once and not
again at every write of its neighbours.
"""

import random
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from functions.agents import chunking, index, offers, repository
from functions.agents.chunking import Chunk, Source
from functions.agents.connections import provider
from functions.agents.models import KnowledgeState
from functions.agents.providers import ModelError, deadline_in
from functions.shared import clock, contracts, firestore, ids, logs
from functions.shared.errors import Problem, TooLarge
from functions.shared.identity import WorkspaceId

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECONDS_TO_WRITE = 12.0
"""What packing and committing may take at the end of a request; nothing new is begun after it."""

MOST_REFRESHED = 60
"""Writes in the commit from which on no further item gets its new vectors stored; later writes go on."""

_SKEW_MS = 2_000


@dataclass
class Content:
    """An item with its passages. `vectors` are int8, row by row; `embedded` is the model they are from, or empty."""

    source: Source
    vectors: bytes | None = None
    embedded: str = ""
    chunks: list[Chunk] = field(init=False)

    def __post_init__(self) -> None:
        """Cut it."""
        self.chunks = chunking.chunks([self.source])


def embed(contents: list[Content], deadline: datetime) -> str | None:
    """Give every item vectors of this installation's model. Returns a warning when some have to do without."""
    card = offers.embedding()
    if card is None:
        return "No embedding model is set up here. Knowledge is found by its words only."
    target = f"{card.provider}/{card.id}"
    missing = [content for content in contents if content.embedded != target]
    for number, content in enumerate(missing):
        seconds = (deadline - clock.now()).total_seconds() - SECONDS_TO_WRITE
        try:
            if seconds <= 0:
                raise ModelError("no time is left")
            texts = [f"{chunk.title}\n{chunk.text}" for chunk in content.chunks]
            rows = provider(card.provider).embed(texts, card.id, deadline_in(seconds), "document")
        except ModelError as error:
            logs.warning("knowledge was not embedded", reason=type(error).__name__, items=len(missing) - number)
            for left in missing[number:]:
                left.vectors, left.embedded = None, ""
            return (
                "The embedding model did not answer in time. The knowledge is found by its words until the next change."
            )
        content.vectors, content.embedded = _bytes(rows), target
    return None


def _bytes(rows: list[list[float]]) -> bytes:
    import numpy as np

    matrix = np.asarray(rows, dtype=np.float32)
    peaks = np.abs(matrix).max(axis=1, keepdims=True)
    data: bytes = np.rint(matrix / np.where(peaks > 0, peaks, 1) * 127).astype(np.int8).tobytes()
    return data


def build(contents: list[Content]) -> tuple[KnowledgeState, list[bytes]]:
    """The packed index and what the agent's document will say of it. Raises TooLarge (`knowledge_too_large`)."""
    card = offers.embedding()
    chunks = [chunk for content in contents for chunk in content.chunks]
    vectors = None if card is None else _matrix(contents, card.dimensions)
    name = "" if card is None else card.id
    try:
        parts = index.encode(chunks, vectors, name) if chunks else []
    except index.KnowledgeTooLarge:
        raise TooLarge(
            "With this the agent would know more than its index takes. Remove or shorten something.",
            code="knowledge_too_large",
        ) from None
    state = KnowledgeState(
        revision=stamp(),
        parts=len(parts),
        items=len(contents),
        passages=len(chunks),
        embedding_provider="" if card is None else card.provider,
        embedding_model=name,
    )
    return state, parts


def _matrix(contents: list[Content], dimensions: int) -> Any:
    """All vectors, with rows of zeros for passages that have none: they are like nothing. None when all are zeros."""
    import numpy as np

    if not any(content.vectors for content in contents):
        return None
    rows: list[NDArray[np.int8]] = []
    for content in contents:
        shape = (len(content.chunks), dimensions)
        if content.vectors is not None and len(content.vectors) == shape[0] * dimensions:
            rows.append(np.frombuffer(content.vectors, dtype=np.int8).reshape(shape))
        else:
            rows.append(np.zeros(shape, dtype=np.int8))
    return np.concatenate(rows)


def stamp() -> str:
    """The name of a new revision; names sort by age."""
    return ids.new("knowledge").partition("_")[2]


def pause() -> None:
    """Wait a short, random time, so that writers who met do not meet again."""
    time.sleep(0.02 + 0.1 * random.random())  # noqa: S311 - spreads attempts


def sweep(workspace: WorkspaceId, agent: str, before: str, now: str) -> None:
    """Delete the parts that nobody reads: other revisions of the index than the present one and the one before it.

    The one before stays, since a turn that read the agent a moment ago may be about to read it. Revisions that are
    younger than the present one belong to writers who are at work. Never raises: the next write sweeps again.
    """
    limit = _milliseconds(now) - _SKEW_MS
    try:
        doomed = [
            name
            for name in repository.chunk_ids(workspace, agent)
            if (revision := name.rpartition("_")[0]) not in (before, now)
            and "." not in revision
            and _milliseconds(revision) < limit
        ]
        firestore.delete_tree(contracts.path(workspace, "agents", agent, "chunks", name) for name in doomed)
    except (Problem, firestore.Changed) as error:
        logs.warning("old parts of an index were left", agent_id=agent, reason=type(error).__name__)


_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def _milliseconds(revision: str) -> int:
    number = 0
    for digit in revision[:10]:
        number = number * 32 + max(0, _DIGITS.find(digit))
    return number

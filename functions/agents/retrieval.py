"""Finds the passages that answer a question, and finds nothing when none does.

Words and meaning are ranked apart and fused by rank, since their scores cannot be added. Rank alone would always give
something, so a passage must also show evidence: enough of the question's rarer words, or a cosine that this embedding
model reaches for real answers only, or a good share of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.agents.index import PackedIndex

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COVERAGE = 0.5
DEFAULT_K = 4
_RRF = 60
# Each of both kinds of evidence may fall short by this factor of their sum.
_TOGETHER = 0.65


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that answers, best first by `score` (fused ranks); `cosine` is None where no vector was compared."""

    chunk_id: str
    item_id: str
    title: str
    text: str
    score: float
    bm25: float
    cosine: float | None
    evidence: float


def search(
    index: PackedIndex, question: str, vector: Sequence[float] | None, relevance: float, k: int = DEFAULT_K
) -> list[Hit]:
    """At most `k` passages that show evidence of answering; empty means that the knowledge does not say.

    `vector` is the question's, by the index's embedding model, or None to go by words alone; `relevance` is that
    model's in the catalogue.
    """
    import numpy as np

    if not len(index) or not question.strip():
        return []
    legs = index.compare(question, vector)
    evidence = legs.coverage / COVERAGE
    score = _ranked(legs.bm25)
    if legs.cosine is not None:
        meaning = legs.cosine / relevance
        evidence = np.maximum(np.maximum(evidence, meaning), (evidence + np.maximum(meaning, 0)) * _TOGETHER)
        score = score + _ranked(legs.cosine)
    # Ties go to the earlier passage, so that the same question gives the same sources.
    order = np.argsort(-score, kind="stable")
    hits = []
    for number in order[evidence[order] >= 1][:k]:
        chunk = index.chunk(int(number))
        hits.append(
            Hit(
                chunk_id=chunk.chunk_id,
                item_id=chunk.item_id,
                title=chunk.title,
                text=chunk.text,
                score=float(score[number]),
                bm25=float(legs.bm25[number]),
                cosine=None if legs.cosine is None else float(legs.cosine[number]),
                evidence=float(evidence[number]),
            )
        )
    return hits


def _ranked(values: "NDArray[np.float32]") -> "NDArray[np.float64]":
    """What each passage gets for its rank; nothing where the value is not positive."""
    import numpy as np

    ranks = np.empty(len(values))
    ranks[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
    return np.where(values > 0, 1 / (_RRF + ranks), 0.0)

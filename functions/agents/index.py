"""An agent's knowledge as one searchable block of bytes, small enough to be stored beside the agent.

Postings, lengths and vectors are plain arrays that numpy maps without copying, texts stay compressed until a passage is
quoted: an instance decodes and searches five hundred passages in a few milliseconds. The block is cut into parts, each
below Firestore's limit for a document; parts of different writes never mix.
"""

import bisect
import hashlib
import json
import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from functions.agents.chunking import Chunk
from functions.agents.terms import language_of, question_terms, terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PART_BYTES = 900_000
MAX_PARTS = 8
_MAGIC = b"AHK1"
_PART = struct.Struct("<4s8sHH")
_BLOCK = 16
_K1, _B = 1.2, 0.75
_TITLE_WEIGHT = 2


class KnowledgeTooLarge(ValueError):
    """More passages than a packed index takes; such knowledge needs a vector index in the database."""


class BrokenIndex(ValueError):
    """The bytes are not one complete index."""


@dataclass(frozen=True, slots=True)
class Legs:
    """What each way of comparing says of every passage."""

    bm25: "NDArray[np.float32]"
    coverage: "NDArray[np.float32]"
    cosine: "NDArray[np.float32] | None"


@dataclass(frozen=True, slots=True)
class PackedIndex:
    """A decoded index; it is immutable and may serve many threads."""

    languages: tuple[str, ...]
    embedding_model: str
    places: list[list[str]]
    _vocabulary: list[bytes] = field(repr=False)
    _sections: dict[str, Any] = field(repr=False)

    def __len__(self) -> int:
        """The number of passages."""
        return len(self.places)

    def chunk(self, number: int) -> Chunk:
        """One passage with its text."""
        spans = self._sections["spans"]
        block, within = divmod(number, _BLOCK)
        data = zlib.decompress(self._sections["texts"][int(spans[block]) : int(spans[block + 1])])
        chunk_id, item_id, title = self.places[number]
        return Chunk(chunk_id, item_id, title, json.loads(data)[within])

    def compare(self, question: str, vector: Sequence[float] | None) -> Legs:
        """BM25, the share of the question's words that a passage holds (weighted by rarity), and the cosine.

        Raises:
            ValueError: the vector is not of the index's dimensions.
        """
        import numpy as np

        bm25, coverage = self._words(question)
        cosine = None
        matrix = self._sections["vectors"]
        if vector is not None and matrix.size:
            asked = np.asarray(vector, dtype=np.float32)
            if asked.shape != matrix.shape[1:]:
                raise ValueError(f"the question's vector has {asked.size} dimensions, the index {matrix.shape[1]}")
            length = float(np.linalg.norm(asked))
            cosine = matrix.astype(np.float32) @ (asked / length if length else asked) * self._sections["scales"]
        return Legs(bm25, coverage, cosine)

    def _words(self, question: str) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
        import numpy as np

        count = len(self)
        bm25 = np.zeros(count, dtype=np.float32)
        coverage = np.zeros(count, dtype=np.float32)
        norms = self._sections["norms"]
        total = 0.0
        for variants in question_terms(question, self.languages):
            tf = np.zeros(count, dtype=np.float32)
            for term in variants:
                documents, frequencies = self._postings(term)
                tf[documents] = np.maximum(tf[documents], frequencies)
            held = tf > 0
            hits = int(held.sum())
            # A word that no passage holds counts like the rarest that one does: it may be a typing error.
            idf = float(np.log(1 + (count - max(hits, 1) + 0.5) / (max(hits, 1) + 0.5)))
            total += idf
            bm25 += idf * tf * (_K1 + 1) / (tf + norms)
            coverage += idf * held
        return bm25, coverage / total if total else coverage

    def _postings(self, term: str) -> "tuple[NDArray[np.uint16], NDArray[np.uint8]]":
        key = term.encode()
        at = bisect.bisect_left(self._vocabulary, key)
        starts = self._sections["starts"]
        if at == len(self._vocabulary) or self._vocabulary[at] != key:
            return self._sections["documents"][:0], self._sections["frequencies"][:0]
        span = slice(int(starts[at]), int(starts[at + 1]))
        return self._sections["documents"][span], self._sections["frequencies"][span]


def encode(
    passages: Sequence[Chunk],
    vectors: Sequence[Sequence[float]] | None,
    embedding_model: str,
    max_parts: int = MAX_PARTS,
) -> list[bytes]:
    """The index of the passages in parts of at most `PART_BYTES`; `vectors` in the passages' order, or None.

    Raises:
        KnowledgeTooLarge: more than `max_parts` parts, or 65,535 passages.
    """
    import numpy as np

    if len(passages) > 65_535:
        raise KnowledgeTooLarge(f"{len(passages)} passages")
    languages = [language_of(f"{passage.title} {passage.text}", passage.language) for passage in passages]
    bags = [_bag(passage, language) for passage, language in zip(passages, languages, strict=True)]
    postings: dict[bytes, list[tuple[int, int]]] = {}
    for number, bag in enumerate(bags):
        for term, frequency in bag.items():
            postings.setdefault(term.encode(), []).append((number, min(frequency, 255)))
    vocabulary = sorted(postings)
    lengths = np.array([sum(bag.values()) for bag in bags], dtype=np.float32)
    matrix, scales = _quantized(vectors, len(passages))
    blocks = [
        zlib.compress(json.dumps([p.text for p in passages[i : i + _BLOCK]], ensure_ascii=False).encode(), 6)
        for i in range(0, len(passages), _BLOCK)
    ]
    flat = [pair for term in vocabulary for pair in postings[term]]
    sections: dict[str, Any] = {
        "norms": _K1 * (1 - _B + _B * lengths / max(1.0, float(lengths.mean()) if len(passages) else 1.0)),
        "starts": np.cumsum([0, *(len(postings[term]) for term in vocabulary)], dtype=np.uint32),
        "spans": np.cumsum([0, *map(len, blocks)], dtype=np.uint32),
        "scales": scales,
        "documents": np.array([number for number, _ in flat], dtype=np.uint16),
        "frequencies": np.array([frequency for _, frequency in flat], dtype=np.uint8),
        "vectors": matrix.ravel(),
        "vocabulary": np.frombuffer(b"\n".join(vocabulary), dtype=np.uint8),
        "places": np.frombuffer(
            json.dumps([[p.chunk_id, p.item_id, p.title] for p in passages], ensure_ascii=False).encode(), np.uint8
        ),
        "texts": np.frombuffer(b"".join(blocks), dtype=np.uint8),
    }
    header = json.dumps(
        {
            "languages": sorted({language for language in languages if language}),
            "embedding_model": embedding_model,
            "dimensions": matrix.shape[1],
            "sections": [[name, array.dtype.str, array.nbytes] for name, array in sections.items()],
        }
    ).encode()
    # A header of whole 8 bytes keeps the arrays behind it aligned.
    header += b" " * (-(len(header) + 8) % 8)
    data = _MAGIC + struct.pack("<I", len(header)) + header + b"".join(array.tobytes() for array in sections.values())
    return _parts(data, max_parts)


def decode(parts: Sequence[bytes]) -> PackedIndex:
    """The index of these parts, in any order.

    Raises:
        BrokenIndex: a part is missing, foreign or of another write.
    """
    import numpy as np

    data = _joined(parts)
    size = struct.unpack_from("<I", data, 4)[0]
    header = json.loads(data[8 : 8 + size])
    sections: dict[str, Any] = {}
    at = 8 + size
    for name, dtype, length in header["sections"]:
        sections[name] = np.frombuffer(data, dtype=dtype, offset=at, count=length // np.dtype(dtype).itemsize)
        at += length
    vocabulary = sections.pop("vocabulary").tobytes()
    places = json.loads(sections.pop("places").tobytes())
    sections["texts"] = sections["texts"].tobytes()
    sections["vectors"] = sections["vectors"].reshape(len(places), header["dimensions"])
    return PackedIndex(
        tuple(header["languages"]),
        header["embedding_model"],
        places,
        vocabulary.split(b"\n") if vocabulary else [],
        sections,
    )


def _bag(passage: Chunk, language: str) -> Counter[str]:
    bag = Counter(terms(passage.text, language))
    for term in terms(passage.title, language):
        bag[term] += _TITLE_WEIGHT
    return bag


def _quantized(vectors: Sequence[Sequence[float]] | None, count: int) -> "tuple[NDArray[np.int8], NDArray[np.float32]]":
    """Unit vectors as bytes, and the factor that makes each a unit vector again."""
    import numpy as np

    if vectors is None or not count:
        return np.zeros((count, 0), dtype=np.int8), np.zeros(count, dtype=np.float32)
    matrix = np.asarray(vectors, dtype=np.float32)
    if matrix.ndim != 2 or len(matrix) != count:
        raise ValueError("one vector for each passage, all of one size")
    peaks = np.abs(matrix).max(axis=1, keepdims=True)
    small = np.rint(matrix / np.where(peaks > 0, peaks, 1) * 127).astype(np.int8)
    norms = np.linalg.norm(small.astype(np.float32), axis=1)
    scales = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0).astype(np.float32)
    return small, scales


def _parts(data: bytes, max_parts: int) -> list[bytes]:
    room = PART_BYTES - _PART.size
    count = -(-len(data) // room)
    if count > max_parts:
        raise KnowledgeTooLarge(f"{len(data)} bytes")
    digest = hashlib.sha256(data).digest()[:8]
    return [_PART.pack(b"AHKP", digest, n, count) + data[n * room : (n + 1) * room] for n in range(count)]


def _joined(parts: Sequence[bytes]) -> bytes:
    try:
        heads = [_PART.unpack_from(part) for part in parts]
    except struct.error as problem:
        raise BrokenIndex("a part is too short") from problem
    order = sorted(range(len(parts)), key=lambda n: heads[n][2])
    kinds = {(magic, digest, count) for magic, digest, _, count in heads}
    complete = len(kinds) == 1 and [heads[n][2] for n in order] == list(range(heads[0][3]))
    if not complete or heads[0][0] != b"AHKP":
        raise BrokenIndex("the parts do not make one index")
    data = b"".join(parts[n][_PART.size :] for n in order)
    if data[:4] != _MAGIC or hashlib.sha256(data).digest()[:8] != heads[0][1]:
        raise BrokenIndex("the bytes are damaged")
    return data

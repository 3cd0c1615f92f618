"""The packed index: what is encoded comes back, within the limits, and damage is noticed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.agents.chunking import Chunk
from functions.agents.index import PART_BYTES, BrokenIndex, KnowledgeTooLarge, decode, encode


def passages(count: int, size: int = 20) -> list[Chunk]:
    words = np.random.default_rng(7).integers(0, 9000, size=(count, size))
    return [Chunk(f"k.{n}", "k", f"Title {n}", " ".join(f"word{w}" for w in row), "en") for n, row in enumerate(words)]


def vectors(count: int, dimensions: int = 256) -> list[list[float]]:
    rows = np.random.default_rng(3).normal(size=(count, dimensions))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).tolist()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=80)), max_size=40), st.booleans())
def test_every_passage_comes_back_as_it_was(pairs, with_vectors):
    given_ = [Chunk(f"k.{n}", "k", title, text) for n, (title, text) in enumerate(pairs)]
    index = decode(encode(given_, vectors(len(given_), 8) if with_vectors else None, "m"))
    assert [index.chunk(n) for n in range(len(index))] == given_
    legs = index.compare("anything at all", vectors(1, 8)[0] if with_vectors else None)
    assert len(legs.bm25) == len(legs.coverage) == len(given_)
    assert all(0 <= share <= 1.000001 for share in legs.coverage)


def test_bytes_keep_the_angles():
    rows = vectors(200, 256)
    index = decode(encode(passages(200), rows, "m"))
    exact = np.array(rows) @ np.array(rows[5])
    cosine = index.compare("x", rows[5]).cosine
    assert cosine is not None
    np.testing.assert_allclose(cosine, exact, atol=0.01)


def test_a_large_index_is_cut_into_parts_that_a_document_takes():
    parts = encode(passages(2500, 150), vectors(2500), "m")
    assert len(parts) > 1
    assert max(map(len, parts)) <= PART_BYTES
    assert len(decode(list(reversed(parts)))) == 2500


def test_parts_of_different_writes_never_mix():
    one, other = (encode(passages(2500, 150), vectors(2500), model) for model in ("a", "b"))
    for broken in ([one[0], *other[1:]], one[:-1], [*one, one[0]], [b"x"], [], [one[0][:-1] + b"!", *one[1:]]):
        with pytest.raises(BrokenIndex):
            decode(broken)


def test_what_is_too_large_is_refused_whole():
    with pytest.raises(KnowledgeTooLarge):
        encode(passages(2500, 150), vectors(2500), "m", max_parts=1)


def test_a_vector_of_another_model_is_refused():
    index = decode(encode(passages(3), vectors(3, 16), "m"))
    with pytest.raises(ValueError, match="dimensions"):
        index.compare("x", [1.0] * 8)


def test_the_same_knowledge_gives_the_same_bytes():
    assert encode(passages(50), vectors(50), "m") == encode(passages(50), vectors(50), "m")

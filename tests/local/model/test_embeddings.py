"""Our reader of the weights against the package that they come in."""

from pathlib import Path

import numpy as np

from local.model.embeddings import Embedder, shortened


def test_the_vectors_are_those_of_the_package_itself():
    import wordllama

    texts = ["When are you open?", "A ceramic crown is 890.", "Darf mein Hund mit ins Zimmer?"]
    theirs = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    np.testing.assert_allclose(Embedder().embed(texts), theirs.embed(texts, norm=True), atol=1e-6)


def test_a_text_that_says_nothing_has_a_zero_vector():
    vectors = Embedder().embed(["", "温泉は何時までですか", "hello"])
    assert not vectors[0].any()
    assert not vectors[1].any()
    assert vectors[2].any()


def test_shorter_vectors_are_unit_length_again():
    short = shortened(Embedder().embed(["hello", ""]), 64)
    assert short.shape == (2, 64)
    np.testing.assert_allclose(np.linalg.norm(short, axis=1), [1, 0], atol=1e-6)

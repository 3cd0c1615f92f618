"""Retrieval is measured: the right passage first, and silence where the knowledge says nothing."""

import time

import pytest

from functions.agents.chunking import Chunk, Source, chunks
from functions.agents.index import PackedIndex, decode, encode
from functions.agents.providers.catalogue import load
from functions.agents.retrieval import search
from local.model.embeddings import Embedder
from tests.functions.agents.relevance import DENTAL, DENTAL_QUESTIONS, HOTEL, HOTEL_QUESTIONS

EMBEDDER = Embedder()
RELEVANCE = load().embedding("offline", "wordllama-256").relevance
Questions = tuple[tuple[str, str | None], ...]


def packed(sources: tuple[Source, ...], with_vectors: bool) -> PackedIndex:
    found = chunks(sources)
    rows = EMBEDDER.embed([f"{c.title}\n{c.text}" for c in found]).tolist() if with_vectors else None
    return decode(encode(found, rows, "wordllama-256"))


def measured(sources: tuple[Source, ...], questions: Questions, with_vectors: bool) -> tuple[float, float]:
    """The share of answerable questions with the right passage first, and of unanswerable ones met with silence."""
    index = packed(sources, with_vectors)
    right, silent = [], []
    for question, wanted in questions:
        vector = EMBEDDER.embed([question])[0].tolist() if with_vectors else None
        hits = search(index, question, vector, RELEVANCE)
        if wanted is None:
            silent.append(not hits)
        else:
            right.append(bool(hits) and hits[0].chunk_id == wanted)
    return sum(right) / len(right), sum(silent) / len(silent)


def test_english_questions_find_their_passage_and_foreign_ones_find_nothing():
    right, silent = measured(DENTAL, DENTAL_QUESTIONS, with_vectors=True)
    assert right >= 0.9
    assert silent == 1


def test_other_languages_and_scripts_too():
    assert measured(HOTEL, HOTEL_QUESTIONS, with_vectors=True) == (1, 1)


def test_words_alone_find_less_and_invent_nothing():
    right, silent = measured(DENTAL, DENTAL_QUESTIONS, with_vectors=False)
    assert right >= 0.6
    assert silent == 1


def test_a_hit_says_why_it_is_one():
    hit = search(packed(DENTAL, True), "Is there a ramp?", EMBEDDER.embed(["Is there a ramp?"])[0].tolist(), 0.3)[0]
    assert hit.item_id == "faq"
    assert hit.text.startswith("Yes, there is a ramp")
    assert hit.bm25 > 0
    assert hit.evidence >= 1
    assert hit.cosine is not None


def test_hits_are_at_most_k_and_best_first():
    index = packed(DENTAL, True)
    question = "What does the practice cost in dollars, and when is it open?"
    hits = search(index, question, EMBEDDER.embed([question])[0].tolist(), 0.1, k=3)
    assert len(hits) == 3
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)


@pytest.mark.parametrize("question", ["", "   ", "???", "the of and"])
def test_a_question_without_content_finds_nothing(question):
    assert search(packed(DENTAL, False), question, None, 0.3) == []


def test_no_knowledge_gives_no_hits():
    assert search(decode(encode([], None, "m")), "anything", None, 0.3) == []


def test_five_hundred_passages_are_decoded_and_searched_in_milliseconds():
    text = " ".join(source.text + " ".join(map(" ".join, source.pairs)) for source in DENTAL).split()
    found = [
        Chunk(f"k.{n}", "k", f"Section {n}", " ".join(f"{w}{n % 97}" for w in text[n % 40 : n % 40 + 130]), "en")
        for n in range(500)
    ]
    parts = encode(found, EMBEDDER.embed([c.text for c in found]).tolist(), "m")
    vector = EMBEDDER.embed(["price of a crown"])[0].tolist()
    times = []
    for _ in range(15):
        begin = time.perf_counter()
        search(decode(parts), "How much is a ceramic crown12 in two sessions?", vector, 0.3)
        times.append(time.perf_counter() - begin)
    # The promise is 5 ms on a quiet machine; the best of several runs is robust where others share it.
    assert min(times) < 0.010

"""Passages: nothing is lost, nothing is too long, and each knows where it stands."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.agents.chunking import Source, chunks

TEXT = st.text(alphabet=st.sampled_from("abc äé温。.!?\n#|- `1"), max_size=400)


def test_a_question_keeps_its_answer():
    found = chunks([Source("k1", "FAQ", "qa", pairs=(("When?", "At nine."), ("Where?", "Here.")))])
    assert [(c.chunk_id, c.title, c.text) for c in found] == [
        ("k1.0", "When?", "At nine."),
        ("k1.1", "Where?", "Here."),
    ]


def test_markdown_is_cut_at_headings_and_each_passage_carries_their_path():
    text = "Intro.\n\n# Prices\n\nAll in euros.\n\n## Cleaning\n\n60 euros.\n\n# Hours\n\nNine to five."
    found = [(c.title, c.text) for c in chunks([Source("k", "Handbook", "markdown", text)])]
    assert found == [
        ("Handbook", "Intro."),
        ("Handbook › Prices", "All in euros."),
        ("Handbook › Prices › Cleaning", "60 euros."),
        ("Handbook › Hours", "Nine to five."),
    ]


def test_a_hash_in_a_code_block_is_no_heading():
    found = chunks([Source("k", "T", "markdown", "```\n# not a heading\n```")])
    assert [c.title for c in found] == ["T"]


def test_the_rows_of_a_long_table_keep_its_head():
    rows = "\n".join(f"| treatment {n} | {n} euros |" for n in range(60))
    found = chunks([Source("k", "Prices", "markdown", f"| What | Price |\n|---|---|\n{rows}")], max_chars=300)
    assert len(found) > 3
    assert all(c.text.startswith("| What | Price |\n|---|---|\n") for c in found)
    assert sum(c.text.count("treatment") for c in found) == 60


def test_long_text_is_cut_between_sentences():
    text = " ".join(f"Sentence number {n} says something." for n in range(80))
    found = chunks([Source("k", "T", "text", text)])
    assert all(c.text.endswith(".") and len(c.text) <= 900 for c in found)
    assert " ".join(c.text for c in found) == text


@settings(max_examples=150)
@given(TEXT, st.sampled_from(["text", "markdown"]))
def test_no_passage_is_empty_or_too_long(text, kind):
    for chunk in chunks([Source("k", "T", kind, text)], max_chars=60):
        assert chunk.text.strip()
        # A table's head comes on top of its row.
        assert len(chunk.text) <= 60 or "|" in chunk.text


@settings(max_examples=150)
@given(TEXT)
def test_no_letter_of_a_text_is_lost(text):
    def letters(value: str) -> str:
        return re.sub(r"\s", "", value)

    joined = "".join(letters(c.text) for c in chunks([Source("k", "T", "text", text)], max_chars=50))
    if "|" not in text:
        assert joined == letters(text)

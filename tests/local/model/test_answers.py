"""What the offline model says: only what stands in the knowledge, from the passage that answers."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.agents.prompt_format import knowledge_block
from local.model.answers import answer, tokens
from local.model.embeddings import Embedder

EMBEDDER = Embedder()
ABOUT = (
    "Smile Dental was founded in 1998 by Dr. Anna Weiss. Our team of four dentists speaks English, Spanish and Polish. "
    "The practice stands at 14 Mill Lane, next to the library; bus 7 stops at the door."
)
PRICES = "All fillings are guaranteed.\n| Size | Price |\n|---|---|\n| small | 120 |\n| medium | 160 |\n| large | 210 |"
LIST = "- Bring your insurance card to the first visit.\n- Children need a parent with them.\n" * 2


def ask(question: str, *passages: tuple[str, str], may_hand_off: bool = False) -> str:
    prompt = f"You are kind.\n{knowledge_block(passages)}"
    return answer(prompt, [("user", question)], EMBEDDER.embed, may_hand_off=may_hand_off).text


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Which languages does your team speak?", "Our team of four dentists speaks English, Spanish and Polish. [2]"),
        ("What does a medium filling cost?", "Fillings: medium – 160 [1]"),
        ("Does my child need a parent there?", "Children need a parent with them. [3]"),
    ],
)
def test_of_a_long_passage_the_sentence_that_answers_is_quoted(question, said):
    assert ask(question, ("Prices › Fillings", PRICES), ("About us", ABOUT), ("First visit", LIST)) == said


SHIPPING = (
    "We ship within one working day. It takes two to three days in Germany and four to six in the rest of the EU."
)
QUESTIONS = "- How long does delivery take?\n- When will my order arrive?\n- Do you ship to Austria?"
FAQ = (
    "Do you ship to Austria? Yes, within six days. How long does delivery take? Two to three days. Is it free? From 50."
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{SHIPPING}\n\n{QUESTIONS}", "It takes two to three days in Germany and four to six in the rest of the EU."),
        (f"{FAQ}\n{SHIPPING}", "Two to three days."),
        (f"{QUESTIONS}\n- Where is my parcel?\n- Can I change the address that you send it to?", QUESTIONS[2:30]),
    ],
)
def test_a_question_that_stands_in_a_passage_is_no_answer(text, said):
    assert ask("How long does delivery take?", ("Delivery", text)) == f"{said.strip()} [1]"


def test_the_last_question_is_the_one_that_is_answered():
    turns = [("user", "Which languages do you speak?"), ("assistant", "English."), ("user", "thank you!")]
    assert answer("", turns, EMBEDDER.embed, may_hand_off=True).text == "You are welcome."


@pytest.mark.parametrize(
    "text",
    [
        "Can I talk to a real person?",
        "Ich möchte mit einem Mitarbeiter sprechen",
        "Je voudrais parler à une personne",
        "Quiero hablar con una persona",
    ],
)
def test_who_asks_for_a_person_is_handed_over(text):
    found = answer("", [("user", text)], EMBEDDER.embed, may_hand_off=True)
    assert found.hand_off == "asked"


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="abc d.!?\n|-1温。", max_size=200), st.sampled_from(["abc", "abc d?", "温 1"]))
def test_every_word_of_a_quote_stands_in_its_passage(text, question):
    said = ask(question, ("abc d", text))
    if said.endswith(" [1]"):
        words = re.findall(r"\w+", said.removesuffix(" [1]"))
        assert set(words) <= set(re.findall(r"\w+", f"abc d {text}"))


@settings(max_examples=100)
@given(st.text(max_size=200))
def test_a_text_has_at_most_as_many_tokens_as_bytes(text):
    assert tokens(text) <= len(text.encode())

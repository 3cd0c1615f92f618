"""Pass and fail, and that case, blanks and the way a letter is composed never decide."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from functions.agents.check_rules import Case, Cases, digest_of, judged, normalised, stored_cases

ANSWER = "We are open from Monday to Friday,\n9 am to 6 pm. [1]"


def a_case(**rules) -> Case:
    return Case(id="c", question="When are you open?", **rules)


def broken(case: Case, answer: str = ANSWER, actions=(), titles=("Opening hours",)) -> list[tuple[str, str]]:
    return [(fault.rule, fault.expected) for fault in judged(case, answer, actions, titles)]


@pytest.mark.parametrize(
    ("rules", "faults"),
    [
        ({}, []),
        ({"must": ("friday, 9 AM",)}, []),
        ({"must": ("Monday", "Sunday", "by appointment")}, [("must", "Sunday"), ("must", "by appointment")]),
        ({"must_not": ("Sunday",)}, []),
        ({"must_not": ("MONDAY  to", "6 pm")}, [("must_not", "MONDAY  to"), ("must_not", "6 pm")]),
        ({"must": (".*",)}, [("must", ".*")]),
        ({"hand_off": False, "source": "opening HOURS"}, []),
        ({"hand_off": True}, [("hand_off", "true")]),
        ({"source": "Prices"}, [("source", "Prices")]),
    ],
)
def test_an_answer_passes_when_it_breaks_no_rule(rules: dict, faults: list) -> None:
    assert broken(a_case(**rules)) == faults


def test_handing_over_is_an_action_and_never_read_out_of_the_text() -> None:
    case = a_case(hand_off=True)
    assert broken(case, "I hand you over to a person.") == [("hand_off", "true")]
    assert broken(case, "Fine.", actions=("collect_lead", "hand_off")) == []
    assert broken(a_case(hand_off=False), actions=("hand_off",)) == [("hand_off", "false")]
    assert broken(a_case(hand_off=None), actions=("hand_off",)) == []


def test_an_answer_without_a_word_has_no_phrase_and_names_no_source() -> None:
    case = a_case(must=("a",), must_not=("b",), source="Opening hours")
    assert broken(case, "", titles=()) == [("must", "a"), ("source", "Opening hours")]


@given(st.text())
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


BLANK = st.text(st.sampled_from(" \t\n\r\u00a0\u2003\u3000"), min_size=1)
WORDS = st.lists(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1), min_size=1, max_size=5)


@given(st.data(), WORDS)
def test_blanks_case_and_composition_never_decide(data: st.DataObject, words: list[str]) -> None:
    plain = " ".join(words)
    spread = data.draw(BLANK) + "".join(word + data.draw(BLANK) for word in words)
    way = data.draw(st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
    assert normalised(spread) == normalised(unicodedata.normalize(way, plain)) == normalised(plain.casefold())


@given(WORDS, WORDS, WORDS)
def test_a_phrase_is_found_wherever_it_stands(before: list[str], phrase: list[str], after: list[str]) -> None:
    answer = " \n".join((*before, *phrase, *after))
    said = " ".join(phrase)
    if len(said) <= 200 and normalised(said):
        assert broken(a_case(must=(said,)), answer) == []
        assert broken(a_case(must_not=(said,)), answer) == [("must_not", said)]


@pytest.mark.parametrize("letters", [("STRASSE", "straße"), ("Ⅸ", "ix"), ("ΌΣΟΣ", "όσος"), ("ﬁne", "FINE")])
def test_letters_of_every_script_are_compared_without_case(letters: tuple[str, str]) -> None:
    assert normalised(letters[0]) == normalised(letters[1])


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "With blank"},
        {"question": " \u3000 "},
        {"must": (" ",)},
        {"must": ("x",) * 11},
        {"must_not": ("x" * 201,)},
        {"hand_off": "yes"},
        {"pattern": "x"},
    ],
)
def test_a_case_that_cannot_be_judged_is_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        Case(**{"id": "c", "question": "?", **wrong})


def test_an_agent_has_at_most_50_cases_each_with_an_id_of_its_own() -> None:
    many = tuple(Case(id=f"c{number}", question="Hi") for number in range(51))
    assert len(Cases(cases=many[:50]).cases) == 50
    for wrong in (many, (many[0], many[0])):
        with pytest.raises(ValidationError):
            Cases(cases=wrong)


def test_the_digest_names_content_and_order() -> None:
    one, two = a_case(must=("a",)), Case(id="d", question="Hi")
    assert digest_of((one, two)) != digest_of((two, one)) != digest_of((one,))
    stored = stored_cases({"cases": [one.model_dump(mode="json"), two.model_dump(mode="json")]})
    assert stored == (one, two)
    assert digest_of(stored) == digest_of((one, two))
    assert stored_cases({}) == ()

"""The block of knowledge is written by the product and read by the offline model; both must mean the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.agents.prompt_format import HAND_OFF, knowledge_block
from local.model.knowledge import passages

WORDS = st.text(
    alphabet=st.sampled_from("ab [1]2:\n<>/knowledge‹é温.-"),
    max_size=60,
)


def test_what_is_written_is_read_back():
    block = knowledge_block(
        [("Opening hours", "Monday to Friday.\n\nSaturday by appointment."), ("Prices", "From 95.")]
    )
    found = passages(f"You are kind.\n\n{block}\n\nAnswer briefly.")
    assert [(p.number, p.title, p.text) for p in found] == [
        (1, "Opening hours", "Monday to Friday.\nSaturday by appointment."),
        (2, "Prices", "From 95."),
    ]


def test_nothing_found_writes_no_block():
    assert knowledge_block([]) == ""
    assert passages("You are kind.") == []


@settings(max_examples=150)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4))
def test_no_text_can_pose_as_another_passage_or_end_the_block(pairs):
    block = knowledge_block(pairs)
    assert block.count("<knowledge>") == block.count("</knowledge>") == 1
    assert [p.number for p in passages(block)] == list(range(1, len(pairs) + 1))


def test_the_reasons_of_a_hand_off_are_those_that_the_offline_model_gives():
    assert {"asked", "unanswered"} <= set(HAND_OFF.parameters["properties"]["reason"]["enum"])

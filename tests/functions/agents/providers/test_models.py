"""The nouns of a model call: what is refused at once, and what an interrupted call is taken to have used."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.agents.providers import ModelRejected, ModelRequest, Turn, Usage, interrupted_usage

REQUEST = ModelRequest("m", (Turn("user", "How much is a crown?"),), 100, system="You are kind.")
COUNT = st.none() | st.integers(0, 5000)


@pytest.mark.parametrize(
    ("turns", "tokens"),
    [((), 10), ((Turn("assistant", "hi"),), 10), ((Turn("user", " "),), 10), ((Turn("user", "hi"),), 0)],
)
def test_what_no_provider_answers_is_refused_at_once(turns, tokens):
    with pytest.raises(ModelRejected):
        ModelRequest("m", turns, tokens)


@settings(max_examples=100)
@given(st.none() | st.builds(Usage, COUNT, COUNT, COUNT, COUNT), st.text(max_size=200), st.booleans())
def test_an_interrupted_call_is_estimated_and_never_below_what_was_reported(last, emitted, thinks):
    usage = interrupted_usage(REQUEST, last, emitted, thinks=thinks)
    assert usage.estimated
    assert usage.pending in ((), ("reasoning_tokens",))
    assert "reasoning_tokens" not in usage.pending or thinks
    assert (usage.output_tokens or 0) * 4 >= len(emitted.encode())
    if last is not None:
        for bucket in ("input_tokens", "output_tokens", "reasoning_tokens"):
            assert (getattr(usage, bucket) or 0) >= (getattr(last, bucket) or 0)


def test_nothing_reported_and_nothing_said_still_costs_the_prompt():
    usage = interrupted_usage(REQUEST, None, "", thinks=False)
    assert usage.input_tokens is not None
    assert usage.input_tokens > 5
    assert (usage.output_tokens, usage.reasoning_tokens) == (0, 0)

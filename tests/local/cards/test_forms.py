"""Stripe's nested forms, as its own client writes them."""

import pytest

from local.cards.forms import BadForm, decoded


def test_brackets_are_objects_and_numbers_are_lists() -> None:
    text = (
        "mode=payment&line_items[0][quantity]=1&line_items[0][price_data][currency]=usd&expand[0]=a&expand[1]=b"
        "&metadata[a%20b]=x%26y&empty="
    )
    assert decoded(text) == {
        "mode": "payment",
        "line_items": [{"quantity": "1", "price_data": {"currency": "usd"}}],
        "expand": ["a", "b"],
        "metadata": {"a b": "x&y"},
        "empty": "",
    }
    assert decoded("expand[]=a&expand[]=b") == {"expand": ["a", "b"]}
    assert decoded("") == {}


@pytest.mark.parametrize("text", ["a=1&a=2", "a=1&a[b]=2", "a[b=1", "[a]=1", "a[b]c=1"])
def test_what_two_readers_would_read_differently_is_refused(text: str) -> None:
    with pytest.raises(BadForm):
        decoded(text)

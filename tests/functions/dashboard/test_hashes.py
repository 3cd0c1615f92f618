"""Secrets are kept as hashes."""

from hypothesis import given
from hypothesis import strategies as st

from functions.dashboard.hashes import hash_of, is_among


@given(st.text(), st.lists(st.text()))
def test_a_secret_is_found_among_hashes_of_secrets_if_it_is_one_of_them(secret: str, others: list[str]) -> None:
    assert is_among(secret, map(hash_of, others)) == (secret in others)
    assert is_among(secret, [*map(hash_of, others), hash_of(secret)])


def test_a_hash_is_no_secret_and_nothing_is_found_among_none() -> None:
    assert not is_among(hash_of("x"), [hash_of("x")])
    assert not is_among("", ["", hash_of("x")])
    assert not is_among("x", [])

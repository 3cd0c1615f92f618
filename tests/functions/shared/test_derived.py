"""Derived secrets are always the same, differ by purpose and part, and need the installation's key."""

import base64
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from functions.shared import config, derived, ids
from functions.shared.errors import Unavailable

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(scope="module", autouse=True)
def installation() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSTALLATION_KEY", KEY)
        config.settings.cache_clear()
        yield
    config.settings.cache_clear()


def test_it_is_hkdf_as_rfc_5869_has_it() -> None:
    info = b"7:purpose\x1f1:a\x1f2:bc"
    expected = HKDF(SHA256(), 32, b"agenthub", info).derive(bytes(range(32)))
    assert derived.key("purpose", "a", "bc") == expected


@given(st.lists(st.text(max_size=5), max_size=3), st.lists(st.text(max_size=5), max_size=3))
def test_other_parts_give_another_secret(one: list[str], other: list[str]) -> None:
    assert (derived.key("p", *one) == derived.key("p", *other)) == (one == other)
    assert derived.key("p", *one) != derived.key("q", *one)


def test_its_texts_are_a_secret_and_the_part_of_an_id() -> None:
    assert len(derived.secret("p", "x")) == 43
    assert ids.valid("visitor", f"vis_{derived.name('p', 'x')}")


@pytest.mark.parametrize("key", [None, "", "short", base64.b64encode(bytes(16)).decode(), "*" * 44])
def test_without_a_good_key_there_is_none(monkeypatch: pytest.MonkeyPatch, key: str | None) -> None:
    monkeypatch.delenv("INSTALLATION_KEY")
    if key is not None:
        monkeypatch.setenv("INSTALLATION_KEY", key)
    config.settings.cache_clear()
    with pytest.raises(Unavailable) as refused:
        derived.key("p")
    assert refused.value.code == "no_installation_key"
    config.settings.cache_clear()

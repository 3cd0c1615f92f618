"""Keys are derived as RFC 5869 says."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.hkdf import hkdf


@given(st.binary(min_size=1, max_size=64), st.binary(min_size=1, max_size=64), st.binary(max_size=64))
def test_keys_are_derived_as_rfc_5869_says(key: bytes, salt: bytes, info: bytes) -> None:
    for length in (1, 32, 42, 100):
        assert hkdf(key, salt, info, length) == HKDF(SHA256(), length, salt, info).derive(key)


def test_the_first_test_case_of_rfc_5869() -> None:
    salt, info = bytes(range(13)), bytes(range(0xF0, 0xFA))
    found = hkdf(b"\x0b" * 22, salt, info, 42)
    assert found.hex() == ("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")

"""The bytes of values sort as Google's own client sorts values."""

import math

import pytest
from google.cloud.firestore_v1 import GeoPoint, types
from google.cloud.firestore_v1.order import Order
from google.cloud.firestore_v1.vector import Vector
from hypothesis import given
from hypothesis import strategies as st

from local.firestore.values import encode, invert
from tests.local.firestore.messages import CLIENT, value

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.sampled_from([2**53, 2**53 + 1, float(2**53), 0, 0.0, -0.0, float("inf"), float("-inf")]),
    st.datetimes().map(lambda moment: moment.replace(tzinfo=None)),
    st.text(max_size=4),
    st.text("a\x00\x01\xff", max_size=4),
    st.binary(max_size=4),
    st.lists(st.sampled_from(["a", "b", "a\x00", "__id7__"]), min_size=2, max_size=2).map(
        lambda path: CLIENT.document(*path)
    ),
    st.builds(GeoPoint, st.floats(-90, 90), st.floats(-180, 180)),
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.text("ab", min_size=1, max_size=2), SCALARS, max_size=3),
    st.lists(st.floats(allow_nan=False), min_size=1, max_size=3).map(Vector),
)


def sign(number):
    return (number > 0) - (number < 0)


@given(VALUES, VALUES)
def test_bytes_compare_as_googles_client_compares(left, right):
    one, other = encode(value(left)), encode(value(right))
    wanted = sign(Order.compare(types.Value(value(left)), types.Value(value(right))))
    assert sign((one > other) - (one < other)) == wanted
    assert sign((invert(one) > invert(other)) - (invert(one) < invert(other))) == -wanted


@given(VALUES, VALUES)
def test_no_encoding_is_the_beginning_of_another(left, right):
    one, other = encode(value(left)), encode(value(right))
    assert one == other or not other.startswith(one)


def test_numeric_ids_sort_by_their_number_as_the_server_does() -> None:
    """Google's client compares the texts of its own side instead, so it is no judge of two of them."""
    names = ["__id-3__", "__id7__", "__id12__", "a"]
    found = [encode(value(CLIENT.document("a", name))) for name in names]
    assert found == sorted(found)


@pytest.mark.parametrize(("left", "right"), [(1, 1.0), (0.0, -0.0), (float("nan"), math.nan)])
def test_equal_numbers_have_equal_bytes_whatever_their_type(left, right):
    assert encode(value(left)) == encode(value(right))

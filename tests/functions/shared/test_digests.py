"""The same facts give the same digest, whatever their order, their writer or their way here."""

import hashlib
import json
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared import clock
from functions.shared.digests import canonical_json, leaf, node, rfc3339, stable_id


class Word(StrEnum):
    """A word that is more than its text."""

    TURN = "turn"
    MONEY = "Żółć"


digests = st.lists(st.binary(max_size=4).map(lambda data: hashlib.sha256(data).hexdigest()), max_size=6)


@given(digests, st.randoms(use_true_random=False))
def test_a_node_does_not_depend_on_the_order_of_its_children(children: list[str], random) -> None:
    shuffled = list(children)
    random.shuffle(shuffled)
    assert node(shuffled) == node(children)


@given(digests)
def test_a_child_more_is_another_node(children: list[str]) -> None:
    assert node([*children, "0" * 64]) != node(children)


def test_a_shell_can_recompute_a_node() -> None:
    children = [hashlib.sha256(bytes([n])).hexdigest() for n in range(5)]
    text = "".join(f"{child}\n" for child in children)
    told = subprocess.run(
        ["sh", "-c", "LC_ALL=C sort | sha256sum"], input=text, capture_output=True, text=True, check=True
    )
    assert told.stdout.split()[0] == node(children)


def test_a_leaf_is_the_same_from_firestore_pubsub_and_the_warehouse() -> None:
    at = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)
    written = {"event_id": "e", "occurred_at": at, "corrects": None, "estimated": False, "input_tokens": 0}
    published = {"estimated": False, "occurred_at": "2026-12-01T10:00:00Z", "event_id": "e", "input_tokens": 0}
    read = {**written, "occurred_at": at.astimezone(timezone(timedelta(hours=2))), "digest": "whatever"}
    assert leaf(written) == leaf(published) == leaf(read)


def test_zero_is_not_the_same_as_unknown() -> None:
    assert leaf({"event_id": "e", "input_tokens": 0}) != leaf({"event_id": "e", "input_tokens": None})


def test_canonical_json_has_one_form_and_no_fractions() -> None:
    assert canonical_json({"b": [1, True, None], "a": "ü"}) == '{"a":"ü","b":[1,true,null]}'.encode()
    for value in (0.5, {"a": {1, 2}}, b"bytes"):
        with pytest.raises(TypeError):
            canonical_json(value)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(Word),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_canonical_json_is_json_with_sorted_keys_and_no_blanks(value: object) -> None:
    expected = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        assert canonical_json(value).decode() == expected
    except UnicodeEncodeError:
        # Half a character has no UTF-8, written by whomever.
        with pytest.raises(UnicodeEncodeError):
            expected.encode()


def test_times_always_have_microseconds() -> None:
    assert rfc3339(datetime(2026, 12, 1, tzinfo=UTC)) == "2026-12-01T00:00:00.000000Z"


@given(st.datetimes(min_value=datetime(1000, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.timezones()))  # noqa: DTZ001
def test_a_time_is_written_as_its_parts_in_utc(at: datetime) -> None:
    written = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert rfc3339(at) == clock.to_text(at) == written
    assert clock.from_text(written) == at.astimezone(UTC)


def test_stable_ids_look_like_all_ids_and_sort_by_time() -> None:
    first = stable_id("led", datetime(2026, 11, 1, tzinfo=UTC), "a", "b")
    later = stable_id("led", datetime(2026, 12, 1, tzinfo=UTC), "a", "b")
    assert first == stable_id("led", datetime(2026, 11, 1, tzinfo=UTC), "a", "b")
    assert first < later
    assert first != stable_id("led", datetime(2026, 11, 1, tzinfo=UTC), "ab", "")
    assert len(first) == len("led_") + 26

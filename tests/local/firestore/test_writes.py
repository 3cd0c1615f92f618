"""What a write makes of a document, without a store."""

import pytest
from google.cloud import firestore
from google.cloud.firestore_v1 import _helpers, types

from local.firestore.errors import Refused
from local.firestore.limits import MAX_DOCUMENT, document_size
from local.firestore.protocol import Document
from local.firestore.writes import apply
from tests.local.firestore.messages import ROOT, delete, put, value

NAME = f"{ROOT}/t/a"
NOW = 1_700_000_000_123_456


def document(**fields):
    stored = Document(name=NAME)
    for name, anything in fields.items():
        stored.fields[name].CopyFrom(value(anything))
    return stored


def update(data):
    return types.Write.pb(_helpers.pbs_for_update(NAME, data, None)[0])


def after(write, old):
    new, _ = apply(write, old, NOW)
    return _helpers.decode_dict(types.Document(new).fields, None)


@pytest.mark.parametrize(
    ("before", "transform", "wanted"),
    [
        (1, firestore.Increment(2), 3),
        (2**63 - 1, firestore.Increment(1), 2**63 - 1),
        (-(2**63), firestore.Increment(-1), -(2**63)),
        (1, firestore.Increment(0.5), 1.5),
        ("text", firestore.Increment(2), 2),
        (5, firestore.Maximum(3), 5),
        (5, firestore.Maximum(7.5), 7.5),
        (5, firestore.Minimum(3), 3),
        (3, firestore.Maximum(3.0), 3),
        ([1, 2], firestore.ArrayUnion([2.0, 3]), [1, 2, 3]),
        ([1, 2, 1], firestore.ArrayRemove([1]), [2]),
        ("text", firestore.ArrayUnion(["a"]), ["a"]),
    ],
)
def test_a_transform_computes_from_what_is_there(before, transform, wanted):
    result = after(update({"n": transform}), document(n=before))["n"]
    assert (type(result), result) == (type(wanted), wanted)


def test_a_masked_field_that_is_not_given_is_removed():
    write = put("t/a", {"a": 1})
    write.update_mask.field_paths.extend(["a", "b.c", "none.at.all"])
    assert after(write, document(a=0, b={"c": 1, "d": 2}, e=3)) == {"a": 1, "b": {"d": 2}, "e": 3}


def test_a_set_replaces_all_and_a_delete_leaves_nothing():
    assert after(put("t/a", {"a": 1}), document(b=2)) == {"a": 1}
    assert apply(delete("t/a"), document(b=2), NOW)[0] is None


def test_the_server_time_has_milliseconds():
    new, result = apply(update({"at": firestore.SERVER_TIMESTAMP}), document(), NOW)
    assert new.fields["at"].timestamp_value.nanos == 123_000_000
    assert result.transform_results[0] == new.fields["at"]


def test_the_size_of_a_document_is_counted_as_firestore_counts_it():
    # Google's example: users/jeff/tasks/my_task_id with three fields takes 147 bytes.
    task = Document(name=f"{ROOT}/users/jeff/tasks/my_task_id")
    for name, anything in {
        "type": "Personal",
        "done": False,
        "priority": 1,
        "description": "Learn Cloud Firestore",
    }.items():
        task.fields[name].CopyFrom(value(anything))
    assert document_size(task) == 147


def test_a_document_at_the_limit_fits_and_one_byte_more_does_not():
    empty = document(big="")
    room = MAX_DOCUMENT - document_size(empty)
    apply(put("t/a", {"big": "x" * room}), None, NOW)
    with pytest.raises(Refused, match="exceeds the maximum allowed size"):
        apply(put("t/a", {"big": "x" * (room + 1)}), None, NOW)


def nested(depth):
    data = {}
    for _ in range(depth - 1):
        data = {"m": data}
    return data


def test_maps_nest_twenty_deep():
    apply(put("t/a", nested(20)), None, NOW)
    with pytest.raises(Refused, match="nested"):
        apply(put("t/a", nested(22)), None, NOW)

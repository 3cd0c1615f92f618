"""Documents are read whole or in part, in the order asked for."""

from functions.shared import contracts, firestore
from tests.cloud import Cloud
from tests.functions.rooms import write


def test_only_the_fields_that_are_asked_for_come(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    first, second, gone = (contracts.path(workspace, "rollups", name) for name in ("a", "b", "c"))
    write(first, {"n": 1, "models": {"x.y/z-1": {"turns": 2}, "other": {"turns": 3}}})
    write(second, {"m": 1})
    fields = [("n",), ("models", "x.y/z-1")]
    found = firestore.get_all([second, gone, first], fields)
    assert [one.path for one in found] == [second, gone, first]
    assert [one.data for one in found] == [{}, {}, {"n": 1, "models": {"x.y/z-1": {"turns": 2}}}]
    assert [one.exists for one in found] == [True, False, True]
    assert found[2].etag == firestore.get(first).etag


def test_a_range_of_ids_has_both_its_ends_and_nothing_beside_it(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    names = ["hour_2026-11-01T23", "hour_2026-11-02T00", "hour_2026-11-02T23", "hour_2026-11-03T00"]
    batch = firestore.Batch()
    for name in names:
        batch.set(contracts.path(workspace, "rollups", name), {"n": 1})
    batch.commit()
    query = firestore.Query(contracts.path(workspace, "rollups"), ids=("hour_2026-11-02T00", "hour_2026-11-02T23"))
    assert [found.id for found in firestore.find(query)] == names[1:3]

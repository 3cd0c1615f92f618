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

"""The directory tells the workspace of a public id, of its own kind only."""

import pytest

from functions.shared import clock, directory, firestore, ids
from tests.cloud import Cloud


def test_an_entry_is_found_by_its_kind_until_it_is_removed(cloud: Cloud) -> None:
    workspace, widget = cloud.workspace(), ids.new("widget")
    assert directory.find(widget, "widget") is None
    batch = firestore.Batch()
    directory.enter(batch, widget, workspace, "widget")
    batch.commit()
    assert directory.find(widget, "widget") == workspace
    assert directory.find(widget, "api_key") is None
    batch = firestore.Batch()
    directory.remove(batch, widget)
    batch.commit()
    assert directory.find(widget, "widget") is None


def test_an_id_that_is_taken_is_not_entered_again(cloud: Cloud) -> None:
    widget = ids.new("widget")
    for workspace, allowed in ((cloud.workspace(), True), (cloud.workspace(), False)):
        batch = firestore.Batch()
        directory.enter(batch, widget, workspace, "widget")
        if allowed:
            batch.commit()
        else:
            with pytest.raises(firestore.AlreadyExists):
                batch.commit()


def test_the_entries_of_a_workspace_are_erased_in_portions_and_no_others(cloud: Cloud) -> None:
    workspace, other = cloud.workspace(), cloud.workspace()
    names = [ids.new("widget") for _ in range(4)]
    batch = firestore.Batch()
    for name in names[:3]:
        directory.enter(batch, name, workspace, "widget", expire_at=clock.now())
    directory.enter(batch, names[3], other, "widget")
    batch.commit()
    assert [directory.erase(workspace, 2) for _ in range(3)] == [2, 1, 0]
    assert [directory.find(name, "widget") for name in names] == [None, None, None, other]

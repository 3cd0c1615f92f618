"""The directory tells the workspace of a public id, of its own kind only."""

import pytest

from functions.shared import directory, firestore, ids
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

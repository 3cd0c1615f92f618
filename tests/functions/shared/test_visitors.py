"""Who has been here is kept for 400 days, and goes with what they said."""

from datetime import timedelta

from functions.shared import clock, firestore, ids, visitors
from tests.cloud import Cloud


def test_who_was_signed_for_once_stays_identified(cloud: Cloud) -> None:
    workspace, visitor, now = cloud.workspace(), ids.new("visitor"), clock.now()
    assert visitors.find(workspace, visitor) is None
    for days, identified in enumerate((False, True, False)):
        visitors.seen(workspace, visitor, now + timedelta(days=days), identified=identified)
    found = visitors.find(workspace, visitor)
    assert found is not None
    assert (found.seen_at, found.identified) == (now + timedelta(days=2), True)
    kept = firestore.get(visitors.visitor_path(workspace, visitor)).data
    assert kept["expire_at"] - kept["seen_at"] == visitors.KEPT


def test_who_is_forgotten_is_not_found_and_others_are(cloud: Cloud) -> None:
    workspace, one, other = cloud.workspace(), ids.new("visitor"), ids.new("visitor")
    for visitor in (one, other):
        visitors.seen(workspace, visitor, clock.now(), identified=True)
    for _ in range(2):
        batch = firestore.Batch()
        visitors.forget(batch, workspace, one)
        batch.commit()
    assert visitors.find(workspace, one) is None
    assert visitors.find(workspace, other) is not None


def test_a_workspaces_visitors_are_erased_in_portions_and_no_others(cloud: Cloud) -> None:
    workspace, other = cloud.workspace(), cloud.workspace()
    for home in (workspace, other):
        for _ in range(3):
            visitors.seen(home, ids.new("visitor"), clock.now(), identified=False)
    assert [visitors.erase(workspace, 2) for _ in range(3)] == [2, 1, 0]
    assert visitors.erase(other, 9) == 3

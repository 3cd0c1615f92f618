"""The audit log says who did what, and never a secret."""

from typing import Any

from functions.shared import activity, clock, contracts, firestore
from functions.shared.firestore import Query
from functions.shared.identity import Caller, Principal, WorkspaceId
from tests.cloud import Cloud


def recorded(workspace: WorkspaceId, principal: Principal | None, **changed: Any) -> dict[str, Any]:
    batch = firestore.Batch()
    activity.record(
        batch,
        workspace,
        principal,
        "thing.changed",
        kind="thing",
        subject="t",
        name="n" * 300,
        now=clock.now(),
        **changed,
    )
    batch.commit()
    [entry] = firestore.find(Query(contracts.path(workspace, "activity")))
    return entry.data


def test_an_entry_names_its_actor_and_cuts_long_names(cloud: Cloud) -> None:
    person = Principal(Caller.CONSOLE, "uid1", email="ann@example.com")
    entry = recorded(cloud.workspace(), person, after={"tags": ["a"]})
    assert (entry["actor"], entry["actor_name"]) == ("person:uid1", "ann@example.com")
    assert (entry["before"], entry["after"]) == (None, {"tags": ["a"]})
    assert entry["name"] == "n" * 200


def test_without_a_caller_the_system_did_it(cloud: Cloud) -> None:
    entry = recorded(cloud.workspace(), None)
    assert (entry["actor"], entry["actor_name"]) == ("system", "")


def test_no_secret_is_written_at_any_depth(cloud: Cloud) -> None:
    secrets = {
        "secret": "x",
        "secret_hash": "x",
        "access_token": "x",
        "Client-Secret": "x",
        "signing": {"keys": [{"password": "x", "id": "k1"}], "output_tokens": 5},
    }
    entry = recorded(cloud.workspace(), None, before=secrets, after={"max_output_tokens": 9, "api_key_hash": "x"})
    assert entry["before"] == {"signing": {"keys": [{"id": "k1"}], "output_tokens": 5}}
    assert entry["after"] == {"max_output_tokens": 9}


def test_a_closed_workspaces_entries_are_erased_in_portions_and_no_others(cloud: Cloud) -> None:
    workspace, other = cloud.workspace(), cloud.workspace()
    recorded(other, None)
    batch = firestore.Batch()
    for number in range(5):
        activity.record(batch, workspace, None, "a.b", kind="a", subject=str(number), now=clock.now())
    batch.commit()
    assert [activity.erase(workspace, 3) for _ in range(3)] == [3, 2, 0]
    assert firestore.count(Query(contracts.path(other, "activity"))) == 1

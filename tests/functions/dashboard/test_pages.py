"""What people make in a workspace is listed page by page, so that the last of many is found too."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from functions.shared import clock, contracts, firestore, ids
from functions.shared.http import page_token
from functions.shared.identity.workspace import from_directory
from tests.cloud import Cloud
from tests.functions.dashboard.acting import enter, member, uid
from tests.functions.rooms import Room, content
from tests.functions.shared.http import callers

LISTS = {
    "members": "/api/workspace/members",
    "invitations": "/api/invitations",
    "api_keys": "/api/workspace/api-keys",
    "webhooks": "/api/webhooks",
}
"""Collection → its list."""

SHARED = {"name": "x", "role": "viewer", "email": "x@example.com"}
FIELDS: dict[str, dict[str, Any]] = {
    "members": {},
    "invitations": {"open": True, "invited_by": "uid_x", "expires_at": clock.from_text("2100-01-01T00:00:00Z")},
    "api_keys": {"scopes": ["read"]},
    "webhooks": {
        "url": "https://example.com", "types": [], "state": "active", "disabled_reason": None, "failing_since": None,
        "keys": [{}], "updated_at": clock.from_text("2026-11-01T00:00:00Z"),
    },
}  # fmt: skip


def write(workspace: str, collection: str, number: int) -> set[str]:
    """So many things, two of which always have the same time; returns their ids."""
    start, names, batch = (
        clock.now() - timedelta(days=30),
        [f"x{place:03}" for place in range(number)],
        firestore.Batch(),
    )
    for place, name in enumerate(names):
        at = start + timedelta(minutes=place // 2)
        path = contracts.path(from_directory(workspace), collection, name)
        batch.set(path, {**SHARED, **FIELDS[collection], "uid": name, "since": at, "created_at": at})
    batch.commit()
    return set(names)


def pages(room: Room, path: str, someone: callers.Someone, size: int) -> Iterator[list[str]]:
    token: str | None = ""
    while token is not None:
        page = content(room.ask("GET", f"{path}?page_size={size}{token and f'&page_token={token}'}", someone))
        yield [one["id"] for one in page["items"]]
        token = page["next_page_token"]


@pytest.mark.parametrize("collection", LISTS)
def test_the_last_of_many_is_on_some_page_and_nothing_is_on_two(room: Room, cloud: Cloud, collection: str) -> None:
    workspace = cloud.workspace()
    owner = member(workspace, "owner")
    made = write(workspace, collection, 201)
    expected = made | ({uid(owner)} if collection == "members" else set())
    found = list(pages(room, LISTS[collection], owner, 100))
    assert [len(page) for page in found] == [100, 100, len(expected) - 200]
    assert sorted(name for page in found for name in page) == sorted(expected)
    first = content(room.ask("GET", LISTS[collection], owner))
    assert (len(first["items"]), first["next_page_token"] is None) == (20, False)


@pytest.mark.parametrize("collection", LISTS)
def test_a_token_of_another_list_or_workspace_is_refused(room: Room, cloud: Cloud, collection: str) -> None:
    workspace = cloud.workspace()
    owner = member(workspace, "owner")
    others = contracts.path(cloud.workspace(), collection, "x001")
    mine = contracts.path(workspace, "agents", "x001")
    now = clock.to_text(clock.now())
    for token in ("W10", page_token(now, others), page_token(now, mine), page_token("x", others), page_token(1)):
        assert room.ask("GET", f"{LISTS[collection]}?page_token={token}", owner).status_code == 422


def test_all_workspaces_of_a_person_are_listed_the_one_made_first_at_the_top(room: Room, cloud: Cloud) -> None:
    made = [cloud.workspace() for _ in range(5)]
    someone = member(made[0], "owner")
    for workspace in made[1:]:
        enter(someone, workspace, "viewer")
    stranger = cloud.workspace()
    member(stranger, "owner")
    found = list(pages(room, "/api/workspaces", someone, 2))
    assert found == [sorted(made)[:2], sorted(made)[2:4], sorted(made)[4:]]
    # A token that names another's workspace is a place in the order, and leads to none of its contents.
    past = content(room.ask("GET", f"/api/workspaces?page_token={page_token(stranger)}", someone))["items"]
    assert [one["id"] for one in past] == [one for one in sorted(made) if one > stranger]
    for token in (
        "W10",
        page_token("x"),
        page_token(f"{made[0]}/members"),
        page_token(None),
        page_token(ids.new("agent")),
    ):
        assert room.ask("GET", f"/api/workspaces?page_token={token}", someone).status_code == 422


def test_a_member_who_is_out_is_told_of_nothing_more(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace(alert_emails=["desk@example.com", "bo@example.com"])
    owner, bo = member(workspace, "owner"), member(workspace, "viewer", email="bo@example.com")
    path = f"/api/workspace/members/{uid(bo)}"
    tag, _ = room.ask("GET", path, owner).get_etag()
    assert room.ask("DELETE", path, owner, etag=tag).status_code == 204
    assert content(room.ask("GET", "/api/workspace", owner))["alert_emails"] == ["desk@example.com"]

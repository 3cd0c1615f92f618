"""Members through the real edge: roles are given up to one's own, an owner stays, and whoever is out is out at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from functions.dashboard import members
from functions.shared import contracts, directory, firestore, ids
from functions.shared.errors import Conflict, Forbidden
from functions.shared.identity import Role, WorkspaceId
from functions.shared.identity.workspace import from_directory
from tests.cloud import Cloud
from tests.functions.dashboard.acting import actions, enter, etag, founder, member, uid
from tests.functions.dashboard.conftest import People
from tests.functions.rooms import Room, content
from tests.functions.shared.http import callers

MEMBERS = "/api/workspace/members"


def change(room: Room, someone: callers.Someone, of: callers.Someone, role: str) -> tuple[int, str]:
    """Status and code of giving somebody a role, with the ETag that is there now."""
    path = f"{MEMBERS}/{uid(of)}"
    tag = etag(room.ask("GET", path, someone))
    answer = room.ask("PATCH", path, someone, {"role": role}, etag=tag)
    return answer.status_code, content(answer).get("code", "")


def remove(room: Room, someone: callers.Someone, of: callers.Someone) -> tuple[int, str]:
    path = f"{MEMBERS}/{uid(of)}"
    answer = room.ask("DELETE", path, someone, etag=etag(room.ask("GET", path, someone)))
    return answer.status_code, content(answer)["code"] if answer.status_code != 204 else ""


def roles(workspace: str) -> list[str]:
    found = firestore.find(firestore.Query(contracts.path(from_directory(workspace), "members")))
    return sorted(str(one.data["role"]) for one in found)


def test_a_role_is_changed_with_its_etag_and_in_force_at_once(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    owner, bo = member(workspace, "owner"), member(workspace, "viewer", name="Bo")
    path = f"{MEMBERS}/{uid(bo)}"
    seen = room.ask("GET", path, owner)
    assert (content(seen)["role"], content(seen)["name"]) == ("viewer", "Bo")
    assert room.ask("PATCH", path, owner, {"role": "admin"}).status_code == 428
    changed = room.ask("PATCH", path, owner, {"role": "admin"}, etag=etag(seen))
    assert (changed.status_code, content(changed)["role"]) == (200, "admin")
    assert room.ask("PATCH", path, owner, {"role": "viewer"}, etag=etag(seen)).status_code == 412
    assert room.ask("GET", "/api/workspace/api-keys", bo).status_code == 200
    entry = actions(room, owner)[0]
    assert (entry["action"], entry["subject"], entry["name"]) == ("member.changed", uid(bo), "Bo")
    assert (entry["before"], entry["after"]) == ({"role": "viewer"}, {"role": "admin"})
    same = room.ask("PATCH", path, owner, {"role": "admin"}, etag=etag(changed))
    assert (same.status_code, len(actions(room, owner))) == (200, 1)
    assert room.ask("PATCH", path, owner, {"role": "king"}, etag=etag(changed)).status_code == 422


@pytest.mark.parametrize(
    ("mine", "theirs", "wanted", "status"),
    [
        ("admin", "member", "admin", 200),
        ("admin", "admin", "viewer", 200),
        ("admin", "viewer", "owner", 403),
        ("admin", "owner", "member", 403),
        ("owner", "viewer", "owner", 200),
        ("owner", "owner", "member", 200),
        ("member", "viewer", "member", 403),
    ],
)
def test_nobody_gives_more_than_he_has_and_an_admin_cannot_touch_owners(
    room: Room, cloud: Cloud, mine: str, theirs: str, wanted: str, status: int
) -> None:
    workspace = cloud.workspace()
    me, other = member(workspace, mine), member(workspace, theirs)
    before = roles(workspace)
    found = change(room, me, other, wanted)
    assert found == (status, "role_too_low" if status == 403 else "")
    assert (roles(workspace) == before) == (status == 403)


@pytest.mark.parametrize(
    ("mine", "theirs", "status"),
    [("admin", "admin", 204), ("admin", "owner", 403), ("member", "viewer", 403), ("owner", "owner", 204)],
)
def test_who_may_remove_whom(room: Room, cloud: Cloud, mine: str, theirs: str, status: int) -> None:
    workspace = cloud.workspace()
    me, other = member(workspace, mine), member(workspace, theirs)
    assert remove(room, me, other)[0] == status
    assert room.ask("GET", "/api/workspace", other).status_code == (403 if status == 204 else 200)


def test_the_last_owner_neither_leaves_nor_steps_down(room: Room, people: People) -> None:
    owner, workspace = founder(room, people)
    other = member(workspace, "admin")
    assert change(room, owner, owner, "admin") == (409, "last_owner")
    assert remove(room, owner, owner) == (409, "last_owner")
    assert change(room, owner, other, "owner") == (200, "")
    assert change(room, owner, owner, "viewer") == (200, "")
    assert roles(workspace) == ["owner", "viewer"]


def test_whoever_leaves_gets_the_claim_of_another_workspace_or_none(room: Room, people: People, cloud: Cloud) -> None:
    owner, workspace = founder(room, people)
    enter(member(workspace, "owner"), workspace, "owner")
    elsewhere = cloud.workspace()
    enter(owner, elsewhere, "viewer")
    assert remove(room, owner, owner) == (204, "")
    assert json.loads(people.claims(owner)) == {"workspace_id": elsewhere}
    assert room.ask("GET", "/api/workspace", owner).status_code == 403
    owner.claims["workspace_id"] = elsewhere
    assert remove(room, owner, owner) == (204, "")
    assert json.loads(people.claims(owner)) == {}
    left = actions(room, member(workspace, "viewer"))[0]
    before = {"role": "owner", "alert_emails": [owner.claims["email"]]}
    assert (left["action"], left["before"], left["after"]) == ("member.left", before, None)


def test_whoever_left_what_he_founded_may_found_anew(room: Room, people: People) -> None:
    owner, workspace = founder(room, people)
    member(workspace, "owner")
    assert remove(room, owner, owner) == (204, "")
    assert directory.find(uid(owner), "person") is None
    made = room.ask("POST", "/api/workspaces", owner, {"name": "Second"})
    assert made.status_code == 201
    assert content(made)["id"] != workspace


def test_leaving_needs_the_etag_and_works_without_the_identity_service(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    viewer = member(workspace, "viewer")
    path = f"{MEMBERS}/{uid(viewer)}"
    assert room.ask("DELETE", path, viewer).status_code == 428
    assert room.ask("DELETE", path, viewer, etag="1.000000001").status_code == 412
    # The identity services know nobody of this name, so the claim cannot be set.
    assert remove(room, viewer, viewer) == (204, "")
    assert roles(workspace) == []


def test_another_workspaces_member_is_not_there(room: Room, cloud: Cloud) -> None:
    stranger = member(cloud.workspace(), "viewer")
    owner = member(cloud.workspace(), "owner")
    for name in (uid(stranger), ids.secret(8), "x"):
        path = f"{MEMBERS}/{name}"
        assert room.ask("GET", path, owner).status_code == 404
        assert room.ask("PATCH", path, owner, {"role": "viewer"}, etag="1.000000001").status_code == 404
        assert room.ask("DELETE", path, owner, etag="1.000000001").status_code == 404


def test_machines_see_members_and_change_none(room: Room, cloud: Cloud) -> None:
    machine = callers.machine()
    assert room.ask("GET", MEMBERS, machine).status_code == 200
    assert room.ask("DELETE", f"{MEMBERS}/x", machine, etag="1.000000001").status_code == 403


def at_once(cloud: Cloud, workspace: WorkspaceId, owners: list[callers.Someone], wanted: Role | None) -> list[object]:
    """Each owner changes the next one, all at the same time; what came of each."""
    barrier = Barrier(len(owners))

    def act(place: int) -> object:
        mine, other = owners[place], owners[(place + 1) % len(owners)]
        seen = members.member(workspace, uid(other))[1]
        call = cloud.call(workspace, subject=uid(mine), if_match=seen)
        barrier.wait(timeout=20)
        try:
            members.change_role(call, uid(other), wanted) if wanted else members.remove(call, uid(other))
        except Exception as error:  # noqa: BLE001 - what it was is looked at
            return error
        return None

    with ThreadPoolExecutor(len(owners)) as pool:
        return list(pool.map(act, range(len(owners))))


@pytest.mark.parametrize("wanted", [Role.ADMIN, None])
@pytest.mark.parametrize("number", [2, 3])
def test_of_owners_who_demote_or_remove_each_other_at_once_one_stays(
    cloud: Cloud, google: object, wanted: Role | None, number: int
) -> None:
    for _ in range(5):
        workspace = cloud.workspace()
        owners = [member(workspace, "owner") for _ in range(number)]
        found = at_once(cloud, workspace, owners, wanted)
        left = [role for role in roles(workspace) if role == "owner"]
        assert len(left) >= 1
        assert None in found
        assert len(left) == number - found.count(None)
        assert all(isinstance(one, Conflict | Forbidden | firestore.Contended) for one in found if one is not None)


def test_two_owners_who_step_down_at_once_do_not_both_go(cloud: Cloud, google: object) -> None:
    for _ in range(5):
        workspace = cloud.workspace()
        owners = [member(workspace, "owner") for _ in range(2)]
        barrier = Barrier(2)

        def step_down(someone: callers.Someone, barrier: Barrier = barrier, ws: WorkspaceId = workspace) -> object:
            call = cloud.call(ws, subject=uid(someone), if_match=members.member(ws, uid(someone))[1])
            barrier.wait(timeout=20)
            try:
                return members.change_role(call, uid(someone), Role.VIEWER)
            except Conflict as error:
                return error.code

        with ThreadPoolExecutor(2) as pool:
            assert "last_owner" in list(pool.map(step_down, owners))
        assert roles(workspace) == ["owner", "viewer"]

"""Invitations through the real edge: one use, seven days, one verified address, and never more than the inviter has."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from functions.dashboard import invitation_links, invitations
from functions.dashboard.models import NewInvitation
from functions.shared import clock, config, contracts, directory, events, firestore, ids, notifications
from functions.shared.errors import Conflict
from functions.shared.firestore import Query
from functions.shared.identity.workspace import from_directory
from tests.cloud import Cloud
from tests.functions.dashboard.acting import actions, enter, etag, founder, member, uid
from tests.functions.dashboard.conftest import People
from tests.functions.rooms import Room, content, lose_answer
from tests.functions.shared.http import callers

INVITATIONS = "/api/invitations"


def invite(room: Room, someone: callers.Someone, email: str = "Bo@Example.com", **more: Any) -> dict[str, Any]:
    made = room.ask("POST", INVITATIONS, someone, {"email": email, **more})
    assert made.status_code == 201, made.get_data()
    found: dict[str, Any] = content(made)
    return found


def accept(room: Room, someone: callers.Someone, invitation: dict[str, Any]) -> tuple[int, str]:
    answer = room.ask("POST", f"{INVITATIONS}/{invitation['token']}/accept", someone)
    return answer.status_code, content(answer)["code"] if answer.status_code >= 400 else ""


def offered(room: Room, someone: callers.Someone, token: str) -> tuple[int, dict[str, Any]]:
    answer = room.ask("GET", f"{INVITATIONS}/{token}/offer", someone)
    return answer.status_code, content(answer)


def states(room: Room, someone: callers.Someone) -> list[tuple[str, str]]:
    return [(one["email"], one["state"]) for one in content(room.ask("GET", INVITATIONS, someone))["items"]]


def stored(workspace: str, invitation: dict[str, Any], **fields: object) -> None:
    batch = firestore.Batch()
    path = f"workspaces/{workspace}/invitations/{invitation['id']}"
    batch.update(path, {(name,): value for name, value in fields.items()})
    batch.commit()


def test_who_has_no_workspace_joins_by_the_link_and_works_there(room: Room, people: People) -> None:
    owner, workspace = founder(room, people)
    invitation = invite(room, owner, role="admin")
    assert invitation["link"] == f"http://localhost:8000/#/invitations/{invitation['token']}"
    assert timedelta(days=6, hours=23) < clock.from_text(invitation["expires_at"]) - clock.now() <= timedelta(days=7)
    bo = people.sign_up(email="bo@example.com")
    joined = room.ask("POST", f"{INVITATIONS}/{invitation['token']}/accept", bo)
    assert (joined.status_code, content(joined)["id"], content(joined)["role"]) == (200, workspace, "admin")
    assert json.loads(people.claims(bo)) == {"workspace_id": workspace}
    bo.claims["workspace_id"] = workspace
    assert room.ask("GET", "/api/workspace/api-keys", bo).status_code == 200
    assert states(room, owner) == [("bo@example.com", "accepted")]
    found = [(entry["action"], entry["actor"]) for entry in actions(room, owner)[:2]]
    assert found == [
        ("member.joined", f"person:{uid(bo)}"),
        ("invitation.created", f"person:{uid(owner)}"),
    ]
    # He has founded none yet, and may.
    assert content(room.ask("POST", "/api/workspaces", bo, {"name": "Own"}))["id"] != workspace


def test_who_has_a_workspace_of_his_own_joins_and_keeps_it(room: Room, people: People) -> None:
    owner, workspace = founder(room, people)
    bo, own = founder(room, people, email="bo@example.com")
    assert accept(room, bo, invite(room, owner)) == (200, "")
    assert json.loads(people.claims(bo)) == {"workspace_id": workspace}
    mine = content(room.ask("GET", "/api/workspaces", bo))["items"]
    assert {(one["id"], one["role"]) for one in mine} == {(own, "owner"), (workspace, "member")}
    assert directory.find(uid(bo), "person") == own


def test_a_link_is_for_one_use_and_its_repeat_by_the_same_person_is_harmless(room: Room, people: People) -> None:
    owner, workspace = founder(room, people)
    invitation = invite(room, owner)
    bo, twin = people.sign_up(email="bo@example.com"), people.sign_up(email="bo@example.com")
    assert accept(room, bo, invitation) == (200, "")
    assert accept(room, bo, invitation) == (200, "")
    assert accept(room, twin, invitation) == (409, "invitation_over")
    joined = [entry for entry in actions(room, owner) if entry["action"] == "member.joined"]
    assert len(joined) == 1
    batch = firestore.Batch()
    batch.delete(f"workspaces/{workspace}/members/{uid(bo)}")
    batch.commit()
    assert accept(room, bo, invitation) == (409, "invitation_over")


def test_only_the_verified_address_may_accept(room: Room, people: People) -> None:
    owner, _ = founder(room, people)
    invitation = invite(room, owner)
    other = people.sign_up(email="eve@example.com")
    assert accept(room, other, invitation) == (403, "another_address")
    bo = people.sign_up(email="BO@example.com")
    bo.claims["email_verified"] = False
    assert accept(room, bo, invitation) == (403, "email_not_verified")
    bo.claims["email_verified"] = True
    assert accept(room, bo, invitation) == (200, "")


def test_who_is_invited_reads_to_what_before_joining(room: Room, people: People) -> None:
    owner, workspace = founder(room, people)
    invitation = invite(room, owner, role="admin")
    bo = people.sign_up(email="bo@example.com")
    bo.claims["email_verified"] = False
    status, offer = offered(room, bo, invitation["token"])
    assert (status, offer["role"], offer["state"]) == (200, "admin", "waiting")
    home = content(room.ask("GET", "/api/workspace", owner))
    assert (offer["workspace"], offer["expires_at"]) == (home["name"], invitation["expires_at"])
    assert offer["inviter"] == owner.claims["name"]
    assert workspace not in json.dumps(offer)
    stranger = people.sign_up(email="cy@example.com")
    status, refused = offered(room, stranger, invitation["token"])
    assert (status, refused["code"]) == (403, "another_address")
    assert home["name"] not in json.dumps(refused)
    for token in (invitation["id"], f"{invitation['id']}.guess", "x", "inv_x.y"):
        assert offered(room, bo, token)[0] == 404
    room.ask("DELETE", f"{INVITATIONS}/{invitation['id']}", owner)
    assert offered(room, bo, invitation["token"])[1]["state"] == "revoked"
    batch = firestore.Batch()
    batch.set(f"workspaces/{workspace}", {"state": "erased"})
    batch.commit()
    assert offered(room, bo, invitation["token"])[0] == 404


def test_a_token_that_is_none_says_nothing(room: Room, people: People) -> None:
    owner, _ = founder(room, people)
    invitation = invite(room, owner)
    bo = people.sign_up(email="bo@example.com")
    name = invitation["id"]
    for token in (name, f"{name}.", f"{name}.wrong", f"{ids.new('invitation')}.x", "x", uid(owner)):
        assert accept(room, bo, {"token": token}) == (404, "not_found")


def test_it_ends_after_seven_days_or_when_it_is_revoked(room: Room, people: People) -> None:
    owner, workspace = founder(room, people)
    bo = people.sign_up(email="bo@example.com")
    old = invite(room, owner)
    stored(workspace, old, expires_at=clock.now())
    assert accept(room, bo, old) == (409, "invitation_over")
    assert states(room, owner) == [("bo@example.com", "expired")]
    gone = invite(room, owner)
    for _ in range(2):
        assert room.ask("DELETE", f"{INVITATIONS}/{gone['id']}", owner).status_code == 204
    assert accept(room, bo, gone) == (409, "invitation_over")
    assert [entry["action"] for entry in actions(room, owner)].count("invitation.revoked") == 1
    assert states(room, owner)[0] == ("bo@example.com", "revoked")


def test_a_new_invitation_of_an_address_ends_the_earlier_one(room: Room, people: People) -> None:
    owner, _ = founder(room, people)
    first, second = invite(room, owner, role="viewer"), invite(room, owner)
    bo = people.sign_up(email="bo@example.com")
    assert accept(room, bo, first) == (409, "invitation_over")
    assert accept(room, bo, second) == (200, "")
    assert actions(room, owner, action="invitation.created")[0]["after"]["instead_of"] == [first["id"]]


def test_nobody_invites_to_more_than_he_is(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    admin, viewer = member(workspace, "admin"), member(workspace, "member")
    refused = room.ask("POST", INVITATIONS, admin, {"email": "bo@example.com", "role": "owner"})
    assert (refused.status_code, content(refused)["code"]) == (403, "role_too_low")
    assert room.ask("POST", INVITATIONS, viewer, {"email": "bo@example.com"}).status_code == 403
    assert room.ask("GET", INVITATIONS, viewer).status_code == 403
    assert invite(room, admin, role="admin")["role"] == "admin"


@pytest.mark.parametrize("now", [None, "member"])
def test_what_somebody_invited_to_ends_with_his_role(room: Room, people: People, now: str | None) -> None:
    owner, workspace = founder(room, people)
    admin = member(workspace, "admin")
    invitation = invite(room, admin, role="admin")
    if now is None:
        tag = etag(room.ask("GET", f"/api/workspace/members/{uid(admin)}", owner))
        assert room.ask("DELETE", f"/api/workspace/members/{uid(admin)}", owner, etag=tag).status_code == 204
    else:
        enter(admin, workspace, now)
    bo = people.sign_up(email="bo@example.com")
    assert accept(room, bo, invitation) == (409, "invitation_over")


def test_a_member_is_not_invited_and_does_not_join_twice(room: Room, people: People) -> None:
    owner, workspace = founder(room, people)
    invitation = invite(room, owner)
    bo = people.sign_up(email="bo@example.com")
    enter(bo, workspace, "viewer")
    assert accept(room, bo, invitation) == (409, "already_member")
    again = room.ask("POST", INVITATIONS, owner, {"email": "bo@example.com"})
    assert (again.status_code, content(again)["code"]) == (409, "already_member")


def test_the_secret_is_in_one_answer_and_nowhere_else(room: Room, people: People, cloud: Cloud) -> None:
    owner, workspace = founder(room, people)
    made = room.ask("POST", INVITATIONS, owner, {"email": "bo@example.com"}, key="i1")
    invitation = content(made)
    secret = invitation["token"].partition(".")[2]
    assert made.headers["Cache-Control"] == "no-store"
    again = room.ask("POST", INVITATIONS, owner, {"email": "bo@example.com"}, key="i1")
    assert (again.status_code, content(again)["code"]) == (409, "already_issued")
    home = from_directory(workspace)
    everything = [
        [one.data for one in firestore.find(Query(contracts.path(home, name)))]
        for name in ("invitations", "activity", "events")
    ]
    told = cloud.published("notifications", home)
    assert secret not in str([everything, told, [one.data for one in firestore.find(Query("idempotency"))]])
    assert secret not in room.ask("GET", INVITATIONS, owner).text
    [event] = told
    assert (event["type"], event["subject"]) == ("member.invited", invitation["id"])
    assert event["facts"] == {"role": "member", "expires_at": invitation["expires_at"]}
    assert "bo@example.com" not in str(event)
    kept = events.read(home, notifications.name("member.invited", invitation["id"]))
    assert kept is not None


def test_a_repeat_after_a_crash_makes_no_second_invitation(room: Room, people: People) -> None:
    owner, _ = founder(room, people)
    body = {"email": "bo@example.com"}
    room.ask("POST", INVITATIONS, owner, body, key="i1")
    lose_answer(owner, "i1")
    for _ in range(2):
        again = room.ask("POST", INVITATIONS, owner, body, key="i1")
        assert (again.status_code, content(again)["code"]) == (409, "already_issued")
    assert states(room, owner) == [("bo@example.com", "waiting")]


def test_a_mail_has_a_link_of_its_own_and_both_lead_to_the_same_invitation(room: Room, people: People) -> None:
    owner, workspace = founder(room, people)
    invitation = invite(room, owner, role="viewer")
    home = from_directory(workspace)
    letters = [invitation_links.letter(home, invitation["id"], clock.now()) for _ in range(7)]
    first, *_, last = letters
    assert first is not None
    assert last is not None
    assert (last.email, last.workspace, last.inviter, last.role) == (
        "bo@example.com",
        "Linden Dental",
        "Ann",
        "viewer",
    )
    assert last.link != invitation["link"] != first.link
    assert last.link.partition("invitations/")[2] not in str(
        firestore.get(f"workspaces/{workspace}/invitations/{invitation['id']}").data
    )
    bo = people.sign_up(email="bo@example.com")
    # Of many mails only the latest links work; the inviter's always does.
    assert accept(room, bo, {"token": first.link.rpartition("/")[2]}) == (404, "not_found")
    assert accept(room, bo, {"token": last.link.rpartition("/")[2]}) == (200, "")
    assert accept(room, bo, invitation) == (200, "")
    assert invitation_links.letter(home, invitation["id"], clock.now()) is None
    assert invitation_links.letter(home, ids.new("invitation"), clock.now()) is None


def test_of_two_who_accept_at_once_one_joins(room: Room, people: People, cloud: Cloud) -> None:
    owner, workspace = founder(room, people)
    token = invite(room, owner)["token"]
    twins = [people.sign_up(email="bo@example.com") for _ in range(2)]

    def join(someone: callers.Someone) -> bool:
        call = cloud.call(None, subject=uid(someone), claims=someone.claims)
        principal = call.principal
        object.__setattr__(principal, "email", "bo@example.com")
        object.__setattr__(principal, "role", None)
        try:
            invitations.accept(call, token)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(join, twins)) == [False, True]
    assert firestore.count(Query(contracts.path(from_directory(workspace), "members"))) == 2


def test_waiting_invitations_and_those_of_a_day_have_a_limit(
    room: Room, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = member(cloud.workspace(), "owner")
    monkeypatch.setattr(invitations, "MOST_WAITING", 2)
    for name in ("a", "b"):
        invite(room, owner, f"{name}@example.com")
    refused = room.ask("POST", INVITATIONS, owner, {"email": "c@example.com"})
    assert (refused.status_code, content(refused)["code"]) == (409, "too_many_invitations")
    invite(room, owner, "b@example.com")
    monkeypatch.setattr(invitations, "MOST_A_DAY", 3)
    refused = room.ask("POST", INVITATIONS, owner, {"email": "b@example.com"})
    assert (refused.status_code, content(refused)["code"]) == (409, "too_many_invitations")


def test_another_workspaces_invitation_is_not_there(room: Room, people: People, cloud: Cloud) -> None:
    owner, _ = founder(room, people)
    invitation = invite(room, owner)
    stranger = member(cloud.workspace(), "owner")
    for name in (invitation["id"], ids.new("invitation"), "x"):
        assert room.ask("DELETE", f"{INVITATIONS}/{name}", stranger).status_code == 404
    assert states(room, stranger) == []


@pytest.mark.parametrize(
    "email", ["", "nobody", "a b@example.com", "a@b", "a@example.com,b@example.com", "<a@example.com>"]
)
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(ValueError, match="email"):
        NewInvitation(email=email)


@pytest.mark.parametrize(
    ("console", "begins"),
    [
        ("https://console.test/", "https://console.test/#/invitations/"),
        ("https://cdn.test/console/index.html", "https://cdn.test/console/index.html#/invitations/"),
    ],
)
def test_a_link_leads_to_the_consoles_page(monkeypatch: pytest.MonkeyPatch, console: str, begins: str) -> None:
    monkeypatch.setenv("CONSOLE_URL", console)
    config.settings.cache_clear()
    assert invitations.link("ivt_1.secret") == f"{begins}ivt_1.secret"
    config.settings.cache_clear()

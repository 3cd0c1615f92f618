"""Workspaces and their settings through the real edge of dashboard-api."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import TestResponse

from functions.dashboard import workspaces
from functions.dashboard.models import WorkspaceChange
from functions.shared import clock, config, contracts, directory, firestore, ids, metering
from functions.shared.contracts import WorkspaceRead
from functions.shared.firestore import Query
from functions.shared.identity import Role
from functions.shared.identity.workspace import from_directory
from tests.cloud import Cloud
from tests.functions.dashboard.acting import ZONE, etag, founder
from tests.functions.dashboard.conftest import People
from tests.functions.rooms import Room, content
from tests.functions.shared.http import callers


def test_a_person_founds_a_workspace_and_owns_it(room: Room, people: People) -> None:
    someone = people.sign_up()
    made = room.ask("POST", "/api/workspaces", someone, ZONE)
    assert made.status_code == 201
    workspace = content(made)
    assert (workspace["name"], workspace["code"], workspace["role"]) == ("Linden Dental", "LINDEN", "owner")
    assert json.loads(people.claims(someone)) == {"workspace_id": workspace["id"]}
    someone.claims["workspace_id"] = workspace["id"]
    assert content(room.ask("GET", "/api/workspace", someone))["time_zone"] == "Europe/Berlin"
    # Whoever founds it is told of hand-offs and leads before he has set anything.
    assert workspace["alert_emails"] == [someone.claims["email"]]
    assert [one["role"] for one in content(room.ask("GET", "/api/workspace/members", someone))["items"]] == ["owner"]
    [entry] = content(room.ask("GET", "/api/dashboard/activity", someone))["items"]
    assert (entry["action"], entry["actor"]) == ("workspace.created", f"person:{someone.claims['sub']}")


def test_founding_again_finds_the_first_workspace_and_sets_the_claim_again(room: Room, people: People) -> None:
    someone, workspace = founder(room, people)
    again = room.ask("POST", "/api/workspaces", someone, {"name": "Another", "currency": "USD"})
    assert (again.status_code, content(again)["id"], content(again)["name"]) == (201, workspace, "Linden Dental")
    assert [one["id"] for one in content(room.ask("GET", "/api/workspaces", someone))["items"]] == [workspace]


def test_founding_twice_at_once_makes_one_workspace(room: Room, people: People, cloud: Cloud) -> None:
    someone = people.sign_up()
    call = cloud.call(None, subject=someone.claims["sub"], claims=someone.claims)
    new = workspaces.NewWorkspace(name="Linden Dental")
    with ThreadPoolExecutor(4) as pool:
        made = [future.result()[0] for future in [pool.submit(workspaces.create, call, new) for _ in range(4)]]
    assert len({workspace.id for workspace in made}) == 1
    assert directory.find(someone.claims["sub"], "person") == made[0].id
    home = from_directory(made[0].id)
    assert firestore.count(Query(contracts.path(home, "members"))) == 1
    assert firestore.count(Query(contracts.path(home, "activity"))) == 1


def test_the_other_claims_of_a_person_stay(room: Room, people: People) -> None:
    from functions.dashboard.people import _post

    someone = people.sign_up()
    _post("accounts:update", {"localId": someone.claims["sub"], "customAttributes": '{"operator":true}'})
    workspace = content(room.ask("POST", "/api/workspaces", someone, ZONE))["id"]
    assert json.loads(people.claims(someone)) == {"operator": True, "workspace_id": workspace}


def test_a_repeat_with_the_key_gets_the_first_answer(room: Room, people: People) -> None:
    someone = people.sign_up()
    first, again = (room.ask("POST", "/api/workspaces", someone, ZONE, key="k1") for _ in range(2))
    assert first.get_data() == again.get_data()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = room.ask("POST", "/api/workspaces", someone, {**ZONE, "name": "Other"}, key="k1")
    assert (other.status_code, content(other)["code"]) == (409, "idempotency_conflict")


def test_an_unverified_address_founds_nothing(room: Room, people: People) -> None:
    someone = people.sign_up()
    for verified in (False, None, "true"):
        someone.claims["email_verified"] = verified
        refused = room.ask("POST", "/api/workspaces", someone, ZONE)
        assert (refused.status_code, content(refused)["code"]) == (403, "email_not_verified")
    assert directory.find(someone.claims["sub"], "person") is None


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"currency": "CHF"}, "/currency"),
        ({"currency": "usd"}, "/currency"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"name": "  "}, "/name"),
        ({"country": "Germany"}, "/country"),
        ({"owner": "me"}, "/owner"),
    ],
)
def test_a_workspace_that_cannot_be_is_refused_by_pointer(
    room: Room, people: People, changed: dict[str, str], pointer: str
) -> None:
    refused = room.ask("POST", "/api/workspaces", people.sign_up(), {**ZONE, **changed})
    assert refused.status_code == 422
    assert [error["pointer"] for error in content(refused)["errors"]] == [pointer]


def test_without_the_identity_service_founding_can_be_asked_for_again(
    room: Room, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone = people.sign_up()
    with monkeypatch.context() as without:
        without.setenv("IDENTITY_TOOLKIT_URL", "http://127.0.0.1:9")
        config.settings.cache_clear()
        refused = room.ask("POST", "/api/workspaces", someone, ZONE, key="k1")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    config.settings.cache_clear()
    made = room.ask("POST", "/api/workspaces", someone, ZONE, key="k1")
    assert made.status_code == 201
    assert content(made)["id"] == directory.find(someone.claims["sub"], "person")


def test_a_person_switches_between_their_workspaces_only(room: Room, people: People, cloud: Cloud) -> None:
    someone, own = founder(room, people)
    uid = someone.claims["sub"]
    other, foreign = cloud.workspace(name="Other"), cloud.workspace(name="Foreign")
    member = {"uid": uid, "role": "viewer", "workspace_id": str(other)}
    callers.write(f"workspaces/{other}/members/{uid}", member)
    mine = content(room.ask("GET", "/api/workspaces", someone))["items"]
    assert {(one["id"], one["role"]) for one in mine} == {(own, "owner"), (str(other), "viewer")}
    switched = room.ask("POST", f"/api/workspaces/{other}/switch", someone)
    assert (switched.status_code, content(switched)["role"]) == (200, "viewer")
    assert json.loads(people.claims(someone)) == {"workspace_id": other}
    for name in (str(foreign), ids.new("workspace"), "ws_1", "x"):
        assert room.ask("POST", f"/api/workspaces/{name}/switch", someone).status_code == 404


def test_who_belongs_nowhere_has_an_empty_list(room: Room, people: People) -> None:
    someone = people.sign_up()
    assert content(room.ask("GET", "/api/workspaces", someone)) == {"items": [], "next_page_token": None}
    refused = room.ask("GET", "/api/workspace", someone)
    assert (refused.status_code, content(refused)["code"]) == (403, "no_workspace")


def test_a_change_needs_the_etag_and_is_told_in_the_log(room: Room, people: People) -> None:
    someone, _ = founder(room, people)
    change = {"name": "Linden & Sons", "time_zone": "Europe/Berlin"}
    assert room.ask("PATCH", "/api/workspace", someone, change).status_code == 428
    first = etag(room.ask("GET", "/api/workspace", someone))
    changed = room.ask("PATCH", "/api/workspace", someone, change, etag=first)
    assert (changed.status_code, content(changed)["name"]) == (200, "Linden & Sons")
    assert room.ask("PATCH", "/api/workspace", someone, change, etag=first).status_code == 412
    assert room.ask("PATCH", "/api/workspace", someone, change, etag="nonsense").status_code == 412
    latest = content(room.ask("GET", "/api/dashboard/activity", someone))["items"][0]
    assert (latest["before"], latest["after"]) == ({"name": "Linden Dental"}, {"name": "Linden & Sons"})


def test_a_change_of_nothing_changes_nothing(room: Room, people: People) -> None:
    someone, _ = founder(room, people)
    first = etag(room.ask("GET", "/api/workspace", someone))
    same = room.ask("PATCH", "/api/workspace", someone, {}, etag=first)
    assert (same.status_code, etag(same)) == (200, first)
    assert len(content(room.ask("GET", "/api/dashboard/activity", someone))["items"]) == 1


def test_another_role_is_another_answer_though_the_workspace_is_the_same(room: Room, people: People) -> None:
    someone, workspace = founder(room, people)
    before = etag(room.ask("GET", "/api/workspace", someone))
    assert room.ask("GET", "/api/workspace", someone, If_None_Match=f'"{before}"').status_code == 304
    callers.write(f"workspaces/{workspace}/members/{someone.claims['sub']}", {"uid": "x", "role": "viewer"})
    now = room.ask("GET", "/api/workspace", someone, If_None_Match=f'"{before}"')
    assert (now.status_code, content(now)["role"]) == (200, "viewer")


def test_roles_that_are_too_low_are_refused(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    for role in (Role.VIEWER, Role.MEMBER):
        someone = callers.person(role, workspace)
        for method, path, body in (
            ("PATCH", "/api/workspace", {"name": "x"}),
            ("GET", "/api/workspace/api-keys", None),
            ("POST", "/api/workspace/api-keys", {"name": "x"}),
            ("DELETE", f"/api/workspace/api-keys/{ids.new('api_key')}", None),
        ):
            refused = room.ask(method, path, someone, body, etag="1.000000001")
            assert (refused.status_code, content(refused)["code"]) == (403, "role_too_low"), (role, path)


def test_somebody_who_was_removed_is_out_at_once(room: Room, people: People) -> None:
    someone, workspace = founder(room, people)
    batch = firestore.Batch()
    batch.delete(f"workspaces/{workspace}/members/{someone.claims['sub']}")
    batch.commit()
    refused = room.ask("GET", "/api/workspace", someone)
    assert (refused.status_code, content(refused)["code"]) == (403, "not_a_member")


def test_the_letters_of_a_name_become_the_code() -> None:
    assert [workspaces.code(name) for name in ("Müller & Söhne GmbH", "歯", "A1")] == ["MULLER", "AH", "A1"]


def settings_of(room: Room, someone: callers.Someone, change: dict[str, object]) -> TestResponse:
    return room.ask("PATCH", "/api/workspace", someone, change, etag=etag(room.ask("GET", "/api/workspace", someone)))


def test_settings_are_copied_to_what_a_turn_reads_in_the_same_commit(room: Room, people: People) -> None:
    someone, workspace = founder(room, people)
    for days in (30, None, 7, 3650):
        changed = settings_of(room, someone, {"retention_days": days})
        assert (changed.status_code, content(changed)["retention_days"]) == (200, days)
        home = from_directory(workspace)
        assert metering.current(home, clock.now()).retention_days == days
        assert firestore.get(metering.spend_path(home, clock.now())).exists
    latest = content(room.ask("GET", "/api/dashboard/activity", someone))["items"][0]
    assert (latest["before"], latest["after"]) == ({"retention_days": 7}, {"retention_days": 3650})


def test_addresses_for_alerts_are_kept_once_each_and_in_lower_case(room: Room, people: People) -> None:
    someone, workspace = founder(room, people)
    changed = settings_of(room, someone, {"alert_emails": ["Ann@Example.com", "ann@example.com", "bo@example.org"]})
    assert content(changed)["alert_emails"] == ["ann@example.com", "bo@example.org"]
    stored = firestore.get(contracts.workspace_path(from_directory(workspace))).data
    assert WorkspaceRead.model_validate(stored).alert_emails == ("ann@example.com", "bo@example.org")
    before = len(content(room.ask("GET", "/api/dashboard/activity", someone))["items"])
    settings_of(room, someone, {"alert_emails": ["ann@example.com", "bo@example.org"]})
    assert len(content(room.ask("GET", "/api/dashboard/activity", someone))["items"]) == before
    assert content(settings_of(room, someone, {"alert_emails": []}))["alert_emails"] == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"retention_days": 6}, "/retention_days"),
        ({"retention_days": 3651}, "/retention_days"),
        ({"retention_days": "30"}, "/retention_days"),
        ({"alert_emails": ["nobody"]}, "/alert_emails/0"),
        ({"alert_emails": [f"a{number}@example.com" for number in range(11)]}, "/alert_emails"),
        ({"currency": "EUR"}, "/currency"),
        ({"state": "active"}, "/state"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_pointer(
    room: Room, people: People, change: dict[str, object], pointer: str
) -> None:
    someone, _ = founder(room, people)
    refused = settings_of(room, someone, change)
    assert refused.status_code == 422
    assert content(refused)["errors"][0]["pointer"] == pointer


def test_the_currency_follows_until_the_first_usage_and_stays_then(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace(currency="EUR")
    someone = callers.person("admin", workspace)
    assert metering.current(workspace, clock.now()).currency == "EUR"
    changed = settings_of(room, someone, {"currency": "USD"})
    assert (changed.status_code, content(changed)["currency"]) == (200, "USD")
    assert metering.current(workspace, clock.now()).currency == "USD"
    usages: tuple[dict[str, object], ...] = ({"turns": 1}, {"spent_nanos": 1}, {"holds": {"t": {}}})
    for used in usages:
        other = cloud.workspace(currency="EUR")
        admin = callers.person("admin", other)
        callers.write(f"workspaces/{other}/spend/2026-01", {"currency": "EUR", **used})
        refused = settings_of(room, admin, {"currency": "USD", "name": "Other"})
        assert (refused.status_code, content(refused)["code"]) == (409, "currency_fixed")
        assert content(room.ask("GET", "/api/workspace", admin))["name"] == "Test"
    agreed = cloud.workspace(currency="EUR")
    admin = callers.person("admin", agreed)
    callers.write(f"workspaces/{agreed}/billing/account", {"cap_nanos": 5})
    assert settings_of(room, admin, {"currency": "USD"}).status_code == 409


def test_a_turn_that_begins_meanwhile_keeps_the_currency(cloud: Cloud) -> None:
    workspace = cloud.workspace(currency="EUR")
    path = metering.spend_path(workspace, clock.now())
    callers.write(path, {"currency": "EUR", "holds": {}})
    found = firestore.get(path)
    callers.write(path, {"currency": "EUR", "holds": {"t": {}}})
    home = {**firestore.get(contracts.workspace_path(workspace)).data, "currency": "USD"}
    batch = firestore.Batch()
    metering.write_standing(batch, workspace, home, found)
    with pytest.raises(firestore.Changed):
        batch.commit()


def test_of_two_admins_who_change_the_same_thing_at_once_one_is_told_to_read_again(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    admins = [callers.person("admin", workspace) for _ in range(2)]
    seen = etag(room.ask("GET", "/api/workspace", admins[0]))
    with ThreadPoolExecutor(2) as pool:
        asked = [
            pool.submit(workspaces.change, call, WorkspaceChange(name=name))
            for name, call in (
                (name, cloud.call(workspace, subject=admin.claims["sub"], if_match=seen))
                for name, admin in zip(("One", "Two"), admins, strict=True)
            )
        ]
        failed = [one.exception() for one in asked]
    assert sorted(type(error).__name__ for error in failed) == ["Changed", "NoneType"]
    changes = content(room.ask("GET", "/api/dashboard/activity?action=workspace.changed", admins[0]))["items"]
    assert len(changes) == 1

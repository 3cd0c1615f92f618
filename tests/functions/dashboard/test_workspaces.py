"""Workspaces, members and keys through the real edge of dashboard-api."""

import json
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from werkzeug.test import TestResponse

from functions.dashboard import workspaces
from functions.shared import config, contracts, directory, firestore, ids
from functions.shared.firestore import Query
from functions.shared.identity import Role
from functions.shared.identity.workspace import from_directory
from tests.cloud import Cloud
from tests.functions.dashboard.conftest import People
from tests.functions.rooms import Room, content, lose_answer
from tests.functions.shared.http import callers

ZONE = {"name": "Linden Dental", "currency": "USD", "time_zone": "Europe/Berlin", "country": "DE"}


def founder(room: Room, people: People) -> tuple[callers.Someone, str]:
    """An owner with a fresh workspace, whose token carries it."""
    someone = people.sign_up()
    workspace = content(room.ask("POST", "/api/workspaces", someone, ZONE))["id"]
    someone.claims["workspace_id"] = workspace
    return someone, workspace


def etag(response: TestResponse) -> str:
    found, _ = response.get_etag()
    assert found is not None
    return found


def test_a_person_founds_a_workspace_and_owns_it(room: Room, people: People) -> None:
    someone = people.sign_up()
    made = room.ask("POST", "/api/workspaces", someone, ZONE)
    assert made.status_code == 201
    workspace = content(made)
    assert (workspace["name"], workspace["code"], workspace["role"]) == ("Linden Dental", "LINDEN", "owner")
    assert json.loads(people.claims(someone)) == {"workspace_id": workspace["id"]}
    someone.claims["workspace_id"] = workspace["id"]
    assert content(room.ask("GET", "/api/workspace", someone))["time_zone"] == "Europe/Berlin"
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


def make_key(room: Room, someone: callers.Someone, **fields: object) -> dict[str, str]:
    made = room.ask("POST", "/api/workspace/api-keys", someone, {"name": "CI", **fields})
    assert made.status_code == 201, made.get_data()
    found: dict[str, str] = content(made)
    return found


def token(room: Room, form: dict[str, str], basic: tuple[str, str] | None = None) -> TestResponse:
    headers = {**callers.invoker()}
    if basic is not None:
        headers["X-Forwarded-Authorization"] = "Basic " + b64encode(":".join(basic).encode()).decode()
    return room.client.post("/oauth/token", data=form, headers=headers)


CREDENTIALS = {"grant_type": "client_credentials"}


def test_a_repeat_after_a_crash_makes_no_second_key_and_names_the_first(room: Room, people: People) -> None:
    someone, _ = founder(room, people)
    body = {"name": "CI", "scopes": ["read"]}
    key = content(room.ask("POST", "/api/workspace/api-keys", someone, body, key="k1"))
    lose_answer(someone, "k1")
    for _ in range(2):
        again = room.ask("POST", "/api/workspace/api-keys", someone, body, key="k1")
        assert (again.status_code, content(again)["code"]) == (409, "already_issued")
        assert key["id"] in content(again)["detail"]
    assert [one["id"] for one in content(room.ask("GET", "/api/workspace/api-keys", someone))["items"]] == [key["id"]]


def test_a_key_is_shown_once_and_stored_as_a_hash(room: Room, people: People) -> None:
    someone, workspace = founder(room, people)
    made = room.ask(
        "POST", "/api/workspace/api-keys", someone, {"name": "CI", "scopes": ["write", "read", "read"]}, key="k1"
    )
    key = content(made)
    assert key["scopes"] == ["read", "write"]
    assert made.headers["Cache-Control"] == "no-store"
    again = room.ask(
        "POST", "/api/workspace/api-keys", someone, {"name": "CI", "scopes": ["write", "read", "read"]}, key="k1"
    )
    assert (again.status_code, content(again)["code"]) == (409, "already_issued")
    listed = room.ask("GET", "/api/workspace/api-keys", someone)
    assert key["secret"] not in listed.text
    assert [one["id"] for one in content(listed)["items"]] == [key["id"]]
    for collection in ("api_keys", "activity"):
        for found in firestore.find(Query(f"workspaces/{workspace}/{collection}")):
            assert key["secret"] not in str(found.data)
    assert key["secret"] not in str([found.data for found in firestore.find(Query("idempotency"))])


@pytest.mark.parametrize("way", ["form", "basic"])
def test_a_key_and_its_secret_give_a_token_that_works(room: Room, people: People, way: str) -> None:
    someone, workspace = founder(room, people)
    key = make_key(room, someone)
    if way == "form":
        given = token(room, {**CREDENTIALS, "client_id": key["id"], "client_secret": key["secret"]})
    else:
        given = token(room, CREDENTIALS, (key["id"], key["secret"]))
    assert (given.status_code, given.headers["Cache-Control"]) == (200, "no-store")
    body = content(given)
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    machine = callers.Someone(jwt.decode(body["access_token"], options={"verify_signature": False}))
    assert content(room.ask("GET", "/api/workspace", machine))["id"] == workspace
    lacking = room.ask("GET", "/api/workspace/api-keys", machine)
    assert lacking.status_code == 403


def test_wrong_pairs_are_refused_alike(room: Room, people: People) -> None:
    someone, _ = founder(room, people)
    key, revoked = make_key(room, someone), make_key(room, someone)
    room.ask("DELETE", f"/api/workspace/api-keys/{revoked['id']}", someone)
    pairs = [
        (key["id"], "wrong"),
        (key["id"], revoked["secret"]),
        (key["id"], "é"),
        (ids.new("api_key"), key["secret"]),
        (someone.claims["sub"], key["secret"]),
        ("../x", key["secret"]),
        (revoked["id"], revoked["secret"]),
    ]
    answers = [token(room, CREDENTIALS, pair) for pair in pairs]
    answers += [token(room, {**CREDENTIALS, "client_id": one, "client_secret": two}) for one, two in pairs]
    assert {answer.status_code for answer in answers} == {401}
    assert {(content(answer)["code"], content(answer)["detail"]) for answer in answers} == {
        ("invalid_client", "The key or its secret is not right.")
    }
    assert answers[0].headers["WWW-Authenticate"].startswith("Basic ")


def test_requests_for_a_token_that_cannot_be_read_are_refused(room: Room) -> None:
    many = "&".join(f"a{number}=1" for number in range(30))
    for form, status in (({"scope": "x"}, 400), ({"grant_type": "password"}, 400), (CREDENTIALS, 401)):
        assert token(room, form).status_code == status
    for raw in (many.encode(), b"\xff=1"):
        answer = room.client.post(
            "/oauth/token",
            data=raw,
            headers={**callers.invoker(), "Content-Type": "application/x-www-form-urlencoded"},
        )
        assert (answer.status_code, content(answer)["code"]) == (400, "invalid_request")
    assert room.client.post("/oauth/token", json=CREDENTIALS, headers=callers.invoker()).status_code == 415


def test_a_revoked_keys_tokens_are_refused_from_the_next_call_on(room: Room, people: People) -> None:
    someone, _ = founder(room, people)
    key = make_key(room, someone)
    given = content(token(room, CREDENTIALS, (key["id"], key["secret"])))
    machine = callers.Someone(jwt.decode(given["access_token"], options={"verify_signature": False}))
    assert room.ask("GET", "/api/workspace", machine).status_code == 200
    assert room.ask("DELETE", f"/api/workspace/api-keys/{key['id']}", someone).status_code == 204
    refused = room.ask("GET", "/api/workspace", machine)
    assert (refused.status_code, content(refused)["code"]) == (401, "key_revoked")


def test_a_key_that_has_ended_keeps_the_time_of_its_end(room: Room, people: People) -> None:
    someone, _ = founder(room, people)
    key = make_key(room, someone)
    ends = []
    for _ in range(2):
        assert room.ask("DELETE", f"/api/workspace/api-keys/{key['id']}", someone).status_code == 204
        ends.append(content(room.ask("GET", "/api/workspace/api-keys", someone))["items"][0]["revoked_at"])
    assert ends[0] == ends[1] is not None


def test_another_workspaces_key_is_not_there(room: Room, people: People) -> None:
    key = make_key(room, founder(room, people)[0])
    stranger, _ = founder(room, people)
    for name in (key["id"], ids.new("api_key"), "x"):
        assert room.ask("DELETE", f"/api/workspace/api-keys/{name}", stranger).status_code == 404


def test_the_letters_of_a_name_become_the_code() -> None:
    assert [workspaces.code(name) for name in ("Müller & Söhne GmbH", "歯", "A1")] == ["MULLER", "AH", "A1"]


def test_a_key_may_do_what_its_role_may_and_never_what_an_owner_may(room: Room, people: People) -> None:
    someone, workspace = founder(room, people)
    for role in ("viewer", "admin", None):
        body = {"name": "CI", "scopes": ["read", "write"], **({"role": role} if role else {})}
        key = content(room.ask("POST", "/api/workspace/api-keys", someone, body))
        assert key["role"] == (role or "member")
        assert firestore.get(f"workspaces/{workspace}/api_keys/{key['id']}").data["role"] == key["role"]
    owner = {"name": "CI", "scopes": ["read"], "role": "owner"}
    assert room.ask("POST", "/api/workspace/api-keys", someone, owner).status_code == 422

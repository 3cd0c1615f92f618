"""API keys through the real edge of dashboard-api: made, changed, rotated, revoked, and exchanged for tokens."""

from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import jwt
import pytest
from werkzeug.test import TestResponse

from functions.dashboard import keys
from functions.dashboard.models import Rotation
from functions.shared import clock, contracts, firestore, ids
from functions.shared.firestore import Query
from functions.shared.identity.workspace import from_directory
from tests.cloud import Cloud
from tests.functions.dashboard.acting import actions, etag, founder
from tests.functions.dashboard.conftest import People
from tests.functions.rooms import Room, content, lose_answer
from tests.functions.shared.http import callers


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


def test_a_key_may_do_what_its_role_may_and_never_what_an_owner_may(room: Room, people: People) -> None:
    someone, workspace = founder(room, people)
    for role in ("viewer", "admin", None):
        body = {"name": "CI", "scopes": ["read", "write"], **({"role": role} if role else {})}
        key = content(room.ask("POST", "/api/workspace/api-keys", someone, body))
        assert key["role"] == (role or "member")
        assert firestore.get(f"workspaces/{workspace}/api_keys/{key['id']}").data["role"] == key["role"]
    owner = {"name": "CI", "scopes": ["read"], "role": "owner"}
    assert room.ask("POST", "/api/workspace/api-keys", someone, owner).status_code == 422


def exchange(room: Room, key: dict[str, str], secret: str | None = None) -> TestResponse:
    return token(room, CREDENTIALS, (key["id"], secret or key["secret"]))


def machine_of(given: TestResponse) -> callers.Someone:
    return callers.Someone(jwt.decode(content(given)["access_token"], options={"verify_signature": False}))


def seen(room: Room, someone: callers.Someone, key: dict[str, str]) -> TestResponse:
    return room.ask("GET", f"/api/workspace/api-keys/{key['id']}", someone)


def test_a_key_changes_with_its_etag_and_its_next_call_obeys(room: Room, people: People) -> None:
    someone, _ = founder(room, people)
    key = make_key(room, someone, scopes=["read", "write"])
    machine = machine_of(exchange(room, key))
    path = f"/api/workspace/api-keys/{key['id']}"
    first = etag(seen(room, someone, key))
    change = {"name": "Nightly", "scopes": ["write"], "role": "viewer", "expires_at": "2030-01-01T00:00:00Z"}
    assert room.ask("PATCH", path, someone, change).status_code == 428
    changed = room.ask("PATCH", path, someone, change, etag=first)
    assert changed.status_code == 200, changed.get_data()
    found = content(changed)
    assert (found["name"], found["scopes"], found["role"]) == ("Nightly", ["write"], "viewer")
    assert found["expires_at"] == "2030-01-01T00:00:00Z"
    assert room.ask("PATCH", path, someone, {"name": "x"}, etag=first).status_code == 412
    refused = room.ask("GET", "/api/workspace", machine)
    assert (refused.status_code, content(refused)["code"]) == (403, "scope_missing")
    latest = actions(room, someone)[0]
    assert (latest["action"], latest["before"]["role"], latest["after"]["role"]) == (
        "api_key.changed",
        "member",
        "viewer",
    )
    without_end = room.ask("PATCH", path, someone, {"expires_at": None}, etag=etag(changed))
    assert content(without_end)["expires_at"] is None
    same = room.ask("PATCH", path, someone, {"name": "Nightly"}, etag=etag(without_end))
    assert (same.status_code, etag(same)) == (200, etag(without_end))
    assert actions(room, someone)[0]["after"] == {"expires_at": None}


def test_a_key_never_gets_an_owners_role_or_an_end_that_is_over(room: Room, people: People) -> None:
    someone, _ = founder(room, people)
    key = make_key(room, someone)
    path, tag = f"/api/workspace/api-keys/{key['id']}", etag(seen(room, someone, key))
    for change, pointer in (
        ({"role": "owner"}, "/role"),
        ({"scopes": []}, "/scopes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2030-01-01T00:00:00"}, "/expires_at"),
        ({"secret": "x"}, "/secret"),
    ):
        refused = room.ask("PATCH", path, someone, change, etag=tag)
        assert (refused.status_code, content(refused)["errors"][0]["pointer"]) == (422, pointer), change
    over = {"name": "CI", "expires_at": "2020-01-01T00:00:00Z"}
    assert room.ask("POST", "/api/workspace/api-keys", someone, over).status_code == 422


def test_a_revoked_key_does_not_come_back(room: Room, people: People) -> None:
    someone, _ = founder(room, people)
    key = make_key(room, someone)
    path = f"/api/workspace/api-keys/{key['id']}"
    room.ask("DELETE", path, someone)
    changed = room.ask("PATCH", path, someone, {"name": "x"}, etag=etag(seen(room, someone, key)))
    rotated = room.ask("POST", f"{path}/rotate", someone, {})
    for refused in (changed, rotated):
        assert (refused.status_code, content(refused)["code"]) == (409, "key_revoked")


def ends(key: dict[str, str], workspace: str, **fields: object) -> None:
    batch = firestore.Batch()
    path = f"workspaces/{workspace}/api_keys/{key['id']}"
    batch.update(path, {(name,): value for name, value in fields.items()})
    batch.commit()


def test_an_expired_key_gets_no_token_and_its_tokens_end_with_it(room: Room, people: People) -> None:
    someone, workspace = founder(room, people)
    key = make_key(room, someone, expires_at=clock.to_text(clock.now() + timedelta(hours=1)))
    machine = machine_of(exchange(room, key))
    assert room.ask("GET", "/api/workspace", machine).status_code == 200
    ends(key, workspace, expires_at=clock.now())
    refused = room.ask("GET", "/api/workspace", machine)
    assert (refused.status_code, content(refused)["code"]) == (401, "key_expired")
    wrong = exchange(room, key)
    assert (wrong.status_code, content(wrong)["code"]) == (401, "invalid_client")


def test_after_a_rotation_both_secrets_work_until_the_old_ones_end(room: Room, people: People) -> None:
    someone, workspace = founder(room, people)
    key = make_key(room, someone)
    path = f"/api/workspace/api-keys/{key['id']}"
    rotated = room.ask("POST", f"{path}/rotate", someone, {"overlap_hours": 168}, key="r1")
    assert (rotated.status_code, rotated.headers["Cache-Control"]) == (200, "no-store")
    new = content(rotated)
    assert new["secret"] != key["secret"]
    until = clock.from_text(new["old_secret_until"])
    assert timedelta(days=6, hours=23) < until - clock.now() <= timedelta(days=7)
    assert [exchange(room, key, secret).status_code for secret in (key["secret"], new["secret"])] == [200, 200]
    stored = firestore.get(f"workspaces/{workspace}/api_keys/{key['id']}").data
    ends(key, workspace, previous=[{**stored["previous"][0], "until": clock.now()}])
    assert [exchange(room, key, secret).status_code for secret in (key["secret"], new["secret"])] == [401, 200]
    assert content(seen(room, someone, key))["old_secret_until"] is None
    again = room.ask("POST", f"{path}/rotate", someone, {"overlap_hours": 168}, key="r1")
    assert (again.status_code, content(again)["code"]) == (409, "already_issued")
    entry = actions(room, someone)[0]
    assert (entry["action"], entry["after"]) == ("api_key.rotated", {"overlap_hours": 168})
    everything = str([one.data for name in ("api_keys", "activity") for one in documents(workspace, name)])
    assert key["secret"] not in everything
    assert new["secret"] not in everything


def documents(workspace: str, collection: str) -> list[firestore.Snapshot]:
    return firestore.find(Query(contracts.path(from_directory(workspace), collection)))


def test_a_rotation_without_overlap_ends_every_old_secret_at_once(room: Room, people: People) -> None:
    someone, _ = founder(room, people)
    key = make_key(room, someone)
    path = f"/api/workspace/api-keys/{key['id']}/rotate"
    second = content(room.ask("POST", path, someone, {}))
    third = content(room.ask("POST", path, someone, {"overlap_hours": 0}))
    tried = [exchange(room, key, one["secret"]).status_code for one in (key, second, third)]
    assert (tried, third["old_secret_until"]) == ([401, 401, 200], None)
    for hours in (-1, 169, 1.5):
        assert room.ask("POST", path, someone, {"overlap_hours": hours}).status_code == 422


def test_a_rotation_whose_answer_was_lost_stops_nobody(room: Room, people: People) -> None:
    someone, _ = founder(room, people)
    key = make_key(room, someone)
    path = f"/api/workspace/api-keys/{key['id']}/rotate"
    room.ask("POST", path, someone, {}, key="r1")
    lose_answer(someone, "r1")
    again = room.ask("POST", path, someone, {}, key="r1")
    assert (again.status_code, content(again)["code"]) == (409, "already_issued")
    third = content(room.ask("POST", path, someone, {}, key="r2"))
    assert [exchange(room, key, secret).status_code for secret in (key["secret"], third["secret"])] == [200, 200]


def test_every_secret_that_was_given_out_works_though_many_rotate_at_once(
    cloud: Cloud, room: Room, people: People
) -> None:
    someone, workspace = founder(room, people)
    key = make_key(room, someone)
    call = cloud.call(from_directory(workspace), subject=someone.claims["sub"])
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(keys.rotate, call, key["id"], Rotation()) for _ in range(3)]
        made = [one.result() for one in asked if one.exception() is None]
    secrets = [key["secret"], *(one.secret for one in made)]
    assert len(secrets) > 1
    assert {exchange(room, key, secret).status_code for secret in secrets} == {200}


def test_the_last_use_is_noted_at_most_once_an_hour(room: Room, people: People) -> None:
    someone, workspace = founder(room, people)
    key = make_key(room, someone)
    assert content(seen(room, someone, key))["last_used_at"] is None
    exchange(room, key)
    first = content(seen(room, someone, key))["last_used_at"]
    assert first is not None
    exchange(room, key)
    assert content(seen(room, someone, key))["last_used_at"] == first
    ends(key, workspace, last_used_at=clock.now() - timedelta(hours=1))
    exchange(room, key)
    assert content(seen(room, someone, key))["last_used_at"] > first


def test_another_workspaces_key_can_be_neither_seen_nor_changed_nor_rotated(room: Room, people: People) -> None:
    key = make_key(room, founder(room, people)[0])
    stranger, _ = founder(room, people)
    for name in (key["id"], ids.new("api_key"), "x"):
        path = f"/api/workspace/api-keys/{name}"
        assert room.ask("GET", path, stranger).status_code == 404
        assert room.ask("PATCH", path, stranger, {"name": "x"}, etag="1.000000001").status_code == 404
        assert room.ask("POST", f"{path}/rotate", stranger, {}).status_code == 404

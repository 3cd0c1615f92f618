"""Who is believed to be calling, and who is not."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from functions.shared import clock, firestore, ids
from tests.functions.shared.http.callers import (
    PROJECT,
    Someone,
    account,
    encoded,
    invoker,
    machine,
    person,
    userinfo,
    visitor,
    write,
)


def me(client: FlaskClient, someone: Someone, **headers: str) -> Any:
    return client.get("/api/me", headers=someone.headers(**headers))


def test_a_person_has_the_role_of_their_membership(client: FlaskClient) -> None:
    ann = person("admin")
    assert me(client, ann).json == {
        "kind": "console",
        "subject": ann.claims["sub"],
        "role": "admin",
        "workspace": ann.claims["workspace_id"],
        "address": "",
        "via": "",
    }


def test_a_removed_person_is_out_at_once(client: FlaskClient) -> None:
    answer = me(client, person(None))
    assert (answer.status_code, answer.json["code"]) == (403, "not_a_member")


def test_another_workspace_in_the_claim_helps_only_its_members(client: FlaskClient) -> None:
    ann, bob = person(), person()
    ann.changes["workspace_id"] = bob.claims["workspace_id"]
    assert me(client, ann).json["code"] == "not_a_member"


@pytest.mark.parametrize("workspace", [None, "", "ws_../x", 7, "ws_x/members/y"])
def test_a_claim_without_workspace_is_sent_to_make_one(client: FlaskClient, workspace: Any) -> None:
    ann = person(None, workspace_id=workspace)
    assert me(client, ann).json["code"] == "no_workspace"
    made = client.post("/api/workspaces", headers=ann.headers())
    assert (made.status_code, made.json["workspace"]) == (200, None)


def test_roles_are_ordered(client: FlaskClient) -> None:
    outcomes = {}
    for role in ("viewer", "member", "admin", "owner"):
        someone = person(role)
        post = client.post("/api/things", json={"name": "x"}, headers=someone.headers())
        delete = client.delete("/api/things/x", headers=someone.headers(If_Match='"1.0"'))
        outcomes[role] = (post.status_code, delete.status_code)
    assert outcomes == {"viewer": (403, 403), "member": (201, 403), "admin": (201, 204), "owner": (201, 204)}


def test_an_unknown_role_is_none(client: FlaskClient) -> None:
    ann = person(None)
    write(f"workspaces/{ann.claims['workspace_id']}/members/{ann.claims['sub']}", {"role": "emperor"})
    assert me(client, ann).json["code"] == "not_a_member"


def test_only_the_operator_claim_makes_an_operator(client: FlaskClient) -> None:
    path = f"/api/operator/workspaces/{ids.new('workspace')}"
    for claim in (False, "true", 1, None):
        assert client.get(path, headers=person("owner", operator=claim).headers()).status_code == 403
    answer = client.get(path, headers=person(None, operator=True).headers())
    assert (answer.status_code, answer.json["kind"]) == (200, "operator")


def test_an_operator_is_an_ordinary_person_on_ordinary_routes(client: FlaskClient) -> None:
    assert me(client, person(None, operator=True)).json["code"] == "not_a_member"
    assert me(client, person("viewer", operator=True)).json["kind"] == "console"


def test_a_key_works_until_it_is_revoked_and_for_its_scopes(client: FlaskClient) -> None:
    assert me(client, machine(scopes=("read",))).json["kind"] == "machine"
    assert me(client, machine(scopes=("write",))).json["code"] == "scope_missing"
    revoked = me(client, machine(revoked=True))
    assert (revoked.status_code, revoked.json["code"]) == (401, "key_revoked")
    assert me(client, machine(sub=ids.new("api_key"))).json["code"] == "key_revoked"


@pytest.mark.parametrize(("seconds", "code"), [(3600, None), (-1, "key_expired")])
def test_a_key_works_until_it_expires_though_its_token_lives(
    client: FlaskClient, seconds: int, code: str | None
) -> None:
    someone = machine()
    path = f"workspaces/{someone.claims['workspace_id']}/api_keys/{someone.claims['sub']}"
    batch = firestore.Batch()
    batch.update(path, {("expires_at",): clock.now() + timedelta(seconds=seconds)})
    batch.commit()
    answer = me(client, someone)
    assert (answer.status_code, answer.json.get("code")) == (200 if code is None else 401, code)


def test_a_visitor_has_a_session(client: FlaskClient) -> None:
    someone = visitor()
    assert me(client, someone).json["workspace"] == someone.claims["workspace_id"]
    assert me(client, visitor(session_id="")).status_code == 401


def test_a_token_opens_only_routes_of_its_kind(client: FlaskClient) -> None:
    assert client.get("/api/things", headers=visitor().headers()).status_code == 403
    assert client.post("/api/chat", json={"name": "x"}, headers=person().headers()).status_code == 403
    assert client.get("/api/things/x", headers=machine().headers()).status_code == 403
    path = f"/api/operator/workspaces/{ids.new('workspace')}"
    for someone in (visitor(), machine()):
        assert client.get(path, headers=someone.headers()).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"},
        {"aud": ["other", PROJECT]},
        {"aud": None},
        {"iss": "https://securetoken.google.com/other"},
        {"iss": "https://accounts.google.com"},
        {"iss": None},
        {"sub": ""},
        {"sub": "a/../b"},
        {"sub": 7},
        {"exp": 1},
        {"exp": None},
    ],
)
def test_wrong_claims_are_nobody(client: FlaskClient, changes: dict[str, Any]) -> None:
    for someone in (person(), machine(), visitor()):
        someone.changes.update(changes)
        assert me(client, someone).status_code == 401


def test_issuer_and_audience_of_different_kinds_do_not_mix(client: FlaskClient) -> None:
    assert me(client, visitor(aud="agenthub-machines")).status_code == 401
    assert me(client, machine(aud=PROJECT)).status_code == 401
    assert me(client, person(aud="agenthub-visitors")).status_code == 401


@pytest.mark.parametrize("header", ["", "????", "e30", encoded([1]), encoded("x"), "e30,e30", "é", "A" * 70_000])
def test_a_header_that_is_no_claims_is_nobody(client: FlaskClient, header: str) -> None:
    headers = {**invoker(), "X-Apigateway-Api-Userinfo": header}
    assert client.get("/api/me", headers=headers).status_code == 401


def test_a_forged_header_is_nobody_on_a_public_route(client: FlaskClient) -> None:
    ann = person("owner")
    forged = {**ann.headers(), "X-Forwarded-Authorization": "Bearer " + encoded(ann.claims)}
    answer = client.post("/api/open", headers=forged)
    assert answer.json == {
        "kind": "public",
        "subject": "",
        "role": None,
        "workspace": None,
        "address": "",
        "via": "",
    }


def test_the_gateway_alone_is_not_somebody(client: FlaskClient) -> None:
    headers = {**invoker(), "X-Forwarded-Authorization": "Bearer a.b.c"}
    assert client.get("/api/me", headers=headers).status_code == 401


@pytest.mark.parametrize("through", ["push", "scheduler"])
def test_claims_are_not_believed_from_pubsub_or_the_scheduler(client: FlaskClient, through: str) -> None:
    ann = person("owner")
    ann.through = through
    assert me(client, ann).status_code == 403


def test_a_listed_function_passes_the_caller_on(client: FlaskClient) -> None:
    ann = person()
    ann.through = "my-agents-api"
    assert me(client, ann).json["via"] == "my-agents-api"


def test_a_function_that_is_not_listed_is_refused(client: FlaskClient) -> None:
    ann = person()
    ann.through = "widgets-public"
    answer = me(client, ann)
    assert (answer.status_code, answer.json["code"]) == (403, "caller_not_listed")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic eDp5"},
        {"Authorization": f"Bearer {encoded({})}.{encoded({})}.SIGNATURE_REMOVED_BY_GOOGLE"},
        {"Authorization": "Bearer a.?.SIGNATURE_REMOVED_BY_GOOGLE"},
        invoker(signature="c2lnbmF0dXJl"),
        invoker(signature=""),
        invoker(aud="https://other.test"),
        invoker(aud=None),
        invoker(exp=1),
        invoker(exp=None),
        invoker(email=None),
    ],
)
def test_without_a_token_that_iam_has_checked_nothing_is_served(client: FlaskClient, headers: dict[str, str]) -> None:
    for path in ("/api/open", "/events/usage-recorded", "/schedules/sample-close", "/api/workspaces"):
        answer = client.post(path, json={}, headers={**userinfo(person().claims), **headers})
        assert answer.status_code in (401, 403), path


def test_the_token_that_iam_has_checked_counts_where_there_are_two(client: FlaskClient) -> None:
    ann = person()
    foreign = invoker("widgets-public")["Authorization"]
    assert me(client, ann, X_Serverless_Authorization=foreign).status_code == 403
    ours = {**ann.headers(), "X-Serverless-Authorization": invoker()["Authorization"], "Authorization": "Bearer x"}
    assert client.get("/api/me", headers=ours).status_code == 200


def test_a_claim_that_ended_a_moment_ago_is_still_believed(client: FlaskClient) -> None:
    ann = person(exp=clock.now().timestamp() - 30)
    assert me(client, ann).status_code == 200
    assert me(client, person(exp=clock.now().timestamp() - 90)).status_code == 401


def test_an_account_of_another_project_is_not_ours(client: FlaskClient) -> None:
    email = account("gateway").replace(PROJECT, "evil")
    headers = {**invoker(email=email), **userinfo(person().claims)}
    assert client.get("/api/me", headers=headers).status_code == 403

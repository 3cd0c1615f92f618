"""The gateway from outside: who gets through, what the function sees, and what the gateway says itself."""

import base64
import json
import time
from pathlib import Path

import jwt
import pytest
import requests

from local.identity.keys import Keyring
from tests.local.gateway.conftest import PROJECT, VISITORS, World, payload, received


def refused(response: requests.Response) -> tuple[int, str]:
    body = response.json()
    assert set(body) == {"code", "message"}
    assert body["code"] == response.status_code
    assert "access-control-allow-origin" not in response.headers
    return response.status_code, body["message"]


def test_a_person_gets_through_and_the_function_sees_verified_claims_and_the_gateways_own_token(world: World) -> None:
    token = world.person()
    response = world.get("/things?q=a%2Fb&q=2", token, X_Apigateway_Api_Userinfo="forged", X_Other="kept")
    headers = received(response)
    userinfo = headers["x-apigateway-api-userinfo"]
    assert "=" not in userinfo
    assert json.loads(base64.urlsafe_b64decode(userinfo + "=" * (-len(userinfo) % 4)))["workspace_id"] == "ws_1"
    assert headers["x-forwarded-authorization"] == f"Bearer {token}"
    own = payload(headers["authorization"].removeprefix("Bearer "))
    assert own["aud"] == "http://audience.test"
    assert own["email"] == f"agenthub-gateway@{PROJECT}.iam.gserviceaccount.com"
    assert headers["x-other"] == "kept"
    assert headers["x-forwarded-for"].split(", ")[-1] == "127.0.0.1"
    assert response.json()["path"] == "/things?q=a%2Fb&q=2"
    assert [value for name, value in response.json()["headers"] if name == "x-apigateway-api-userinfo"] == [userinfo]


def unsigned(world: World) -> str:
    return jwt.encode(payload(world.person()), None, algorithm="none", headers={"kid": "x"})


def shared_secret(world: World) -> str:
    kid = world.keyring.key("securetoken").kid
    return jwt.encode(payload(world.person()), "0" * 32, algorithm="HS256", headers={"kid": kid})


def tampered(world: World) -> str:
    head, _, signature = world.person().split(".")
    body = base64.urlsafe_b64encode(json.dumps({**payload(world.person()), "sub": "u2"}).encode()).rstrip(b"=")
    return f"{head}.{body.decode()}.{signature}"


def other_issuers_key(world: World) -> str:
    return world.person(world.keyring.key(f"system+{VISITORS}"))


BAD = {
    "none": (unsigned, 401, "Jwt header [alg] is not supported"),
    "shared secret": (shared_secret, 401, "Jwt header [alg] is not supported"),
    "tampered": (tampered, 401, "Jwt verification fails"),
    "another issuer's key": (other_issuers_key, 401, "Jwt verification fails"),
    "audience": (lambda w: w.person(aud="another-project"), 403, "Audiences in Jwt are not allowed"),
    "no audience": (lambda w: w.person(aud=None), 403, "Audiences in Jwt are not allowed"),
    "issuer": (lambda w: w.person(iss="https://securetoken.google.com/x"), 401, "Jwt issuer is not configured"),
    "no issuer": (lambda w: w.person(iss=""), 401, "Jwt issuer is not configured"),
    "a visitor's": (lambda w: w.visitor(), 401, "Jwt issuer is not configured"),
    "expired": (lambda w: w.person(exp=int(time.time()) - 61), 401, "Jwt is expired"),
    "without end": (lambda w: w.person(exp="never"), 401, "Jwt is expired"),
    "not yet": (lambda w: w.person(nbf=int(time.time()) + 90), 401, "Jwt not yet valid"),
    "two parts": (
        lambda w: "a.b",
        401,
        "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections",
    ),
    "no JSON": (lambda w: "a.b.c", 401, "Jwt header is an invalid JSON"),
    "no object": (lambda w: "W10.W10.c", 401, "Jwt header is an invalid JSON"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_wakes_no_function(world: World, name: str) -> None:
    make, status, message = BAD[name]
    before = len(world.backend.seen)
    response = world.get("/things", make(world))
    assert refused(response) == (status, message)
    assert len(world.backend.seen) == before


def test_a_token_signed_by_a_key_that_nobody_published_is_refused(world: World, tmp_path: Path) -> None:
    stranger = Keyring(tmp_path).key("securetoken")
    assert refused(world.get("/things", world.person(stranger))) == (401, "Jwt verification fails")
    known_id = jwt.encode(
        payload(world.person()),
        stranger.private,
        algorithm="RS256",
        headers={"kid": world.keyring.key("securetoken").kid},
    )
    assert refused(world.get("/things", known_id)) == (401, "Jwt verification fails")


def test_without_a_token_it_is_missing_and_the_answer_says_where_to_show_one(world: World) -> None:
    response = world.get("/things")
    assert refused(response) == (401, "Jwt is missing")
    assert response.headers["www-authenticate"].startswith(f'Bearer realm="{world.gateway}/things"')
    assert refused(world.call("GET", "/things", headers={"Authorization": "bearer x.y.z"})) == (401, "Jwt is missing")


def test_a_token_may_stand_in_the_query_where_the_scheme_does_not_say_otherwise(world: World) -> None:
    token = world.person()
    response = world.get(f"/things?access_token={token}", X_Forwarded_Authorization="forged")
    # Without an Authorization of the client nothing replaces a forged forwarded one: functions must not believe it.
    assert received(response)["x-forwarded-authorization"] == "forged"
    assert world.get("/visitor", world.visitor()).status_code == 200
    assert refused(world.get(f"/visitor?access_token={world.visitor()}")) == (401, "Jwt is missing")


def test_either_of_two_issuers_may_call_where_both_are_named(world: World) -> None:
    assert world.get("/both", world.person()).status_code == 200
    assert world.get("/both", world.visitor()).status_code == 200
    assert refused(world.get("/both", world.visitor(aud="x")))[0] == 403
    assert refused(world.get("/visitor", world.person())) == (401, "Jwt issuer is not configured")


def test_on_a_public_route_a_forged_header_reaches_the_function_as_in_the_cloud(world: World) -> None:
    response = world.get("/public", X_Apigateway_Api_Userinfo="forged", X_Forwarded_Authorization="forged")
    headers = received(response)
    assert headers["x-apigateway-api-userinfo"] == headers["x-forwarded-authorization"] == "forged"
    basic = world.call("POST", "/public", headers={"Authorization": "Basic abc", "X-Forwarded-Authorization": "x"})
    assert received(basic)["x-forwarded-authorization"] == "Basic abc"
    assert received(basic)["authorization"].startswith("Bearer ey")


def test_where_auth_is_disabled_the_clients_own_authorization_passes(world: World) -> None:
    token = world.person()
    assert received(world.get("/open", token))["authorization"] == f"Bearer {token}"


def test_the_default_audience_is_the_backends_address_without_its_path(world: World) -> None:
    response = world.get("/default")
    assert payload(received(response)["authorization"].removeprefix("Bearer "))["aud"] == world.backend.url
    assert response.json()["path"] == "/base/default"


def test_unknown_paths_and_methods_are_the_gateways_own_answers(world: World) -> None:
    assert refused(world.get("/nowhere")) == (404, "The current request is not defined by this API.")
    status, message = refused(world.call("PUT", "/things"))
    assert status == 405
    assert '"/things"' in message
    assert refused(world.call("OPTIONS", "/things/1"))[0] == 405


def test_a_declared_preflight_passes_without_a_token(world: World) -> None:
    response = world.call("OPTIONS", "/things", headers={"Origin": "http://shop.test"})
    assert response.json()["method"] == "OPTIONS"
    assert "x-apigateway-api-userinfo" not in received(response)


def test_the_functions_own_errors_and_headers_pass_unchanged(world: World) -> None:
    response = world.get("/teapot")
    assert response.status_code == 418
    assert response.raw.headers.getlist("X-Two") == ["one", "two"]
    assert len(response.raw.headers.getlist("Date")) == 1


def test_a_constant_address_gets_path_parameters_as_query_parameters(world: World) -> None:
    assert world.get("/constant/12%2F3/x?bar=1").json()["path"] == "/fixed?bar=1&thing=12%2F3"


def test_a_wildcard_takes_many_segments_and_a_parameter_one(world: World) -> None:
    assert world.get("/files/a/b/c").json()["path"] == "/files/a/b/c"
    assert world.get("/files/").status_code == 200
    assert refused(world.get("/things/a/b"))[0] == 404
    assert world.get("/things/special").status_code == 200
    assert refused(world.get("/things/other"))[0] == 401


def test_after_the_deadline_the_gateway_answers_504_and_leaves_the_function(world: World) -> None:
    assert refused(world.get("/late")) == (504, "upstream request timeout")


def test_a_stream_comes_piece_by_piece_and_ends_at_the_deadline_however_much_flows(world: World) -> None:
    with world.call("GET", "/stream-short", stream=True) as response:
        pieces = response.iter_lines()
        assert next(pieces) == b"data: 0"
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            list(pieces)


def test_a_client_that_leaves_closes_the_stream_behind(world: World) -> None:
    world.backend.left.clear()
    with requests.get(world.gateway + "/stream", stream=True, timeout=10) as response:
        assert next(response.iter_lines()) == b"data: 0"
    assert world.backend.left.wait(2)


def test_an_unreachable_function_is_503_and_a_reset_is_tried_once_more(world: World) -> None:
    status, message = refused(world.get("/down"))
    assert status == 503
    assert message.endswith("reset reason: connection failure")
    before = len(world.backend.seen)
    assert refused(world.call("POST", "/broken", data=b"x"))[0] == 503
    assert world.backend.seen[before:] == ["/broken", "/broken"]


def test_a_request_over_32_megabytes_is_refused_and_one_of_exactly_that_passes(world: World) -> None:
    limit = 32 * 1024 * 1024
    assert world.call("POST", "/public", data=b"x" * limit).json()["size"] == limit
    declared = world.call("POST", "/public", data=iter([b"x" * limit, b"x"]))
    assert refused(declared) == (413, "Payload Too Large")


def test_headers_with_underscores_are_refused_and_a_method_override_counts(world: World) -> None:
    assert world.call("GET", "/public", headers={"X_Odd": "1"}).status_code == 400
    overridden = world.call("POST", "/things/1", headers={"X-HTTP-Method-Override": "DELETE"})
    assert refused(overridden) == (401, "Jwt is missing")
    token = {"Authorization": f"Bearer {world.person()}", "X-HTTP-Method-Override": "DELETE"}
    assert world.call("POST", "/things/1", headers=token).json()["method"] == "DELETE"


def test_an_api_key_is_asked_for_and_checked(world: World) -> None:
    assert refused(world.get("/keyed"))[0] == 401
    assert refused(world.get("/keyed", X_Api_Key="wrong"))[0] == 400
    assert world.get("/keyed", X_Api_Key="known-key").status_code == 200


def test_calls_over_the_quota_are_429(world: World) -> None:
    # A minute may begin in between, so that twice the quota can pass.
    answers = [world.get("/limited") for _ in range(7)]
    assert [answer.status_code for answer in answers[:3]] == [200] * 3
    status, message = refused(next(answer for answer in answers if answer.status_code != 200))
    assert status == 429
    assert "'calls'" in message


def test_identity_is_reached_through_the_gateway(world: World) -> None:
    body = {"email": "through@example.test", "password": "secret-1", "returnSecureToken": True}
    signed_up = world.call("POST", "/identity/identitytoolkit.googleapis.com/v1/accounts:signUp?key=x", json=body)
    assert signed_up.status_code == 200, signed_up.text
    assert world.get("/things", signed_up.json()["idToken"]).status_code == 200

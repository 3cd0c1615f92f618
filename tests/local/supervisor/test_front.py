"""The IAM front: who may call a deployment, and what of the token the function sees."""

import json
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest
import requests

from local.identity.keys import GOOGLE, Keyring
from tests.engines import ROOT
from tests.local.supervisor.conftest import Running, until


def call(running: Running, token: str | None, path: str = "/x", **headers: str) -> requests.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    return requests.get(running.stack["deployments"]["echo-api"] + path, headers=sent, timeout=20)


def claims(running: Running, **changes: object) -> dict:
    now = int(time.time())
    return {
        "iss": "https://accounts.google.com",
        "aud": running.stack["deployments"]["echo-api"],
        "email": running.credentials("gateway").email,
        "email_verified": True,
        "sub": "1",
        "iat": now,
        "exp": now + 600,
        **changes,
    }


def test_a_listed_caller_gets_in_and_the_function_sees_no_signature(running: Running) -> None:
    token = running.id_token("gateway", running.stack["deployments"]["echo-api"])
    answer = call(running, token, "/x/a%2Fb?q=%20", X_Forwarded_Authorization="kept").json()
    head, payload, _ = token.split(".")
    assert answer["headers"]["authorization"] == f"Bearer {head}.{payload}.SIGNATURE_REMOVED_BY_GOOGLE"
    assert answer["headers"]["x-forwarded-authorization"] == "kept"


def test_where_both_headers_are_sent_the_serverless_one_is_checked_and_both_lose_their_signature(
    running: Running,
) -> None:
    token = running.id_token("gateway", running.stack["deployments"]["echo-api"])
    answer = call(running, "un.checked.token", X_Serverless_Authorization=f"Bearer {token}").json()
    assert answer["headers"]["authorization"] == "Bearer un.checked.SIGNATURE_REMOVED_BY_GOOGLE"
    assert answer["headers"]["x-serverless-authorization"].endswith(".SIGNATURE_REMOVED_BY_GOOGLE")
    assert call(running, token, X_Serverless_Authorization="Bearer un.checked.token").status_code == 401


def test_without_a_token_nobody_gets_in_and_the_page_is_html_as_googles(running: Running) -> None:
    response = call(running, None)
    assert response.status_code == 403
    assert response.headers["content-type"].startswith("text/html")


def test_an_account_that_the_catalogue_does_not_list_is_forbidden(running: Running) -> None:
    stranger = running.id_token("echo-relay", running.stack["deployments"]["echo-api"])
    assert call(running, stranger).status_code == 403


def test_a_token_for_another_deployment_is_refused(running: Running) -> None:
    assert call(running, running.id_token("gateway", running.stack["deployments"]["echo-relay"])).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://securetoken.google.com/agenthub-local"},
        {"aud": "http://127.0.0.1:1"},
        {"exp": 1},
        {"email_verified": False},
        {"email": "someone@example.test"},
    ],
)
def test_wrong_claims_are_refused_even_where_google_signed_them(running: Running, changes: dict) -> None:
    token = running.keyring().key(GOOGLE).token(claims(running, **changes))
    assert call(running, token).status_code in (401, 403)


def test_other_keys_and_algorithms_are_refused(running: Running, tmp_path: Path) -> None:
    kid = running.keyring().key(GOOGLE).kid
    right = claims(running)
    stranger = Keyring(tmp_path).key(GOOGLE)
    forged = [
        stranger.token(right),
        jwt.encode(right, stranger.private, algorithm="RS256", headers={"kid": kid}),
        jwt.encode(right, None, algorithm="none", headers={"kid": kid}),
        jwt.encode(right, "0" * 32, algorithm="HS256", headers={"kid": kid}),
        running.keyring().key("securetoken").token(right),
    ]
    assert [call(running, token).status_code for token in forged] == [401] * 5
    assert call(running, running.keyring().key(GOOGLE).token(right)).status_code == 200


def test_a_function_that_takes_too_long_is_504(running: Running) -> None:
    token = running.id_token("gateway", running.stack["deployments"]["echo-api"])
    assert call(running, token, "/slow?seconds=6").status_code == 504


def test_a_reader_that_leaves_the_gateway_is_noticed_by_the_function(running: Running) -> None:
    before = requests.get(f"{running.gateway}/left", timeout=10).json()["left"]
    with requests.get(f"{running.gateway}/stream", stream=True, timeout=10) as response:
        assert next(response.iter_lines()) == b"data: 0"
    until(lambda: requests.get(f"{running.gateway}/left", timeout=10).json()["left"] == before + 1, 3)


def test_a_front_of_one_deployment_is_told_everything_in_its_command(running: Running) -> None:
    services = json.loads((running.state / "front.json").read_text())["services"]
    upstream = next(service["upstream"] for service in services if service["name"] == "echo-api")
    command = [sys.executable, "-m", "local.supervisor.front", "--name", "echo-api", "--port", "0"]
    command += ["--upstream", upstream, "--audience", "http://echo.cluster"]
    command += [f"--caller={running.credentials('gateway').email}"]
    command += ["--keys", f"{running.stack['identity']}/www.googleapis.com/oauth2/v3/certs"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{process.stdout.readline().split()[1]}/x"
        for name, audience, status in (
            ("gateway", "http://echo.cluster", 200),
            ("echo-relay", "http://echo.cluster", 403),
            ("gateway", "http://another.cluster", 401),
        ):
            token = running.id_token(name, audience)
            assert requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code == status
        assert requests.get(url, timeout=10).status_code == 403
        process.terminate()


def test_a_front_that_is_told_too_little_says_what_it_needs() -> None:
    command = [sys.executable, "-m", "local.supervisor.front", "--name", "echo-api"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--upstream and --audience" in done.stderr

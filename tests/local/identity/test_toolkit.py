"""People's accounts as the console and the functions see them."""

import json
import subprocess
import sys

import jwt
import pytest
import requests
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from tests.engines import ROOT
from tests.local.identity.conftest import PROJECT, Identity


def claims(token: str) -> dict:
    return jwt.decode(token, options={"verify_signature": False})


def message(response: requests.Response) -> str:
    return response.json()["error"]["message"]


@pytest.fixture(scope="module")
def bearer(identity: Identity) -> str:
    credentials = service_account.Credentials.from_service_account_file(
        identity.key_file("dashboard-api"), scopes=["https://www.googleapis.com/auth/identitytoolkit"]
    )
    with requests.Session() as session:
        credentials.refresh(Request(session))
    return credentials.token


def test_a_person_who_signs_up_gets_a_token_with_the_claims_that_google_puts_in(identity: Identity) -> None:
    answer = identity.sign_up("Ann@Example.test")
    certificates = requests.get(
        f"{identity.url}/www.googleapis.com/service_accounts/v1/metadata/x509/securetoken@system.gserviceaccount.com",
        timeout=10,
    ).json()
    found = google_verified(answer["idToken"], certificates)
    assert found["iss"] == f"https://securetoken.google.com/{PROJECT}"
    assert found["sub"] == found["user_id"] == answer["localId"]
    assert (found["email"], found["email_verified"]) == ("ann@example.test", True)
    assert found["firebase"]["sign_in_provider"] == "password"
    assert found["exp"] - found["iat"] == 3600


def google_verified(token: str, certificates: dict[str, str]) -> dict:
    from google.auth import jwt as google_jwt

    return dict(google_jwt.decode(token, certs=certificates, audience=PROJECT))


def test_an_address_signs_up_once_whatever_its_case(identity: Identity) -> None:
    identity.sign_up("twice@example.test")
    again = identity.call("signUp", {"email": "TWICE@example.test", "password": "secret-1"})
    assert (again.status_code, message(again)) == (400, "EMAIL_EXISTS")


def test_signing_in_does_not_tell_which_of_address_and_password_is_wrong(identity: Identity) -> None:
    identity.sign_up("ben@example.test", "right-password")
    good = identity.call("signInWithPassword", {"email": "ben@example.test", "password": "right-password"})
    wrong = identity.call("signInWithPassword", {"email": "ben@example.test", "password": "wrong-password"})
    nobody = identity.call("signInWithPassword", {"email": "nobody@example.test", "password": "right-password"})
    assert good.json()["registered"] is True
    assert message(wrong) == message(nobody) == "INVALID_LOGIN_CREDENTIALS"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"password": "secret-1"}, "MISSING_EMAIL"),
        ({"email": "no address", "password": "secret-1"}, "INVALID_EMAIL"),
        ({"email": "c@example.test"}, "MISSING_PASSWORD"),
        ({"email": "c@example.test", "password": "short"}, "WEAK_PASSWORD : Password should be at least 6 characters"),
        ({"email": ["c@example.test"], "password": "secret-1"}, "Invalid value at 'email'"),
    ],
)
def test_what_is_wrong_with_a_sign_up_is_named_as_firebase_names_it(
    identity: Identity, body: dict, expected: str
) -> None:
    response = identity.call("signUp", body)
    assert (response.status_code, message(response)) == (400, expected)


def test_broken_json_and_unknown_calls_are_refused(identity: Identity) -> None:
    url = f"{identity.url}/identitytoolkit.googleapis.com/v1/accounts:signUp"
    assert requests.post(url, data=b"{", timeout=10).status_code == 400
    assert requests.post(url, data=b"[]", timeout=10).status_code == 400
    assert identity.call("signInWithMagic", {}).status_code == 404


def test_claims_that_a_service_account_sets_come_with_the_next_refresh(identity: Identity, bearer: str) -> None:
    person = identity.sign_up("cleo@example.test")
    set_to = json.dumps({"workspace_id": "ws_1"})
    answer = identity.call("update", {"localId": person["localId"], "customAttributes": set_to}, bearer)
    assert answer.status_code == 200, answer.text
    refreshed = identity.refresh(person["refreshToken"]).json()
    assert "workspace_id" not in claims(person["idToken"])
    assert claims(refreshed["id_token"])["workspace_id"] == "ws_1"
    assert refreshed["user_id"] == person["localId"]


def test_nobody_gives_himself_claims(identity: Identity) -> None:
    person = identity.sign_up("dora@example.test")
    body = {"idToken": person["idToken"], "customAttributes": '{"operator":true}'}
    assert identity.call("update", body).status_code == 403
    forged = identity.call("update", {"localId": person["localId"], "customAttributes": "{}"}, "ya29.local.forged")
    assert forged.status_code == 401
    by_id = identity.call("update", {"localId": person["localId"], "customAttributes": "{}"})
    assert message(by_id) == "MISSING_ID_TOKEN"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('{"sub":"x"}', "FORBIDDEN_CLAIM : sub"),
        ("[]", "INVALID_CLAIMS"),
        ('{"a":"' + "x" * 1000 + '"}', "CLAIMS_TOO_LARGE"),
    ],
)
def test_claims_that_google_would_refuse_are_refused(
    identity: Identity, bearer: str, attributes: str, expected: str
) -> None:
    local_id = identity.call("lookup", {"email": ["cleo@example.test"]}, bearer).json()["users"][0]["localId"]
    response = identity.call("update", {"localId": local_id, "customAttributes": attributes}, bearer)
    assert message(response) == expected


def test_a_person_is_looked_up_by_token_and_by_a_service_account_by_address(identity: Identity, bearer: str) -> None:
    person = identity.sign_up("emil@example.test")
    own = identity.call("lookup", {"idToken": person["idToken"]}).json()["users"][0]
    found = identity.call("lookup", {"email": ["emil@example.test"], "localId": ["nobody"]}, bearer).json()["users"]
    assert own["localId"] == person["localId"]
    assert [user["localId"] for user in found] == [person["localId"]]
    assert own["emailVerified"] is True
    assert "users" not in identity.call("lookup", {"localId": ["nobody"]}, bearer).json()


def test_the_code_in_a_mail_sets_a_new_password_once_and_ends_older_sessions(identity: Identity) -> None:
    person = identity.sign_up("fay@example.test", "old-password")
    sent = identity.call("sendOobCode", {"requestType": "PASSWORD_RESET", "email": "fay@example.test"})
    assert "oobCode" not in sent.json()
    mails = sorted((identity.folder / "data" / "mail").glob("*-resetPassword.txt"))
    text = mails[-1].read_text()
    code = text.partition("Code: ")[2].split()[0]
    assert text.startswith("To: fay@example.test\n")
    assert identity.call("resetPassword", {"oobCode": code}).json()["requestType"] == "PASSWORD_RESET"
    assert identity.call("resetPassword", {"oobCode": code, "newPassword": "new-password"}).status_code == 200
    assert message(identity.call("resetPassword", {"oobCode": code, "newPassword": "x" * 9})) == "INVALID_OOB_CODE"
    assert message(identity.refresh(person["refreshToken"])) == "INVALID_REFRESH_TOKEN"
    body = {"email": "fay@example.test", "password": "new-password"}
    assert identity.call("signInWithPassword", body).status_code == 200


def test_an_unknown_address_gets_the_same_answer_and_no_mail(identity: Identity) -> None:
    folder = identity.folder / "data" / "mail"
    before = set(folder.glob("*")) if folder.exists() else set()
    sent = identity.call("sendOobCode", {"requestType": "PASSWORD_RESET", "email": "ghost@example.test"})
    assert sent.json()["email"] == "ghost@example.test"
    assert (set(folder.glob("*")) if folder.exists() else set()) == before


def test_a_disabled_person_is_out_at_once(identity: Identity, bearer: str) -> None:
    person = identity.sign_up("gus@example.test")
    identity.call("update", {"localId": person["localId"], "disableUser": True}, bearer)
    assert message(identity.refresh(person["refreshToken"])) == "USER_DISABLED"
    signed_in = identity.call("signInWithPassword", {"email": "gus@example.test", "password": "secret-1"})
    assert message(signed_in) == "USER_DISABLED"
    assert message(identity.call("lookup", {"idToken": person["idToken"]})) == "USER_DISABLED"


def test_the_operator_command_works_on_a_running_server_from_the_next_refresh_on(identity: Identity) -> None:
    person = identity.sign_up("olga@example.test")
    # The command looks in STATE/identity, the test's server keeps its files in data.
    (identity.folder / "identity").symlink_to(identity.folder / "data")
    command = [sys.executable, "-m", "local.identity", "operator"]
    for email in ("olga@example.test", "new-operator@example.test"):
        done = subprocess.run(
            [*command, email, "--state", str(identity.folder)], cwd=ROOT, capture_output=True, text=True, check=True
        )
    refreshed = identity.refresh(person["refreshToken"]).json()
    assert claims(refreshed["id_token"])["operator"] is True
    password = done.stdout.split("Password: ")[1].strip()
    body = {"email": "new-operator@example.test", "password": password}
    assert claims(identity.call("signInWithPassword", body).json()["idToken"])["operator"] is True


def test_accounts_tokens_and_keys_outlive_a_kill(identity: Identity) -> None:
    person = identity.sign_up("hal@example.test")
    identity.engine.kill()
    identity.engine.start()
    assert identity.refresh(person["refreshToken"]).status_code == 200
    assert identity.call("lookup", {"idToken": person["idToken"]}).status_code == 200

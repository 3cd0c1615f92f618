"""Service accounts: what Google's own client library gets from the token endpoint, and what is refused there."""

import base64
import json
import time
from pathlib import Path

import jwt
import pytest
import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from google.auth import jwt as google_jwt
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from local.identity.keys import Keyring
from tests.local.identity.conftest import PROJECT, Identity

VISITORS = f"agenthub-visitors@{PROJECT}.iam.gserviceaccount.com"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(scope="module")
def account(identity: Identity) -> dict:
    return json.loads(identity.key_file("widgets-public").read_text())


@pytest.fixture(scope="module")
def bearer(identity: Identity, account: dict) -> str:
    credentials = service_account.Credentials.from_service_account_info(
        account, scopes=["https://www.googleapis.com/auth/cloud-platform"]
    )
    with requests.Session() as session:
        credentials.refresh(Request(session))
    assert credentials.valid
    return credentials.token


def exchange(identity: Identity, assertion: str, grant: str = GRANT) -> requests.Response:
    return requests.post(f"{identity.url}/token", data={"grant_type": grant, "assertion": assertion}, timeout=10)


def assertion(account: dict, **changes: object) -> str:
    now = int(time.time())
    claims = {"iss": account["client_email"], "aud": account["token_uri"], "iat": now, "exp": now + 600, "scope": "x"}
    return jwt.encode(
        {**claims, **changes}, account["private_key"], algorithm="RS256", headers={"kid": account["private_key_id"]}
    )


def test_googles_client_gets_an_id_token_that_googles_verifier_accepts(identity: Identity, account: dict) -> None:
    credentials = service_account.IDTokenCredentials.from_service_account_info(account, target_audience="http://there")
    with requests.Session() as session:
        credentials.refresh(Request(session))
    certificates = requests.get(f"{identity.url}/www.googleapis.com/oauth2/v1/certs", timeout=10).json()
    claims = google_jwt.decode(credentials.token, certs=certificates, audience="http://there")
    assert claims["iss"] == "https://accounts.google.com"
    assert (claims["email"], claims["email_verified"]) == (account["client_email"], True)
    kid = jwt.get_unverified_header(credentials.token)["kid"]
    keys = requests.get(f"{identity.url}/.well-known/jwks.json", timeout=10).json()["keys"]
    assert [key["kid"] for key in keys] == [kid]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"aud": "https://elsewhere.test/token"}, "audience"),
        ({"exp": int(time.time()) - 100}, "short-lived"),
        ({"exp": int(time.time()) + 90_000}, "short-lived"),
        ({"iat": int(time.time()) + 4000, "exp": int(time.time()) + 5000}, "short-lived"),
        ({"iss": "stranger@example.test"}, "account not found"),
        ({"iss": "../../etc/passwd"}, "account not found"),
    ],
)
def test_an_assertion_that_is_not_right_is_refused(identity: Identity, account: dict, changes: dict, why: str) -> None:
    response = exchange(identity, assertion(account, **changes))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert why in response.json()["error_description"]


def test_an_assertion_signed_by_another_key_is_refused(identity: Identity, account: dict, tmp_path: Path) -> None:
    other = Keyring(tmp_path).key("other").private_pem
    response = exchange(identity, assertion({**account, "private_key": other}))
    assert response.json()["error_description"] == "Invalid JWT Signature."
    unknown = exchange(identity, assertion({**account, "private_key_id": "0" * 40}))
    assert unknown.json()["error_description"] == "Invalid JWT Signature."


def test_an_unsigned_assertion_another_grant_and_a_missing_scope_are_refused(identity: Identity, account: dict) -> None:
    now = int(time.time())
    claims = {"iss": account["client_email"], "aud": account["token_uri"], "iat": now, "exp": now + 60, "scope": "x"}
    unsigned = jwt.encode(claims, None, algorithm="none")
    assert exchange(identity, unsigned).json()["error"] == "invalid_grant"
    assert exchange(identity, "no token").json()["error"] == "invalid_grant"
    assert exchange(identity, assertion(account), "password").json()["error"] == "unsupported_grant_type"
    assert exchange(identity, assertion(account, scope="")).json()["error"] == "invalid_scope"


def sign(identity: Identity, verb: str, body: dict, bearer: str | None, email: str = VISITORS) -> requests.Response:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    url = f"{identity.url}/v1/projects/-/serviceAccounts/{email}:{verb}"
    return requests.post(url, json=body, headers=headers, timeout=10)


def test_sign_jwt_signs_the_payload_as_given_with_a_published_key(identity: Identity, bearer: str) -> None:
    payload = {"iss": VISITORS, "sub": "ses_1", "aud": "agenthub-visitors", "exp": int(time.time()) + 1800}
    answer = sign(identity, "signJwt", {"payload": json.dumps(payload)}, bearer).json()
    url = f"{identity.url}/www.googleapis.com/robot/v1/metadata/x509/{VISITORS}"
    certificates = requests.get(url, timeout=10).json()
    assert answer["keyId"] in certificates
    verified = jwt.decode(
        answer["signedJwt"],
        x509.load_pem_x509_certificate(certificates[answer["keyId"]].encode()).public_key(),
        algorithms=["RS256"],
        audience="agenthub-visitors",
    )
    assert verified == payload


def test_sign_blob_gives_a_signature_that_the_certificate_verifies(
    identity: Identity, bearer: str, account: dict
) -> None:
    body = {"payload": base64.b64encode(b"to sign").decode()}
    answer = sign(identity, "signBlob", body, bearer, account["client_email"]).json()
    url = f"{identity.url}/www.googleapis.com/robot/v1/metadata/x509/{account['client_email']}"
    certificate = requests.get(url, timeout=10).json()[answer["keyId"]]
    key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    signature = base64.b64decode(answer["signedBlob"])
    key.verify(signature, b"to sign", padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        key.verify(signature, b"to sigh", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("signJwt", {}),
        ("signJwt", {"payload": {"sub": "an object, not a string"}}),
        ("signJwt", {"payload": "[]"}),
        ("signJwt", {"payload": json.dumps({"exp": int(time.time()) + 13 * 3600})}),
        ("signJwt", {"payload": json.dumps({"exp": 1})}),
        ("signJwt", {"payload": json.dumps({"exp": "tomorrow"})}),
        ("signBlob", {"payload": "not base64!"}),
    ],
)
def test_what_iam_credentials_would_refuse_is_refused(identity: Identity, bearer: str, verb: str, body: dict) -> None:
    assert sign(identity, verb, body, bearer).status_code == 400


def test_signing_needs_a_bearer_and_an_account_that_exists(identity: Identity, bearer: str) -> None:
    body = {"payload": "{}"}
    assert sign(identity, "signJwt", body, None).status_code == 401
    assert sign(identity, "signJwt", body, bearer + "x").status_code == 401
    assert sign(identity, "signJwt", body, bearer, "stranger@example.test").status_code == 404
    assert sign(identity, "signNothing", body, bearer).status_code == 404

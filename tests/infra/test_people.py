"""The operator's claim at a real identity server, seen through a door that notes what Google would need to be told."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from infra.people import main
from local.identity.keys import Keyring, write_key_file
from tests.engines import Engine, start

PROJECT = "linden-dental"


@dataclass
class Google:
    """Identity Toolkit's address, and the requests that came to it."""

    engine: Engine
    url: str = ""
    seen: list[tuple[str, str | None]] = field(default_factory=list)
    unconfirmed: set[str] = field(default_factory=set)

    def call(self, host: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = requests.post(f"http://{self.engine.address}/{host}/v1/{path}", json=body, timeout=10)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer

    def sign_up(self, email: str) -> dict[str, Any]:
        body = {"email": email, "password": "secret-1", "returnSecureToken": True}
        return self.call("identitytoolkit.googleapis.com", "accounts:signUp", body)

    def claims(self, refresh_token: str) -> dict[str, Any]:
        """What the person's next token carries."""
        body = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        token = self.call("securetoken.googleapis.com", "token", body)["id_token"]
        return jwt.decode(token, options={"verify_signature": False})


def door(google: Google) -> ThreadingHTTPServer:
    """Notes path and quota project and passes everything on; people in `unconfirmed` come back as such."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            google.seen.append((self.path, self.headers.get("x-goog-user-project")))
            url = f"http://{google.engine.address}/identitytoolkit.googleapis.com{self.path}"
            headers = {"Authorization": self.headers["Authorization"]}
            response = requests.post(url, data=body, headers=headers, timeout=10)
            answer = response.json()
            for user in answer.get("users", []):
                user["emailVerified"] = user["email"] not in google.unconfirmed
            self.send_response(response.status_code)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = start("identity", tmp_path_factory.mktemp("identity"), "--project", PROJECT)
    yield engine
    engine.kill()


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Iterator[Google]:
    email = f"agenthub-owner@{PROJECT}.iam.gserviceaccount.com"
    write_key_file(
        Keyring(engine.data / "keys"), tmp_path / "key.json", email, PROJECT, f"http://{engine.address}/token"
    )
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    google = Google(engine)
    with door(google) as server:
        google.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield google
        server.shutdown()
        thread.join()


def operator(google: Google, email: str, *options: str, project: str = PROJECT) -> int:
    return main([email, "--project", project, "--identity-toolkit-url", google.url, *options])


def give(google: Google, person: dict[str, Any], claims: dict[str, Any]) -> None:
    """Set claims as dashboard-api does."""
    from infra import login

    token = login.credentials().token
    url = f"http://{google.engine.address}/identitytoolkit.googleapis.com/v1/projects/{PROJECT}/accounts:update"
    body = {"localId": person["localId"], "customAttributes": json.dumps(claims)}
    requests.post(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=10).raise_for_status()


def test_a_person_becomes_an_operator_and_keeps_their_workspace(
    google: Google, capsys: pytest.CaptureFixture[str]
) -> None:
    person = google.sign_up("ada@example.com")
    give(google, person, {"workspace_id": "ws_1"})
    assert operator(google, "ada@example.com") == 0
    claims = google.claims(person["refreshToken"])
    assert (claims["operator"], claims["workspace_id"]) == (True, "ws_1")
    assert "from the next token on" in capsys.readouterr().out
    assert google.seen == [
        (f"/v1/projects/{PROJECT}/accounts:lookup", PROJECT),
        (f"/v1/projects/{PROJECT}/accounts:update", PROJECT),
    ]


def test_a_repeat_changes_nothing(google: Google, capsys: pytest.CaptureFixture[str]) -> None:
    google.sign_up("bob@example.com")
    assert operator(google, "bob@example.com") == operator(google, "bob@example.com") == 0
    assert "already; nothing was changed" in capsys.readouterr().out
    assert [path.rpartition(":")[2] for path, _ in google.seen] == ["lookup", "update", "lookup"]


def test_revoke_takes_that_claim_and_no_other(google: Google, capsys: pytest.CaptureFixture[str]) -> None:
    person = google.sign_up("cleo@example.com")
    give(google, person, {"workspace_id": "ws_2", "operator": True})
    google.unconfirmed.add("cleo@example.com")
    assert operator(google, "cleo@example.com", "--revoke") == 0
    claims = google.claims(person["refreshToken"])
    assert "operator" not in claims
    assert claims["workspace_id"] == "ws_2"
    assert operator(google, "cleo@example.com", "--revoke") == 0
    assert "for up to an hour" in capsys.readouterr().out


def test_an_address_that_nobody_has_is_said(google: Google, capsys: pytest.CaptureFixture[str]) -> None:
    assert operator(google, "nobody@example.com") == 1
    assert f"Nobody has signed up as nobody@example.com in {PROJECT}" in capsys.readouterr().err


def test_who_has_not_confirmed_the_address_does_not_become_an_operator(
    google: Google, capsys: pytest.CaptureFixture[str]
) -> None:
    person = google.sign_up("dan@example.com")
    google.unconfirmed.add("dan@example.com")
    assert operator(google, "dan@example.com") == 1
    assert "has not confirmed the address" in capsys.readouterr().err
    assert "operator" not in google.claims(person["refreshToken"])


def test_what_the_service_refuses_is_told(google: Google, capsys: pytest.CaptureFixture[str]) -> None:
    assert operator(google, "ada@example.com", project="another-project") == 1
    assert "(400): INVALID_PROJECT_ID" in capsys.readouterr().err


def test_a_service_that_is_not_there_is_told(google: Google, capsys: pytest.CaptureFixture[str]) -> None:
    google.url = "http://127.0.0.1:1"
    assert operator(google, "ada@example.com") == 1
    assert "did not answer" in capsys.readouterr().err


def test_without_a_login_it_says_how_to_log_in(
    google: Google, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "empty"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    assert operator(google, "ada@example.com") == 1
    assert "gcloud auth application-default login" in capsys.readouterr().err

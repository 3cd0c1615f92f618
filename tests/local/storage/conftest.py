"""A running local Cloud Storage with a service account whose signatures it can check, and Google's client on it."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2 import service_account

from tests import engines

SIGNER = "agenthub-billing-api@agenthub-local.iam.gserviceaccount.com"


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def identity(key: rsa.RSAPrivateKey) -> Iterator[str]:
    """An address that publishes the signer's public key as Google does."""
    published = json.dumps({"keys": [json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))]}).encode()

    class Keys(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == f"/www.googleapis.com/service_accounts/v1/jwk/{SIGNER}"
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(published if known else b"{}")

        def log_message(self, format: str, *args: Any) -> None:
            """Silence."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory, identity: str) -> Iterator[engines.Engine]:
    folder = tmp_path_factory.mktemp("storage")
    arguments = ("--bucket", "cdn=public", "--bucket", "archive", "--identity", identity)
    running = engines.start("storage", folder, *arguments)
    yield running
    running.kill()


def connect(engine: engines.Engine) -> storage.Client:
    return storage.Client(
        project="agenthub-local",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": f"http://{engine.address}"},
    )


@pytest.fixture(scope="session")
def client(engine: engines.Engine) -> storage.Client:
    return connect(engine)


@pytest.fixture(scope="session")
def signer(key: rsa.RSAPrivateKey) -> service_account.Credentials:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    info = {"client_email": SIGNER, "private_key": pem, "token_uri": "http://127.0.0.1/token"}
    return service_account.Credentials.from_service_account_info(info)

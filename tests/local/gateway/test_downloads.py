"""A signed address begins at the gateway's port and opens its object there: to whoever has it, and nothing else to anybody."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2 import service_account

from local.identity.keys import Keyring, key_file
from tests.engines import ROOT, Engine, start

PROJECT = "agenthub-local"
SIGNER = f"agenthub-analytics-api@{PROJECT}.iam.gserviceaccount.com"
NAME = "ws_1/exp_1/1/Zoë & co.csv"


@dataclass
class Front:
    """A gateway before a file store, and who signs."""

    gateway: str
    store: Engine
    signer: service_account.Credentials

    def signed(self, lifetime: timedelta = timedelta(minutes=15), **more: str) -> str:
        blob = self.client().bucket("exports").blob(NAME)
        address: str = blob.generate_signed_url(
            version="v4", expiration=lifetime, api_access_endpoint=self.gateway, credentials=self.signer, **more
        )
        return address

    def client(self) -> storage.Client:
        options = {"api_endpoint": f"http://{self.store.address}"}
        return storage.Client(project=PROJECT, credentials=AnonymousCredentials(), client_options=options)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("downloads")
    identity = start("identity", folder / "identity")
    store = start("storage", folder / "storage", "--identity", f"http://{identity.address}")
    key = key_file(Keyring(folder / "identity" / "keys"), SIGNER, PROJECT, f"http://{identity.address}/token")
    command = [
        *(sys.executable, "-m", "local.gateway", "--port", "0", "--storage", f"http://{store.address}"),
        *("--contract", str(Path(__file__).parent / "contract.yaml"), "--address", "echo-api=http://127.0.0.1:9"),
        *("--address", "down=http://127.0.0.1:9", "--identity", f"http://{identity.address}"),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("READY "), line
    found = Front(
        f"http://localhost:{line.split()[1]}", store, service_account.Credentials.from_service_account_info(key)
    )
    blob = found.client().bucket("exports").blob(NAME)
    blob.content_disposition = 'attachment; filename="figures.csv"'
    blob.upload_from_string("a,b\r\n" * 1000, content_type="text/csv; charset=utf-8")
    yield found
    process.terminate()
    process.wait()
    process.stdout.close()
    store.kill()
    identity.kill()


def get(address: str, **headers: str) -> requests.Response:
    return requests.get(address, headers=headers, timeout=20)


def test_the_address_opens_the_file_as_a_download(front: Front) -> None:
    answer = get(front.signed())
    assert (answer.status_code, answer.text) == (200, "a,b\r\n" * 1000)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="figures.csv"'
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    part = get(front.signed(), Range="bytes=5-9")
    assert (part.status_code, part.text) == (206, "a,b\r\n")


def test_it_opens_it_after_a_restart_too(front: Front) -> None:
    address = front.signed()
    front.store.kill()
    assert get(address).status_code == 503
    front.store.start()
    assert get(address).status_code == 200


def test_without_the_signature_nothing_is_opened(front: Front) -> None:
    address = front.signed()
    plain = address.partition("?")[0]
    assert get(plain).status_code == 401
    # The file store itself takes tokens; through the gateway only a signature counts.
    assert get(plain, Authorization="Bearer anything").status_code == 401
    assert get(address.replace("exp_1", "exp_2")).status_code == 403
    assert get(address.replace("Expires=900", "Expires=90000")).status_code == 403
    assert get(address.replace("localhost", "127.0.0.1")).status_code == 403
    assert requests.post(address, timeout=20).status_code == 405


def test_it_opens_no_other_bucket(front: Front) -> None:
    front.client().bucket("archive").blob("x").upload_from_string("private")
    assert get(f"{front.gateway}/archive/x").status_code == 404
    assert get(f"{front.gateway}/exports/../archive/x").status_code == 404

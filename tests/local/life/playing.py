"""Engines on which the demo's data is played as `serve` would have started them, and what is stored afterwards."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from google.cloud import firestore

from local.identity.keys import Keyring, write_key_file
from tests import engines
from tests.engines import ROOT, Engine

PROJECT, DATASET = "agenthub-life", "agenthub_local"


class Life:
    """Engines with a state folder as `serve` leaves it, and what `nox -s demo` says on them."""

    def __init__(self, state: Path, model: Engine) -> None:
        self.state = state
        catalogue = ("--catalogue", str(ROOT / "infra" / "catalogue.yaml"))
        project = ("--project", PROJECT)
        self.firestore = engines.start("firestore", state / "firestore", *catalogue)
        storage = engines.start("storage", state / "storage")
        mail = ("--mail", str(state / "mail"), "--public-url", "http://localhost:8000")
        identity = engines.start("identity", state / "identity", *project, *mail)
        bigquery = engines.start("bigquery", state / "bigquery", *catalogue, *project, "--dataset", DATASET)
        self.running = [self.firestore, storage, identity, bigquery]
        email = f"agenthub-dashboard-api@{PROJECT}.iam.gserviceaccount.com"
        write_key_file(
            Keyring(state / "identity" / "keys"), state / "key.json", email, PROJECT, f"http://{identity.address}/token"
        )
        environment = {
            "ENVIRONMENT": "local",
            "GOOGLE_CLOUD_PROJECT_ID": PROJECT,
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "GOOGLE_APPLICATION_CREDENTIALS": str(state / "key.json"),
            "FIRESTORE_EMULATOR_HOST": self.firestore.address,
            "STORAGE_EMULATOR_HOST": f"http://{storage.address}",
            "BIGQUERY_EMULATOR_HOST": f"http://{bigquery.address}",
            "BIGQUERY_DATASET_ID": DATASET,
            "IAM_CREDENTIALS_URL": f"http://{identity.address}",
            "GOOGLE_APIS_URL": f"http://{identity.address}/www.googleapis.com",
            "IDENTITY_TOOLKIT_URL": f"http://{identity.address}/identitytoolkit.googleapis.com",
            "CDN_BUCKET": "cdn",
            "ARCHIVE_BUCKET": "archive",
            "EXPORTS_BUCKET": "exports",
            "PUBLIC_URL": "http://localhost:8000",
            "OFFLINE_MODEL_URL": f"http://{model.address}/v1",
            "EMBEDDING_MODEL": "offline/wordllama-256",
            "DEFAULT_MODEL": "offline/offline-extractive",
            "INSTALLATION_KEY": base64.b64encode(bytes(range(32))).decode(),
            "EVIDENCE_SIGNING_KEY": f"{base64.b64encode(bytes(range(1, 33))).decode()}@2026-01-01",
            "WEBHOOK_SIGNING_KEY": "k" * 32,
        }
        (state / "logs").mkdir()
        (state / "functions.json").write_text(json.dumps(environment))
        known = {"project": PROJECT, "identity": "", "credentials": "", "deployments": {}}
        (state / "stack.json").write_text(json.dumps(known))

    def play(self, *options: str) -> str:
        """What the command prints; it must succeed."""
        command = [sys.executable, "-m", "local.life", "--state", str(self.state), *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=dict(os.environ))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def documents(self) -> dict[str, dict[str, Any]]:
        """Everything that is stored, by path."""
        os.environ["FIRESTORE_EMULATOR_HOST"] = self.firestore.address
        client = firestore.Client(PROJECT)
        found: dict[str, dict[str, Any]] = {}

        def walk(collections: Any) -> None:
            for collection in collections:
                references = list(collection.list_documents())
                for document in client.get_all(references):
                    if document.exists:
                        found[document.reference.path] = document.to_dict()
                for reference in references:
                    walk(reference.collections())

        walk(client.collections())
        return found

    def alarms(self) -> list[str]:
        """The lines of the functions' log that would have woken somebody."""
        lines = (self.state / "logs" / "life.log").read_text(encoding="utf-8").splitlines()
        return [line for line in lines if '"alarm": true' in line or '"severity": "ERROR"' in line]

    def stop(self) -> None:
        for engine in self.running:
            engine.kill()


def of_kind(documents: dict[str, Any], collection: str) -> dict[str, Any]:
    """The documents of a collection, wherever it lies."""
    return {path: data for path, data in documents.items() if path.split("/")[-2] == collection}

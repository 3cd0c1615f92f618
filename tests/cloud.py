"""The local engines as one thing that tests hold: started once, reached as the functions reach them."""

import base64
import json
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from functions.shared import bigquery, clock, config, contracts, events, firestore, ids, storage
from functions.shared.http import Call
from functions.shared.http.call import Trace
from functions.shared.identity import Caller, Principal, Role, WorkspaceId
from functions.shared.identity.workspace import founded
from tests import engines

PROJECT = "agenthub-test"
TOPICS = (*get_args(contracts.Topic), "dead-letters")
URL = "http://localhost:8000"


class Cloud:
    """Firestore, Pub/Sub, Cloud Storage and the offline model, with what a test needs to act as a caller."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._engines = {
            "firestore": engines.start("firestore", home / "firestore"),
            "pubsub": engines.start("pubsub", home / "pubsub"),
            "storage": engines.start("storage", home / "storage"),
        }
        self._model: engines.Engine | None = None
        self._environment = {
            "ENVIRONMENT": "local",
            "GOOGLE_CLOUD_PROJECT_ID": PROJECT,
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "FIRESTORE_EMULATOR_HOST": self._engines["firestore"].address,
            "PUBSUB_EMULATOR_HOST": self._engines["pubsub"].address,
            "STORAGE_EMULATOR_HOST": f"http://{self._engines['storage'].address}",
            "CDN_BUCKET": "cdn",
            "ARCHIVE_BUCKET": "archive",
            "EXPORTS_BUCKET": "exports",
            "PUBLIC_URL": URL,
            "INSTALLATION_KEY": base64.b64encode(bytes(range(32))).decode(),
            "EVIDENCE_SIGNING_KEY": f"{base64.b64encode(bytes(range(1, 33))).decode()}@2026-01-01",
            "DEFAULT_MODEL": "offline/offline-extractive",
            "EMBEDDING_MODEL": "offline/wordllama-256",
        }
        self._topics_made = False

    def model(self) -> engines.Engine:
        """The offline model, started when a test first asks for it."""
        if self._model is None:
            self._model = engines.start("model", self._home / "model", "--pace", "0", "--allow-faults")
        return self._model

    def enter(self, monkeypatch: pytest.MonkeyPatch, *, with_model: bool = False) -> None:
        """Set the environment and forget clients of another one."""
        for name, value in self._environment.items():
            monkeypatch.setenv(name, value)
        if self._model is not None or with_model:
            monkeypatch.setenv("OFFLINE_MODEL_URL", f"http://{self.model().address}/v1")
        self.leave()
        self._make_topics()

    def leave(self) -> None:
        """Forget the settings and the Firestore client, so that another test's environment counts."""
        config.settings.cache_clear()
        firestore.client.cache_clear()
        storage.client.cache_clear()

    def stop(self) -> None:
        """End every engine."""
        for engine in (*self._engines.values(), *([self._model] if self._model else [])):
            engine.kill()

    def engine(self, name: str) -> engines.Engine:
        """One engine, to kill and start it again."""
        return self._engines[name]

    def _make_topics(self) -> None:
        if self._topics_made:
            return
        from google.cloud import pubsub_v1

        subscriber = pubsub_v1.SubscriberClient()
        for topic in TOPICS:
            name = f"projects/{PROJECT}/topics/{topic}"
            events.publisher().create_topic(name=name)
            subscriber.create_subscription(name=f"projects/{PROJECT}/subscriptions/{topic}", topic=name)
        subscriber.close()
        self._topics_made = True

    def published(self, topic: str, workspace: WorkspaceId) -> list[dict[str, Any]]:
        """The rows published to a topic for a workspace, each delivered once; those of others are put back."""
        from google.cloud import pubsub_v1

        rows: dict[str, dict[str, Any]] = {}
        name = f"projects/{PROJECT}/subscriptions/{topic}"
        with pubsub_v1.SubscriberClient() as subscriber:
            while True:
                with warnings.catch_warnings():
                    # What is there now is all that is asked for; the flag is deprecated for those who poll.
                    warnings.simplefilter("ignore", DeprecationWarning)
                    pulled = subscriber.pull(subscription=name, max_messages=1000, return_immediately=True)
                if not pulled.received_messages:
                    break
                for received in pulled.received_messages:
                    row = json.loads(received.message.data)
                    if row.get("workspace_id") == workspace:
                        rows[received.message.message_id] = row
                ack_ids = [received.ack_id for received in pulled.received_messages]
                subscriber.acknowledge(subscription=name, ack_ids=ack_ids)
        return list(rows.values())

    def workspace(self, **fields: Any) -> WorkspaceId:
        """A fresh workspace with its document."""
        workspace = founded()
        batch = firestore.Batch()
        document = {
            "name": "Test",
            "code": "TEST",
            "country": "DE",
            "currency": "USD",
            "time_zone": "UTC",
            "state": "active",
            "created_at": clock.now(),
        }
        batch.create(contracts.workspace_path(workspace), {**document, **fields})
        batch.commit()
        return workspace

    def call(
        self,
        workspace: WorkspaceId | None,
        *,
        kind: Caller = Caller.CONSOLE,
        role: Role = Role.OWNER,
        now: datetime | None = None,
        key: str | None = None,
        if_match: str | None = None,
        **principal: Any,
    ) -> Call:
        """A call as a handler gets it, by a person of the workspace unless said otherwise."""
        moment = now or clock.now()
        caller = Principal(
            kind, principal.pop("subject", "uid1"), workspace, role=role, email="owner@example.com", **principal
        )
        return Call(
            principal=caller,
            request_id="req_test",
            trace=Trace("0" * 31 + "1", "0" * 15 + "1"),
            now=moment,
            deadline=moment + timedelta(seconds=120),
            path="/",
            if_match=if_match,
            idempotency_key=key or ids.secret(8),
        )


def envelope(row: dict[str, Any], *, event_id: str | None = None, workspace: str | None = None) -> dict[str, Any]:
    """A Pub/Sub push envelope around a row, as the service makes it."""
    return {
        "message": {
            "data": base64.b64encode(json.dumps(row).encode()).decode(),
            "attributes": {
                "event_id": event_id or row["event_id"],
                "workspace_id": workspace or row["workspace_id"],
            },
            "messageId": "1",
            "publishTime": datetime.now(UTC).isoformat(),
        },
        "subscription": f"projects/{PROJECT}/subscriptions/s",
    }


def enter_warehouse(engine: engines.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this BigQuery the one that is asked, by processes that are started from here too.

    The client is the real one, but for the key that the supervisor would write.
    """
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery as native

    address = f"http://{engine.address}"
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", address)
    client = native.Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": address})
    monkeypatch.setattr(bigquery, "client", lambda: client)

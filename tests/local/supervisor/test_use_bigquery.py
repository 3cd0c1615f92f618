"""USE_BIGQUERY=true: another BigQuery than the local one is asked and filled, as GOOGLE_SERVICE_ACCOUNT_KEY's account.

Google's is played by a second engine behind a door that wants what Google wants: an account's bearer token, which comes
from the `token_uri` of the key file.
"""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, pubsub_v1

from local.identity.accounts import ServiceAccounts
from local.identity.keys import Keyring
from local.supervisor.addresses import Addresses
from local.supervisor.environment import dataset, for_all, for_one, uses_real_bigquery, warehouse_of
from local.supervisor.plan import Plan
from tests import engines
from tests.engines import ROOT
from tests.functions.shared.identity.key_file import write_key
from tests.local.bigquery.samples import usage_event
from tests.local.supervisor.bigquery_door import Door

PROJECT, DATASET = "shop-1", "shop_warehouse"
WRITER = f"writer@{PROJECT}.iam.gserviceaccount.com"
READER = f"reader@{PROJECT}.iam.gserviceaccount.com"
QUERY = """
from datetime import UTC, datetime
from functions.shared import bigquery
sql = "SELECT event_id FROM `{dataset}.usage`(@workspace, @start, @end)"
span = {"start": datetime(2027, 1, 1, tzinfo=UTC), "end": datetime(2027, 2, 1, tzinfo=UTC)}
print(bigquery.query(sql, {"workspace": "ws_one", **span}))
"""


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Engine]:
    running = engines.start("identity", tmp_path_factory.mktemp("identity"), "--project", PROJECT)
    yield running
    running.kill()


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory, identity: engines.Engine) -> Iterator[Door]:
    """A warehouse with one event in it, behind the door."""
    arguments = ("--project", PROJECT, "--dataset", DATASET)
    running = engines.start("bigquery", tmp_path_factory.mktemp("google"), *arguments)
    there = {"api_endpoint": f"http://{running.address}"}
    with bigquery.Client(project=PROJECT, credentials=AnonymousCredentials(), client_options=there) as client:
        assert client.insert_rows_json(f"{PROJECT}.{DATASET}.usage_events", [usage_event("evt_of_google")]) == []
    door = Door(there["api_endpoint"], ServiceAccounts(Keyring(identity.data / "keys"), PROJECT))
    yield door
    door.close()
    running.kill()


def found_by_functions(given: dict[str, str], folder: Path) -> dict[str, str]:
    """What the supervisor gives a function where somebody has set `given`."""
    plan = Plan.read(ROOT / "infra" / "catalogue.yaml", ROOT)
    addresses = Addresses.choose(plan, 0, given)
    try:
        project = given["GOOGLE_CLOUD_PROJECT_ID"]
        shared = for_all(plan, addresses, project, given, signing_key="k" * 64, cards_secret="whsec_c")
        deployment = next(one for one in plan.deployments if one.name == "billing-close")
        return {**shared, **for_one(deployment, project, folder / "local.json")}
    finally:
        addresses.close()


def test_the_functions_ask_that_bigquery_as_the_account_of_the_key(
    google: Door, identity: engines.Engine, tmp_path: Path
) -> None:
    key = write_key(identity, READER, tmp_path / "key.json").read_bytes()
    given = {
        "USE_BIGQUERY": "true",
        "GOOGLE_CLOUD_PROJECT_ID": PROJECT,
        "BIGQUERY_DATASET_ID": DATASET,
        "GOOGLE_SERVICE_ACCOUNT_KEY": base64.b64encode(key).decode(),
        "BIGQUERY_EMULATOR_HOST": google.address,  # Google's client takes the address of its service from here.
        "NO_PROXY": "127.0.0.1",
        "PATH": os.environ["PATH"],
    }
    environment = found_by_functions(given, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", QUERY], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[{'event_id': 'evt_of_google'}]", done.stderr
    assert google.callers == {READER}


@pytest.fixture
def carried(google: Door, identity: engines.Engine, tmp_path: Path) -> Iterator[engines.Engine]:
    """Pub/Sub with the catalogue's subscriptions, as the supervisor starts it where somebody has set USE_BIGQUERY."""
    key = write_key(identity, WRITER, tmp_path / "writer.json").read_bytes()
    plan = Plan.read(ROOT / "infra" / "catalogue.yaml", ROOT)
    addresses = Addresses.choose(plan, 0, {})
    where = warehouse_of({"USE_BIGQUERY": "true", "BIGQUERY_EMULATOR_HOST": google.address}, addresses)
    addresses.close()
    options = (
        "--catalogue",
        "infra/catalogue.yaml",
        "--project",
        PROJECT,
        "--dataset",
        DATASET,
        "--min-backoff",
        "0.1",
    )
    environment = {"GOOGLE_SERVICE_ACCOUNT_KEY": base64.b64encode(key).decode(), "NO_PROXY": "127.0.0.1"}
    running = engines.start("pubsub", tmp_path / "pubsub", *options, *where, **environment)
    yield running
    running.kill()


def test_events_become_rows_of_that_bigquery_as_the_account_of_the_key(
    google: Door, carried: engines.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", carried.address)
    publisher = pubsub_v1.PublisherClient()
    topic = publisher.topic_path(PROJECT, "usage-recorded")
    publisher.publish(topic, json.dumps(usage_event("evt_of_a_laptop")).encode()).result(timeout=10)
    publisher.stop()
    here = {"api_endpoint": google.engine}
    with bigquery.Client(project=PROJECT, credentials=AnonymousCredentials(), client_options=here) as client:
        end = time.monotonic() + 20
        rows: list[str] = []
        while "evt_of_a_laptop" not in rows and time.monotonic() < end:
            rows = [row["event_id"] for row in client.list_rows(f"{PROJECT}.{DATASET}.usage_events")]
            time.sleep(0.05)
    assert rows.count("evt_of_a_laptop") == 1
    assert WRITER in google.callers


def test_pubsub_does_not_start_with_a_key_that_is_none(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.pubsub", "--data", str(tmp_path), "--port", "0", "--bigquery-account"]
    given = {**os.environ, "GOOGLE_SERVICE_ACCOUNT_KEY": "no key"}
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert "GOOGLE_SERVICE_ACCOUNT_KEY must be the base64 of a JSON key file" in done.stderr


def test_without_another_address_it_is_googles_own(tmp_path: Path) -> None:
    given = {"GOOGLE_CLOUD_PROJECT_ID": PROJECT, "USE_BIGQUERY": "true"}
    assert "BIGQUERY_EMULATOR_HOST" not in found_by_functions(given, tmp_path)
    addresses = Addresses.choose(Plan.read(ROOT / "infra" / "catalogue.yaml", ROOT), 0, given)
    addresses.close()
    assert warehouse_of(given, addresses) == ["--bigquery", "https://bigquery.googleapis.com", "--bigquery-account"]


@pytest.mark.parametrize("value", ["false", "", "no", "0"])
def test_otherwise_it_is_the_local_one(value: str, tmp_path: Path) -> None:
    found = found_by_functions({"GOOGLE_CLOUD_PROJECT_ID": PROJECT, "USE_BIGQUERY": value}, tmp_path)
    assert found["BIGQUERY_EMULATOR_HOST"].startswith("http://127.0.0.1:")
    assert found["BIGQUERY_DATASET_ID"] == "agenthub_local"


@pytest.mark.parametrize("value", ["true", "True", "1", "yes"])
def test_true_may_be_written_in_more_than_one_way(value: str) -> None:
    assert uses_real_bigquery({"USE_BIGQUERY": value})


def test_bigquery_dataset_id_names_the_data_set_of_the_local_one_too(tmp_path: Path) -> None:
    given = {"GOOGLE_CLOUD_PROJECT_ID": PROJECT, "BIGQUERY_DATASET_ID": "mine"}
    assert dataset(given) == found_by_functions(given, tmp_path)["BIGQUERY_DATASET_ID"] == "mine"


def test_a_laptops_environment_is_local_whatever_somebody_has_set(tmp_path: Path) -> None:
    found = found_by_functions({"GOOGLE_CLOUD_PROJECT_ID": PROJECT, "ENVIRONMENT": "prod"}, tmp_path)
    assert (found["ENVIRONMENT"], found["GOOGLE_CLOUD_PROJECT_ID"]) == ("local", PROJECT)


def test_google_cloud_project_id_is_the_project_of_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    from local import serve

    monkeypatch.setattr(sys, "argv", ["serve"])
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT_ID", PROJECT)
    assert serve._arguments().project == PROJECT
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT_ID", "")
    assert serve._arguments().project == "agenthub-local"
    monkeypatch.setattr(sys, "argv", ["serve", "--project", "other"])
    assert serve._arguments().project == "other"

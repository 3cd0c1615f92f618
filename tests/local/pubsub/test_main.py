"""The engine as a command."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import engines
from tests.engines import ROOT
from tests.local.pubsub.conftest import Cloud
from tests.local.standins import listening


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.pubsub", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_the_backlog_is_printed_beside_a_running_engine(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscription(topic)
    cloud.publish(topic, b"1")
    cloud.publish(topic, b"2")
    result = run("--data", str(cloud.engine.data), "--backlog")
    assert json.loads(result.stdout)[name] == 2


def test_a_taken_port_and_a_missing_address_are_said_in_a_line(cloud: Cloud, tmp_path: Path) -> None:
    result = run("--data", str(tmp_path / "a"), "--port", str(cloud.engine.port))
    assert result.returncode != 0
    assert "Pub/Sub cannot start" in result.stderr
    catalogue = ("--catalogue", "infra/catalogue.yaml", "--address", "billing-usage=http://127.0.0.1:1")
    result = run("--data", str(tmp_path / "b"), *catalogue)
    assert result.returncode != 0
    assert "has no --address" in result.stderr
    assert "READY" not in result.stdout


@pytest.mark.parametrize("option", [("--address", "billing"), ("--identity", "http://127.0.0.1:1")])
def test_options_that_make_no_sense_are_refused(option: tuple[str, str], tmp_path: Path) -> None:
    assert run("--data", str(tmp_path), *option).returncode == 2


def test_rows_wait_as_long_as_no_warehouse_is_given(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscription(topic, bigquery_config={"table": "p.d.t", "use_table_schema": True})
    cloud.publish(topic, b'{"event_id": "1"}')
    data = cloud.engine.data
    cloud.engine.kill()
    with listening(lambda _: (200, b"{}")) as listener:
        cloud.engine.arguments = ("--bigquery", listener.url)
        cloud.engine.start()
        [received] = listener.wait(lambda r: len(r) == 1)
    assert received.json["rows"][0]["json"] == {"event_id": "1"}
    assert name in run("--data", str(data), "--backlog").stdout


def test_it_starts_with_the_catalogue_and_stops_on_sigterm(tmp_path: Path) -> None:
    engine = engines.start("pubsub", tmp_path, "--catalogue", "infra/catalogue.yaml")
    assert engine.process is not None
    engine.process.terminate()
    # Minus SIGTERM: it came between the ready line and the handler.
    assert engine.process.wait(10) in (0, -signal.SIGTERM)
    engine.kill()
    result = run("--data", str(tmp_path), "--backlog")
    assert json.loads(result.stdout)["projects/agenthub-local/subscriptions/usage-recorded.billing"] == 0

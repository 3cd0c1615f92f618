"""The scheduler's two commands as processes."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from local.scheduler.__main__ import parse
from tests.engines import ROOT
from tests.local.standins import Identity, Listener, listening

CATALOGUE = yaml.load((ROOT / "infra" / "catalogue.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)


@pytest.fixture
def identity(tmp_path: Path) -> Iterator[Identity]:
    identity = Identity(tmp_path)
    yield identity
    identity.listener.close()


def write_state(folder: Path, identity: Identity, listener: Listener) -> None:
    state = {
        "project": "agenthub-local",
        "identity": identity.url,
        "credentials": str(identity.credentials),
        "deployments": {"billing-close": listener.url},
    }
    (folder / "stack.json").write_text(json.dumps(state))


def tick(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.scheduler", "tick", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_tick_fires_one_schedule_for_the_given_time(tmp_path: Path, identity: Identity) -> None:
    with listening(lambda _: (200, b'{"closed": 1}')) as listener:
        write_state(tmp_path, identity, listener)
        result = tick("billing-close", "--at", "2027-01-01T00:10Z", "--state", str(tmp_path))
        [received] = listener.requests
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == 'billing-close for 2027-01-01T00:10:00Z: 200\n{"closed": 1}\n'
    assert received.path == "/schedules/billing-close"
    assert received.headers["X-CloudScheduler-ScheduleTime"] == "2027-01-01T00:10:00Z"


def test_tick_fails_where_the_job_or_the_stack_does(tmp_path: Path, identity: Identity) -> None:
    with listening(lambda _: (500, b"broken")) as listener:
        write_state(tmp_path, identity, listener)
        result = tick("billing-close", "--state", str(tmp_path))
        assert result.returncode == 1
        assert "500\nbroken" in result.stdout
        unknown = tick("nightly", "--state", str(tmp_path))
        assert unknown.returncode == 1
        assert "there are: billing-close, dashboard-relay" in unknown.stderr
    gone = tick("billing-close", "--state", str(tmp_path))
    assert gone.returncode == 1
    assert "Does the stack still run?" in gone.stderr
    none = tick("billing-close", "--state", str(tmp_path / "nowhere"))
    assert none.returncode == 1
    assert "No stack runs here" in none.stderr


@pytest.mark.parametrize("at", ["2027-01-01T00:10", "tomorrow"])
def test_a_time_without_zone_or_sense_is_refused(at: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["tick", "billing-close", "--at", at])
    assert at in capsys.readouterr().err


def test_run_says_ready_and_stops_on_sigterm(identity: Identity) -> None:
    command = [sys.executable, "-m", "local.scheduler", "run", "--catalogue", "infra/catalogue.yaml"]
    command += ["--identity", identity.url, "--credentials", str(identity.credentials)]
    for name in {job["deployment"] for job in CATALOGUE["schedules"].values()}:
        command += ["--address", f"{name}=http://127.0.0.1:1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "READY 0\n"
        process.send_signal(signal.SIGTERM)
        # Minus SIGTERM: it came between the ready line and the handler.
        assert process.wait(10) in (0, -signal.SIGTERM)

"""`nox -s serve` from outside: what it prints, what it keeps alive, and how it ends."""

import base64
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

from tests.engines import ROOT
from tests.local.supervisor.conftest import Running, alive, descendants, start, until


def test_it_says_what_it_starts_what_it_leaves_out_and_where_to_begin(running: Running) -> None:
    assert re.search(r"echo-api +ready after +\d+\.\d s +http://127\.0\.0\.1:\d+", running.text)
    assert "echo-missing       is left out: functions/echo/main.py has no not_there" in running.text
    assert running.gateway in running.text
    config = requests.get(f"{running.gateway}/config.json", timeout=10).json()
    assert (config["api_url"], config["project"]) == (running.gateway, "agenthub-local")


def test_the_printed_lines_give_an_owners_and_an_operators_token(running: Running) -> None:
    lines = [line.strip() for line in running.text.splitlines() if line.strip().startswith("curl ")]
    claims = []
    for line in lines:
        words = shlex.split(line.partition(" | ")[0])
        body = words[words.index("-d") + 1]
        url = next(word for word in words if word.startswith("http"))
        token = requests.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=10).json()[
            "idToken"
        ]
        payload = token.split(".")[1]
        claims.append(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
    assert [c["email"] for c in claims] == ["demo@agenthub.test", "operator@agenthub.test"]
    assert [c.get("operator") for c in claims] == [None, True]


def test_a_person_reaches_the_function_through_gateway_and_front(running: Running) -> None:
    answer = requests.get(
        f"{running.gateway}/api/echo", headers={"Authorization": f"Bearer {running.person()}"}, timeout=10
    ).json()
    headers = answer["headers"]
    assert headers["authorization"].endswith(".SIGNATURE_REMOVED_BY_GOOGLE")
    payload = headers["x-apigateway-api-userinfo"]
    assert json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["email"] == "demo@agenthub.test"
    assert requests.get(f"{running.gateway}/api/echo", timeout=10).status_code == 401


def test_a_function_finds_everything_in_its_environment(running: Running) -> None:
    token = running.id_token("gateway", running.stack["deployments"]["echo-api"])
    url = running.stack["deployments"]["echo-api"]
    found = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).json()["environment"]
    assert found["DEPLOYMENT"] == found["K_SERVICE"] == "echo-api"
    assert found["ECHO_API_URL"] == url
    assert found["CALLERS"] == "agenthub-gateway@agenthub-local.iam.gserviceaccount.com"
    assert (found["ENVIRONMENT"], found["THREADS"]) == ("local", "8")
    assert found["FIRESTORE_EMULATOR_HOST"] == running.stack["firestore"]
    assert found["PUBLIC_URL"] == running.gateway
    key = json.loads(Path(found["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())
    assert key["client_email"] == "agenthub-echo-api@agenthub-local.iam.gserviceaccount.com"
    assert key["token_uri"] == running.stack["identity"] + "/token"


def test_the_relay_is_ticked_once_at_the_start(running: Running) -> None:
    log = (running.state / "logs" / "echo-relay.log").read_text()
    assert len(re.findall(r"ticked at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", log)) == 1


def test_a_second_one_on_the_same_state_is_told_who_runs(running: Running) -> None:
    second = serve("--state", str(running.state), "--port", "0")
    assert second.returncode == 1
    assert f"already runs on {running.state} (process {running.process.pid}, {running.gateway})" in second.stderr


def test_a_taken_port_is_named_with_its_owner(running: Running, tmp_path: Path) -> None:
    port = running.gateway.rpartition(":")[2]
    ours = serve("--state", str(tmp_path / "a"), "--port", port)
    assert f"Another AgentHub already answers on port {port}" in ours.stderr
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        theirs = serve("--state", str(tmp_path / "b"), "--port", port)
    assert (theirs.returncode, theirs.stderr.count("\n")) == (1, 1)
    assert f"Port {port} is taken by another program" in theirs.stderr


def serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.serve", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)


def test_a_function_and_an_engine_that_crash_come_back_where_they_were(running: Running) -> None:
    answer = requests.post(f"{running.gateway}/crash", timeout=10)
    assert answer.status_code == 503
    until(lambda: "echo-api has ended (exit code 3), starts again in 0.5 s." in running.text)
    # The front waits for a function that is just starting, as the cloud does; the gateway has its own deadline.
    until(lambda: requests.get(f"{running.gateway}/health", timeout=20).status_code == 200)
    identity = pid_of(running, "local.identity")
    os.kill(identity, signal.SIGKILL)
    until(lambda: "identity answers again." in running.text)
    assert "identity has ended (killed by SIGKILL)" in running.text
    assert running.person()


def pid_of(running: Running, module: str) -> int:
    for pid in descendants(running.process.pid):
        if module in (Path("/proc") / str(pid) / "cmdline").read_bytes().decode().split("\0"):
            return pid
    raise AssertionError(module)


def test_a_stop_is_quick_a_kill_leaves_nothing_and_the_next_start_finds_everything(tmp_path: Path) -> None:
    first = start(tmp_path / "state", tmp_path / "first")
    token = first.person()
    everything = descendants(first.process.pid)
    assert len(everything) >= 7
    with requests.get(f"{first.gateway}/stream", stream=True, timeout=10) as response:
        assert next(response.iter_lines()) == b"data: 0"
        began = time.monotonic()
        assert first.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < 10
    until(lambda: not alive(everything))
    assert not (first.state / "stack.json").exists()
    second = start(tmp_path / "state", tmp_path / "second")
    again = requests.get(f"{second.gateway}/api/echo", headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert again.status_code == 200
    assert second.person()
    everything = descendants(second.process.pid)
    second.stop(signal.SIGKILL)
    until(lambda: not alive(everything), 3)

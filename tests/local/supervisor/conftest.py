"""A real stack over a sample tree of two small functions, started as a person starts it."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from local.id_tokens import Credentials
from local.identity.keys import Keyring
from tests.engines import ROOT

SAMPLE = Path(__file__).parent / "sample"
_READY = "Ctrl-C stops everything"


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until `condition` is true and return what it gave; fails after `seconds`."""
    give_up = time.monotonic() + seconds
    pause = threading.Event()
    while not (found := condition()):
        assert time.monotonic() < give_up, "waited too long"
        pause.wait(0.05)
    return found


def descendants(pid: int) -> set[int]:
    """Every living process below `pid`."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(entry.parent.name)] = int(fields[1])
    found: set[int] = set()
    level = {pid}
    while level:
        level = {child for child, parent in parents.items() if parent in level} - found
        found |= level
    return found


def alive(pids: set[int]) -> set[int]:
    """Those of `pids` that still run."""
    living = set()
    for pid in pids:
        try:
            state = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            living.add(pid)
    return living


@dataclass
class Running:
    """A stack, what it has printed, and short ways to call it."""

    state: Path
    process: subprocess.Popen[str]
    output: Path

    @property
    def text(self) -> str:
        return self.output.read_text()

    @property
    def stack(self) -> dict[str, Any]:
        return json.loads((self.state / "stack.json").read_text())

    @property
    def gateway(self) -> str:
        return self.stack["gateway"]

    def credentials(self, name: str) -> Credentials:
        return Credentials.read(self.state / "credentials" / f"{name}.json")

    def keyring(self) -> Keyring:
        return Keyring(self.state / "identity" / "keys")

    def id_token(self, name: str, audience: str) -> str:
        credentials = self.credentials(name)
        data = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": credentials.assertion(audience),
        }
        return requests.post(credentials.token_uri, data=data, timeout=10).json()["id_token"]

    def person(self) -> str:
        """A token of the ready-made owner."""
        email = "demo@agenthub.test"
        password = json.loads((self.state / "logins.json").read_text())[email]
        url = f"{self.gateway}/identity/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword"
        return requests.post(url, json={"email": email, "password": password}, timeout=10).json()["idToken"]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(10)


def start(state: Path, output: Path, *arguments: str) -> Running:
    """Start a stack and return when it has printed its last line."""
    command = [sys.executable, "-m", "local.serve", "--port", "0", "--state", str(state), "--root", str(SAMPLE)]
    command += ["--engines", "identity", "--attached", *arguments]
    with output.open("w") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, text=True)
    running = Running(state, process, output)
    until(lambda: _READY in running.text or process.poll() is not None, 60)
    assert _READY in running.text, running.text
    return running


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("stack")
    made = start(folder / "state", folder / "output")
    yield made
    made.stop()

"""A stack of one's own: started as `nox -s serve` starts it, killed as a power cut does, started again."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 120


class Stack:
    """A running AgentHub. `own` says whether it was started here and may be killed."""

    def __init__(self, state: Path, *, own: bool) -> None:
        self.state = state
        self.own = own
        self._process: subprocess.Popen[bytes] | None = None
        self._environment: dict[str, str] = {}

    @classmethod
    def running(cls, state: Path) -> "Stack | None":
        """The stack that `nox -s serve` runs with this state, or None."""
        stack = cls(state, own=False)
        try:
            os.kill(stack.facts["pid"], 0)
        except (FileNotFoundError, ProcessLookupError, ValueError, KeyError):
            return None
        return stack

    @property
    def facts(self) -> dict[str, Any]:
        """What the supervisor says of itself: addresses, process id."""
        facts: dict[str, Any] = json.loads((self.state / "stack.json").read_text(encoding="utf-8"))
        return facts

    @property
    def gateway(self) -> str:
        """The address of the gateway."""
        return str(self.facts["gateway"])

    @property
    def runs(self) -> bool:
        """Whether it was started here and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self, port: int = 0, **environment: str) -> "Stack":
        """Start and return once everything answers, again with what the environment had added before.

        Raises RuntimeError with the end of its output.
        """
        self._environment |= environment
        self.state.mkdir(parents=True, exist_ok=True)
        log = self.state / "serve.log"
        command = [sys.executable, "-m", "local.serve", "--state", str(self.state), "--port", str(port), "--attached"]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env={**os.environ, **self._environment},
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while "Ctrl-C stops everything" not in log.read_text(encoding="utf-8", errors="replace"):
            if self._process.poll() is not None or time.monotonic() > end:
                tail = log.read_text(encoding="utf-8", errors="replace")[-3000:]
                raise RuntimeError(f"the stack did not start:\n{tail}")
            time.sleep(0.05)
        return self

    def processes(self, deployment: str) -> list[int]:
        """The processes of one deployment, found by their environment (Linux)."""
        wanted = f"DEPLOYMENT={deployment}".encode()
        state = str(self.state.resolve()).encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if wanted in environment and any(state in value for value in environment):
                found.append(int(entry.name))
        return found

    def freeze(self, deployment: str) -> None:
        """Stop the deployment in mid-air: it takes connections and never answers."""
        for pid in self.processes(deployment):
            os.kill(pid, signal.SIGSTOP)

    def shoot(self, deployment: str) -> None:
        """SIGKILL for every process of one deployment; a child may go with its parent before its turn has come."""
        for pid in self.processes(deployment):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill(self) -> None:
        """SIGKILL for the supervisor and everything below it, at once."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        # What lives in groups of its own dies with its parent; wait until its ports are free.
        end = time.monotonic() + 20
        while time.monotonic() < end and self._alive():
            time.sleep(0.05)
        self._process = None

    def _alive(self) -> bool:
        state = str(self.state.resolve()).encode()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if state in (entry / "cmdline").read_bytes() and int(entry.name) != os.getpid():
                    return True
            except OSError:
                continue
        return False

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def tick(self, schedule: str, at: str) -> str:
        """Fire a schedule now; returns what `nox -s tick` prints."""
        command = [sys.executable, "-m", "local.scheduler", "tick", schedule, "--at", at, "--state", str(self.state)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"tick {schedule} failed: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def operator(self, email: str) -> None:
        """Give a person the operator claim, as `nox -s operator -- EMAIL` does."""
        command = [sys.executable, "-m", "local.identity", "operator", email, "--state", str(self.state)]
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)

"""Starts the local engines for tests as the supervisor does: real processes on free ports, killed at the end."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass
class Engine:
    """One running engine; `kill` is a real SIGKILL, `start` again keeps its data folder."""

    module: str
    data: Path
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> "Engine":
        """Start on the port of last time (a free one at first) and return once it has said READY."""
        self.data.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", f"local.{self.module}", "--data", str(self.data), "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, *self.arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **self.environment},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("READY "), f"{self.module} did not start: {line!r}"
        self.port = int(line.split()[1])
        return self

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None


def start(module: str, data: Path, *arguments: str, **environment: str) -> Engine:
    """A running engine: `start("firestore", tmp_path / "firestore")`; the caller calls `kill()` at the end."""
    return Engine(module, data, arguments, environment).start()

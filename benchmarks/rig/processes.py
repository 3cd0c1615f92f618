"""Starts functions as Cloud Run does (functions-framework, gunicorn, a forked worker) and says what they cost.

CPU is read from each process's own clock in nanoseconds, memory as its proportional share (PSS); both by way of Linux.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from local.process import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in children.read_text().split()]
    return found


def cpu_seconds(pids: list[int]) -> float:
    """CPU seconds that these processes have used so far, all their threads, user and system."""
    # The kernel's CPU clock of another process, as clock_getcpuclockid(3) makes it.
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def memory(pids: list[int]) -> float:
    """Their memory in MiB, shared pages divided among those who share them."""
    kibibytes = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kibibytes += int(line.split()[1])
    return kibibytes / 1024


class Function:
    """One function served by functions-framework on a free port; a context manager that kills it at the end."""

    def __init__(self, source: str, target: str, environment: Mapping[str, str], *, threads: int = 8) -> None:
        self.target = target
        self.port = free_port()
        self.began = time.monotonic()
        (ROOT / "dist").mkdir(exist_ok=True)
        self._log: IO[bytes] = (ROOT / "dist" / f"bench-{target}.log").open("w+b")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "functions_framework", "--target", target, "--source", str(ROOT / source)),
                *("--signature-type", "http", "--host", "127.0.0.1", "--port", str(self.port)),
            ],
            cwd=ROOT,
            env={
                **os.environ,
                **environment,
                "PYTHONPATH": str(ROOT),
                "THREADS": str(threads),
                "WORKERS": "1",
                "DEPLOYMENT": target.replace("_", "-"),
            },
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> "Function":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()

    @property
    def pids(self) -> list[int]:
        """Its master and its worker."""
        return tree(self._process.pid)

    @property
    def cpu(self) -> float:
        """CPU seconds since its start."""
        return cpu_seconds(self.pids)

    @property
    def memory(self) -> float:
        """MiB of master and worker."""
        return memory(self.pids)

    def connect(self) -> http.client.HTTPConnection:
        """A connection, as soon as the port is open; waiting for it costs the function nothing."""
        end = time.monotonic() + START_SECONDS
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                connection.connect()
            except ConnectionRefusedError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise RuntimeError(f"{self.target} does not start:\n{self.log()[-2000:]}") from None
                time.sleep(0.005)
                continue
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection

    def log(self) -> str:
        """What it has written so far."""
        self._log.flush()
        return Path(str(self._log.name)).read_text(encoding="utf-8", errors="replace")

    def lines(self) -> Iterator[dict[str, Any]]:
        """Its structured log lines."""
        for line in self.log().splitlines():
            with contextlib.suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict):
                    yield found


class Asked:
    """A GET of a function; each call is one request on a connection of its own and returns its seconds."""

    def __init__(self, function: Function, path: str, headers: Mapping[str, str]) -> None:
        self._function, self._path, self._headers = function, path, dict(headers)
        self.content = b""
        """The latest answer."""

    def __call__(self) -> float:
        connection = self._function.connect()
        began = time.perf_counter()
        connection.request("GET", self._path, headers=self._headers)
        answer = connection.getresponse()
        self.content = answer.read()
        took = time.perf_counter() - began
        connection.close()
        if answer.status != 200:
            raise RuntimeError(
                f"{self._path} answered {answer.status}: {self.content[:500]!r}\n{self._function.log()[-2000:]}"
            )
        return took

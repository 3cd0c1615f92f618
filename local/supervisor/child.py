"""One process of the stack: started, watched, started again when it crashes, and stopped for certain.

Each child leads a process group of its own, so that Ctrl-C reaches the supervisor alone and a child can be ended
together with what it has started. Its output goes to a log file; an engine says `READY` on standard output first.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
_PROVEN_SECONDS = 30.0
_TRIES = 3
_TAIL_BYTES = 4000
_KEPT_LOG_BYTES = 2_000_000

Say = Callable[[str], None]


class CannotStart(Exception):
    """A child ended again and again before it was ready; the text says how."""


class Child:
    """A process that is kept running. `says_ready` tells an engine from a function, which is asked by HTTP instead."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        logs: Path,
        say: Say,
        *,
        says_ready: bool = True,
        descriptors: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = logs / f"{name}.log"
        self.pid: int | None = None
        self._environment = dict(environment)
        self._folder = folder
        self._say = say
        self._says_ready = says_ready
        self._descriptors = tuple(descriptors)
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._ready = asyncio.Event()
        self._failures = 0

    async def ready(self) -> None:
        """Return once an engine has said that it answers."""
        await self._ready.wait()

    async def run(self) -> None:
        """Keep the process running until `stop`. Raises CannotStart for an engine that never gets ready."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _KEPT_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                code = await self._once()
            except OSError as error:
                raise CannotStart(f"{self.name} cannot be started: {error}") from error
            if self._stopping.is_set():
                return
            self._failures = 1 if time.monotonic() - began > _PROVEN_SECONDS else self._failures + 1
            if self._says_ready and not self._ready.is_set() and self._failures >= _TRIES:
                raise CannotStart(f"{self.name} does not start ({_how(code)}):\n{self.tail()}")
            pause = min(_FIRST_PAUSE * 2 ** (self._failures - 1), _LONGEST_PAUSE)
            self._say(f"{self.name} has ended ({_how(code)}), starts again in {pause:g} s. {self._hint()}")
            await asyncio.sleep(pause)

    async def stop(self, seconds: float) -> None:
        """End the process and all it has started: asked first, killed after `seconds`."""
        self._stopping.set()
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), seconds)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    def tail(self) -> str:
        """The last lines that it wrote."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-12:])

    async def _once(self) -> int:
        with self.log.open("ab") as log:
            self._process = process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if self._says_ready else log,
                stderr=log,
                cwd=self._folder,
                env=self._environment,
                pass_fds=self._descriptors,
                start_new_session=True,
            )
            self.pid = process.pid
            if process.stdout is not None:
                await self._listen(process.stdout, log)
            return await process.wait()

    async def _listen(self, output: asyncio.StreamReader, log: IO[bytes]) -> None:
        while line := await output.readline():
            if line.startswith(b"READY"):
                if self._ready.is_set():
                    self._say(f"{self.name} answers again.")
                self._ready.set()
            else:
                log.write(line)
                log.flush()

    def _hint(self) -> str:
        """What its last words say about the cause, else where to read them."""
        for line in reversed(self.tail().splitlines()):
            if "ModuleNotFoundError" in line:
                return f"{line.strip().partition(': ')[2]}; `nox -s serve` installs what is in requirements.lock."
            if "Error" in line or "error" in line:
                return line.strip()[:200]
        return f"Its log: {self.log}"


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"

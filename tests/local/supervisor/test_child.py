"""A child that cannot start is told from one that crashed."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from local.supervisor.child import CannotStart, Child
from tests.local.supervisor.conftest import alive, until


def child(folder: Path, said: list[str], program: str, *, says_ready: bool = True) -> Child:
    return Child(
        "sample", [sys.executable, "-c", program], os.environ, folder, folder, said.append, says_ready=says_ready
    )


def test_an_engine_that_never_gets_ready_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(CannotStart, match=r"sample does not start \(exit code 1\)") as failure:
        asyncio.run(child(tmp_path, said, "import surely_missing").run())
    assert "No module named 'surely_missing'" in str(failure.value)
    assert "No module named 'surely_missing'; `nox -s serve` installs" in said[0]


def test_what_is_no_program_is_said_at_once(tmp_path: Path) -> None:
    missing = Child("sample", [str(tmp_path / "nothing")], os.environ, tmp_path, tmp_path, print)
    with pytest.raises(CannotStart, match="sample cannot be started"):
        asyncio.run(missing.run())


def test_a_stop_kills_what_does_not_listen_and_all_that_it_started(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "pid = os.fork()\n"
        "if pid: print(f'below {pid}', flush=True); print('READY 0', flush=True)\n"
        "signal.pause()\n"
    )

    async def play() -> int:
        started = child(tmp_path, [], program)
        running = asyncio.create_task(started.run())
        await asyncio.wait_for(started.ready(), 10)
        await started.stop(0.2)
        await asyncio.wait_for(running, 5)
        return int(started.log.read_text().split("below ")[1].split()[0])

    below = asyncio.run(play())
    # A killed process is there for a moment more, while the kernel takes it apart.
    assert until(lambda: not alive({below}))

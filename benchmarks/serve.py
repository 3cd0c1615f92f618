"""What the whole platform takes on this machine: seconds until every /health?deep=1 answers, and memory of its tree.

A first start makes the state; the second, warm one is measured. The baseline is as many bare functions as there are
deployments, hello world under functions-framework, started at once; so a slow or busy machine shows in both.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import yaml

from benchmarks.rig.figures import arguments, exit_code, verdict
from benchmarks.rig.processes import ROOT, Function, cpu_seconds, memory, tree
from local.id_tokens import Credentials, IdTokens, NoToken

AIM = 8.0
LIMIT_SECONDS = 120.0


@dataclass(frozen=True)
class Cost:
    """What one start took."""

    seconds: float
    cpu: float
    memory: float
    processes: int

    def __str__(self) -> str:
        return f"{self.seconds:5.1f} s, {self.cpu:5.1f} CPU s, {self.memory:5.0f} MiB in {self.processes} processes"


@contextmanager
def serving(state: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A stack of its own on free ports, ended as by Ctrl-C."""
    (state / "stack.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "local.serve", "--state", str(state), "--port", "0", "--attached"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


async def all_deeply_healthy(state: Path, callers: dict[str, str]) -> None:
    """Return when every deployment has answered /health?deep=1 with 200, asked by one of its callers through IAM."""
    end = time.monotonic() + LIMIT_SECONDS
    while not (state / "stack.json").exists():
        await asyncio.sleep(0.02)
    addresses = json.loads((state / "stack.json").read_text(encoding="utf-8"))["deployments"]
    async with httpx2.AsyncClient(trust_env=False, timeout=15) as client:
        tokens = {
            name: IdTokens(Credentials.read(state / "credentials" / f"{name}.json"), client)
            for name in set(callers.values())
        }

        async def healthy(deployment: str, address: str) -> None:
            answer = "nothing"
            while time.monotonic() < end:
                with contextlib.suppress(httpx2.TransportError, NoToken):
                    token = await tokens[callers[deployment]].token(address)
                    headers = {"Authorization": f"Bearer {token}"}
                    found = await client.get(f"{address}/health?deep=1", headers=headers)
                    if found.status_code == 200:
                        return
                    answer = found.text[:200]
                await asyncio.sleep(0.1)
            raise RuntimeError(f"{deployment} is not healthy: {answer}")

        await asyncio.gather(*(healthy(name, address) for name, address in addresses.items()))


def platform(state: Path, callers: dict[str, str]) -> Cost:
    """One start of the platform with this state."""
    began = time.monotonic()
    with serving(state) as process:
        asyncio.run(all_deeply_healthy(state, callers))
        seconds = time.monotonic() - began
        pids = tree(process.pid)
        return Cost(seconds, cpu_seconds(pids), memory(pids), len(pids))


def bare(number: int) -> Cost:
    """So many hello worlds, started at once."""
    began = time.monotonic()
    with ExitStack() as stack:
        functions = [stack.enter_context(Function("benchmarks/rig/bare/hello.py", "hello", {})) for _ in range(number)]
        with ThreadPoolExecutor(number) as pool:
            list(pool.map(_hello, functions))
        seconds = time.monotonic() - began
        pids = [pid for function in functions for pid in function.pids]
        return Cost(seconds, cpu_seconds(pids), memory(pids), len(pids))


def _hello(function: Function) -> None:
    connection = function.connect()
    connection.request("GET", "/")
    connection.getresponse().read()


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--times", type=int, default=2)
    options = parser.parse_args()
    catalogue = yaml.safe_load((ROOT / "infra" / "catalogue.yaml").read_text(encoding="utf-8"))
    callers = {name: deployment["callers"][0] for name, deployment in catalogue["deployments"].items()}
    with tempfile.TemporaryDirectory() as folder:
        print(f"nox -s serve, from its start to {len(callers)} × /health?deep=1:")
        print(f"  first start   {platform(Path(folder), callers)}")
        for _ in range(options.times):
            base, warm = bare(len(callers)), platform(Path(folder), callers)
            print(f"  bare hello    {base}")
            print(
                f"  warm          {warm}  {verdict(warm.seconds, AIM)}; "
                f"{warm.seconds / base.seconds:.2f}× the time, {warm.memory / base.memory:.2f}× the memory of the bare ones"
            )
    return exit_code(options)


if __name__ == "__main__":
    sys.exit(main())

"""The one command that runs AgentHub on this machine: `python -m local.serve [--port 8000] [--state .agenthub]`."""

import argparse
import asyncio
import contextlib
import datetime
import errno
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from local.process import die_with_parent
from local.supervisor.preflight import Obstacle, lock_state, need_modules, taken_port

if TYPE_CHECKING:
    from local.supervisor.stack import Options, Stack

_REPOSITORY = Path(__file__).parents[1]
_RELAY = "dashboard-relay"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="serve", description="The whole platform on this machine.")
    parser.add_argument("--port", type=int, default=8000, help="the gateway's port; 0 takes free ports everywhere")
    parser.add_argument("--host", default="127.0.0.1", help="address of the gateway; 0.0.0.0 lets other machines in")
    parser.add_argument("--state", type=Path, default=Path(".agenthub"), help="folder that keeps everything")
    parser.add_argument("--isolated", action="store_true", help="one process for each function (as now always)")
    project = os.environ.get("GOOGLE_CLOUD_PROJECT_ID") or "agenthub-local"
    parser.add_argument("--project", default=project, help="default: GOOGLE_CLOUD_PROJECT_ID, else agenthub-local")
    parser.add_argument("--root", type=Path, default=_REPOSITORY, help="folder that holds functions/")
    parser.add_argument("--catalogue", type=Path, help="default: ROOT/infra/catalogue.yaml")
    parser.add_argument("--contract", type=Path, help="default: ROOT/api-gateway.yaml")
    parser.add_argument("--engines", help="start only these engines, separated by commas")
    parser.add_argument("--demo", action="store_true", help="then fill a workspace with 90 days of life (nox -s demo)")
    parser.add_argument("--attached", action="store_true", help="end when the process that started this one ends")
    return parser.parse_args()


def _options(arguments: argparse.Namespace) -> "Options":
    from local.supervisor.stack import Options

    return Options(
        state=arguments.state.resolve(),
        port=arguments.port,
        project=arguments.project,
        catalogue=arguments.catalogue or arguments.root / "infra" / "catalogue.yaml",
        contract=(arguments.contract or arguments.root / "api-gateway.yaml").resolve(),
        root=arguments.root,
        engines=frozenset(arguments.engines.split(",")) if arguments.engines else None,
    )


def _say(line: str) -> None:
    print(line, flush=True)


async def _finish_start(stack: "Stack") -> None:
    """What comes after everything answers: send what a crash left, make the logins, say where everything is."""
    from local.supervisor import logins
    from local.supervisor.environment import uses_stripe

    seconds, url = stack.seconds, stack.addresses.public
    _, made = await asyncio.gather(_tick_relay(stack), logins.make(url, stack.options.state))
    _say(f"\nAgentHub answers after {seconds:.1f} s.\n")
    _say(f"  {url}  begin here; {url}/docs shows the contract")
    _say(f"  {stack.options.state}  has the state and the logs")
    _say(f"  {stack.options.state / 'mail'}  has every mail that was sent")
    if not uses_stripe(os.environ):
        _say(f"  {url}/cards/  has every card payment, and what may become of it")
    _say("")
    for line in made:
        _say(line)
    _say("\nCtrl-C stops everything; the state stays.")


async def _tick_relay(stack: "Stack") -> None:
    """Run the relay once, so that an event that a crash left on its way arrives now."""
    import httpx2

    from local.id_tokens import NoToken
    from local.supervisor.health import Health

    relay = stack.plan.schedules.get(_RELAY)
    if relay is None or all(deployment.name != relay.deployment for deployment in stack.running):
        return
    health = Health(stack.credentials, stack.addresses.deployment)
    try:
        status = await health.fire(relay, datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        trouble = f"with {status}" if status >= 300 else None
    except (httpx2.TransportError, NoToken) as error:
        trouble = f"not at all ({error})"
    finally:
        await health.aclose()
    if trouble:
        _say(f"  {_RELAY} answered its first tick {trouble}; its log is in {stack.options.state / 'logs'}")


async def _run(arguments: argparse.Namespace) -> int:
    from local.supervisor.addresses import Addresses
    from local.supervisor.child import CannotStart
    from local.supervisor.plan import Plan
    from local.supervisor.stack import Stack

    options = _options(arguments)
    plan = Plan.read(options.catalogue, options.root)
    try:
        addresses = Addresses.choose(plan, options.port, os.environ, arguments.host)
    except OSError as error:
        raise (taken_port(options.port) if error.errno == errno.EADDRINUSE else Obstacle(str(error))) from error
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _say(f"AgentHub starts; its state is in {options.state}")
    stack = Stack(options, addresses, plan, _say)
    living = asyncio.create_task(_live(stack, demo=arguments.demo))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not living.done():
            _say("\nAgentHub stops …")
            return 0
        living.result()
    except CannotStart as error:
        print(f"\nAgentHub cannot go on: {error}", file=sys.stderr)
        return 1
    finally:
        stopping.cancel()
        living.cancel()
        with contextlib.suppress(asyncio.CancelledError, CannotStart):
            await living
        await stack.stop()
    return 1


async def _live(stack: "Stack", *, demo: bool) -> None:
    await stack.start()
    await _finish_start(stack)
    life = await _begin_life(stack) if demo else None
    try:
        await stack.failure()
    finally:
        if life is not None and life.returncode is None:
            life.terminate()
            await life.wait()


async def _begin_life(stack: "Stack") -> asyncio.subprocess.Process:
    """Play the demo's data beside the stack, in a process of its own that says how far it is."""
    _say("\nThe demo's data comes now; everything answers meanwhile.")
    command = ["-m", "local.life", "--attached", "--state", str(stack.options.state)]
    return await asyncio.create_subprocess_exec(sys.executable, *command, cwd=_REPOSITORY)


def main() -> int:
    """Run until Ctrl-C or SIGTERM; the exit code says whether that was wanted."""
    arguments = _arguments()
    if arguments.attached:
        die_with_parent()
    try:
        need_modules()
        with lock_state(arguments.state):
            return asyncio.run(_run(arguments))
    except Obstacle as obstacle:
        print(obstacle, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

"""Commands of the local scheduler: `run` the catalogue's schedules, or `tick NAME` to fire one now."""

import argparse
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from local.deployments import add_options, read_catalogue
from local.oidc import Tokens
from local.process import announce, die_with_parent, wait_for_stop
from local.scheduler.clockwork import Clockwork, now
from local.scheduler.jobs import ScheduleError, account, jobs, rfc3339, succeeded
from local.scheduler.stack import NoStack, read

_CATALOGUE = Path(__file__).parents[2] / "infra" / "catalogue.yaml"


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command and its options."""
    parser = argparse.ArgumentParser(prog="local.scheduler", description="Cloud Scheduler on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the catalogue's schedules until stopped")
    add_options(run)
    run.set_defaults(catalogue=_CATALOGUE)
    run.add_argument("--backoff", type=float, default=5.0, help="seconds before the first retry (default: %(default)s)")
    tick = commands.add_parser("tick", help="fire one schedule now, on the running stack")
    tick.add_argument("name", help="name of a schedule in the catalogue")
    tick.add_argument("--at", type=moment, help="schedule time, RFC 3339, such as 2027-01-01T00:10Z (default: now)")
    tick.add_argument("--state", type=Path, default=Path(".agenthub"), help="state of the stack (default: %(default)s)")
    tick.add_argument("--catalogue", type=Path, default=_CATALOGUE, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.command == "run" and not (options.identity and options.credentials):
        run.error("--identity and --credentials are needed")
    return options


def moment(text: str) -> datetime:
    """A moment in RFC 3339, the seconds may be left out, the zone may not."""
    try:
        result = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2027-01-01T00:10Z") from error
    if result.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no zone; write {text}Z for UTC")
    return result.astimezone(UTC)


def run(options: argparse.Namespace) -> int:
    """Run the schedules until SIGTERM."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="scheduler: %(message)s")
    die_with_parent()
    try:
        found = jobs(read_catalogue(options.catalogue), dict(options.address))
    except (ScheduleError, OSError, ValueError) as error:
        return _complain(f"The scheduler cannot start: {error}")
    tokens = Tokens(options.identity, options.credentials)
    clockwork = Clockwork(found, tokens, account(options.project), backoff=options.backoff)
    clockwork.start()
    announce(0)
    wait_for_stop()
    clockwork.stop()
    return 0


def tick(options: argparse.Namespace) -> int:
    """Fire one schedule once; print what was answered; 0 where that is a success."""
    try:
        stack = read(options.state)
        catalogue = read_catalogue(options.catalogue)
        schedule = catalogue.get("schedules", {}).get(options.name)
        if schedule is None:
            names = ", ".join(sorted(catalogue.get("schedules", {})))
            return _complain(f"There is no schedule {options.name!r}; there are: {names}.")
        job = jobs({**catalogue, "schedules": {options.name: schedule}}, stack.deployments)[0]
    except (NoStack, ScheduleError, OSError, ValueError) as error:
        return _complain(str(error))
    at = options.at or now()
    answer = job.fire(at, Tokens(stack.identity, stack.credentials), account(stack.project))
    if not answer.status:
        return _complain(f"{options.name} got no answer ({answer.body}). Does the stack still run? (`nox -s serve`)")
    print(f"{options.name} for {rfc3339(at)}: {answer.status}")
    if answer.body:
        print(answer.body)
    return 0 if succeeded(answer) else 1


def _complain(text: str) -> int:
    print(text, file=sys.stderr)
    return 1


def main() -> None:
    """Run the command that is named."""
    options = parse()
    sys.exit(run(options) if options.command == "run" else tick(options))


if __name__ == "__main__":
    main()

"""The fault tests in full: nox -s torture. Shows how far it is, prints what was counted, exits with 1 when anything differs."""

import argparse
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

import pytest

from functions.shared.money import format_amount
from tests import engines
from tests.cloud import PROJECT, Cloud, enter_warehouse
from tests.faults import cap, usage

BAR = 30


class Progress:
    """One line for each part, written over while it goes on."""

    def __init__(self) -> None:
        self._part, self._began, self._shown = "", 0.0, 0.0

    def __call__(self, part: str, done: int, of: int) -> None:
        """So much of a part is done."""
        now = time.monotonic()
        if part != self._part:
            self._part, self._began, self._shown = part, now, 0.0
        if done < of and now - self._shown < 1.0:
            return
        self._shown = now
        seconds = now - self._began
        bar = "#" * (BAR * done // max(1, of))
        pace = f"{done / seconds:6.0f}/s" if seconds > 1 else ""
        start, end = ("\r", "") if sys.stdout.isatty() else ("", "\n")
        print(f"{start}  {part:<16} [{bar:<{BAR}}] {done:>7} of {of}  {seconds:5.0f} s {pace}", end=end, flush=True)
        if done >= of and sys.stdout.isatty():
            print()


def count_usage(cloud: Cloud, size: usage.Size, folder: Path, say: usage.Say) -> None:
    """Events to consumers that are killed, then the close that is killed too, then every figure against every other."""
    town, log = usage.found_town(cloud, size, say), folder / "usage.log"
    for deployment in ("billing-usage", "analytics-usage"):
        done = usage.deliver(deployment, town, size, log, say)
        print(
            f"  {deployment}: {done.finished['done']} deliveries done, {done.killed} of its processes killed with "
            f"deliveries in hand, {done.again} delivered again",
            flush=True,
        )
    closed = usage.close(town, size, log, say, kills=min(size.kills, size.workspaces // 3))
    print(f"  billing-close: {closed.finished['done']} workspaces, {closed.killed} processes killed", flush=True)
    sums = usage.check(town)
    print(
        f"  {sums['events']} events: ledger = events = charges = rollups = spend = invoices = "
        f"USD {format_amount(sums['charge_nanos'], 'USD')} to the nano, cost USD {format_amount(sums['cost_nanos'], 'USD')}; "
        f"{sums['entries']} entries, {sums['invoices']} invoices; 0 lost, 0 twice",
        flush=True,
    )


def spend_cap(cloud: Cloud, size: cap.Size, folder: Path, say: usage.Say) -> None:
    """Turns against a cap, in processes that die between hold and settlement."""
    counts = cap.play(cloud, size, folder / "turns.log", say)
    print(
        f"  {counts['turns']} turns: {counts['answered']} answered, {counts['refused']} refused, {counts['busy']} gave up "
        f"since others hold the rest, "
        f"{counts['abandoned']} "
        f"abandoned, {counts['killed']} processes killed, {counts['again']} asked again\n"
        f"  cap {counts['cap']} nanos; spent {counts['spent']} = the sum of the events; at most {counts['most_taken']} spent "
        f"and held at once, in {counts['looks']} looks; no hold counted after its end",
        flush=True,
    )


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--workspaces", type=int, default=20)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--kills", type=int, default=12, help="of processes of each consumer")
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--deaths", type=int, default=20, help="of processes with a turn between hold and settlement")
    parser.add_argument("--only", choices=("cap", "usage"))
    options = parser.parse_args()
    os.environ.setdefault("AGENTHUB_FSYNC", "off")
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        cloud = Cloud(folder / "cloud")
        warehouse = engines.start("bigquery", folder / "bigquery", "--project", PROJECT)
        try:
            cloud.enter(patch)
            enter_warehouse(warehouse, patch)
            say = Progress()
            threads = max(1, -(-options.turns // options.processes))
            if options.only != "usage":
                room = options.turns // 2
                spend_cap(cloud, cap.Size(options.turns, room, options.deaths, options.processes, threads), folder, say)
            if options.only != "cap":
                size = usage.Size(options.events, options.workspaces, options.processes, options.kills)
                count_usage(cloud, size, folder, say)
        except AssertionError as error:
            traceback.print_exc()
            print(f"DIFFERS: {error}", flush=True)
            raise SystemExit(1) from error
        finally:
            cloud.leave()
            cloud.stop()
            warehouse.kill()
    print("Nothing differs.")


if __name__ == "__main__":
    main()

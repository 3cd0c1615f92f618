"""Gives orders to several processes, kills them with SIGKILL while they work, starts others, and orders again what was lost.

It does what Pub/Sub does: an order is given until somebody has said that it is done, so it may be carried out twice.
"""

import contextlib
import json
import os
import random
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.engines import ROOT

Order = dict[str, Any]
Progress = Callable[[int], None]


@dataclass
class Orders:
    """What is still to be done, and what became of the rest."""

    waiting: deque[Order]
    ended: dict[int, str] = field(default_factory=dict)
    """In which way each order ended."""
    killed: int = 0
    """Processes that were killed with orders in hand."""
    again: int = 0
    """Orders that a dead process had in hand, or that were answered with an error: given once more."""
    lost: set[int] = field(default_factory=set)
    """The orders that were in a dead process's hands and are not given again."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    wait: threading.Condition = field(init=False)

    def __post_init__(self) -> None:
        self.wait = threading.Condition(self.lock)

    @property
    def finished(self) -> Counter[str]:
        """How many orders ended in which way."""
        return Counter(self.ended.values())


class Hand:
    """One process with some orders in hand."""

    def __init__(self, kind: str, threads: int, log: IO[str]) -> None:
        # Many are started only to die: what the first one compiled is there for the others, wherever Python may write.
        compiled = str(Path(log.name).parent / "compiled")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.hand", kind, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""},
        )
        self.holds: dict[int, Order] = {}

    def give(self, order: Order) -> None:
        """Hand an order over."""
        self.holds[order["n"]] = order
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def hear(self) -> tuple[Order, str]:
        """The next thing that it says. Raises RuntimeError when it died by itself."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process ended by itself: {self.process.wait()}")
        number, what = line.split()
        return self.holds[int(number)], what

    def kill(self) -> None:
        """SIGKILL, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def work_off(
    kind: str,
    orders: Sequence[Order],
    *,
    processes: int,
    threads: int,
    kills: int,
    log: Path,
    progress: Progress = lambda _: None,
    repeat: Callable[[Order], Order | None] = lambda order: order,
    patience: int = 1000,
    seed: int = 1,
) -> Orders:
    """Have orders carried out by so many processes at once, of which so many are killed on the way.

    `repeat` says as what an order that was lost is given again; None is not at all. An order with `dies` has its process
    killed as soon as it says `held`.
    One that was `busy` so often as `patience` says ends as that. Returns when each order has ended or is lost for good.
    Raises RuntimeError with what a process said when it failed by itself.
    """
    state = Orders(deque(orders))
    chance = random.Random(seed)
    # After so many finished orders somebody is killed, spread over the whole work.
    marks = deque(sorted(chance.sample(range(1, max(len(orders), kills + 2)), kills)))
    failed: list[BaseException] = []

    def run() -> None:
        try:
            while not failed and _shift(kind, state, marks, threads, written, repeat, progress, patience):
                pass
        except BaseException as error:  # noqa: BLE001 - raised below, in the caller's thread
            failed.append(error)
            with state.lock:
                state.wait.notify_all()

    with log.open("a") as written:
        workers = [threading.Thread(target=run) for _ in range(processes)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    if failed:
        raise RuntimeError(f"{failed[0]}\n{log.read_text()[-3000:]}") from failed[0]
    return state


def _shift(
    kind: str,
    state: Orders,
    marks: deque[int],
    threads: int,
    log: IO[str],
    repeat: Callable[[Order], Order | None],
    progress: Progress,
    patience: int,
) -> bool:
    """One process from its start to its death or the end of the work; False when there is nothing left."""
    hand = Hand(kind, threads, log)
    try:
        while True:
            with state.lock:
                while state.waiting and len(hand.holds) < 2 * threads:
                    hand.give(state.waiting.popleft())
            if not hand.holds:
                return False
            order, what = hand.hear()
            if what == "failed":
                raise RuntimeError(f"order {order['n']} failed")
            with state.lock:
                if what != "held":
                    del hand.holds[order["n"]]
                order["tries"] = order.get("tries", 0) + (what == "busy")
                if what == "again" or (what == "busy" and order["tries"] < patience):
                    state.waiting.append(order)
                    state.again += 1
                elif what != "held":
                    state.ended[order["n"]] = what
                ended = len(state.ended)
                progress(ended)
                due = bool(marks) and ended >= marks[0]
                if due:
                    marks.popleft()
                if what == "held":
                    order["held"] = True
                if what == "held" or due:
                    hand.kill()
                    _lost(state, hand, repeat)
                    return True
    finally:
        hand.kill()


def _lost(state: Orders, hand: Hand, repeat: Callable[[Order], Order | None]) -> None:
    state.killed += bool(hand.holds)
    for order in hand.holds.values():
        again = repeat(order)
        if again is None:
            state.lost.add(order["n"])
        else:
            state.waiting.append(again)
            state.again += 1

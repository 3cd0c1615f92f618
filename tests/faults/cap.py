"""Turns at once against a cap, in processes that are killed between a turn's hold and its settlement.

What must come out: the cap was never passed, neither by what is spent nor with what is held; no hold counts after its end;
what is spent is the sum of the events; a turn was counted once, however often it was asked for.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from functions.shared import clock, contracts, events, firestore, metering
from functions.shared.identity import WorkspaceId
from functions.shared.metering import Hold, Spend
from tests.cloud import Cloud
from tests.faults.hands import Order, Orders, work_off
from tests.faults.usage import Say
from tests.functions import rooms

LIFE = timedelta(minutes=30)
"""Longer than the whole run, so that no hold ends on its way: each kill leaves one that lives until somebody looks later."""

MOST, CHARGE = 100, 70
AGENTS = ("agt_a", "agt_b")


@dataclass(frozen=True)
class Size:
    """How many turns at once, for how many there is room, and how many die with a hold."""

    turns: int
    room: int
    deaths: int
    processes: int
    threads: int


@dataclass
class Watched:
    """What was seen of the spend while it moved."""

    looks: int = 0
    most_spent: int = 0
    most_taken: int = 0
    """Spent and held together."""
    passed: list[str] = field(default_factory=list)


def home_with_cap(cloud: Cloud, cap: int) -> WorkspaceId:
    """A workspace that has paid, with a cap and one for an agent."""
    home = cloud.workspace()
    terms = contracts.BillingRead(cap_nanos=cap, paid_once=True, agent_caps={AGENTS[0]: cap * 2 // 3})
    rooms.write(contracts.path(home, "billing", "account"), terms.model_dump())
    return home


def orders(home: WorkspaceId, size: Size, at: datetime) -> list[Order]:
    """The turns; those that die are spread among the first, which surely find room."""
    chance = random.Random(3)
    dying = set(chance.sample(range(max(size.deaths, size.room // 3)), size.deaths))
    return [
        {
            "n": number,
            "workspace": str(home),
            "turn": f"turn-{number}",
            "agent": AGENTS[number % 3 != 0],
            "most": MOST,
            "charge": CHARGE,
            "at": clock.to_text(at),
            "until": clock.to_text(at + LIFE),
            "dies": number in dying,
        }
        for number in range(size.turns)
    ]


def repeated(order: Order) -> Order | None:
    """Who waited for a turn that died asks once more for every second of them; the others have gone away."""
    if order.get("held"):
        return {**order, "dies": False} if order["n"] % 2 else None
    return order


@contextmanager
def watching(home: WorkspaceId, at: datetime, cap: int) -> Iterator[Watched]:
    """Look at the spend all the time, as it stands in the database."""
    seen, over = Watched(), threading.Event()

    def look() -> None:
        while not over.is_set():
            found = firestore.get(metering.spend_path(home, at))
            if found.exists:
                note(seen, Spend.stored(found.data), cap)
            over.wait(0.1)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def note(seen: Watched, spend: Spend, cap: int) -> None:
    """Remember the largest, and whatever is above a cap."""
    taken = spend.spent + sum(hold.amount for hold in spend.holds.values())
    seen.looks += 1
    seen.most_spent = max(seen.most_spent, spend.spent)
    seen.most_taken = max(seen.most_taken, taken)
    if taken > cap:
        seen.passed.append(f"{taken} of {cap}")
    for agent, limit in spend.agent_caps.items():
        own = sum(hold.amount for hold in spend.holds.values() if hold.agent == agent)
        if spend.spent_by_agent.get(agent, 0) + own > limit:
            seen.passed.append(f"{agent}: {spend.spent_by_agent.get(agent, 0)} + {own} of {limit}")


def play(cloud: Cloud, size: Size, log: Path, say: Say) -> dict[str, int]:
    """All of it; returns the counts. AssertionError with what is wrong."""
    cap, at = size.room * CHARGE + MOST - CHARGE, clock.now()
    home = home_with_cap(cloud, cap)
    with watching(home, at, cap) as seen:
        result = work_off(
            "turns",
            orders(home, size, at),
            processes=size.processes,
            threads=size.threads,
            kills=0,
            log=log,
            progress=lambda done: say("turns", done, size.turns),
            repeat=repeated,
            patience=15,
        )
    assert seen.passed == []
    return check(home, size, result, seen, at, cap)


def check(home: WorkspaceId, size: Size, result: Orders, seen: Watched, at: datetime, cap: int) -> dict[str, int]:
    """What is there after the last turn, and again after the last hold's end."""
    month, path = clock.month_of(at), metering.spend_path(home, at)
    spend = Spend.stored(firestore.get(path).data)
    charged = recorded(home)
    assert spend.spent == sum(row["charge_nanos"] for row in charged) <= cap
    assert spend.spent_by_agent == _by_agent(charged)
    assert result.killed >= 1
    # A hold that is left belongs to somebody who died and was not asked for again; it still takes its room.
    lost = {f"turn-{number}" for number in result.lost}
    unexplained = {turn: result.ended.get(int(turn.removeprefix("turn-"))) for turn in set(spend.holds) - lost}
    assert unexplained == {}, f"turns with a hold, and how they ended: {unexplained}"
    note(seen, spend, cap)
    assert seen.passed == []
    later = at + LIFE
    held = sum(hold.amount for hold in spend.holds.values())
    rest = Hold("late", AGENTS[1], False, cap - spend.spent, later, later + LIFE, {})
    if held:
        assert metering.limits.refusal(spend, rest, later - timedelta(microseconds=1)) is not None
    assert metering.limits.refusal(spend, rest, later) is None, "a dead hold takes room"
    assert metering.sweep(home, month, later) == 0
    every = recorded(home)
    after = Spend.stored(firestore.get(path).data)
    abandoned = [row for row in every if row["outcome"] == "abandoned"]
    assert after.holds == {}
    assert {row["event_id"] for row in abandoned} == set(spend.holds)
    assert {row["charge_nanos"] for row in abandoned} <= {0}
    assert after.spent == spend.spent == sum(row["charge_nanos"] for row in every)
    assert len({row["event_id"] for row in every}) == len(every)
    told = firestore.find(firestore.Query(contracts.path(home, "conversations")))
    assert {one.data["turn"] for one in told} == {row["event_id"] for row in charged}
    assert sum(result.finished.values()) + len(result.lost) == size.turns
    return {
        "turns": size.turns,
        "answered": len(charged),
        "refused": result.finished["refused"],
        "busy": result.finished["busy"],
        "abandoned": len(abandoned),
        "killed": result.killed,
        "again": result.again,
        "looks": seen.looks,
        "spent": spend.spent,
        "most_taken": seen.most_taken,
        "cap": cap,
    }


def recorded(home: WorkspaceId) -> list[dict[str, Any]]:
    """Every usage event of the workspace."""
    today = clock.day_of(clock.now())
    days = {clock.day_of(clock.start_of_day(today) - timedelta(days=back)) for back in (0, 1)}
    return [event.row for day in sorted(days) for event in events.of_day(home, day)]


def _by_agent(rows: list[dict[str, Any]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["agent_id"]] = sums.get(row["agent_id"], 0) + row["charge_nanos"]
    return sums

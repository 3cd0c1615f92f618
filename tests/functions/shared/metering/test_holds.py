"""Holds under any interleaving: turns, rivals, crashes at every step, dead holds, sweeps, caps that move."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from functions.shared.errors import CapReached, Problem, TooMany, Unavailable
from functions.shared.metering import holds
from functions.shared.metering.holds import Add
from functions.shared.metering.limits import Hold, Spend

START = datetime(2026, 11, 30, 23, 50, tzinfo=UTC)
LIFE = timedelta(seconds=180)


class Store:
    """A database of one spend document, its events and its turns, where a commit happens whole or not at all."""

    def __init__(self, cap: int | None) -> None:
        self.document: dict[str, Any] = {"cap_nanos": cap, "spent_nanos": 0, "cost_nanos": 0, "holds": {}}
        self.version = 0
        self.events: dict[str, dict[str, Any]] = {}
        self.turns: dict[str, str] = {}

    def spend(self) -> Spend:
        return Spend.stored(self.document)

    def apply(self, change: holds.Change) -> bool:
        if any(row["event_id"] in self.events for row in change.events):
            return False
        for path, value in change.fields.items():
            target = self.document
            for part in path[:-1]:
                target = target.setdefault(part, {})
            if value is None:
                target.pop(path[-1], None)
            elif isinstance(value, Add):
                target[path[-1]] = target.get(path[-1], 0) + value.by
            else:
                target[path[-1]] = value
        for row in change.events:
            self.events[row["event_id"]] = dict(row)
        self.version += 1
        return True


class Turn:
    """One running turn: what it read, what it holds, and how far its settlement has come."""

    def __init__(self, hold: Hold, charge: int, version: int, spend: Spend) -> None:
        self.hold, self.charge, self.version, self.spend = hold, charge, version, spend
        self.granted = False
        self.steps: Any = None
        self.answer: Any = None
        self.final: Any = None

    def row(self) -> dict[str, Any]:
        return holds.sealed({**self.hold.row, "outcome": "completed", "output_tokens": 7, **self.money()})

    def money(self) -> dict[str, int]:
        return {"cost_nanos": self.charge // 2, "charge_nanos": self.charge}


class Metering(RuleBasedStateMachine):
    """Every rule is one atomic step of somebody; hypothesis chooses who moves next."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.store = Store(1000)
        self.highest_cap = 1000
        self.turns: list[Turn] = []
        self.number = 0

    def at(self, index: int, **wanted: bool) -> Turn | None:
        fitting = [
            turn
            for turn in self.turns
            if all(
                {"granted": turn.granted, "settling": turn.steps is not None, "done": turn.final is not None}[k] == v
                for k, v in wanted.items()
            )
        ]
        return fitting[index % len(fitting)] if fitting else None

    @rule(amount=st.integers(1, 600), share=st.integers(0, 100), visitor=st.booleans())
    def a_turn_reads(self, amount: int, share: int, visitor: bool) -> None:
        self.number += 1
        name = f"t{self.number}"
        row = {"event_id": name, "type": "turn", "occurred_at": "2026-11-30T23:50:00.000000Z"}
        hold = Hold(name, "a1", visitor, amount, self.now, self.now + LIFE, row)
        self.turns.append(Turn(hold, amount * share // 100, self.store.version, self.store.spend()))

    @precondition(lambda self: any(not turn.granted for turn in self.turns))
    @rule(index=st.integers(0, 99))
    def a_turn_asks_for_room(self, index: int) -> None:
        turn = self.at(index, granted=False)
        assert turn is not None
        try:
            change = holds.reservation(turn.spend, turn.hold, self.now)
        except Problem as problem:
            if turn.version == self.store.version:
                self.check_refusal(turn, problem)
            self.turns.remove(turn)
            return
        if turn.version != self.store.version:
            turn.version, turn.spend = self.store.version, self.store.spend()
            return
        assert self.store.apply(change)
        turn.granted = True
        spend = self.store.spend()
        room = spend.limit
        assert room is not None
        assert spend.spent + sum(hold.amount for hold in spend.live(self.now)) <= room or not turn.hold.lives(self.now)

    def check_refusal(self, turn: Turn, problem: Problem) -> None:
        spend = self.store.spend()
        held = sum(hold.amount for hold in spend.live(self.now))
        assert spend.limit is not None
        if isinstance(problem, CapReached):
            assert spend.spent + turn.hold.amount > spend.limit
        elif problem.code == "cap_busy":
            assert isinstance(problem, Unavailable)
            assert held > 0
        else:
            assert isinstance(problem, TooMany)
            assert turn.hold.visitor

    @precondition(lambda self: any(turn.granted and turn.steps is None for turn in self.turns))
    @rule(index=st.integers(0, 99))
    def a_turn_begins_to_settle(self, index: int) -> None:
        turn = self.at(index, granted=True, settling=False)
        assert turn is not None
        turn.steps, turn.answer = holds.settlement(turn.hold, turn.row(), self.now), None

    @precondition(lambda self: any(turn.steps is not None for turn in self.turns))
    @rule(index=st.integers(0, 99), crash=st.booleans())
    def a_settlement_takes_a_step(self, index: int, crash: bool) -> None:
        turn = self.at(index, settling=True)
        assert turn is not None
        try:
            step = turn.steps.send(turn.answer)
        except StopIteration as end:
            turn.final, turn.steps = end.value, None
            self.turns.remove(turn)
            self.check_settled(turn)
            return
        match step:
            case holds.Commit(change):
                turn.answer = self.store.apply(change)
                written = turn.answer
            case holds.Guarded(decide):
                decided = decide(self.store.spend(), self.store.events.get(turn.hold.turn), self.now)
                written = decided is not None and self.store.apply(decided)
                turn.answer = written or decided is None
            case holds.ReadEvent(event_id):
                turn.answer, written = self.store.events.get(event_id), False
        if written:
            self.store.turns[turn.hold.turn] = "text"
        if crash:
            # The outcome of the step never came back; the same turn starts its settlement again.
            turn.steps = None

    def check_settled(self, turn: Turn) -> None:
        assert self.store.turns[turn.hold.turn] == "text"
        with_usage = [
            row
            for name, row in self.store.events.items()
            if name.split(".")[0] == turn.hold.turn and row.get("output_tokens") == 7
        ]
        assert len(with_usage) == 1
        assert turn.hold.turn not in self.store.document["holds"]

    @precondition(lambda self: any(turn.granted for turn in self.turns))
    @rule(index=st.integers(0, 99))
    def a_process_dies(self, index: int) -> None:
        turn = self.at(index, granted=True)
        assert turn is not None
        self.turns.remove(turn)

    @rule(seconds=st.sampled_from([1, 20, 100, 149, 160, 181]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def somebody_sweeps(self) -> None:
        assert self.store.apply(holds.sweeping(self.store.spend(), self.now))

    @rule(cap=st.integers(0, 3000))
    def the_cap_moves(self, cap: int) -> None:
        self.store.document["cap_nanos"] = cap
        self.highest_cap = max(self.highest_cap, cap)
        self.store.version += 1

    @invariant()
    def nothing_is_spent_beyond_the_highest_cap(self) -> None:
        assert self.store.document["spent_nanos"] <= self.highest_cap

    @invariant()
    def spend_is_the_sum_of_the_events(self) -> None:
        rows = self.store.events.values()
        assert self.store.document["spent_nanos"] == sum(row["charge_nanos"] for row in rows)
        assert self.store.document["cost_nanos"] == sum(row["cost_nanos"] for row in rows)

    @invariant()
    def no_hold_outlives_its_event(self) -> None:
        assert not set(self.store.document["holds"]) & set(self.store.events)


TestMetering = Metering.TestCase
TestMetering.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_another_payload_under_the_same_id_is_never_applied() -> None:
    hold = Hold("t1", "a1", False, 60, START, START + LIFE, {"event_id": "t1", "type": "turn"})
    row = holds.sealed({**hold.row, "charge_nanos": 5, "cost_nanos": 4})
    steps = holds.settlement(hold, row, START)
    steps.send(None)
    steps.send(False)
    with pytest.raises(holds.OtherPayload):
        steps.send({"digest": "other", "outcome": "completed"})


AMOUNTS = st.integers(0, 100)


@given(
    st.none() | AMOUNTS,
    st.none() | AMOUNTS,
    st.none() | AMOUNTS,
    AMOUNTS,
    st.lists(AMOUNTS, max_size=3),
    AMOUNTS,
    AMOUNTS,
)
def test_what_is_charged_without_a_hold_passes_no_cap_and_leaves_live_holds_their_room(
    cap: int | None, trial: int | None, agent_cap: int | None, spent: int, held: list[int], extra: int, charge: int
) -> None:
    live = {
        f"t{number}": Hold(f"t{number}", "a1", False, amount, START, START + LIFE, {})
        for number, amount in enumerate(held)
    }
    dead = {"old": Hold("old", "a1", False, 10_000, START - 2 * LIFE, START - LIFE, {})}
    caps = {} if agent_cap is None else {"a1": agent_cap}
    spend = Spend(
        cap=cap,
        trial=trial,
        allowance=extra,
        agent_caps=caps,
        spent=spent,
        spent_by_agent={"a1": spent},
        holds=live | dead,
    )
    row = {"event_id": "c1", "agent_id": "a1", "cost_nanos": 0, "charge_nanos": charge}
    change = holds.unheld(spend, row, START)
    charged = change.events[0]["charge_nanos"]
    assert change.fields[("spent_nanos",)] == change.fields[("spent_by_agent", "a1")] == Add(charged)
    assert 0 <= charged <= charge
    limits = [limit for limit in (None if cap is None else cap + extra, trial, agent_cap) if limit is not None]
    taken = spent + sum(held)
    for limit in limits:
        assert charged == 0 or taken + charged <= limit
    # Nothing is given away while there is room.
    assert charged == charge or any(taken + charged >= limit for limit in limits)


def test_a_period_that_is_over_takes_nothing_more_but_what_it_holds_still_settles() -> None:
    row = {"event_id": "t", "agent_id": "a1", "type": "turn", "occurred_at": "2026-11-30T23:50:00.000000Z"}
    hold = Hold("t", "a1", False, 10, START, START + LIFE, row)
    over = Spend(cap=100, over=True)
    for asked in (
        lambda: holds.reservation(over, hold, START),
        lambda: holds.unheld(over, {**row, "cost_nanos": 0, "charge_nanos": 1}, START),
    ):
        with pytest.raises(Unavailable) as refused:
            asked()
        assert (refused.value.code, refused.value.headers["Retry-After"]) == ("cap_busy", "1")
    step = next(holds.settlement(hold, holds.sealed({**row, "cost_nanos": 1, "charge_nanos": 2}), START))
    assert isinstance(step, holds.Commit)
    assert step.change.fields[("spent_nanos",)] == Add(2)

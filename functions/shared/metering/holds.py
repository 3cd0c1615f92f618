"""The algorithm of holds, pure: what a hold, a settlement and a sweep read, decide and write, and in which order.

Before a model is called, a hold of the turn's highest price stands in the spend document; the turn's commit replaces it
by the charge. A hold lives until `expires_at` and counts only while it lives, so nothing has to run to free it. Whoever
writes there next turns a dead hold into an event `abandoned` of charge 0. Settlement and sweep meet at the create-
precondition of that one event, so a turn is counted once, whichever comes first:

- settlement first: it takes its hold away in the same commit, so a sweep finds none;
- sweep first: the settlement meets ALREADY_EXISTS, finds `abandoned`, and writes its usage and cost as a correction
  `{turn}.1` of charge 0. The room of a dead hold has been given to others: charging it now could pass the cap.

A settlement near its hold's end could add a charge whose room others already have, so from `GUARDED` before the end it
reads in a transaction whether the hold still lives.

Nothing here touches a database or a clock. `settlement` is a generator of steps; `spend` carries them out on Firestore,
the property tests carry them out in memory and stop at every one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from functions.shared import clock, contracts, digests
from functions.shared.errors import Unavailable
from functions.shared.metering.limits import Hold, Spend, refusal, room

GUARDED = timedelta(seconds=30)
"""How long before its hold's end a settlement begins to look whether the hold still lives."""

SWEEP_AT_ONCE = 20
"""Dead holds that one commit turns into events; the next writer takes the next ones."""

FieldPath = tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """Writes that happen together: fields of the spend document (`Add`, or None to delete), and events to create."""

    fields: Mapping[FieldPath, Any]
    events: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Add:
    """Add to an integer field, whatever it holds."""

    by: int


def _check_runs(spend: Spend) -> None:
    """Who began just before a month's end and comes just after it asks again, and is in the next one."""
    if spend.over:
        raise Unavailable("The month has ended at this moment. Try again.", retry_after=1, code="cap_busy")


def unheld(spend: Spend, row: Mapping[str, Any], now: datetime) -> Change:
    """The writes of an event that no hold went before, charged as far as the caps leave room: none is ever passed.

    Raises Unavailable (`cap_busy`) in a period that is over.
    """
    _check_runs(spend)
    left = room(spend, row["agent_id"], now)
    charge = row["charge_nanos"] if left is None else min(row["charge_nanos"], left)
    fields: dict[FieldPath, Any] = {
        ("spent_nanos",): Add(charge),
        ("cost_nanos",): Add(row["cost_nanos"]),
        ("spent_by_agent", row["agent_id"]): Add(charge),
    }
    return Change(fields, (sealed(row, charge),))


def reservation(spend: Spend, ask: Hold, now: datetime) -> Change:
    """The writes that take room for `ask`, dead holds swept along; raises the refusal when there is no room, and
    Unavailable (`cap_busy`) in a period that is over."""
    _check_runs(spend)
    problem = refusal(spend, ask, now)
    if problem is not None:
        raise problem
    swept = sweeping(spend, now)
    return Change({**swept.fields, ("holds", ask.turn): ask.document()}, swept.events)


def dead_now(spend: Spend, now: datetime) -> list[Hold]:
    """The dead holds that one sweep takes: the oldest SWEEP_AT_ONCE of them."""
    return sorted(spend.dead(now), key=lambda hold: hold.expires_at)[:SWEEP_AT_ONCE]


def sweeping(spend: Spend, now: datetime, recorded: Collection[str] = ()) -> Change:
    """The writes that turn dead holds into events `abandoned`; of turns in `recorded`, whose event is there already,
    only the hold goes."""
    dead = dead_now(spend, now)
    return Change(
        {("holds", hold.turn): None for hold in dead},
        tuple(abandoned(hold) for hold in dead if hold.turn not in recorded),
    )


def abandoned(hold: Hold) -> dict[str, Any]:
    """The event of a turn that nobody settled in time: buckets pending, cost and charge 0 until known."""
    return sealed(
        {
            **hold.row,
            "outcome": "abandoned",
            "estimated": False,
            **dict.fromkeys(contracts.BUCKETS),
            "cost_nanos": 0,
            "charge_nanos": 0,
            "recorded_at": clock.to_text(hold.expires_at),
        }
    )


def correction(row: Mapping[str, Any], charge: int = 0) -> dict[str, Any]:
    """The event that brings what the event of `row` lacks; that of a turn that was swept before it settled charges nothing."""
    named = {"event_id": f"{row['event_id']}.1", "type": "correction", "corrects": row["event_id"]}
    return sealed({**row, **named}, charge)


def sealed(row: Mapping[str, Any], charge: int | None = None) -> dict[str, Any]:
    """The row with its digest, which names the row's content for ever."""
    complete = dict(row) if charge is None else {**row, "charge_nanos": charge}
    complete["digest"] = digests.leaf(complete)
    return complete


def charged(hold: Hold, row: Mapping[str, Any]) -> Change:
    """The blind writes that replace the hold by the charge, and the turn's event."""
    charge = row["charge_nanos"]
    fields: dict[FieldPath, Any] = {
        ("spent_nanos",): Add(charge),
        ("cost_nanos",): Add(row["cost_nanos"]),
        ("turns",): Add(1),
        ("spent_by_agent", hold.agent): Add(charge),
        ("holds", hold.turn): None,
    }
    if hold.visitor:
        fields[("visitor_hours", hold.hour)] = Add(charge)
        fields[("visitor_days", hold.day)] = Add(charge)
    return Change(fields, (row,))


@dataclass(frozen=True)
class Commit:
    """Carry out a change together with the turn's own documents; send back True, or False on ALREADY_EXISTS."""

    change: Change


@dataclass(frozen=True)
class Guarded:
    """In one transaction, read the spend document and the turn's event and carry out what `decide` says, together with
    the turn's own documents; None means that it was done before. Send back True, or False on ALREADY_EXISTS."""

    decide: Callable[[Spend, Mapping[str, Any] | None, datetime], Change | None]


@dataclass(frozen=True)
class ReadEvent:
    """Read a stored event; send back its row, or None."""

    event_id: str


Step = Commit | Guarded | ReadEvent


def settlement(hold: Hold, row: Mapping[str, Any], now: datetime) -> Generator[Step, Any, Mapping[str, Any]]:
    """The steps that end a turn, exactly once; returns the event that stands for it (`row`, or its correction).

    `row` is sealed and complete. Safe to run again from the start after a crash at any step. Raises OtherPayload when
    another payload stands under the same id: that one is never overwritten.
    """
    late_row = correction(row)
    # The cost is ours to bear; the spend document counts it, as the rollups do.
    uncharged = Change({("cost_nanos",): Add(row["cost_nanos"])}, (late_row,))
    if now >= hold.expires_at - GUARDED:
        done = row

        def decide(spend: Spend, event: Mapping[str, Any] | None, moment: datetime) -> Change | None:
            nonlocal done
            done = row
            mine = spend.holds.get(hold.turn)
            if event is not None:
                if event["digest"] == row["digest"]:
                    return None
                if event["outcome"] != "abandoned":
                    raise OtherPayload(hold.turn)
                done = late_row
                return uncharged
            if mine is not None and mine.lives(moment):
                return charged(hold, row)
            done = late_row
            return Change({**uncharged.fields, ("holds", hold.turn): None}, (abandoned(hold), late_row))

        if (yield Guarded(decide)):
            return done
    elif (yield Commit(charged(hold, row))):
        return row
    stored = yield ReadEvent(hold.turn)
    if stored is not None and stored["digest"] == row["digest"]:
        return row
    if stored is None or stored["outcome"] != "abandoned":
        raise OtherPayload(hold.turn)
    if (yield Commit(uncharged)):
        return late_row
    stored = yield ReadEvent(late_row["event_id"])
    if stored is not None and stored["digest"] == late_row["digest"]:
        return late_row
    raise OtherPayload(late_row["event_id"])


class OtherPayload(Exception):
    """An event of this id says something else; it stands, and the new payload is not applied (MONEY 1)."""

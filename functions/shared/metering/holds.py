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

from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from functions.shared import clock, contracts, digests
from functions.shared.credit import credit_at
from functions.shared.errors import CapReached, Problem, TooMany, Unavailable

GUARDED = timedelta(seconds=30)
"""How long before its hold's end a settlement begins to look whether the hold still lives."""

SWEEP_AT_ONCE = 20
"""Dead holds that one commit turns into events; the next writer takes the next ones."""

FieldPath = tuple[str, ...]


@dataclass(frozen=True)
class Hold:
    """Room taken for one turn. `amount` is the turn's highest price in nanos; `row` is the event's beginning."""

    turn: str
    agent: str
    visitor: bool
    amount: int
    occurred_at: datetime
    expires_at: datetime
    row: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """As it is stored in the map `holds`."""
        return {
            "agent": self.agent,
            "visitor": self.visitor,
            "amount": self.amount,
            "occurred_at": self.occurred_at,
            "expires_at": self.expires_at,
            "row": dict(self.row),
        }

    @classmethod
    def stored(cls, turn: str, document: Mapping[str, Any]) -> Hold:
        """The inverse of `document`."""
        return cls(
            turn,
            document["agent"],
            document["visitor"],
            document["amount"],
            document["occurred_at"],
            document["expires_at"],
            document["row"],
        )

    def lives(self, now: datetime) -> bool:
        """Whether it counts at this moment."""
        return now < self.expires_at

    @property
    def hour(self) -> str:
        """Key of the UTC hour it belongs to, for the visitors' share."""
        return self.occurred_at.strftime("%dT%H")

    @property
    def day(self) -> str:
        """Key of the UTC day it belongs to, for the visitors' share."""
        return self.occurred_at.strftime("%d")


@dataclass(frozen=True)
class Spend:
    """What one period has spent, its caps and its holds. All amounts in nanos of `currency`; None is no cap."""

    currency: str = "USD"
    cap: int | None = None
    trial: int | None = None
    allowance: int = 0
    credit: int = 0
    credit_ends: Mapping[str, int] = field(default_factory=dict)
    credit_apart: int = 0
    agent_caps: Mapping[str, int] = field(default_factory=dict)
    visitor_hour_permille: int = 100
    visitor_day_permille: int = 250
    spent: int = 0
    spent_by_agent: Mapping[str, int] = field(default_factory=dict)
    visitor_hours: Mapping[str, int] = field(default_factory=dict)
    visitor_days: Mapping[str, int] = field(default_factory=dict)
    holds: Mapping[str, Hold] = field(default_factory=dict)
    over: bool = False
    """Whether a later period has begun, which counted what this one may still charge: nothing may be added to it."""

    @classmethod
    def stored(cls, document: Mapping[str, Any]) -> Spend:
        """From the document's fields."""
        return cls(
            currency=document.get("currency", "USD"),
            cap=document.get("cap_nanos"),
            trial=document.get("trial_nanos"),
            allowance=document.get("allowance_nanos", 0),
            credit=document.get("credit_nanos", 0),
            credit_ends=document.get("credit_ends", {}),
            credit_apart=document.get("credit_apart_nanos", 0),
            agent_caps=document.get("agent_caps", {}),
            visitor_hour_permille=document.get("visitor_hour_permille", 100),
            visitor_day_permille=document.get("visitor_day_permille", 250),
            spent=document.get("spent_nanos", 0),
            spent_by_agent=document.get("spent_by_agent", {}),
            visitor_hours=document.get("visitor_hours", {}),
            visitor_days=document.get("visitor_days", {}),
            holds={turn: Hold.stored(turn, hold) for turn, hold in document.get("holds", {}).items()},
            over=document.get("over", False),
        )

    def afterwards(self) -> Spend:
        """The same for what comes to light of a month when it is over: what was left of its credit and trial is the next
        months' by then, and makes no room."""
        trial = None if self.trial is None else 0
        return replace(self, credit=0, credit_ends={}, credit_apart=0, trial=trial, over=False)

    @property
    def limit(self) -> int | None:
        """The cap that is in force: the smaller of the owner's and the trial's."""
        caps = [cap for cap in (self.cap, self.trial) if cap is not None]
        return min(caps) if caps else None

    def credit_at(self, now: datetime) -> int:
        """The credit that counts at this moment (shared/credit)."""
        return credit_at(self.credit, self.credit_ends, self.credit_apart, now)

    def counted_on(self, now: datetime) -> int:
        """What of the credit turns were let in on, and invoices of earlier months may take: paid back, it would pay none of
        them. Without a cap no turn rests on credit."""
        if self.cap is None:
            return 0
        used = self.spent + sum(hold.amount for hold in self.live(now))
        return max(0, used - self.cap - self.allowance) + self.credit_apart

    def live(self, now: datetime) -> list[Hold]:
        """The holds that count now."""
        return [hold for hold in self.holds.values() if hold.lives(now)]

    def dead(self, now: datetime) -> list[Hold]:
        """The holds that no longer count and have no event yet."""
        return [hold for hold in self.holds.values() if not hold.lives(now)]


@dataclass(frozen=True)
class Change:
    """Writes that happen together: fields of the spend document (`Add`, or None to delete), and events to create."""

    fields: Mapping[FieldPath, Any]
    events: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Add:
    """Add to an integer field, whatever it holds."""

    by: int


@dataclass(frozen=True)
class Limit:
    """One limit on the way of a hold: how much room it makes, what is spent and held of it, and the refusal when spent
    alone leaves no room for the turn. `of` is what its owner set; a share of visitors has the span that it is counted in.
    """

    name: str
    of: int
    room: int
    spent: int
    held: int
    full: Problem
    span: str = ""
    permille: int = 1000


def _limits(spend: Spend, ask: Hold, now: datetime) -> Iterator[Limit]:
    """What limits this hold, in the order in which it is tested."""
    others = [hold for hold in spend.live(now) if hold.turn != ask.turn]
    everything = sum(hold.amount for hold in others)
    limit = spend.limit
    full: Problem
    if spend.cap is not None:
        full = CapReached("The workspace's spending cap for this month is reached. An owner can raise it.")
        room = spend.cap + spend.allowance + spend.credit_at(now)
        yield Limit("cap", spend.cap, room, spend.spent, everything, full)
    if spend.trial is not None:
        # In all: what an unpaid plan includes does not come on top (MONEY 15).
        full = CapReached("What a workspace may spend before its first payment is used up.")
        yield Limit("trial", spend.trial, spend.trial, spend.spent, everything, full)
    agent_cap = spend.agent_caps.get(ask.agent)
    if agent_cap is not None:
        held = sum(hold.amount for hold in others if hold.agent == ask.agent)
        full = CapReached("This agent's spending cap for this month is reached. An owner can raise it.")
        yield Limit("agent", agent_cap, agent_cap, spend.spent_by_agent.get(ask.agent, 0), held, full)
    if ask.visitor and limit is not None:
        visitors = [hold for hold in others if hold.visitor]
        for permille, spent, key, seconds in (
            (spend.visitor_hour_permille, spend.visitor_hours, "hour", 3600),
            (spend.visitor_day_permille, spend.visitor_days, "day", 86400),
        ):
            span = getattr(ask, key)
            held = sum(hold.amount for hold in visitors if getattr(hold, key) == span)
            wait = seconds - int(now.timestamp()) % seconds
            over = TooMany(
                f"Visitors have used their share of the cap for this {key}.", retry_after=wait, code="visitor_share"
            )
            room = limit * permille // 1000
            yield Limit(key, limit, room, spent.get(span, 0), held, over, span, permille)


def _in_the_way(spend: Spend, ask: Hold, now: datetime) -> tuple[Limit, bool] | None:
    """The first limit that leaves this hold no room, and whether what is spent alone takes it."""
    for limit in _limits(spend, ask, now):
        if limit.spent + ask.amount > limit.room:
            return limit, True
        if limit.spent + limit.held + ask.amount > limit.room:
            return limit, False
    return None


def met(spend: Spend, ask: Hold, now: datetime) -> Limit | None:
    """The limit for which this hold is refused by what is spent alone."""
    limit, spent = _in_the_way(spend, ask, now) or (None, False)
    return limit if spent else None


def refusal(spend: Spend, ask: Hold, now: datetime) -> Problem | None:
    """Why there is no room for this hold now, or None when there is.

    402 only when what is spent already leaves no room for the turn; when it is other turns' holds that take it, 503,
    because they may end below their highest price. Visitors' share over: 429 until the hour or the day ends.
    """
    found = _in_the_way(spend, ask, now)
    if found is None:
        return None
    limit, spent = found
    if spent:
        return limit.full
    return Unavailable(
        "Other conversations hold the rest of the cap at this moment. Try again.", retry_after=2, code="cap_busy"
    )


def room(spend: Spend, agent: str, now: datetime) -> int | None:
    """What may still be charged for an agent without a hold, live holds left alone, in nanos; None without any cap."""
    live = spend.live(now)
    everything = spend.spent + sum(hold.amount for hold in live)
    left: list[int] = []
    if spend.cap is not None:
        left.append(spend.cap + spend.allowance + spend.credit_at(now) - everything)
    if spend.trial is not None:
        left.append(spend.trial - everything)
    if agent in spend.agent_caps:
        own = spend.spent_by_agent.get(agent, 0) + sum(hold.amount for hold in live if hold.agent == agent)
        left.append(spend.agent_caps[agent] - own)
    return max(0, min(left)) if left else None


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

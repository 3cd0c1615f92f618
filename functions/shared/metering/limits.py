"""How much room there is for a turn, pure: what a period has spent and holds, its caps, and the limit that refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from functions.shared.credit import credit_at
from functions.shared.errors import CapReached, Problem, TooMany, Unavailable


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

    def above_cap(self, now: datetime) -> bool:
        """Whether what is spent and held is more than the cap lets in at this moment; never without a cap."""
        return self.cap is not None and self.used(now) > self.cap + self.allowance + self.credit_at(now)

    def counted_on(self, now: datetime) -> int:
        """What of the credit turns were let in on, and invoices of earlier months may take: paid back, it would pay none of
        them. Without a cap no turn rests on credit."""
        if self.cap is None:
            return 0
        return max(0, self.used(now) - self.cap - self.allowance) + self.credit_apart

    def live(self, now: datetime) -> list[Hold]:
        """The holds that count now."""
        return [hold for hold in self.holds.values() if hold.lives(now)]

    def used(self, now: datetime) -> int:
        """What is spent and held at this moment."""
        return self.spent + sum(hold.amount for hold in self.live(now))

    def dead(self, now: datetime) -> list[Hold]:
        """The holds that no longer count and have no event yet."""
        return [hold for hold in self.holds.values() if not hold.lives(now)]


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
    everything = spend.used(now)
    left: list[int] = []
    if spend.cap is not None:
        left.append(spend.cap + spend.allowance + spend.credit_at(now) - everything)
    if spend.trial is not None:
        left.append(spend.trial - everything)
    if agent in spend.agent_caps:
        own = spend.spent_by_agent.get(agent, 0) + sum(hold.amount for hold in live if hold.agent == agent)
        left.append(spend.agent_caps[agent] - own)
    return max(0, min(left)) if left else None

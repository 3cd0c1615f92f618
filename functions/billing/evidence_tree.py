"""Sums and digests of the usage under an invoice, by line and by hour, day and month; pure, made in one pass over events.

Who makes the manifest and who verifies it add up with the same code, each from events of their own source.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.billing.charges import Cell
from functions.billing.models import USAGE_LINES, InvoiceLine, Quantities, UsageEvent
from functions.shared import clock
from functions.shared.digests import node

Node = dict[str, Any]


@dataclass
class _Hour:
    leaves: list[str] = field(default_factory=list)
    cost_nanos: int = 0
    charge_nanos: int = 0


@dataclass
class Tree:
    """What happened, by the UTC hour in which it happened."""

    hours: dict[str, _Hour] = field(default_factory=dict)

    def add(self, event: UsageEvent, digest: str) -> None:
        """One event more, with its leaf."""
        hour = self.hours.setdefault(event.hour, _Hour())
        hour.leaves.append(digest)
        hour.cost_nanos += event.cost_nanos
        hour.charge_nanos += event.charge_nanos

    def months(self) -> dict[str, Node]:
        """{month: sums, digest, days: {day: sums, digest, hours: {hour: sums, digest}}}, in order."""
        days: dict[str, dict[str, Node]] = {}
        for name, hour in sorted(self.hours.items()):
            sums = {"count": len(hour.leaves), "cost_nanos": hour.cost_nanos, "charge_nanos": hour.charge_nanos}
            days.setdefault(name[:10], {})[name] = {**sums, "digest": node(hour.leaves)}
        months: dict[str, dict[str, Node]] = {}
        for day, hours in days.items():
            months.setdefault(day[:7], {})[day] = {**_above(hours.values()), "hours": hours}
        return {month: {**_above(own.values()), "days": own} for month, own in months.items()}

    @property
    def digest(self) -> str:
        """The node of its months."""
        return node(month["digest"] for month in self.months().values())


def _above(children: Iterable[Node]) -> Node:
    known = list(children)
    sums = {name: sum(child[name] for child in known) for name in ("count", "cost_nanos", "charge_nanos")}
    return {**sums, "digest": node(child["digest"] for child in known)}


@dataclass
class LineUsage:
    """What one line of usage bills."""

    cell: Cell = field(default_factory=Cell)
    tree: Tree = field(default_factory=Tree)
    leaves: list[str] = field(default_factory=list)


@dataclass
class Usage:
    """The usage under an invoice: `tree` over all of it, and each line by its id."""

    lines: dict[str, LineUsage]
    tree: Tree = field(default_factory=Tree)
    plan_versions: set[str] = field(default_factory=set)

    @classmethod
    def under(cls, lines: Iterable[InvoiceLine]) -> "Usage":
        """Nothing yet, under these lines; those that are no usage do not count."""
        return cls({line.line_id: LineUsage() for line in lines if line.kind in USAGE_LINES})

    def add(self, line_id: str | None, row: Mapping[str, Any], digest: str) -> None:
        """One event more, with its columns and its leaf. Without a line it stands in the tree only."""
        event = UsageEvent.model_validate(row)
        self.tree.add(event, digest)
        self.plan_versions.add(event.plan_version)
        if line_id is not None:
            line = self.lines[line_id]
            line.cell = line.cell.plus(Cell.of(event))
            line.tree.add(event, digest)
            line.leaves.append(digest)

    def line(self, line_id: str) -> Node:
        """Counts, quantities, sums and digest of a line."""
        line = self.lines[line_id]
        return {
            "count": line.cell.count,
            **line.cell.quantities.model_dump(),
            "cost_nanos": line.cell.cost_nanos,
            "charge_nanos": line.cell.charge_nanos,
            "digest": line.tree.digest,
        }

    @property
    def total(self) -> Node:
        """The same over all lines."""
        cells = [line.cell for line in self.lines.values()]
        quantities = sum((cell.quantities for cell in cells), Quantities())
        return {
            "count": sum(cell.count for cell in cells),
            **quantities.model_dump(),
            "cost_nanos": sum(cell.cost_nanos for cell in cells),
            "charge_nanos": sum(cell.charge_nanos for cell in cells),
            "digest": self.tree.digest,
        }


class Membership:
    """Which events a manifest speaks of, so that whoever has more of them finds its own.

    Of the invoice's own month every event that was recorded before the manifest's `recorded_before` and is not named in
    `without`; of earlier months those whose leaves a line of late usage names.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._period = manifest["period"]
        self._before = clock.from_text(manifest["recorded_before"])
        self._without = frozenset(manifest["without"])
        self._own: dict[tuple[str, str, str], str] = {}
        self._late: dict[str, str] = {}
        for line in manifest["lines"]:
            if line["usage"] is None:
                continue
            if line["leaves"] is None:
                self._own[(line["agent_id"], line["model"], line["price_version"])] = line["line_id"]
            else:
                self._late |= dict.fromkeys(line["leaves"], line["line_id"])

    def of(self, row: Mapping[str, Any], digest: str) -> tuple[bool, str | None]:
        """Whether the invoice bills this event, and on which line: None when it has none for it, which is a difference."""
        if digest in self._late:
            return True, self._late[digest]
        own = clock.month_of(_moment(row["occurred_at"])) == self._period
        if not own or _moment(row["recorded_at"]) >= self._before or digest in self._without:
            return False, None
        return True, self._own.get((row["agent_id"], row["model"], row["price_version"]))


def _moment(value: str | datetime) -> datetime:
    return clock.from_text(value) if isinstance(value, str) else value

"""From usage events to tallies by day and period: addition only, in any order, exactly once for each event.

A tally is a document of counters that consumers increment blindly (`increments`). The close adds the day's events up
again (`tally`) with their digests, and the two must agree to the last nano (`difference`).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from functions.billing.models import Key, LedgerEntry, Quantities, Uncharged, UsageEvent
from functions.shared.digests import node
from functions.shared.plans import RESOLVED_TYPE, Meter

# A counter of 32-bit pieces of digests: it holds two thousand million events before it leaves 64 bits.
_FINGERPRINT_DIGITS = 8


class Cell(Quantities, Uncharged):
    """Sums over the events of one agent, model and price version.

    `free_cost_nanos` is what events cost that were not charged. `fingerprint` adds up a piece of each event's digest, so
    two sums over different events differ although all amounts agree. `pending` counts turns whose usage is not fully
    known, less the corrections that state all of it.
    """

    count: int = 0
    pending: int = 0
    cost_nanos: int = 0
    charge_nanos: int = 0
    free_cost_nanos: int = 0
    fingerprint: int = 0

    def plus(self, other: "Cell") -> "Cell":
        """The sum of both."""
        return Cell(**{name: getattr(self, name) + getattr(other, name) for name in Cell.model_fields})

    def minus(self, other: "Cell") -> "Cell":
        """What this one has and the other lacks; negative where it is the other way round."""
        return Cell(**{name: getattr(self, name) - getattr(other, name) for name in Cell.model_fields})

    @property
    def is_zero(self) -> bool:
        """Whether nothing is in it at all."""
        return not any(getattr(self, name) for name in Cell.model_fields)

    @property
    def quantities(self) -> Quantities:
        """The quantities alone."""
        return Quantities(**{name: getattr(self, name) for name in Quantities.model_fields})

    @property
    def uncharged(self) -> Uncharged:
        """What of them was not charged."""
        return Uncharged(**{name: getattr(self, name) for name in Uncharged.model_fields})

    @classmethod
    def of(cls, event: UsageEvent) -> Self:
        """What one event adds."""
        message = event.is_message
        counted = {
            "input_tokens": event.input_tokens or 0,
            "cached_input_tokens": event.cached_input_tokens or 0,
            "output_tokens": event.output_tokens or 0,
            "reasoning_tokens": event.reasoning_tokens or 0,
            "messages": int(message),
            "conversations": int(message and event.new_conversation),
            "resolved_conversations": int(event.type == RESOLVED_TYPE),
        }
        # Where a unit's price is zero this says free, too. Under the plan that charged it that changes nothing, since it
        # is worth nothing at any quantity; under another it would (`repricing`).
        free = event.charge_nanos == 0
        return cls(
            **counted,
            **({f"free_{name}": number for name, number in counted.items()} if free else {}),
            count=1,
            pending=event.pending,
            cost_nanos=event.cost_nanos,
            charge_nanos=event.charge_nanos,
            free_cost_nanos=event.cost_nanos if free else 0,
            fingerprint=int(event.digest[:_FINGERPRINT_DIGITS], 16),
        )


def charged_quantities(parts: Iterable[tuple[str, Cell | LedgerEntry]]) -> dict[str, dict[Meter, int]]:
    """By model and meter what of these parts was charged."""
    found: dict[str, dict[Meter, int]] = {}
    for model, part in parts:
        of = found.setdefault(model, dict.fromkeys(Meter, 0))
        for meter in Meter:
            of[meter] += getattr(part, meter.value) - getattr(part, f"free_{meter.value}")
    return found


class Tally(BaseModel):
    """All cells of one workspace for a day or a period, and the currency they are in."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    currency: str
    cells: dict[Key, Cell]

    @property
    def total(self) -> Cell:
        """The sum of all cells."""
        total = Cell()
        for cell in self.cells.values():
            total = total.plus(cell)
        return total

    @property
    def counted(self) -> dict[str, dict[Meter, int]]:
        """What was charged, by model and meter, as plan terms want it."""
        return charged_quantities((key.model, cell) for key, cell in self.cells.items())

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        keys = sorted(self.cells.keys() | other.cells.keys())
        cells = {key: self.cells.get(key, Cell()).plus(other.cells.get(key, Cell())) for key in keys}
        return Tally(currency=self.currency, cells=cells)

    def to_document(self) -> dict[str, Any]:
        """{"currency", "agents": {agent: {model: {price version: counters}}}}, which is what `increments` adds to."""
        agents: dict[str, Any] = {}
        for key in sorted(self.cells):
            models = agents.setdefault(key.agent_id, {})
            models.setdefault(key.model, {})[key.price_version] = self.cells[key].model_dump()
        return {"currency": self.currency, "agents": agents}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The inverse; counters that a document does not have are zero. Other fields of the document are not read."""
        cells = {
            Key(agent_id=agent, model=model, price_version=version): Cell.model_validate(counters)
            for agent, models in document.get("agents", {}).items()
            for model, versions in models.items()
            for version, counters in versions.items()
        }
        return cls(currency=document["currency"], cells=cells)


def increments(event: UsageEvent) -> dict[str, Any]:
    """What a consumer adds blindly to the day's and the period's document: the nested counters of one event.

    Zeros are left out: an increment by nothing is a cost and changes nothing.
    """
    counters = {name: value for name, value in Cell.of(event).model_dump().items() if value}
    return {"agents": {event.agent_id: {event.model: {event.price_version: counters}}}}


def key_of(event: UsageEvent) -> Key:
    """The cell that an event belongs to."""
    return _key(event.agent_id, event.model, event.price_version)


def _key(agent_id: str, model: str, price_version: str) -> Key:
    return Key(agent_id=agent_id, model=model, price_version=price_version)


def tally(events: Iterable[UsageEvent], currency: str) -> Tally:
    """Add events up, each once. Raises ValueError when one is in another currency or two of one id differ."""
    sums: dict[tuple[str, str, str], dict[str, int]] = {}
    for event in unique(events):
        if event.currency != currency:
            raise ValueError(f"event {event.event_id} is in {event.currency}, not in {currency}")
        into = sums.setdefault((event.agent_id, event.model, event.price_version), dict.fromkeys(Cell.model_fields, 0))
        for name, number in Cell.of(event):
            into[name] += number
    cells = {_key(*names): Cell(**sums[names]) for names in sorted(sums)}
    return Tally(currency=currency, cells=cells)


def unique(events: Iterable[UsageEvent]) -> list[UsageEvent]:
    """One event for each id, by id. Raises ValueError when two of one id differ: neither may be applied then."""
    found: dict[str, UsageEvent] = {}
    for event in events:
        known = found.setdefault(event.event_id, event)
        if known.digest != event.digest:
            raise ValueError(f"event {event.event_id} is there twice with different content")
    return [found[event_id] for event_id in sorted(found)]


def difference(events: Tally, counters: Tally) -> dict[Key, Cell]:
    """Where sums over events and incremented counters disagree, as events minus counters; empty is right."""
    keys = sorted(events.cells.keys() | counters.cells.keys())
    cells = {key: events.cells.get(key, Cell()).minus(counters.cells.get(key, Cell())) for key in keys}
    return {key: cell for key, cell in cells.items() if not cell.is_zero}


def day_digest(events: Iterable[UsageEvent]) -> str:
    """The digest of a day's events: the node of its hours' nodes; hours without events do not count."""
    hours: dict[str, list[str]] = {}
    for event in unique(events):
        hours.setdefault(event.hour, []).append(event.digest)
    return node(node(leaves) for leaves in hours.values())


def cell_digests(events: Iterable[UsageEvent]) -> dict[Key, str]:
    """The day's digest of each agent, model and price version by itself."""
    cells: dict[Key, list[UsageEvent]] = {}
    for event in unique(events):
        cells.setdefault(key_of(event), []).append(event)
    return {key: day_digest(cells[key]) for key in sorted(cells)}

"""Which invoice bills which event: a day's entries were booked one after the other, each for so many events more.

Events have one order, by the time they were recorded and then their id; a day's first entry bills the first of them,
the entry that corrects it those that came later. Pure.
"""

from collections.abc import Iterable, Sequence

from functions.billing.models import EntryKind, InvoiceLine, Key, LedgerEntry
from functions.shared import clock
from functions.shared.events import Event


def is_under(entry: LedgerEntry, line: InvoiceLine) -> bool:
    """Whether an entry is about the same usage as a line: agent, model, price version and month, on whichever invoice."""
    about = (entry.agent_id, entry.model, entry.price_version, entry.usage_period)
    return entry.kind == EntryKind.USAGE and about == _about(line)


def happened_under(event: Event, line: InvoiceLine) -> bool:
    """The same of an event."""
    key = key_of(event)
    return (key.agent_id, key.model, key.price_version, month_of(event)) == _about(line)


def _about(line: InvoiceLine) -> tuple[str | None, ...]:
    return (line.agent_id, line.model, line.price_version, line.usage_period)


def key_of(event: Event) -> Key:
    """What tallies and entries keep the event by."""
    row = event.row
    return Key(agent_id=row["agent_id"], model=row["model"], price_version=row["price_version"])


def month_of(event: Event) -> str:
    """The period that the event belongs to."""
    return clock.month_of(clock.from_text(event.row["occurred_at"]))


def in_order(found: Iterable[Event]) -> list[Event]:
    """Events in the order in which entries bill them."""
    return sorted(found, key=lambda event: (event.row["recorded_at"], event.id))


def booked(chain: Sequence[LedgerEntry], found: Sequence[Event]) -> list[tuple[LedgerEntry | None, list[Event]]]:
    """Each entry of a day and cell with the events that it bills; last, without an entry, those not booked yet.

    `chain` and `found` are the entries and events of one booked day, agent, model, price version and month.
    """
    order, start = in_order(found), 0
    shares: list[tuple[LedgerEntry | None, list[Event]]] = []
    for entry in sorted(chain, key=lambda entry: (entry.period, entry.booked_at, entry.entry_id)):
        shares.append((entry, order[start : start + entry.count]))
        start += entry.count
    return [*shares, (None, order[start:])]


def share_of(period: str, chain: Sequence[LedgerEntry], found: Sequence[Event]) -> list[Event]:
    """Of a day's events those that the invoice of a period bills."""
    return [event for entry, own in booked(chain, found) if entry and entry.period == period for event in own]

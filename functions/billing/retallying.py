"""Makes a day's tally anew out of the warehouse: by command only, when the daily close finds that it differs.

The day's document is replaced, and the month's by the sum of its days, in one commit that demands both as they were
read: the day before the warehouse was asked. What a consumer counts meanwhile makes it fail, and nothing is lost or doubled.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from functions.billing import charges, repository
from functions.billing.charges import Tally
from functions.billing.models import Period, UsageEvent
from functions.shared import clock, contracts, firestore
from functions.shared.contracts import WorkspaceRead
from functions.shared.identity import WorkspaceId

Rows = Callable[[datetime, datetime], Sequence[Mapping[str, Any]]]
ATTEMPTS = 8
"""For the month, which every event of it moves; an event of the day itself ends the run at once."""


def retally(workspace: WorkspaceId, day: str, rows: Rows, *, dry_run: bool = False) -> list[str]:
    """Replace the tallies of a UTC day and its month; returns what differed, empty when nothing did.

    `rows` gives the usage events of a half-open span. Raises Changed when something was counted meanwhile, and
    ValueError when two events of one id differ or one is in another currency.
    """
    month = f"month_{day[:7]}"
    home, before = repository.read(
        [contracts.workspace_path(workspace), repository.charges_path(workspace, f"day_{day}")]
    )
    currency = WorkspaceRead.model_validate(home.data).currency
    span = clock.start_of_day(day), clock.start_of_day(clock.next_day(day))
    found = [UsageEvent.model_validate(row) for row in rows(*span)]
    fresh = charges.tally(found, currency)
    newest = max((clock.to_micros(event.occurred_at) for event in found), default=0)
    names = [month, *(f"day_{one}" for one in Period(month=day[:7]).days)]
    for _ in range(ATTEMPTS):
        stored = dict(zip(names, repository.tallies_stored(workspace, names), strict=True))
        if stored[f"day_{day}"].etag != before.etag:
            raise firestore.Changed
        tallies = {name: Tally.from_document({"currency": currency, **one.data}) for name, one in stored.items()}
        times = {name: int(one.data.get("as_of_micros", 0)) for name, one in stored.items()}
        wanted = {name: tallies[name] for name in names[1:]} | {f"day_{day}": fresh}
        times[f"day_{day}"] = newest
        whole = Tally(currency=currency, cells={})
        for tally in wanted.values():
            whole = whole.plus(tally)
        wanted[month] = whole
        times[month] = max(times[name] for name in names[1:])
        cells = {name: charges.difference(wanted[name], tallies[name]) for name in (f"day_{day}", month)}
        batch = firestore.Batch()
        for name in (name for name, one in cells.items() if one):
            repository.replace_charges(batch, stored[name], wanted[name], times[name])
        if len(batch) and not dry_run:
            try:
                batch.commit()
            except (firestore.Changed, firestore.AlreadyExists):
                continue
        return [
            f"charges {name}, {key.agent_id}, {key.model}, {key.price_version}: "
            f"{cell.count:+d} events, {cell.charge_nanos:+d} nanos"
            for name, differing in cells.items()
            for key, cell in differing.items()
        ]
    raise firestore.Changed

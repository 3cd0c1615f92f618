"""Counts each usage event once: the consumer's mark, the day's tally and the month's in one commit, all blindly."""

from datetime import datetime

from pydantic import ValidationError

from functions.billing import repository
from functions.billing.models import UsageEvent
from functions.shared import clock, events, firestore
from functions.shared.errors import Malformed
from functions.shared.events import Event

CONSUMER = "billing"


def count(event: Event, now: datetime) -> bool:
    """Add the event to its UTC day and month; False when that was done before. Raises Malformed for another shape."""
    try:
        usage = UsageEvent.model_validate(event.row)
    except ValidationError as error:
        raise Malformed("This is not a usage event.", code="not_an_event") from error
    newest = clock.to_micros(usage.occurred_at)

    def effect(batch: firestore.Batch) -> None:
        for name in (f"day_{usage.day}", f"month_{usage.day[:7]}"):
            repository.add_charges(batch, event.workspace, name, usage, newest)

    return events.once(event, CONSUMER, effect, now=now)
